"""Classes of the program as classes of the judge: same name, same bases; what their instances do is asked by message.

Equality, order and what else decides a test goes through `controls`. No name of the judge can be reached from here: a
proxy holds nothing, its number is known to the channel alone.
"""

from __future__ import annotations

import collections
import copyreg
import io
import types
from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeGuard, cast

from mucode_core.sandbox.judge.asking import Namespace, current
from mucode_core.sandbox.naming import UNHASHABLE

_BINARY = [
    *("add", "sub", "mul", "truediv", "floordiv", "mod", "divmod"),
    *("pow", "lshift", "rshift", "and", "or", "xor", "matmul"),
]
_COMPARISONS = frozenset(["__eq__", "__ne__", "__lt__", "__le__", "__gt__", "__ge__"])
ARITHMETIC = frozenset(f"__{side}{name}__" for name in _BINARY for side in ("", "r"))
IN_PLACE = [f"__i{name}__" for name in _BINARY if name != "divmod"]
_OTHERS = [
    *("__bool__", "__len__", "__length_hint__", "__iter__", "__reversed__", "__getitem__", "__setitem__"),
    *("__delitem__", "__missing__", "__call__", "__aenter__", "__aexit__", "__aiter__", "__anext__"),
    *("__enter__", "__exit__", "__hash__", "__int__", "__float__", "__complex__", "__index__", "__round__"),
    *("__trunc__", "__floor__", "__ceil__", "__abs__", "__neg__", "__pos__", "__invert__", "__str__"),
    *("__repr__", "__format__", "__bytes__", "__fspath__"),
]
_CONVERSIONS = frozenset(
    ["__abs__", "__int__", "__float__", "__round__", "__index__", "__trunc__", "__neg__", "__pos__", "__bool__"]
)
_READABLE = frozenset(
    "__name__ __qualname__ __doc__ __wrapped__ __annotations__ __defaults__ __kwdefaults__ __code__ __members__ "  # noqa: SIM905 - a table
    "__match_args__ __slots__ __abstractmethods__ __module__ __self__ __func__ __notes__ __origin__ __args__ "
    "__isabstractmethod__ __parameters__ __orig_bases__ __mro_entries__ __cause__ __context__".split()
)
"""Special attributes that are read from the program; all others are the judge's own or absent."""
MADE_WITH = ("__init__", "__post_init__")
"""Special methods that this process never calls, and tests look at."""
_OF_MOCKS = frozenset(
    f"assert_{name}" for name in ("called", "called_once", "called_with", "called_once_with", "any_call", "has_calls")
)
"""What mocks of the tests answer: an object that the program has put in the place of one does not."""


def read_attribute(target: Any, name: str) -> Any:
    if name == "__signature__":
        return current().signature(target)
    if (name.startswith("__") and name.endswith("__") and name not in _READABLE) or name in _OF_MOCKS:
        raise AttributeError(f"{type(target).__name__!r} object has no attribute {name!r}")
    return current().ask("attribute", target, name=name)


def asked_attribute(name: str) -> Any:
    """An attribute that the proxy's own class would answer for otherwise, such as `__doc__`."""
    return property(lambda self: read_attribute(self, name))


PLAIN = frozenset({
    int, float, complex, str, bytes, tuple, frozenset, list, dict, set, bytearray,
    collections.deque, collections.OrderedDict, collections.defaultdict, collections.Counter,
    io.StringIO, io.BytesIO,
})  # fmt: skip


own_names: Any = type.__dict__["__dict__"].__get__
"""What a class of this process itself defines: classes of the program answer for theirs."""
LIBRARY = "<library>"
"""The name, among those, of the class of the standard library that a class of the program stands for."""


class ProgramClass(type):
    """The type of all classes that stand for one of the program."""

    def __new__(cls, name: str, bases: Any, namespace: dict[str, Any], **keywords: Any) -> Any:
        """A class statement of the tests that derives from a class of the program: the program runs it."""
        made = current().define(name, bases, namespace, keywords)
        cell = namespace.get("__classcell__")
        if cell is not None:
            cell.cell_contents = made
        return made

    def __init__(cls, *args: Any, **keywords: Any) -> None:
        """There is nothing to do: a class is complete when it has been built."""

    def __call__(cls, *args: Any, **keywords: Any) -> Any:
        _note_class(args)
        return current().ask("call", cls, args, keywords)

    def __getattr__(cls, name: str) -> Any:
        return read_attribute(cls, name)

    def __setattr__(cls, name: str, value: Any) -> None:
        if name.startswith("_abc_") or name in ("__abstractmethods__", "__parameters__"):
            type.__setattr__(cls, name, value)
            return
        current().ask("set_attribute", cls, (value,), name=name)
        forward_also(cls, [name])

    def __delattr__(cls, name: str) -> None:
        current().ask("delete_attribute", cls, name=name)

    def __instancecheck__(cls, value: Any) -> bool:
        return type.__instancecheck__(cls, value) or _is_said(cls, "is_instance", value)

    def __subclasscheck__(cls, kind: Any) -> bool:
        return type.__subclasscheck__(cls, kind) or _is_said(cls, "is_subclass", kind)

    @property
    def __mro__(cls) -> Any:  # pyright: ignore[reportIncompatibleVariableOverride]
        """The bases as the program has them."""
        return tuple(base for base in type.mro(cls) if base is not ProgramMixin)

    @property
    def __bases__(cls) -> Any:  # pyright: ignore[reportIncompatibleVariableOverride]
        """See `__mro__`."""
        bases = tuple(base for base in type.__dict__["__bases__"].__get__(cls) if base is not ProgramMixin)
        return bases or (object,)

    @property
    def __annotations__(cls) -> Any:  # pyright: ignore[reportIncompatibleVariableOverride]
        """As the program has them."""
        return read_attribute(cls, "__annotations__")

    @property
    def __dict__(cls) -> Any:  # pyright: ignore[reportGeneralTypeIssues, reportIncompatibleVariableOverride]
        """As the program has it."""
        return Namespace(cls, own_names(cls))

    @property
    def __base__(cls) -> Any:  # pyright: ignore[reportIncompatibleVariableOverride]
        """See `__mro__`."""
        base = type.__dict__["__base__"].__get__(cls)
        return object if base is ProgramMixin else base

    def __dir__(cls) -> Any:
        return current().ask("special", cls, name="__dir__")

    def __iter__(cls) -> Iterator[Any]:
        return current().ask("iterate", cls)

    def __reversed__(cls) -> Iterator[Any]:
        return current().ask("reverse", cls)

    def __len__(cls) -> int:
        return current().ask("length", cls)

    def __getitem__(cls, key: Any) -> Any:
        return current().ask("item", cls, (key,))

    def __contains__(cls, item: Any) -> bool:
        answer = current().ask("contains", cls, (item,)) is True
        current().num_delegated += answer
        return answer

    def __bool__(cls) -> bool:
        return True


# here, as the body of a class gives the name another meaning
type.__setattr__(ProgramClass, "__slots__", property(lambda cls: read_attribute(cls, "__slots__")))


def _is_said(cls: ProgramClass, operation: str, value: Any) -> bool:
    """Whether a class of the program that has a say in it calls one of its objects or classes its own."""
    if "_is_asked" not in own_names(cls):
        return False
    is_own = (value if isinstance(value, type) else type(value)).__module__ == "tests"
    if not is_own and not is_proxy(value):
        return False
    try:
        current().number_of(cls)
        if not is_own:
            current().number_of(value)
    except RuntimeError:  # of another program, that something here still remembers
        return False
    said = current().ask(operation, cls, (value,)) is True
    current().num_delegated += said
    return said


def _note_class(args: tuple[Any, ...]) -> None:
    """Counts what is called as a metaclass is: what the tests wrote in the class is then as the program has it."""
    if len(args) == 3 and type(args[1]) is tuple and type(args[2]) is dict and "__module__" in args[2]:
        current().num_delegated += 1


def _unpickle(data: Any) -> Any:
    return current().ask("unpickle", 0, (data,))


def _pickle(target: Any, version: Any = 2) -> Any:
    """How the program makes an object or a class of its own again, of what it makes of it."""
    data = current().ask("pickle", target, (version,))
    if type(data) is not bytes:
        raise current().refuse("not what was asked for")
    return _unpickle, (data,)


copyreg.pickle(cast("Any", ProgramClass), _pickle)  # else its module would be imported, whatever it says that is


class ProgramMixin:
    """What instances of all classes of the program have in common."""

    __slots__ = ()

    def __getattr__(self, name: str) -> Any:
        return read_attribute(self, name)

    def __setattr__(self, name: str, value: Any) -> None:
        if isinstance(self, BaseException) and name.startswith("__"):
            object.__setattr__(self, name, value)
            return
        current().ask("set_attribute", self, (value,), name=name)

    def __delattr__(self, name: str) -> None:
        current().ask("delete_attribute", self, name=name)

    @property
    def __dict__(self) -> Any:  # pyright: ignore[reportIncompatibleVariableOverride]
        """The object's attributes, shared with the program."""
        return current().ask("attribute", self, name="__dict__")

    def __repr__(self) -> str:
        return current().ask("special", self, name="__repr__")

    def __dir__(self) -> Any:
        return current().ask("special", self, name="__dir__")

    def __copy__(self) -> Any:
        return current().ask("copy", self, name="shallow")

    def __deepcopy__(self, memo: Any) -> Any:
        return current().ask("copy", self, name="deep")

    def __reduce_ex__(self, version: Any) -> Any:
        """See `_pickle`."""
        return _pickle(self, version)


class ProgramFunction(ProgramMixin):
    """A function of the program, of any kind."""

    __slots__ = ("__weakref__",)

    @property
    def __class__(self) -> Any:  # pyright: ignore[reportIncompatibleMethodOverride]
        return types.FunctionType

    def __call__(self, *args: Any, **keywords: Any) -> Any:
        _note_class(args)
        return current().ask("call", self, args, keywords)

    def __eq__(self, other: object) -> Any:
        """Each access makes another method of the same object and function; they are equal."""
        if not issubclass(type(other), ProgramFunction) or self is other:
            return self is other or NotImplemented
        answer = current().ask("special", self, (other,), name="__eq__") is True
        current().num_delegated += answer
        return answer

    def __hash__(self) -> Any:
        return current().ask("special", self, name="__hash__")

    def __get__(self, instance: Any, owner: Any = None) -> Any:
        return self if instance is None else types.MethodType(cast("Callable[..., Any]", self), instance)


class ProgramMethod(ProgramFunction):
    """A method of an object of the program."""

    __slots__ = ()

    @property
    def __class__(self) -> Any:  # pyright: ignore[reportIncompatibleMethodOverride]
        return types.MethodType


for _kind, _type in ((ProgramFunction, "function"), (ProgramMethod, "method")):
    _kind.__name__ = _kind.__qualname__ = _type
    for _name in ("__doc__", "__module__"):
        setattr(_kind, _name, asked_attribute(_name))


def is_failure(error: Any) -> TypeGuard[AssertionError]:
    """Whether an exception is a test's own failed assert: no answer of a program may end it."""
    if isinstance(error, BaseExceptionGroup) and not is_proxy(error):
        return any(map(is_failure, cast("tuple[Any, ...]", error.exceptions)))
    return isinstance(error, AssertionError) and not is_proxy(error) and current().report_of(error) is None


def _exit(self: Any, *details: Any) -> Any:
    """The end of a `with` block: what fails a test does so, whatever the program's `__exit__` answers."""
    error = details[1] if len(details) > 1 else None
    if not is_failure(error):
        return current().ask("special", self, details, name="__exit__")
    current().ask("special", self, (AssertionError, AssertionError(*error.args), None), name="__exit__")
    return False


def _leave(self: Any, *details: Any) -> Any:
    """The same of an `async with` block."""
    error = details[1] if len(details) > 1 else None
    if not is_failure(error):
        return current().ask("special", self, details, name="__aexit__")

    async def leave() -> bool:
        shown = AssertionError, AssertionError(*error.args), None
        await current().ask("special", self, shown, name="__aexit__")
        return False

    return leave()


def _forward_change(name: str) -> Any:
    """An operator such as `+=`."""

    def change(self: Any, *args: Any) -> Any:
        answer = current().ask("special", self, args, name=name)
        current().num_delegated += not is_proxy(answer)
        return answer

    return change


def _forward(name: str) -> Any:
    if name == "__next__":
        return lambda self: current().next_of(self)
    if name in _COMPARISONS:
        return lambda self, other: current().questions.compare(self, name, other)
    if name == "__contains__":
        return lambda self, item: current().questions.contains(self, item)  # noqa: PLW0108 - of the program that runs then
    if name in ARITHMETIC:
        return lambda self, other, *more: current().questions.combine(self, name, other, *more)

    if name in _CONVERSIONS:
        return lambda self, *args: current().questions.convert(self, name, args)

    def special(self: Any, *args: Any, **keywords: Any) -> Any:
        return current().ask("special", self, args, keywords, name)

    return special


FORWARDED: dict[str, Any] = {
    **{name: _forward(name) for name in (*_OTHERS, *_COMPARISONS, *ARITHMETIC, "__next__", "__contains__")},
    **{name: _forward_change(name) for name in IN_PLACE},
    "__exit__": _exit,
    "__aexit__": _leave,
}


def forward_also(kind: Any, names: Iterable[str]) -> None:
    """Has instances of a class of the program answer special methods that it has got later."""
    for name in FORWARDED.keys() & set(names):
        type.__setattr__(kind, name, FORWARDED[name])
    if UNHASHABLE in names:
        type.__setattr__(kind, "__hash__", None)


def is_proxy(value: Any) -> bool:
    """Whether a value is an object or a class of the program."""
    kind = type(value)
    return issubclass(kind, ProgramMixin) or issubclass(kind, ProgramClass)
