"""The judge's end of a running program: a channel of operations on its objects, and of calls of what the tests lent."""

from __future__ import annotations

import builtins
import inspect
import socket
import struct
from collections import deque
from typing import Any, NoReturn, cast

from mucode_core.errors import ProblemError
from mucode_core.sandbox import wire
from mucode_core.sandbox.directories import FILES, Directory
from mucode_core.sandbox.judge.asking import serve_with
from mucode_core.sandbox.judge.fields import signature_from
from mucode_core.sandbox.judge.guards.admitted import admitted_exception
from mucode_core.sandbox.judge.guards.turns import Turn
from mucode_core.sandbox.judge.lent.classes import Members
from mucode_core.sandbox.judge.lent.functions import MODULE
from mucode_core.sandbox.judge.lent.serving import serve
from mucode_core.sandbox.judge.mirror import Mirror
from mucode_core.sandbox.judge.proxy_classes import ProgramClass
from mucode_core.sandbox.judge.questions import Questions
from mucode_core.sandbox.judge.reader import Reader
from mucode_core.sandbox.judge.reports import ProgramError, checked, is_exception
from mucode_core.sandbox.judge.stops import Misbehaved, OutputExceeded, ProgramGone, Stop, Unpassable
from mucode_core.sandbox.judge.streams import print_for, redirected
from mucode_core.sandbox.raised import make_exception

_LENGTH = struct.Struct("<I")
_CHUNK = 1 << 20
_PACKET = 1 << 14
"""Most answers are smaller, and come in one piece."""
_KEPT_ERRORS = 8
_MAX_TEXT = 4000
_ANSWERS = 8
"""How many times the size of the largest answer all answers together may have."""


class Channel:
    """Framed messages to one program, with a budget for what it answers."""

    def __init__(self, connection: socket.socket, output_bytes: int) -> None:
        """Talks over `connection`; no answer may be larger than `output_bytes`, all together eight times that."""
        self._connection = connection
        self._largest, self._left = output_bytes, _ANSWERS * output_bytes
        self._early = b""
        """Read already."""
        self.mirror = Mirror(self)
        self.questions = Questions(self)
        self._answers: deque[Any] = deque(maxlen=wire.ANSWERS_KEPT)
        """The last that can come again as themselves."""
        self.turn = Turn()
        self.nested = 0
        self.passing: tuple[BaseException, int] | None = None
        """What ends a test and passes through the program, and the number of questions when it began to."""
        self._busy = 0
        self.reader = Reader(self)
        self.identity: tuple[object, ...] = ()
        """Program and tests; random choices are made from it."""
        self.files: Directory | None = None
        """The working directory, where the tests work with files."""
        self.num_calls = 0
        self.num_failures = 0
        """Asserts of the tests that failed in what they lent to the program, which got the exception."""
        self.num_delegated = 0
        """How often a test went by the word of an object of the program where only controls guard against a lie."""
        self.ending: Stop | None = None
        """Why no more answers come, once that is so, whatever a test did with the exception."""
        self.problem: ProblemError | None = None
        """What the tests ask for that the sandbox cannot do."""
        self._errors: deque[tuple[BaseException, ProgramError]] = deque(maxlen=_KEPT_ERRORS)
        """The exceptions last raised on the program's behalf."""
        serve_with(self)

    def send(self, message: Any) -> None:
        """Sends one message, with files that have changed; raises `ProgramGone` where no process reads it."""
        if self.files is not None:
            message = [FILES, self.files.root, self.files.changes(), self.files.place(), message]
        data = wire.dump(message)
        try:
            self._connection.sendall(_LENGTH.pack(len(data)) + data)
        except OSError as error:
            raise self.end(ProgramGone()) from error

    def receive(self) -> list[Any]:
        """The next message that is no call of what the tests lent; those are served.

        Raises:
            Exception: The one the program reports, as the same built-in class.
            Stop: No proper message came.
        """
        with self.turn:
            while True:
                (length,) = _LENGTH.unpack(self._read(_LENGTH.size))
                self._left -= length
                if length > self._largest or self._left < 0:
                    raise self.end(OutputExceeded())
                try:
                    message = wire.parse(self._read(length))
                    if self.files is not None and message[0] == FILES:
                        self.files.apply(message[-1])
                        continue
                except wire.WireError as error:
                    raise self.end(Misbehaved(str(error))) from error
                if message[0] == "error":
                    self._raise(message)
                if message[0] != "callback":
                    return message
                serve(self, message)

    def ask(self, operation: str, target: Any, args: Any = (), keywords: Any = None, name: str = "") -> Any:
        """Has the program do something with one of its objects; the value of its answer. Threads take turns."""
        if operation in ("call", "set_attribute"):
            self.questions.bounds.clear()
        num_failures = self.num_failures
        with self.turn.exchanging:
            message = self._encode_question(operation, self._find(target), args, keywords, name)
            try:
                answer = self._exchange(message)
                if answer[0] != "value" or not 2 <= len(answer) <= 4:
                    raise self.end(Misbehaved("not a value"))
                with self.mirror.exchange:
                    value = self._decode_answer(answer[1], [*args, *(keywords or {}).values()])
                    self.take_in(answer[2:])
            except BaseException as error:
                self._note_interruption(error)
                raise
            # a test's assert has failed on the way, or a class of the tests is now what the program made of it
            self.num_delegated += self.num_failures != num_failures or any(map(_is_test_class, args))
            return value

    def _note_interruption(self, error: BaseException) -> None:
        """Ends the run where a question has no whole answer: an alarm of the tests, say, came in between."""
        if self.ending is None and self.report_of(error) is None and not self._passes(error):
            self.end(ProgramGone())

    def _passes(self, error: BaseException | None) -> bool:
        """Whether an exception is the tests' own, and comes out of the question within which they raised it."""
        return self.passing is not None and error is self.passing[0] and self.num_calls == self.passing[1]

    def _decode_answer(self, form: Any, given: list[Any]) -> Any:
        """An answer: content, or the place of what the program was given with the question or has answered before."""
        if isinstance(form, list) and len(cast("list[Any]", form)) == 2 and form[0] == "known":
            known = [*(value for value in given if type(value) in wire.FIXED), *self._answers]
            if type(form[1]) is not int or not 0 <= form[1] < len(known):
                raise self.end(Misbehaved("not a known value"))
            return known[form[1]]
        value = self._decode(form)
        if wire.is_kept(value):
            self._answers.append(value)
        return value

    def _encode_question(self, operation: str, number: int, args: Any, keywords: Any, name: str, *more: Any) -> Any:
        if self.ending is not None:
            raise self.ending
        self.num_calls += 1
        if not self.mirror.exchange.is_busy:
            self.reader.check(self.mirror)
        with self.mirror.exchange:
            forms = [self.encode(arg) for arg in args]
            named = {key: self.encode(value) for key, value in keywords.items()} if keywords else {}
        try:
            return [operation, number, forms, named, name, redirected(), *more, self.mirror.sync()]
        except wire.WireError as error:
            raise self.unpassable(error) from error

    def _exchange(self, message: Any) -> list[Any]:
        self.send(message)
        return self.receive()

    def _find(self, target: Any) -> int:
        try:
            return target if type(target) is int else self.mirror.number_of(target)
        except wire.WireError as error:
            raise RuntimeError(str(error)) from error

    def number_of(self, target: Any) -> int:
        """The number of an object of the program."""
        return self._find(target)

    def refuse(self, reason: str) -> Stop:
        """What to raise where the program answers what the protocol does not allow."""
        return self.end(Misbehaved(reason))

    def take_in(self, rest: list[Any]) -> None:
        """Takes in what came along with an answer: changes, and what was printed."""
        if rest and rest[0] is not None:
            try:
                self.mirror.apply(rest[0])
            except wire.WireError as error:
                raise self.end(Misbehaved(str(error))) from error
        if len(rest) > 1:
            texts = rest[1]
            if not isinstance(texts, list) or not all(isinstance(text, str) for text in cast("list[Any]", texts)):
                raise self.end(Misbehaved("malformed text"))
            print_for(cast("list[str]", texts))

    def end_test(self) -> None:
        """To be called after each test.

        Raises:
            Stop: The program has ended, and a bare `except` of the test hid it; or the test must be run again.
        """
        if self.ending is not None:
            raise self.ending
        self.reader.check(self.mirror)

    def report_of(self, error: BaseException) -> ProgramError | None:
        """What the program reported of an exception that was raised on its behalf."""
        return next((report for raised, report in self._errors if raised is error), None)

    # What proxies ask

    def next_of(self, target: Any) -> Any:
        """The next item of an iterator of the program.

        Raises:
            StopIteration: There is none.
        """
        answer = self.step(self._find(target), "__next__", ())
        if len(answer) == 2:
            raise StopIteration(answer[0])
        return answer[0]

    def step(self, number: int, name: str, args: tuple[Any, ...]) -> tuple[Any, ...]:
        """One step of an iterator: its item alone, or what it returned and None."""
        with self.turn:
            return self.reader.step(number, name, args)

    def fetch(self, number: int, count: int) -> tuple[list[Any], bool, BaseException | None]:
        """Up to `count` items of an iterator, whether that is all, and the exception that comes after them."""
        with self.turn.exchanging:
            message = self._encode_question("next", number, (), None, "", count)
            try:
                answer = self._exchange(message)
                with self.mirror.exchange:
                    return self._read_items(answer, count)
            except BaseException as error:
                self._note_interruption(error)
                raise

    def _read_items(self, answer: list[Any], count: int) -> tuple[list[Any], bool, BaseException | None]:
        if answer[0] != "items" or not 5 <= len(answer) <= 6 or not _are_items(answer):
            raise self.end(Misbehaved("not items"))
        _, forms, ended, report, sync = answer[:5]
        if len(forms) > count:
            raise self.end(Misbehaved("more items than asked for"))
        items = [self._decode(form) for form in forms]
        error = self._rebuild(report) if report is not None else None
        if error is not None:
            self._errors.append(error)
        if len(answer) > 5 or (sync is not None and sync[1:2] != [[]]):
            self.reader.check_effect()
        self.reader.watched += self.mirror.known(sync[2] if sync is not None else ())
        self.take_in(answer[4:])
        return items, ended is not False, error[0] if error is not None else None

    def close_generator(self, number: int) -> None:
        """Closes a generator of the program, where this is the time for it: a proxy may be let go at any moment.

        At other times the program lets it go, and by that closes it, when it learns that no test holds the proxy.
        """
        is_time = self.ending is None and self._busy == 0 and not self.reader.is_ahead(number)
        if is_time and self.turn.take_if_free():
            try:
                self.ask("step", number, name="close")
            finally:
                self.turn.give_back()

    def signature(self, target: Any) -> inspect.Signature:
        """The signature of a function of the program."""
        answer = self.ask("signature", target)
        try:
            return signature_from(*answer)
        except (ValueError, TypeError, LookupError, AttributeError) as error:
            raise self.end(Misbehaved("not a signature")) from error

    def define(self, name: str, bases: tuple[Any, ...], namespace: dict[str, Any], keywords: dict[str, Any]) -> Any:
        """Has the program make a class of the tests that it has a part in: of its source, or of its content."""
        source = self.mirror.definition_of(name, True) if "__qualname__" in namespace else None
        if source is not None:
            made = self.ask("define", 0, (source,), name=name)
        else:
            made = self.ask("build", 0, (bases, Members(namespace.items())), keywords, name)
        if type(made) is not ProgramClass:
            raise self.end(Misbehaved("not a class"))
        self.num_delegated += 1  # what the tests wrote in it is now as the program has it
        return made

    # Values

    def encode(self, value: Any) -> Any:
        """The form of a value of the tests; ends the run where it has none."""
        try:
            return self.mirror.encode(value)
        except (wire.WireError, RecursionError) as error:
            raise self.unpassable(error) from error

    def unpassable(self, error: Exception) -> Stop:
        """What to raise where a value of the tests cannot be sent, which may be what the program has answered."""
        if not isinstance(error, wire.ForeignValueError):
            return self.end(Misbehaved(str(error)))
        hint = "use plain data, functions, or instances of classes that the tests define"
        self.problem = ProblemError(str(error), location="test argument", hint=hint)
        return self.end(Unpassable())

    def decode(self, form: Any) -> Any:
        """The value of a form; ends the run where it is none."""
        return self._decode(form)

    def _decode(self, form: Any) -> Any:
        self._busy += 1
        try:
            return self.mirror.read(form)
        except wire.WireError as error:
            raise self.end(Misbehaved(str(error))) from error
        finally:
            self._busy -= 1

    def _raise(self, report: Any) -> NoReturn:
        """Raises the exception a program reports."""
        with self.mirror.exchange:
            error = self._rebuild(report[:6] if isinstance(report, list) else report)
            if not self._passes(error[0]):
                self._errors.append(error)
            if len(report) > 6:
                self.take_in(report[6:])
        raise error[0]

    def _rebuild(self, report: Any) -> tuple[BaseException, ProgramError]:
        """The exception itself, or the nearest built-in class to the reported one."""
        try:
            names, args, message, frames, form = checked(report)
        except (TypeError, ValueError, wire.WireError) as refused:
            raise self.end(Misbehaved("malformed error")) from refused
        error: Any = self._decode(form) if form is not None else None
        values = [self._decode(arg) for arg in args]
        if self._passes(error):
            return error, ProgramError(names[0][:100], "", ())
        if not isinstance(error, (Exception, SystemExit)) or isinstance(error, (StopIteration, StopAsyncIteration)):
            found = (vars(builtins).get(name) for name in names)
            kind: Any = next((kind for kind in found if is_exception(kind)), RuntimeError)
            try:
                error = admitted_exception(make_exception(kind, values))
            except wire.WireError as refused:
                raise self.end(Misbehaved("malformed error")) from refused
        return error, ProgramError(names[0][:100], message[:_MAX_TEXT], frames)

    def _read(self, count: int) -> bytes:
        parts = [self._early[:count]]
        self._early = self._early[count:]
        count -= len(parts[0])
        while count > 0:
            try:
                part = self._connection.recv(min(max(count, _PACKET), _CHUNK))
            except OSError as error:
                raise self.end(ProgramGone()) from error
            if not part:
                raise self.end(ProgramGone())
            parts.append(part[:count])
            self._early = part[count:]
            count -= len(part)
        return b"".join(parts)

    def end(self, stop: Stop) -> Stop:
        """Notes that no more answers come; what to raise."""
        self.ending = stop
        return stop


def _is_test_class(value: Any) -> bool:
    return isinstance(value, type) and value.__module__ == MODULE


def _are_items(answer: list[Any]) -> bool:
    sync = answer[4]
    return isinstance(answer[1], list) and (
        sync is None or (isinstance(sync, list) and len(cast("list[Any]", sync)) == 3 and isinstance(sync[2], list))
    )
