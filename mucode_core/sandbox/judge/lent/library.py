"""Objects of the program that are of a class of the standard library, or of one that derives from it.

They stay where they are, but `isinstance` and `issubclass` take them for what they are there. Which class that is the
program says, as of all its classes. It is looked up among the modules that the tests have loaded, and nothing is done
with it but to ask of which classes it is a subclass.
"""

from __future__ import annotations

import array
import builtins
import collections
import contextlib
import datetime
import decimal
import enum
import fractions
import functools
import pathlib
import re
import sys
import types
import unittest.case
import uuid
from collections.abc import Iterator
from typing import Any

from mucode_core.sandbox.judge.asking import current
from mucode_core.sandbox.judge.proxy_classes import LIBRARY, ProgramClass, ProgramMixin, own_names
from mucode_core.sandbox.naming import name_of_type

_DATA = (
    *(int, float, complex, str, bytes, bytearray, memoryview, tuple, list, dict, set, frozenset, range, slice),
    *(collections.deque, array.array, decimal.Decimal, fractions.Fraction, uuid.UUID, pathlib.PurePath, re.Pattern),
    *(
        property,
        datetime.date,
        datetime.time,
        datetime.timedelta,
        datetime.timezone,
        BaseException,
        type,
        types.ModuleType,
        types.NoneType,
        enum.Enum,
    ),
)
"""What crosses as what it is: where a test wants such a value, no object of the program is one."""


_LIBRARY = sys.stdlib_module_names - {"builtins"}


def is_instance(value: Any, kinds: Any) -> bool:
    """`isinstance`, for tests."""
    kind: Any = type(value)
    return isinstance(value, kinds) or (type(kind) is ProgramClass and _derives(kind, kinds))


def is_subclass(kind: Any, kinds: Any) -> bool:
    """`issubclass`, for tests."""
    return issubclass(kind, kinds) or (type(kind) is ProgramClass and _derives(kind, kinds))


def is_kind(kind: Any, wanted: Any) -> bool:
    """Whether one class stands for the other: `type(f(x)) is zip`, where the iterator stays in the program."""
    if not isinstance(kind, type) or not isinstance(wanted, type) or issubclass(wanted, _DATA):
        return False
    if type(kind) is ProgramClass:
        named = own_names(kind).get(LIBRARY)
        is_said = named is not None and wanted.__module__.partition(".")[0] in _LIBRARY and _is_named(wanted, named)
        current().num_delegated += is_said
        return is_said
    claimed = vars(kind).get("__class__") if issubclass(kind, ProgramMixin) else None
    return isinstance(claimed, property) and claimed.fget is not None and claimed.fget(None) is wanted


CHECKS: dict[str, Any] = {"isinstance": is_instance, "issubclass": is_subclass}
"""The functions that tests find in the place of the built-in ones."""
for _name, _check in CHECKS.items():
    functools.update_wrapper(_check, vars(builtins)[_name])
    setattr(unittest.case, _name, _check)


def _derives(kind: Any, kinds: Any) -> bool:
    named = kinds if isinstance(kinds, tuple) else (kinds,)
    with contextlib.suppress(TypeError):  # a protocol with more than methods
        return any(issubclass(found, kinds) for found in _claimed(kind, named))
    return False


def _claimed(kind: Any, kinds: tuple[Any, ...]) -> Iterator[type]:
    for base in type.mro(kind):
        named = own_names(base).get(LIBRARY)
        if named is None or named[0].partition(".")[0] not in _LIBRARY:
            continue
        # a class may bear a name by which its module does not have it, such as that of locks
        found = next((one for one in (_find(*named), *kinds) if isinstance(one, type) and _is_named(one, named)), None)
        if found is not None and not issubclass(found, _DATA):
            yield found


def _find(module: str, name: str) -> Any:
    found: Any = sys.modules.get(module)
    for part in name.split("."):
        found = vars(found).get(part) if isinstance(found, (type, types.ModuleType)) else None
    return found


def _is_named(kind: type, named: tuple[str, str]) -> bool:
    if isinstance(kind, ProgramClass):
        return False
    return (kind.__module__, kind.__qualname__) == named or tuple(name_of_type(kind) or ()) == named
