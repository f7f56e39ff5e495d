"""The program's end of the socket: answers the judge's operations, and asks it for what the tests lent."""

from __future__ import annotations

import builtins
import contextlib
import io
import os
import struct
import sys
import threading
from collections import deque
from collections.abc import Callable, Generator, Iterable
from typing import Any, NoReturn

from mucode_core.sandbox import wire
from mucode_core.sandbox.directories import FILES, Directory, Translation
from mucode_core.sandbox.guest.calls import call_entry_point
from mucode_core.sandbox.guest.errors import describe
from mucode_core.sandbox.guest.objects import Objects
from mucode_core.sandbox.guest.operations import OPERATIONS, next_items
from mucode_core.sandbox.mocks import Patches
from mucode_core.sandbox.protocol import NO_MEMORY

JOB_FD = 3
_os_read, _os_write = os.read, os.write
"""As they are before tests patch them for the program."""
_PACKET = 1 << 13
"""Most messages are smaller, and come in one piece; the judge sends none before it has the answer to the last."""
_CHUNK = 1 << 20
_LENGTH = struct.Struct("<I")
_RECURSION = 6000
_FRAMES = 16
"""More than one call of the tests, and one by them, add."""
_INPUT, _LINE, _ALL, _PRINT = -1, -2, -3, -4
"""Numbers of what the judge lends unasked: the tests' `input`, and lines and the rest of their standard input."""


def receive(descriptor: int = JOB_FD) -> bytes:
    """The next message; ends the process where the judge has gone."""
    data = _read(_PACKET, descriptor)
    while len(data) < _LENGTH.size:
        data += _read(_PACKET, descriptor)
    end = _LENGTH.size + _LENGTH.unpack_from(data)[0]
    parts, missing = [data[_LENGTH.size : end]], end - len(data)
    while missing > 0:
        parts.append(_read(min(missing, _CHUNK), descriptor))
        missing -= len(parts[-1])
    return b"".join(parts)


def _read(count: int, descriptor: int) -> bytes:
    data = _os_read(descriptor, count)
    if not data:
        os._exit(0)
    return data


def send(message: list[Any], descriptor: int = JOB_FD, change: Callable[[bytes], bytes] = bytes) -> None:
    """Sends a message, changed by `change`, or ends the process where the judge has gone."""
    data = change(wire.dump(message))
    data = memoryview(_LENGTH.pack(len(data)) + data)
    while data:
        data = data[_os_write(descriptor, data) :]


class _Deep:
    """Room for values that nest deeper than the program recurses."""

    __slots__ = ("_limit",)

    def __enter__(self) -> None:
        self._limit = sys.getrecursionlimit()
        if self._limit < _RECURSION:
            sys.setrecursionlimit(_RECURSION)

    def __exit__(self, *_: object) -> None:
        if self._limit < _RECURSION:
            sys.setrecursionlimit(self._limit)


class _Uncounted:
    """Room for the frames between a call of the tests and what they call of the program: it counts its own only."""

    __slots__ = ("_limit",)

    def __enter__(self) -> None:
        self._limit = sys.getrecursionlimit()
        sys.setrecursionlimit(self._limit + _FRAMES)

    def __exit__(self, *_: object) -> None:
        if sys.getrecursionlimit() == self._limit + _FRAMES:  # the program may have set another
            sys.setrecursionlimit(self._limit)


class Link:
    """Serves one program."""

    def __init__(self, namespace: dict[str, Any]) -> None:
        """Starts with nothing shared; `namespace` holds the program's globals."""
        self.objects = Objects(namespace, self._ask)
        self._turn = threading.Condition()
        """Held by the thread that talks with the judge."""
        self._unanswered: list[object] = []
        """Questions of the judge, each asked within the one before: it awaits the answer to the last."""
        self._turn.acquire()
        self.home = ""
        """The working directory as the program starts."""
        self._directory: Directory | None = None
        """The same, where the tests work with files."""
        self._translation = Translation("", "")
        self._patches = Patches()
        self._answers: deque[Any] = deque(maxlen=wire.ANSWERS_KEPT)
        """The last answers that can come again as themselves."""

    def serve(self) -> NoReturn:
        """Answers until the zygote kills this process."""
        while True:
            self._reply_to(self._receive())

    def _receive(self) -> list[Any]:
        """The next message of the judge, once the files that came with it are here."""
        data = receive()
        message = wire.parse(data if self._directory is None else self._translation.of_incoming(data))
        if message[0] != FILES:
            return message
        if self._directory is None:
            self._directory = Directory(self.home)
            self._translation = Translation(message[1], self._directory.root)
            message = wire.parse(self._translation.of_incoming(data))
        _, _, changes, place, carried = message
        with contextlib.suppress(wire.WireError):
            self._directory.apply(changes)
        if place is not None and place != self._directory.place():
            self._directory.go_to(place)
        return carried

    def _send(self, message: list[Any]) -> None:
        """Sends a message, after the files that have changed."""
        if self._directory is None:
            return send(message)
        changes = self._directory.changes()
        if changes:
            send([FILES, changes])
        return send(message, change=self._translation.of_outgoing)

    def _reply_to(self, message: list[Any]) -> None:
        """Answers a message, or ends the process where there is no memory for the answer or the changes with it."""
        try:
            self._send(self.answer(message))
        except MemoryError:
            os._exit(NO_MEMORY)

    def answer(self, message: list[Any]) -> list[Any]:
        """The reply to a message."""
        printed: list[str] = []
        try:
            with _Deep():
                target, values, named, name = self._take(message)
            question = object()
            self._unanswered.append(question)
            self._turn.release()
            try:
                if message[5] or self._patches:
                    with _lent(message[5] or (), self._ask, printed), self._patches.applied():
                        holder = [self._operate(message[0], target, values, named, name)]
                else:
                    holder = [self._operate(message[0], target, values, named, name)]
            finally:
                self._take_turn_of(question)
            known = [value for value in (*values, *named.values()) if type(value) in wire.FIXED]
            target = values = named = None
            with _Deep():
                reply: list[Any]
                kept: list[Any] = []
                if message[0] == "next":
                    reply = next_items(self.objects, holder[0], message[6])
                elif (place := self._place(holder[0], known)) is not None:
                    reply = ["value", ["known", place]]
                else:
                    kept += holder if wire.is_kept(holder[0]) else []
                    reply = ["value", self.objects.encode_items(holder, -1, True)[0]]
                holder.clear()
                reply.append(self.objects.sync())
                self._answers += kept  # now that nothing can fail: the judge does so when it has the answer
        except BaseException as error:  # noqa: BLE001 - whatever the program raises is its outcome
            target = values = named = holder = None
            with _Deep():
                reply = [*describe(self.objects, error), self.objects.sync()]
        if printed:
            reply.append(printed)
        return reply

    def _take_turn_of(self, question: object) -> None:
        """Waits until all that was asked within a question, through other threads, has been answered."""
        self._turn.acquire()
        while self._unanswered[-1] is not question:
            self._turn.wait()
        self._unanswered.pop()
        if self._unanswered:
            self._turn.notify_all()

    def _place(self, value: Any, known: list[Any]) -> int | None:
        """The place of a value among what the judge knows already: arguments that cannot change, and late answers."""
        if not known and not self._answers:
            return None
        return next((place for place, one in enumerate([*known, *self._answers]) if one is value), None)

    def _operate(self, operation: str, target: Any, values: list[Any], named: dict[str, Any], name: str) -> Any:
        if operation == "next":
            return target
        if operation == "define":
            return self.objects.define(name, values[0])
        if operation in ("patch", "unpatch"):
            return (self._patches.begin if operation == "patch" else self._patches.end)(*values)
        if operation == "global":
            return self.objects.own(getattr(sys.modules["solution"], name))
        if operation == "call_entry_point":
            return call_entry_point(self.objects.namespace, name, *values)
        return OPERATIONS[operation](target, values, named, name)

    def _take(self, message: list[Any]) -> tuple[Any, list[Any], dict[str, Any], str]:
        """What an operation works with, once everything that came along is in place."""
        objects = self.objects
        values = objects.decode_items(message[2], 0)
        named = {key: objects.decode(form) for key, form in message[3].items()} if message[3] else {}
        if message[-1] is not None:
            objects.apply(message[-1])
        target = objects.objects[message[1]] if message[1] is not None else None
        return target, values, named, message[4]

    def _ask(self, use: str, number: int, args: Any, keywords: dict[str, Any]) -> Any:
        """Asks the judge to call something of the tests; serves what that asks of this side meanwhile."""
        is_reading = vars(self._turn)["_is_owned"]()
        """A message is being read or written, and what was hashed or compared for it is the tests'."""
        with self._turn, _Uncounted(), self.objects.exchange if is_reading else contextlib.nullcontext():
            with _Deep():
                forms = self.objects.encode_items(list(args), 0)
                named = {key: self.objects.encode(value) for key, value in keywords.items()}
                self._send(["callback", use, number, forms, named, self.objects.sync()])
            while True:
                message = self._receive()
                if message[0] == "return":
                    with _Deep():
                        value = self.objects.read(message[1])
                        if message[2] is not None:
                            self.objects.apply(message[2])
                    return value
                if message[0] == "raise":
                    error = self.objects.read(message[1])
                    if message[2] is not None:
                        self.objects.apply(message[2])
                    raise error
                self._reply_to(message)


class _Lines(io.TextIOBase):
    """Standard input of the tests."""

    def __init__(self, ask: Callable[..., Any]) -> None:
        super().__init__()
        self._ask = ask

    def readable(self) -> bool:
        return True

    def readline(self, size: Any = -1) -> str:
        return self._ask("call", _LINE, (), {})

    def read(self, size: Any = -1) -> str:
        return self._ask("call", _ALL, (size,), {})


@contextlib.contextmanager
def _lent(names: Iterable[str], ask: Callable[..., Any], printed: list[str]) -> Generator[None]:
    """Has the program read from, and print to, what the tests put in the place of the standard streams."""
    before = sys.stdout, sys.stderr, sys.stdin, builtins.input, builtins.print
    out, err = io.StringIO(), io.StringIO()
    if "stdout" in names:
        sys.stdout = out
    if "stderr" in names:
        sys.stderr = err
    if "stdin" in names:
        sys.stdin = _Lines(ask)
    if "input" in names:
        builtins.input = lambda prompt="", /: ask("call", _INPUT, (prompt,), {})
    if "print" in names:
        builtins.print = lambda *args, **keywords: ask("call", _PRINT, args, keywords)
    try:
        yield
    finally:
        sys.stdout, sys.stderr, sys.stdin, builtins.input, builtins.print = before
        if out.getvalue() or err.getvalue():
            printed += [out.getvalue(), err.getvalue()]
