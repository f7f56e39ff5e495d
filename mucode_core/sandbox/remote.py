"""The judge's end of a running program: a channel of calls, and proxies of the objects that stay with the program."""

from __future__ import annotations

import builtins
import socket
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from types import BuiltinFunctionType
from typing import Any, NoReturn, cast

from mucode_core.errors import SandboxError
from mucode_core.sandbox import wire

_LENGTH = struct.Struct("<I")
_CHUNK = 1 << 20
_MAX_BATCH = 1024
_MAX_FRAMES = 16
_MAX_TEXT = 4000
_ANSWERS = 8
"""How many times the size of the largest answer all answers together may have."""


class Stop(BaseException):
    """Ends a job; a BaseException, so that no test code catches it."""


class ProgramGone(Stop):
    """The program's process ended, or closed its end."""


class OutputExceeded(Stop):
    """The program sent more than it may."""


class Misbehaved(Stop):
    """The program sent what the protocol does not allow."""


@dataclass(frozen=True, slots=True)
class ProgramError:
    """An exception of the program, as far as the program told."""

    name: str
    message: str
    frames: tuple[tuple[int, str], ...]
    """Line numbers and function names of the program's own code, outermost first; line 0 counts left-out ones."""


class Channel:
    """Framed messages to one program, with a budget for what it answers."""

    def __init__(self, connection: socket.socket, output_bytes: int) -> None:
        self._connection = connection
        self._largest, self._left = output_bytes, _ANSWERS * output_bytes
        self.num_calls = 0
        self.write_back = False
        self.ending: Stop | None = None
        """Why no more answers come, once that is so, whatever a test did with the exception."""
        self.error: tuple[BaseException, ProgramError] | None = None
        """The exception last raised on the program's behalf."""

    def send(self, message: Any) -> None:
        """Sends one message; raises `ProgramGone` where nobody reads it."""
        data = wire.dump(message)
        try:
            self._connection.sendall(_LENGTH.pack(len(data)) + data)
        except OSError as error:
            raise self._end(ProgramGone()) from error

    def receive(self) -> list[Any]:
        """The next message.

        Raises:
            Exception: The one the program reports, as the same built-in class.
            Stop: No proper message came.
        """
        (length,) = _LENGTH.unpack(self._read(_LENGTH.size))
        self._left -= length
        if length > self._largest or self._left < 0:
            raise self._end(OutputExceeded())
        try:
            message = wire.parse(self._read(length))
        except wire.WireError as error:
            raise Misbehaved(str(error)) from error
        if message[0] == "error":
            self.raise_reported(message)
        return message

    def ask(self, operation: str, *operands: Any) -> Any:
        """Sends a request and decodes the value of its answer."""
        self.num_calls += 1
        self.send([operation, *operands])
        answer = self.receive()
        if answer[0] != "value" or len(answer) < 2:
            raise Misbehaved("not a value")
        return self.decode(answer[1])

    def call(self, target: int, args: tuple[Any, ...], keywords: dict[str, Any]) -> Any:
        """Calls an object of the program with values."""
        self.num_calls += 1
        forms = [self.encode(arg) for arg in args]
        named = {key: self.encode(value) for key, value in keywords.items()}
        self.send(["call", target, forms, named, self.write_back])
        answer = self.receive()
        if answer[0] != "value" or len(answer) != (3 if self.write_back else 2):
            raise Misbehaved("not a value")
        if self.write_back:
            self._update(args, answer[2])
        return self.decode(answer[1])

    def _update(self, args: tuple[Any, ...], changed: Any) -> None:
        for index, value in enumerate(args):
            form = changed.get(str(index)) if isinstance(changed, dict) else None
            if form is None:
                continue
            new = self.decode(form)
            if not isinstance(value, type(new)):  # a defaultdict comes back as a dict
                raise Misbehaved("an argument changed its type")
            if isinstance(value, (list, bytearray)):
                value[:] = new
            elif isinstance(value, (dict, set)):
                cast("dict[Any, Any]", value).clear()
                cast("dict[Any, Any]", value).update(new)

    def next_items(self, target: int, count: int) -> tuple[list[Any], bool, list[Any] | None]:
        """Up to `count` items of an iterator, whether it ended, and the error report it ended with."""
        self.num_calls += 1
        self.send(["next", target, count])
        answer = self.receive()
        if answer[0] != "items" or len(answer) != 4 or not isinstance(answer[1], list):
            raise Misbehaved("not items")
        _, forms, ended, report = answer
        if len(forms) > count:
            raise Misbehaved("more items than asked for")
        return [self.decode(form) for form in forms], ended is not False, report

    def encode(self, value: Any) -> Any:
        """The wire form of a test's value.

        Raises:
            SandboxError: It cannot be passed to a program; the data is wrong, not the program.
        """
        try:
            return wire.encode(value, self._to_handle)
        except wire.WireError as error:
            cure = "use plain data as arguments in the problem's tests"
            raise SandboxError(str(error), place="test argument", cure=cure) from error

    def decode(self, form: Any) -> Any:
        """The value of a form; raises `Misbehaved` where it is none."""
        try:
            return wire.decode(form, self._from_handle)
        except wire.WireError as error:
            raise Misbehaved(str(error)) from error

    def _to_handle(self, value: object) -> list[Any]:
        if isinstance(value, ProgramObject):
            return ["handle", _number(value)]
        if isinstance(value, BuiltinFunctionType) and vars(builtins).get(value.__name__) is value:
            return ["function", value.__name__]
        raise wire.WireError(f"a {type(value).__name__} cannot be passed to the program")

    def _from_handle(self, form: list[Any]) -> object:
        kind, number, name = form
        if type(number) is not int or not isinstance(name, str) or not 0 <= number < 1 << 31:
            raise Misbehaved("malformed handle")
        return (ProgramIterator if kind == "iterator" else ProgramObject)(self, number, name[:100])

    def raise_reported(self, report: Any) -> NoReturn:
        """Raises the exception a program reports."""
        error, told = _rebuild(report)
        self.error = (error, told)
        raise error

    def _read(self, count: int) -> bytes:
        parts: list[bytes] = []
        while count:
            try:
                part = self._connection.recv(min(count, _CHUNK))
            except OSError as error:
                raise self._end(ProgramGone()) from error
            if not part:
                raise self._end(ProgramGone())
            parts.append(part)
            count -= len(part)
        return b"".join(parts)

    def _end(self, stop: Stop) -> Stop:
        self.ending = stop
        return stop


def _rebuild(report: Any) -> tuple[Exception, ProgramError]:
    """The nearest built-in exception class to the reported one; exits become errors."""
    if not isinstance(report, list) or len(cast("list[Any]", report)) != 5:
        raise Misbehaved("malformed error")
    _, names, args, message, frames = cast("list[Any]", report)
    lists = isinstance(names, list) and isinstance(args, list) and isinstance(frames, list)
    if not lists or not names or not isinstance(message, str) or len(frames) > _MAX_FRAMES or len(names) > 100:
        raise Misbehaved("malformed error")
    if not all(isinstance(name, str) for name in names) or any(isinstance(arg, (list, dict)) for arg in args):
        raise Misbehaved("malformed error")
    rows = [tuple(frame) for frame in frames if isinstance(frame, list)]
    if len(rows) != len(frames) or not all(len(r) == 2 and type(r[0]) is int and isinstance(r[1], str) for r in rows):
        raise Misbehaved("malformed error")
    kind: Any = next((k for k in (vars(builtins).get(name) for name in names) if _is_exception(k)), RuntimeError)
    try:
        error = kind.__new__(kind, *args)
    except (TypeError, ValueError, OverflowError) as refused:  # OSError and its like look at their arguments
        raise Misbehaved("malformed error") from refused
    return error, ProgramError(names[0][:100], message[:_MAX_TEXT], tuple((r[0], r[1][:100]) for r in rows))


def _is_exception(kind: Any) -> bool:
    # groups insist on nested exceptions as arguments; StopIteration out of a call would end a loop of the test in peace
    barred = (BaseExceptionGroup, StopIteration, StopAsyncIteration)
    return isinstance(kind, type) and issubclass(kind, Exception) and not issubclass(kind, barred)


class ProgramObject:
    """An object that stays with the program. Comparison and truth are never asked of the program."""

    __slots__ = ("_channel", "_name", "_number")

    def __init__(self, channel: Channel, number: int, name: str) -> None:
        object.__setattr__(self, "_channel", channel)
        object.__setattr__(self, "_number", number)
        object.__setattr__(self, "_name", name)

    def shown_as(self) -> str:
        """The name of the object's class, as the program says."""
        return object.__getattribute__(self, "_name")

    def __call__(self, *args: Any, **keywords: Any) -> Any:
        return _channel(self).call(_number(self), args, keywords)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") and name not in ("__name__", "__doc__"):
            raise AttributeError(f"'{ProgramObject.shown_as(self)}' object has no attribute {name!r}")
        return _channel(self).ask("attribute", _number(self), name)

    def __setattr__(self, name: str, value: Any) -> None:
        _channel(self).ask("set_attribute", _number(self), name, _channel(self).encode(value))

    def __getitem__(self, key: Any) -> Any:
        return _channel(self).ask("item", _number(self), _channel(self).encode(key))

    def __setitem__(self, key: Any, value: Any) -> None:
        _channel(self).ask("set_item", _number(self), _channel(self).encode(key), _channel(self).encode(value))

    def __iter__(self) -> Iterator[Any]:
        iterator = _channel(self).ask("iterate", _number(self))
        if not isinstance(iterator, ProgramIterator):
            raise Misbehaved("not an iterator")
        return iterator

    def __len__(self) -> int:
        length = _channel(self).ask("length", _number(self))
        if type(length) is not int or length < 0:
            raise Misbehaved("not a length")
        return length

    def __bool__(self) -> bool:
        return True

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ProgramObject) and _number(self) == _number(other)

    def __hash__(self) -> int:
        return hash(_number(self))

    def __str__(self) -> str:
        return self._text("str")

    def __repr__(self) -> str:
        return self._text("repr")

    def _text(self, form: str) -> str:
        text = _channel(self).ask("text", _number(self), form)
        if not isinstance(text, str):
            raise Misbehaved("not a text")
        return text


class ProgramIterator(ProgramObject):
    """An iterator of the program, read in growing batches."""

    __slots__ = ("_batch", "_ended", "_ready", "_report")

    def __init__(self, channel: Channel, number: int, name: str) -> None:
        super().__init__(channel, number, name)
        for slot, value in (("_batch", 1), ("_ended", False), ("_ready", []), ("_report", None)):
            object.__setattr__(self, slot, value)

    def __iter__(self) -> Iterator[Any]:
        return self

    def __next__(self) -> Any:
        if not self._ready and not self._ended:
            items, ended, report = _channel(self).next_items(_number(self), self._batch)
            found = (("_ready", items[::-1]), ("_ended", ended), ("_report", report))
            for slot, value in (*found, ("_batch", min(2 * self._batch, _MAX_BATCH))):
                object.__setattr__(self, slot, value)
        if self._ready:
            return self._ready.pop()
        if self._report is not None:
            report = self._report
            object.__setattr__(self, "_report", None)
            _channel(self).raise_reported(report)
        raise StopIteration


def _number(value: ProgramObject) -> int:
    return object.__getattribute__(value, "_number")


def _channel(value: ProgramObject) -> Channel:
    return object.__getattribute__(value, "_channel")
