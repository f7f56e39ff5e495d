"""The judge's end of what is shared with a program: proxies of its objects, and what the tests lend it.

A lent function can be called and a lent iterator be advanced, nothing else; only code of the tests is lent.
"""

# pyright: reportPrivateUsage=false
from __future__ import annotations

import collections
import dataclasses
import re
import sys
import types
import weakref
from collections.abc import Callable
from typing import Any, cast

from mucode_core.sandbox.containers import BY_TAG, KINDS, Kind, as_list, make_empty
from mucode_core.sandbox.instances import CLASS, INSTANCE, UNKNOWN_STATE, fill_class, with_attributes
from mucode_core.sandbox.judge.asking import Program
from mucode_core.sandbox.judge.fields import dataclass_fields
from mucode_core.sandbox.judge.guards import admitted
from mucode_core.sandbox.judge.lent.built_classes import build_class
from mucode_core.sandbox.judge.lent.claimed import CLAIMED
from mucode_core.sandbox.judge.lent.claimed_functions import FUNCTIONS
from mucode_core.sandbox.judge.lent.classes import PARTS, class_form, part_form
from mucode_core.sandbox.judge.lent.coroutines import drive
from mucode_core.sandbox.judge.lent.functions import MODULE, TESTS, callable_form, mock_form
from mucode_core.sandbox.judge.lent.iterators import generate, iterator_class
from mucode_core.sandbox.judge.lent.mocks import MOCK, SENTINEL
from mucode_core.sandbox.judge.proxy_classes import ProgramClass, is_proxy
from mucode_core.sandbox.naming import name_of_type
from mucode_core.sandbox.patterns import decode_pattern, match_form, pattern_form
from mucode_core.sandbox.raised import decode_chained, encode_exception
from mucode_core.sandbox.sharing import ONLY_HERE, Codec
from mucode_core.sandbox.wire import ForeignValueError, WireError

_ATOMS: tuple[Any, ...] = (int, float, complex, str, bytes, tuple, frozenset)
_MARKERS = frozenset({"enum", "abc", "numbers", "collections", "collections.abc", "contextlib"})
_MAX_CLASSES = 500
_WITH_ITERATORS = ("array", "builtins", "collections", "_collections", "csv", "_csv", "itertools", "numpy")


class Mirror(Codec):
    """Encodes what the tests pass, decodes what the program answers."""

    def __init__(self, program: Program) -> None:
        """Starts with nothing shared; generators of the program are advanced through `program`."""
        super().__init__(2)
        self._program = program
        self.definition_of: Callable[[str, bool], str | None] = lambda name, is_derived: None
        """The source that alone says what a class of the tests is, which may derive from one of the program."""
        self._proxies: dict[int, Callable[[], Any]] = {}
        self._gone: list[int] = []
        """Numbers whose proxies no test holds any more."""
        self._classes: dict[int, Any] = {}
        self._lent: dict[int, Any] = {}
        self._given: set[int] = set()
        """Numbers of the tests' classes that the program has."""
        self.has_admitted = False
        """Whether the program has named a class or function of this process, which the tests may call."""

    # To the program

    def encode_other(self, value: Any, depth: int) -> Any:  # noqa: PLR0911, PLR0912 - one for each kind of value
        """The form of a test's value that is no plain data.

        Raises:
            WireError: It cannot be passed.
        """
        if is_proxy(value):
            raise WireError("an object of another program")
        kind: Any = type(value)
        if isinstance(value, type):
            return self._encode_class(value, depth)
        if kind in PARTS:
            return part_form(self, value, kind, depth)
        if issubclass(kind, BaseException) and (named := name_of_type(kind)):
            return encode_exception(self, value, named, depth)
        if kind is types.TracebackType:
            return None
        if issubclass(kind, MOCK):
            return mock_form(self, value, depth)
        if (form := callable_form(self, value, kind, depth)) is not None:
            return form
        if kind is types.GeneratorType and value.gi_code.co_filename == TESTS:
            return ["iterator", self.lend(value), True]
        if kind.__module__ in _WITH_ITERATORS and hasattr(kind, "__next__") and kind is not types.GeneratorType:
            return ["iterator", self.lend(value), False]
        if kind is re.Pattern:
            return self.kept(value, pattern_form(self, value))
        if kind is re.Match:
            return self.kept(value, match_form(self, value, depth))
        if kind is object or kind is SENTINEL:
            return self.kept(value, ["made", ["type", "builtins", "object"], [], [], []])
        if kind is types.SimpleNamespace or kind.__module__ == MODULE:
            return self._encode_instance(value, kind, depth)
        refused = WireError if callable(value) or isinstance(value, BaseException) else ForeignValueError
        raise refused(f"a {kind.__name__} cannot be passed to the program")

    def share(self, value: Any, kind: Kind) -> int:
        """A number for a container of the tests."""
        return super().share(value, admitted.LENT_KINDS.get(kind, kind))

    def hold_size(self, value: Any) -> None:
        """Keeps the memory of an array where its views find it: a test may take one at any time."""
        number = self.numbers.get(id(value))
        if number in self._kinds:
            self._kinds[number] = admitted.LENT_ARRAY, self._kinds[number][1]

    def reserve(self) -> int:
        """A number for a class of the tests that the program gets before it exists here."""
        number = self._next
        self._next += 2
        return number

    def give(self, value: type, number: int) -> None:
        """Notes a class of the tests that the program has, too."""
        self._hold(number, value)
        self._given.add(number)
        self._kinds[number] = dataclasses.replace(CLASS, fill=self._fill_class), UNKNOWN_STATE

    def _fill_class(self, codec: Any, kind: type, parts: list[Any], depth: int) -> None:
        """Takes over what the program did to a class of the tests: from then on its word counts in them."""
        self._program.num_delegated += fill_class(codec, kind, parts, depth)

    def _encode_class(self, value: type, depth: int) -> list[Any]:
        if value.__module__ == MODULE:
            source = self.definition_of(value.__name__, False)
            if source is None:
                return class_form(self, value, depth)
            number = self.reserve()
            self.give(value, number)
            return ["given", number, value.__name__, source]
        named = name_of_type(value)
        if named is None:
            raise WireError(f"the class {value.__name__} cannot be passed to the program")
        return ["type", *named]

    def _encode_instance(self, value: Any, kind: type, depth: int) -> list[Any]:
        if isinstance(kind, _enum_type()):
            return ["bound", self.encode(kind, depth), value.name]
        class_form = self.encode(kind, depth)
        number = self.share(value, INSTANCE)
        plain = next((base for base in _ATOMS if isinstance(value, base)), None)
        inner: Any = None
        if isinstance(value, BaseException):
            inner = ["tuple", self.encode_items(value.args, depth)]
        elif plain is not None:
            inner = self.encode(plain.__new__(plain, value) if plain is not tuple else tuple(value), depth)
        parts = INSTANCE.parts(self, value, depth)
        base = next((base for base in kind.__mro__ if base in KINDS), None)
        if base is not None:
            content = KINDS[base]
            inner = [content.tag, *content.parts(self, value, depth)]
            whole = with_attributes(content)
            self._kinds[number] = whole, whole.snapshot(value)
        return ["instance", number, class_form, *parts, inner]

    def kept(self, value: Any, form: list[Any]) -> list[Any]:
        """The form of what the program makes for itself; should it come back, it is the value itself."""
        return ["kept", self.keep(value), form]

    def lend(self, value: Any) -> int:
        """A number for what the program may call, advance, or use as a mock."""
        number = self.keep(value)
        self._lent[number] = value
        return number

    def lent(self, number: Any) -> Any:
        """What the program may use of the tests.

        Raises:
            WireError: Nothing of this number.
        """
        if type(number) is not int or number not in self._lent:
            raise WireError("nothing was lent")
        return self._lent[number]

    def number_of(self, proxy: Any) -> int:
        """The number of a proxy.

        Raises:
            WireError: It belongs to a program that has ended.
        """
        number = self.numbers.get(id(proxy))
        if number is None:
            raise WireError("an object of another program")
        return number

    # From the program

    def find(self, number: Any) -> Any:
        """The object of a number, proxies included."""
        if type(number) is int and number in self._proxies:
            found = self._proxies[number]()
            if found is not None:
                return found
        return super().find(number)

    def forget(self, number: Any) -> None:
        """Shares a container no longer; proxies stay until the judge lets them go."""
        if type(number) is int and number in self.objects and not is_proxy(self.objects[number]):
            super().forget(number)

    def _drop(self) -> list[int]:
        dropped: list[int] = []
        for number in list(self._kinds):
            if sys.getrefcount(self.objects[number]) <= ONLY_HERE:
                super().forget(number)
                dropped.append(number)
        return dropped

    def sync(self) -> list[Any] | None:
        """What the program must learn first, proxies let go included."""
        found = super().sync()
        if not self._gone or self.exchange.is_busy:
            return found
        gone, self._gone = self._gone, []
        changes, dropped = found[1:] if found else ([], [])
        return ["sync", changes, dropped + gone]

    def decode_other(self, tag: Any, parts: list[Any], depth: int) -> Any:
        """The value of a form that is no plain data."""
        return _DECODERS[tag](self, parts, depth)

    def _known(self, number: Any) -> Any:
        if type(number) is not int or number % 2 == 0 or not 0 < number < 1 << 40:
            raise WireError("malformed number")
        found = self._proxies.get(number)
        return found() if found else None

    def _note(self, number: int, proxy: Any) -> Any:
        """Notes a new proxy, weakly where its type allows that."""
        if number in self.objects:
            raise WireError("the number is taken")
        key = id(proxy)
        self.numbers[key] = number
        if number in self._gone:
            self._gone.remove(number)
        if not type(proxy).__weakrefoffset__:
            self._proxies[number] = lambda: proxy
            return proxy

        def let_go(reference: Any) -> None:
            if self._proxies.get(number) is reference:
                del self._proxies[number]
                self._gone.append(number)
            self.numbers.pop(key, None)

        self._proxies[number] = weakref.ref(proxy, let_go)
        return proxy

    def _decode_class(self, parts: list[Any], depth: int) -> Any:
        number, names, doc, forms, own, members, fields, named = parts
        if len(self._classes) >= _MAX_CLASSES or len(as_list(names)) != 3:
            raise WireError("too many classes")
        if not all(isinstance(name, str) for name in (*names, *as_list(own), *as_list(members))):
            raise WireError("malformed class")
        bases = [self.decode(form, depth) for form in as_list(forms)]
        if not all(isinstance(base, type) for base in bases):
            raise WireError("malformed class")
        if named is not None and named[0] in _MARKERS:
            bases.append(admitted.admitted_type(*named))
        library = (str(named[0]), str(named[1])) if named is not None else None
        made = build_class(names, doc if isinstance(doc, str) else None, bases, own, members, library)
        if fields is not None:
            type.__setattr__(made, "__dataclass_fields__", dataclass_fields(fields, self.decode))
        self.adopt(number, made)
        self._classes[number] = made
        return made

    def _decode_object(self, parts: list[Any], depth: int) -> Any:
        number, form, *rest = parts
        kind: Any = self.decode(form, depth)
        if not issubclass(type(kind), ProgramClass) or len(rest) > 1:
            raise WireError("malformed object")
        known = self._known(number)
        base = next((base for base in kind.__mro__ if base in _PLAIN_TYPES), None)
        if base in KINDS and rest:
            return self._decode_container_object(number, kind, base, rest[0], depth)
        inner = self.decode(rest[0], depth) if rest else None
        if known is not None:
            if cast("Any", type(known)) is not kind:
                raise WireError("an object changed its class")
            return known
        return self._note(number, admitted.make_admitted(kind, base, inner))

    def _decode_container_object(self, number: Any, kind: Any, base: Any, form: Any, depth: int) -> Any:
        self._known(number)
        tag, *parts = as_list(form)
        if tag != KINDS[base].tag:
            raise WireError("malformed object")
        value = base.__new__(kind)
        if tag == "deque":
            collections.deque.__init__(value, (), make_empty(tag, parts).maxlen)
        self.adopt(number, value, BY_TAG[tag])
        BY_TAG[tag].fill(self, value, parts, depth)
        self._kinds[number] = BY_TAG[tag], BY_TAG[tag].snapshot(value)
        return value

    def admit(self, find: Callable[..., Any], parts: list[Any]) -> Any:
        """The class or function of this process that the program names.

        Raises:
            WireError: An honest program names none so.
        """
        self.has_admitted = True
        return find(*parts)

    def _decode_callable(self, parts: list[Any], depth: int) -> Any:
        number, name, *kinds = parts
        known = self._known(number)
        kind = FUNCTIONS.get(kinds[0] if kinds else "function")
        if not isinstance(name, str) or kind is None:
            raise WireError("malformed function")
        return known if known is not None else self._note(number, kind())

    def _decode_generator(self, parts: list[Any], depth: int) -> Any:
        (number,) = parts
        known = self._known(number)
        if known is not None:
            return known
        return self._note(number, generate(self._program, number))

    def _decode_coroutine(self, parts: list[Any], depth: int) -> Any:
        (number,) = parts
        known = self._known(number)
        return known if known is not None else self._note(number, drive(self._program, number))

    def _decode_claimed(self, parts: list[Any], depth: int) -> Any:
        kind, number = parts
        known = self._known(number)
        return known if known is not None else self._note(number, CLAIMED[kind]())

    def _decode_iterator(self, parts: list[Any], depth: int) -> Any:
        number, name = parts
        known = self._known(number)
        if not isinstance(name, str):
            raise WireError("malformed iterator")
        return known if known is not None else self._note(number, iterator_class(name)())

    def _decode_instance(self, parts: list[Any], depth: int) -> Any:
        number, form, names, forms, plain = parts
        kind = self.decode(form, depth)
        is_ours = self.numbers.get(id(kind)) in self._given or kind is types.SimpleNamespace
        if not isinstance(kind, type) or not is_ours:
            raise WireError("malformed instance")
        base: Any = next((base for base in kind.__mro__ if base in _PLAIN_TYPES), None)
        content = KINDS.get(base, INSTANCE)
        if content is not INSTANCE:
            value: Any = base.__new__(kind)
        elif kind is types.SimpleNamespace:
            value = types.SimpleNamespace()
        else:
            value = admitted.make_admitted(kind, base, self.decode(plain, depth))
        self.adopt(number, value, content)
        INSTANCE.fill(self, value, [names, forms], depth)
        if content is not INSTANCE:
            content.fill(self, value, as_list(plain)[1:], depth)
            content = with_attributes(content)
        self._kinds[number] = content, content.snapshot(value)
        return value


_PLAIN_TYPES = frozenset({*_ATOMS, *KINDS})


def _enum_type() -> type:
    return cast("type", getattr(sys.modules.get("enum"), "EnumMeta"))  # noqa: B009 - loaded by re


def _decode_member(mirror: Mirror, parts: list[Any], depth: int) -> Any:
    form, name = parts
    kind: Any = mirror.decode(form, depth)
    if not isinstance(kind, _enum_type()) or not isinstance(name, str):
        raise WireError("not a member")
    return kind[name]


_DECODERS: dict[Any, Callable[[Mirror, list[Any], int], Any]] = {
    "class": Mirror._decode_class,
    "object": Mirror._decode_object,
    "callable": Mirror._decode_callable,
    "generator": Mirror._decode_generator,
    "iterator": Mirror._decode_iterator,
    "coroutine": Mirror._decode_coroutine,
    "claimed": Mirror._decode_claimed,
    "pattern": lambda mirror, parts, depth: decode_pattern(mirror, parts),
    "instance": Mirror._decode_instance,
    "type": lambda mirror, parts, depth: mirror.admit(admitted.admitted_type, parts),
    "function": lambda mirror, parts, depth: mirror.admit(admitted.admitted_function, parts),
    "exception": admitted.decode_admitted_exception,
    "chained": decode_chained,
    "member": _decode_member,
}
