"""Types as annotations spell them: `list[int]`, `Optional[str]`, `Callable[[int], str]`. Stdlib only."""

from __future__ import annotations

import collections.abc
import functools
import operator
import re
import types
import typing
from typing import Any

from mucode_core.sandbox.containers import Codec, as_list
from mucode_core.sandbox.wire import WireError

ALIAS, FORWARD, VARIABLE = "alias", "forward", "type variable"
_NAMES = frozenset(typing.__all__)
_LITERALS = (str, int, bool, bytes, type(None))
_MAX_TEXT = 1000
_MAX_ARGUMENTS = 100
_UNION, _BUILT_IN, _GENERIC, _CALLABLE = "|", "", "Generic[]", "collections.abc.Callable"


_TYPING: dict[str, Any] = dict(vars(typing))
_MAKE_GENERIC: Any = _TYPING["_GenericAlias"]
_ABSTRACT_CALLABLE: Any = collections.abc.Callable
_KINDS = frozenset(
    {
        *(types.GenericAlias, types.UnionType, typing.ForwardRef, typing.TypeVar),
        type(collections.abc.Callable[..., int]),
        *(kind for name, kind in _TYPING.items() if re.fullmatch(r"_\w+(?:Alias|Form|Type)", name)),
    }
)
"""Of what is looked at here: a program's own class may have any name."""


def alias_form(codec: Codec, value: Any, depth: int) -> list[Any] | None:
    """The form of a type with arguments, or of a special type; None for others."""
    if type(value) not in _KINDS:
        return None
    if type(value) is typing.ForwardRef:
        return [FORWARD, value.__forward_arg__] if len(value.__forward_arg__) <= _MAX_TEXT else None
    if type(value) is typing.TypeVar:
        return [VARIABLE, codec.keep(value), value.__name__] if _is_passed(value) else None
    named = _name_of(value)
    arguments = _arguments_of(value)
    if named is None or not all(map(_is_passed, arguments)):
        return None
    name, *origins = named
    return [ALIAS, name, *codec.encode_items(origins, depth), codec.encode_items(arguments, depth)]


def _name_of(value: Any) -> list[Any] | None:
    """What is made of the arguments: a name of `typing`, or of this module and a class."""
    kind: Any = type(value)
    if kind is types.UnionType:
        return [_UNION]
    if kind is types.GenericAlias:
        return [_BUILT_IN, value.__origin__]
    if kind.__module__ == "collections.abc":
        return [_CALLABLE] if value.__origin__ is collections.abc.Callable else None
    if kind.__module__ != "typing":
        return None
    name: Any = "Annotated" if hasattr(value, "__metadata__") else getattr(value, "_name", None)
    if name == "Optional" and hasattr(value, "__args__"):
        name = "Union"
    name = name or getattr(getattr(value, "__origin__", None), "_name", None)
    if kind is _MAKE_GENERIC and isinstance(value.__origin__, type) and value.__origin__.__module__ not in _BUILT_INS:
        return [_GENERIC, value.__origin__]
    known = type(name) is str and name in _NAMES and _is_special(name)
    return [name] if known and (hasattr(value, "__args__") or _TYPING[name] is value) else None


def _is_special(name: str) -> bool:
    return name == "Annotated" or type(_TYPING[name]).__module__ == "typing"


_BUILT_INS = ("builtins", "collections", "collections.abc", "contextlib", "re", "typing")
"""Modules of the classes that the names of `typing` stand for."""


def _arguments_of(value: Any) -> tuple[Any, ...]:
    if hasattr(value, "__metadata__"):
        return (value.__origin__, *value.__metadata__)
    if not hasattr(value, "__args__"):
        return (_MISSING,)
    return value.__args__


_MISSING = None
"""Stands alone for no arguments at all; `Optional` and its like have others."""


def _is_passed(part: Any) -> bool:
    """Whether an argument is one that the other side can make a type of."""
    if isinstance(part, (type, *_LITERALS)) or part is Ellipsis:
        return True
    if type(part) is typing.TypeVar:
        return not (part.__constraints__ or part.__bound__)
    if type(part) not in _KINDS or type(part) is typing.ForwardRef:
        return type(part) is typing.ForwardRef
    return _name_of(part) is not None and all(map(_is_passed, _arguments_of(part)))


def decode_alias(codec: Codec, parts: list[Any], depth: int) -> Any:
    """The type behind a form.

    Raises:
        WireError: There is none.
    """
    name, *rest = parts
    *origins, items = rest
    arguments = codec.decode_items(as_list(items), depth)
    if len(arguments) > _MAX_ARGUMENTS or type(name) is not str:
        raise WireError("malformed type")
    if name == _UNION:
        if not arguments or not all(isinstance(one, type) or type(one) in _KINDS for one in arguments):
            raise WireError("malformed type")
        return functools.reduce(operator.or_, arguments)
    if name in (_BUILT_IN, _GENERIC):
        origin = codec.decode(origins[0], depth + 1)
        if not isinstance(origin, type):
            raise WireError("malformed type")
        return (types.GenericAlias if name == _BUILT_IN else _MAKE_GENERIC)(origin, tuple(arguments))
    if name == _CALLABLE:
        return _ABSTRACT_CALLABLE[_split(arguments)]
    if name not in _NAMES or not _is_special(name):
        raise WireError("unknown type")
    return _special(name, arguments)


def _split(arguments: list[Any]) -> tuple[Any, Any]:
    *given, returned = arguments
    return (... if given == [...] else given), returned


def _special(name: str, arguments: list[Any]) -> Any:
    found: Any = _TYPING[name]
    if arguments == [_MISSING] and name != "Literal":
        return found
    if name == "Literal" and not all(type(one) in _LITERALS for one in arguments):
        raise WireError("malformed type")
    if name == "Callable":
        return found[_split(arguments)]
    return found[arguments[0] if len(arguments) == 1 else tuple(arguments)]


def decode_forward(codec: Codec, parts: list[Any], depth: int) -> Any:
    """A name that an annotation spells, not evaluated.

    Raises:
        WireError: It is no expression.
    """
    (text,) = parts
    if type(text) is not str or len(text) > _MAX_TEXT:
        raise WireError("malformed name")
    try:
        return typing.ForwardRef(text)
    except (SyntaxError, MemoryError) as error:
        raise WireError("malformed name") from error


def decode_variable(codec: Codec, parts: list[Any], depth: int) -> Any:
    """A type variable, the same one whenever it comes.

    Raises:
        WireError: It has no proper name.
    """
    number, name = parts
    if type(name) is not str or len(name) > _MAX_TEXT:
        raise WireError("malformed name")
    made = typing.TypeVar(name)  # type: ignore[misc]
    codec.adopt(number, made)
    return made


DECODERS = {ALIAS: decode_alias, FORWARD: decode_forward, VARIABLE: decode_variable}
