"""Exceptions of classes that both sides have: built-in ones, and those of the standard library. Stdlib only."""

from __future__ import annotations

import builtins
import contextlib
import types
from collections.abc import Container
from typing import Any, cast

from mucode_core.sandbox.containers import KINDS, Codec, as_list
from mucode_core.sandbox.wire import WireError

_NAMED = (AttributeError, ImportError, NameError)
_MEMBERS = ("name", "path")
"""Attributes of these that are not among their `vars`."""
_MAX_CHAIN = 4
_LARGE = frozenset({*KINDS, str, bytes, tuple, frozenset, types.ModuleType})
"""Types of what lacks an attribute that are not sent for it: it may be large, and a test rarely asks which it was."""


def encode_exception(codec: Codec, error: BaseException, named: list[str], depth: int) -> list[Any]:
    """The form of an exception; `named` are module and name of its class."""
    form = ["exception", *named, codec.encode_items(arguments_of(error), depth)]
    state = attributes_of(error, codec.numbers)
    return [*form, list(state), codec.encode_items(list(state.values()), depth)] if state else form


def decode_exception(codec: Codec, kind: type, parts: list[Any], depth: int) -> Any:
    """The exception of a class, from its arguments, and the names and values of its attributes if it has any.

    Raises:
        WireError: The class does not take these.
    """
    args, *state = parts
    error = make_exception(kind, codec.decode_items(as_list(args), depth))
    if state:
        names, values = state
        _set_attributes(error, as_list(names), codec.decode_items(as_list(values), depth))
    return error


def arguments_of(error: BaseException) -> tuple[Any, ...]:
    """What makes an equal exception of a built-in class: its `args`, and the file names that an OSError keeps apart."""
    if isinstance(error, BaseExceptionGroup):  # its `args` hold a list that may have changed
        return error.message, cast("list[Any]", [*error.exceptions])
    return tuple(OSError.__reduce__(error)[1]) if isinstance(error, OSError) else error.args


def attributes_of(error: BaseException, known: Container[int] = ()) -> dict[str, Any]:
    """What an exception of a built-in class holds besides what makes it; `known` are ids of what both sides have."""
    found = {name: value for name, value in vars(error).items() if type(name) is str and _is_public(name)}
    found |= {name: value for name in _MEMBERS if isinstance(value := _member(error, name), str)}
    owner = error.obj if isinstance(error, AttributeError) else None
    return found if owner is None or (type(owner) in _LARGE and id(owner) not in known) else found | {"obj": owner}


METHODS = frozenset(name for name in dir(BaseExceptionGroup) if callable(getattr(BaseExceptionGroup, name)))
"""What an exception answers itself: the interpreter relies on it, in `except*` for one, and checks nothing."""


def _is_public(name: str) -> bool:
    return (not name.startswith("__") or name == "__notes__") and name not in METHODS


def chained_form(codec: Codec, error: BaseException, level: int = 0) -> Any:
    """The form of an exception with what caused it, and what was handled when it was raised."""
    form = codec.encode(error)
    cause, context = error.__cause__, error.__context__
    if level >= _MAX_CHAIN or (cause is None and context is None):
        return form
    links: list[Any] = [None, None]
    for place, one in enumerate((cause, None if context is cause else context)):
        if isinstance(one, Exception):
            with contextlib.suppress(WireError, RecursionError):
                links[place] = chained_form(codec, one, level + 1)
    return ["chained", form, *links, error.__suppress_context__]


def decode_chained(codec: Codec, parts: list[Any], depth: int) -> Any:
    """The exception behind such a form.

    Raises:
        WireError: It is none, or its cause is none.
    """
    form, *links, is_suppressed = parts
    error = codec.decode(form, depth + 1)
    cause, context = (codec.decode(link, depth + 1) for link in links)
    are_links = all(one is None or isinstance(one, Exception) for one in (cause, context))
    if not isinstance(error, BaseException) or not are_links:
        raise WireError("malformed chain")
    if cause is not None:
        error.__cause__ = cause
    error.__context__ = cause if context is None else context
    error.__suppress_context__ = bool(is_suppressed)
    return error


def _member(error: BaseException, name: str) -> Any:
    return getattr(error, name, None) if isinstance(error, _NAMED) else None


def _set_attributes(error: BaseException, names: list[Any], values: list[Any]) -> None:
    """Gives an exception of a built-in class what `attributes_of` has found.

    Raises:
        WireError: These are no attributes.
    """
    found = dict(zip(names, values, strict=True))
    if any(type(name) is not str or not _is_public(name) for name in found):
        raise WireError("malformed attributes")
    for name in (*_MEMBERS, "obj"):
        if name == "obj" and isinstance(error, AttributeError):
            error.obj = found.pop(name, None)
        elif isinstance(error, _NAMED) and hasattr(error, name) and isinstance(found.get(name), str):
            setattr(error, name, found.pop(name))
    vars(error).update(found)


def make_exception(kind: Any, args: list[Any]) -> Any:
    """An exception of a built-in class, as calling the class makes it.

    Raises:
        WireError: The class does not take these arguments.
    """
    try:
        error = kind.__new__(kind, *args)
    except (TypeError, ValueError, OverflowError) as refused:
        raise WireError("malformed exception") from refused
    # OSError has it done; classes in Python may want what `args` do not hold
    if kind.__module__ == "builtins" and kind.__init__ is not OSError.__init__:
        with contextlib.suppress(TypeError, ValueError):
            kind.__init__(error, *args)
    return error


def fill_members(error: Any) -> Any:
    """An exception of a class that derives from a built-in one, once that has taken what it was made with."""
    # by identity: a class of the program may say that it is of the module
    base: Any = next(kind for kind in type(error).__mro__ if vars(builtins).get(kind.__name__) is kind)
    if base is not BaseException and base is not Exception:
        with contextlib.suppress(TypeError, ValueError):
            base.__init__(error, *error.args)
    return error


_UNMADE: dict[type, tuple[str, ...]] = {
    ImportError: ("name", "path", "msg"),
    AttributeError: ("name", "obj"),
    NameError: ("name",),
}
"""What exceptions of these classes hold that is not among the arguments that make an equal one."""


def members_of(bases: tuple[type, ...]) -> tuple[str, ...]:
    """Names of what exceptions of classes with these bases hold besides their arguments."""
    return next((names for kind, names in _UNMADE.items() if any(issubclass(base, kind) for base in bases)), ())
