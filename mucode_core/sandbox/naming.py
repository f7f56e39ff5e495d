"""Things of the standard library that both sides have: sent by name, found among a few modules. Stdlib only."""

from __future__ import annotations

import io
import sys
import types
from importlib import import_module
from typing import Any

from mucode_core.sandbox.wire import WireError

UNHASHABLE = "__unhashable__"
"""Stands among the special names of a class for a `__hash__` that is None."""
ASKED = "__asked__"
"""Stands there for a metaclass that says itself what is an instance, as those of protocols and abstract classes do."""
TYPE_MODULES = frozenset({
    "builtins", "collections", "collections.abc", "decimal", "fractions", "datetime", "enum", "abc", "numbers", "array",
    "pathlib", "types", "typing", "string", "itertools", "functools", "operator", "random", "statistics", "uuid", "io",
    "re", "contextlib", "dataclasses", "json", "json.decoder", "queue", "csv", "struct", "binascii", "zlib", "graphlib",
    "string.templatelib", "copy", "heapq", "bisect", "calendar", "locale", "unittest", "unittest.mock",
})  # fmt: skip
"""Modules whose classes either side may name."""
_FUNCTION_MODULES = frozenset({
    "math", "cmath", "operator", "_operator", "itertools", "functools", "_functools", "string", "bisect", "_bisect",
    "heapq", "_heapq",
    "statistics", "copy", "json", "fractions", "decimal", "re", "textwrap", "colorsys",
})  # fmt: skip
_BUILTIN_FUNCTIONS = frozenset({
    "abs", "all", "any", "ascii", "bin", "callable", "chr", "divmod", "format", "hash", "hex", "id", "iter", "len",
    "max", "min", "next", "oct", "ord", "pow", "print", "repr", "round", "sorted", "sum", "isinstance", "issubclass",
})  # fmt: skip


_BY_ALIAS: dict[int, list[str]] = {
    id(kind): ["types", name]
    for name, kind in vars(types).items()
    if isinstance(kind, type) and name.endswith("Type") and kind.__module__ == "builtins"
} | {id(kind): ["io", kind.__name__] for kind in (io.StringIO, io.BytesIO)}
"""Built-in classes that have no name where they say they are, by identity: a class may not be hashable."""
_NUMPY_MODULES = frozenset({"numpy", "numpy.linalg", "numpy.exceptions"})
"""Their exceptions, and classes that cannot be changed, are named where numpy is loaded."""
_EXCEPTION_MODULES = frozenset({
    "socket", "subprocess", "sqlite3", "urllib.error", "smtplib", "http.client", "configparser", "zipfile", "tarfile",
    "shutil", "asyncio.exceptions", "asyncio.queues", "concurrent.futures._base", "xml.etree.ElementTree", "ssl",
})  # fmt: skip
"""Modules of which only the exceptions are named."""
_IMPORTED = TYPE_MODULES | _EXCEPTION_MODULES
_OPEN = _IMPORTED | _NUMPY_MODULES
_HEAP_TYPE = 1 << 9


def name_of_type(value: type) -> list[str] | None:
    """Module and qualified name by which the other side finds a class; None for others."""
    module, name = type.__getattribute__(value, "__module__"), type.__getattribute__(value, "__qualname__")
    if id(value) in _BY_ALIAS:
        return _BY_ALIAS[id(value)]
    is_public = _is_shared(module, value) and not any(part.startswith("_") for part in name.split("."))
    return [module, name] if is_public and _resolve(module, name) is value else None


def library_name(value: type) -> list[str] | None:
    """Module and qualified name of a class of the standard library that no side makes objects of; None for others."""
    module, name = type.__getattribute__(value, "__module__"), type.__getattribute__(value, "__qualname__")
    is_other = isinstance(module, str) and module not in TYPE_MODULES and isinstance(name, str)
    return [module, name] if is_other and module.partition(".")[0] in sys.stdlib_module_names else None


def _is_shared(module: str, value: type) -> bool:
    if module in _EXCEPTION_MODULES:
        return issubclass(value, Exception)
    is_fixed = issubclass(value, Exception) or not type.__dict__["__flags__"].__get__(value) & _HEAP_TYPE
    return module in TYPE_MODULES or (module in _NUMPY_MODULES and is_fixed)


def name_of_function(value: Any, modules: frozenset[str] | None = None) -> list[str] | None:
    """Module and qualified name by which the other side finds a function; None for others.

    Args:
        value: A function of any kind.
        modules: Where it may live; the harmless ones if not given.
    """
    module, name = getattr(value, "__module__", None), getattr(value, "__qualname__", None)
    owner = getattr(value, "__objclass__", None)
    if module is None and isinstance(owner, type):  # a method of a built-in class, such as str.upper
        module = owner.__module__
    if not isinstance(module, str) or not isinstance(name, str):
        return None
    is_known = _is_harmless(module, name) if modules is None else module in modules
    return [module, name] if is_known and _resolve(module, name) is value else None


def _is_harmless(module: str, name: str) -> bool:
    if module == "builtins":
        owner, dot, _ = name.partition(".")
        return (owner in _BUILTIN_FUNCTIONS) if not dot else not owner.startswith("_") and "__" not in name
    return module in _FUNCTION_MODULES and "._" not in name


def find_type(module: Any, name: Any) -> type:
    """The class that `name_of_type` named.

    Raises:
        WireError: There is none.
    """
    is_text = isinstance(module, str) and isinstance(name, str) and not any(p.startswith("_") for p in name.split("."))
    is_open = is_text and module in _OPEN
    found = _resolve(module, name) if is_open else None
    if not isinstance(found, type) or not _is_shared(module, found):
        raise WireError("unknown type")
    return found


def find_function(module: Any, name: Any) -> Any:
    """The function that `name_of_function` named among the harmless ones.

    Raises:
        WireError: There is none.
    """
    if not isinstance(module, str) or not isinstance(name, str) or not _is_harmless(module, name):
        raise WireError("unknown function")
    found = _resolve(module, name)
    if not callable(found):
        raise WireError("unknown function")
    return found


def _resolve(module: str, name: str) -> Any:
    found: Any = sys.modules.get(module)
    if found is None and module in _IMPORTED:
        found = import_module(module)
    for part in name.split("."):
        found = vars(found).get(part) if found is not None and hasattr(found, "__dict__") else None
    return found
