"""The program's objects, as the judge gets to know them: numbers, descriptions of classes, and what the judge lends."""

# pyright: reportPrivateUsage=false
from __future__ import annotations

import collections
import functools
import io
import re
import sys
import types
from collections.abc import Callable
from importlib import import_module
from typing import Any

from mucode_core.sandbox.arrays import ARRAY
from mucode_core.sandbox.callbacks import Pulled, make_callback, pull
from mucode_core.sandbox.containers import KINDS, Kind
from mucode_core.sandbox.coroutines import is_awaited
from mucode_core.sandbox.instances import CLASS, INSTANCE, make_class, with_attributes
from mucode_core.sandbox.mocks import TestEnding, make_mock
from mucode_core.sandbox.naming import (
    ASKED,
    UNHASHABLE,
    find_function,
    find_type,
    library_name,
    name_of_function,
    name_of_type,
)
from mucode_core.sandbox.patterns import is_passed
from mucode_core.sandbox.raised import arguments_of, decode_exception, encode_exception
from mucode_core.sandbox.sharing import Codec
from mucode_core.sandbox.wire import WireError

_ATOMS: tuple[Any, ...] = (bool, int, float, complex, str, bytes, tuple, frozenset)
_MUTABLE: tuple[Any, ...] = (
    collections.Counter,
    collections.OrderedDict,
    collections.defaultdict,
    dict,
    list,
    set,
    collections.deque,
    bytearray,
    io.StringIO,
    io.BytesIO,
)
_PLAIN = (*_ATOMS, *_MUTABLE)
_FUNCTIONS = (
    types.FunctionType,
    types.BuiltinFunctionType,
    types.MethodType,
    types.MethodWrapperType,
    types.MethodDescriptorType,
    functools.partial,
    type(functools.lru_cache(len)),
)
_CLAIMED: dict[Any, str] = {
    **{types.ModuleType: "module", re.Match: "match"},
    **{kind: kind.__name__ for kind in (property, classmethod, staticmethod)},
}
"""See `judge.lent.claimed`."""
_NAME = 100


class Objects(Codec):
    """The program's end of what is shared."""

    def __init__(self, namespace: dict[str, Any], ask: Callable[..., Any]) -> None:
        """Starts with nothing shared.

        Args:
            namespace: The program's globals.
            ask: Calls what the judge lends: kind of use, number, arguments, keywords.
        """
        super().__init__(1)
        self.namespace, self._ask = namespace, ask
        self._given: dict[int, type] = {}
        """Classes of the tests, by number."""
        self._own: set[int] = set()
        """Numbers of objects that the judge knows by proxies only: they stay until it says otherwise."""

    def encode_other(self, value: Any, depth: int) -> Any:  # noqa: PLR0911 - one for each kind of value
        """The form of an object that stays here; see `judge.mirror` for how it is read."""
        if isinstance(value, type):
            return self._encode_class(value)
        kind: Any = type(value)
        if issubclass(kind, BaseException) and (named := name_of_type(kind)):
            return encode_exception(self, value, named, depth)
        if self.numbers.get(id(kind)) in self._given:
            if isinstance(kind, _enum_type()):
                return ["member", ["ref", self.numbers[id(kind)]], value.name]
            return self._encode_instance(value, kind, depth)
        if kind is types.SimpleNamespace:
            return self._encode_instance(value, kind, depth)
        if kind in _FUNCTIONS:
            named = name_of_function(value)
            if named:
                return ["function", *named]
        if kind is re.Pattern and is_passed(value):
            return ["pattern", self.keep(value), self.encode(value.pattern), value.flags]
        if _is_array(value):
            return [ARRAY.tag, *ARRAY.parts(self, _as_array(value), depth)]
        number = self.keep(value)
        self._own.add(number)
        return self._describe(value, number, depth)

    def offer(self, value: Any) -> Any:
        """The form of one of the program's globals: what can be called is never taken for the judge's own."""
        return self.encode(self.own(value))

    def own(self, value: Any) -> Any:
        """The same value; what can be called is from now on the program's, whatever it is."""
        if callable(value) and not isinstance(value, type):
            known = self.numbers.get(id(value))
            if known is None or known % 2:  # what the tests have put there is theirs
                self._own.add(self.keep(value) if known is None else known)
        return value

    def reference(self, value: Any, number: int) -> list[Any]:
        """The judge may have lost its proxy of an object, so that is described once more."""
        if number in self._own and not isinstance(value, type):
            return self._describe(value, number, 1) if number not in self._kinds else ["ref", number]
        return ["ref", number]

    def is_droppable(self, number: int) -> bool:
        """Containers with methods of the program stay."""
        return number not in self._own

    def forget(self, number: int) -> None:
        """Shares an object no longer."""
        self._own.discard(number)
        super().forget(number)

    def _describe(self, value: Any, number: int, depth: int) -> list[Any]:  # noqa: PLR0911 - one for each kind of value
        kind: Any = type(value)
        if kind in _FUNCTIONS:
            named = ["callable", number, str(getattr(value, "__name__", kind.__name__))[:_NAME]]
            return named if kind is types.FunctionType else [*named, kind.__name__]
        if kind is types.GeneratorType:
            return ["generator", number]
        if is_awaited(value, kind):
            return ["coroutine", number]
        if kind in _CLAIMED:
            return ["claimed", _CLAIMED[kind], number]
        if kind.__module__ in ("builtins", "itertools") and hasattr(kind, "__next__"):
            return ["iterator", number, kind.__name__]
        described = ["object", number, self._encode_class(kind, is_base=True)]
        for base in _PLAIN:
            if isinstance(value, base):
                return described + self._plain(value, base, number, depth)
        if isinstance(value, BaseException):
            described.append(["tuple", self.encode_items(arguments_of(value), depth)])
        return described

    def _plain(self, value: Any, base: Any, number: int, depth: int) -> list[Any]:
        """The plain value of an instance of a subclass of plain data."""
        if base in KINDS:
            kind = KINDS[base]
            self._kinds[number] = kind, kind.snapshot(value)
            return [[kind.tag, *kind.parts(self, value, depth)]]
        if base in (tuple, frozenset):
            return [[base.__name__, self.encode_items(list(base.__iter__(value)), depth)]]
        if base is bytes:
            return [self.encode(bytes(memoryview(value)))]
        own = getattr(base, f"__{base.__name__}__", None)
        return [self.encode(own(value) if own else base.__str__(value) if base is str else base(value))]

    def _encode_class(self, value: type, is_base: bool = False) -> list[Any]:
        known = self.numbers.get(id(value))
        if known is not None:
            return ["ref", known]
        named = name_of_type(value)
        is_real = value in _PLAIN or (named == ["builtins", value.__name__] and issubclass(value, BaseException))
        if named and (not is_base or is_real):
            return ["type", *named]
        number = self.keep(value)
        own = dict(type.__getattribute__(value, "__dict__"))
        names = [name for name in own if isinstance(name, str) and own[name] is not None]
        if own.get("__hash__", self) is None:
            names.append(UNHASHABLE)
        if type(value).__instancecheck__ is not type.__instancecheck__:
            names.append(ASKED)
        bases = [self._encode_class(base, is_base=True) for base in value.__bases__ if base is not object]
        doc = own.get("__doc__")
        fields = own.get("__dataclass_fields__")
        return [
            "class",
            number,
            [str(value.__name__)[:_NAME], str(value.__qualname__)[:_NAME], str(value.__module__)[:_NAME]],
            doc[: 20 * _NAME] if isinstance(doc, str) else None,
            bases,
            [name for name in names if name.startswith("__")],
            [name for name in names if not name.startswith("__")] if issubclass(value, _PLAIN) else [],
            self._encode_fields(fields) if isinstance(fields, dict) else None,
            named or library_name(value),
        ]

    def _encode_fields(self, fields: dict[Any, Any]) -> list[Any]:
        return [
            [
                *(str(name), bool(field.init), bool(field.repr), bool(field.compare), bool(field.kw_only)),
                self.encode(field.type, 1),
            ]
            for name, field in fields.items()
            if getattr(field, "_field_type", None) is _FIELD()
        ]

    def _encode_instance(self, value: Any, kind: type, depth: int) -> list[Any]:
        number = self.share(value, INSTANCE)
        plain = next((base for base in _PLAIN if isinstance(value, base)), None)
        parts = INSTANCE.parts(self, value, depth)
        inner = self._plain(value, plain, number, depth) if plain else [None]
        if plain in KINDS:
            whole = with_attributes(KINDS[plain])
            self._kinds[number] = whole, whole.snapshot(value)
        if isinstance(value, BaseException):
            inner = [["tuple", self.encode_items(value.args, depth)]]
        return ["instance", number, self._encode_class(kind), *parts, *inner]

    def decode_other(self, tag: Any, parts: list[Any], depth: int) -> Any:
        """What the judge sends besides plain data."""
        return _DECODERS[tag](self, parts, depth)

    def give(self, number: int, kind: type) -> None:
        """Notes a class of the tests."""
        self.adopt(number, kind)
        self._kinds[number] = CLASS, CLASS.snapshot(kind)
        self._given[number] = kind

    def define(self, name: str, source: str) -> Any:
        """What a class statement of the tests makes here, where its bases are."""
        space = dict(self.namespace)
        exec(compile(source, "<tests>", "exec", dont_inherit=True), space)
        return space[name]

    def _decode_given(self, parts: list[Any], depth: int) -> type:
        number, name, source = parts
        return self._take(number, name, self.define(name, source))

    def _decode_lent_class(self, parts: list[Any], depth: int) -> type:
        number, name, metaclass, bases, content, flags = parts
        members = dict(zip(*self.decode(content, depth), strict=True))
        own_bases = self.decode_items(bases, depth)
        return self._take(number, name, make_class(self.decode(metaclass, depth), name, own_bases, members, flags))

    def _take(self, number: int, name: str, made: type) -> type:
        """Notes a class of the tests, which the program may also name where it names no other so."""
        self.namespace.setdefault(name, made)
        self.give(number, made)
        return made

    def _decode_instance(self, parts: list[Any], depth: int) -> Any:
        number, form, names, forms, plain = parts
        kind = self.decode(form, depth)
        base = next((base for base in _MUTABLE if issubclass(kind, base)), None)
        inner = None if base else self.decode(plain, depth)
        value = make_instance(kind, inner)
        content = KINDS[base] if base else INSTANCE
        self.adopt(number, value, content)
        INSTANCE.fill(self, value, [names, forms], depth)
        if base:
            content.fill(self, value, plain[1:], depth)
            content = with_attributes(content)
        self._kinds[number] = content, content.snapshot(value)
        return value

    def _decode_callback(self, parts: list[Any], depth: int) -> Any:
        number, name, doc, *described = parts
        parameters, notes, attributes = described or (None, {}, {})

        def ask(args: tuple[Any, ...], keywords: dict[str, Any]) -> Any:
            return self._ask("call", number, args, keywords)

        callback = make_callback(ask, parameters)
        callback.__name__ = callback.__qualname__ = name
        callback.__doc__ = doc
        callback.__annotations__ = {key: self.decode(form, depth) for key, form in notes.items()}
        vars(callback).update({key: self.decode(form, depth) for key, form in attributes.items()})
        self.adopt(number, callback)
        return callback

    def _decode_mock(self, parts: list[Any], depth: int) -> Any:
        number, is_callable, special, claimed = parts

        def ask(use: str, args: tuple[Any, ...], keywords: dict[str, Any]) -> Any:
            return self._ask(use, number, args, keywords)

        made = make_mock(ask, is_callable, special, self.decode(claimed, depth))
        self.adopt(number, made)
        return made

    def _decode_iterator(self, parts: list[Any], depth: int) -> Any:
        number, is_generator = parts
        made = pull(self._ask, number) if is_generator else Pulled(pull(self._ask, number))
        self.adopt(number, made)
        return made


def make_instance(kind: Any, plain: Any) -> Any:
    """An instance whose `__init__` has not run; `plain` is the value of its plain base."""
    if issubclass(kind, BaseException):
        return kind.__new__(kind, *plain)
    for base in _ATOMS:
        if issubclass(kind, base):
            return base.__new__(kind, plain)
    base = next(base for base in (*_MUTABLE, types.SimpleNamespace, object) if issubclass(kind, base))
    return base.__new__(kind)


def _is_array(value: Any) -> bool:
    numpy = sys.modules.get("numpy")
    if numpy is None or not isinstance(value, getattr(numpy, "ndarray", ())):
        return False
    return type(value).__module__.partition(".")[0] != "numpy" and value.dtype.names is None


def _as_array(value: Any) -> Any:
    numpy = sys.modules["numpy"]
    return numpy.ndarray.view(value, numpy.ndarray)


def _FIELD() -> Any:  # noqa: N802 - a constant of a module that programs rarely load
    return getattr(sys.modules.get("dataclasses"), "_FIELD", None)


def _find_function(objects: Objects, parts: list[Any], depth: int) -> Any:
    module, name = parts
    found: Any = import_module(module)
    for part in name.split("."):
        found = getattr(found, part)
    return found


def _enum_type() -> Any:
    return getattr(sys.modules.get("enum"), "EnumMeta", ())


def _decode_exception(objects: Objects, parts: list[Any], depth: int) -> Any:
    module, name, *rest = parts
    return decode_exception(objects, find_type(module, name), rest, depth)


def _decode_made(objects: Objects, parts: list[Any], depth: int) -> Any:
    maker, args, names, values = parts
    named = dict(zip(names, objects.decode_items(values, depth), strict=True))
    return objects.decode(maker, depth)(*objects.decode_items(args, depth), **named)


def _decode_kept(objects: Objects, parts: list[Any], depth: int) -> Any:
    number, form = parts
    made = objects.decode(form, depth)
    objects.adopt(number, made)
    return made


def _decode_ending(objects: Objects, parts: list[Any], depth: int) -> Any:
    error = TestEnding()
    objects.adopt(parts[0], error)
    return error


def _decode_bound(objects: Objects, parts: list[Any], depth: int) -> Any:
    return getattr(objects.decode(parts[0], depth), parts[1])


_DECODERS: dict[Any, Callable[[Objects, list[Any], int], Any]] = {
    "type": lambda objects, parts, depth: find_type(*parts),
    "function": _find_function,
    "exception": _decode_exception,
    "made": _decode_made,
    "bound": _decode_bound,
    "kept": _decode_kept,
    "given": Objects._decode_given,
    "lent class": Objects._decode_lent_class,
    "instance": Objects._decode_instance,
    "callback": Objects._decode_callback,
    "iterator": Objects._decode_iterator,
    "mock": Objects._decode_mock,
    "ending": _decode_ending,
}

__all__ = ["Kind", "Objects", "WireError", "find_function", "make_instance"]
