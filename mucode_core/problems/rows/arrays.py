"""The items of a JSON array that may be larger than the memory."""

from __future__ import annotations

import codecs
import json
from collections.abc import Iterator
from typing import IO, Any

from mucode_core.problems.json_values import decode

_CHUNK = 2**20
"""Bytes read at once."""
_SPACE = " \t\r\n"
_DECODER = json.JSONDecoder()


class ArrayError(ValueError):
    """The text of an array ends early, or is not JSON."""

    def __init__(self, problem: str, line: int) -> None:
        self.problem, self.line = problem, line
        super().__init__(f"{problem} in line {line}")


def read_items(file: IO[bytes]) -> Iterator[Any]:
    """The items of a JSON array in UTF-8, one in memory at a time.

    Raises:
        ArrayError: The text is not such an array; the items before the fault have been yielded.
        RecursionError: An item is nested too deeply.
        UnicodeDecodeError: The text is not UTF-8.
        OSError: The file cannot be read; also EOFError and zlib.error of a compressed one.
    """
    text = _Text(file)
    text.take("[")
    if text.peek() != "]":
        yield text.value()
        while text.peek() == ",":
            text.take(",")
            yield text.value()
    text.take("]")
    if text.peek():
        raise text.error("text behind the array")


class _Text:
    """The part of a file's text that is being read."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file, self._decoder = file, codecs.getincrementaldecoder("utf-8-sig")()
        self._text, self._at, self._is_whole = "", 0, False
        self._line = 1
        """Of the beginning of `_text`."""

    def error(self, problem: str, at: int | None = None) -> ArrayError:
        """The error of what stands here, or at another place in the text that is in memory."""
        at = self._at if at is None else at
        is_end = self._is_whole and not self._text[at:].strip(_SPACE)
        return ArrayError("the array is cut off" if is_end else problem, self._line + self._text.count("\n", 0, at))

    def peek(self) -> str:
        """The next character that is no space; empty at the end."""
        while True:
            while self._at < len(self._text):
                if self._text[self._at] not in _SPACE:
                    return self._text[self._at]
                self._at += 1
            if not self._more():
                return ""

    def take(self, sign: str) -> None:
        """Moves behind the next character, which must be `sign`."""
        if self.peek() != sign:
            raise self.error(f"{sign!r} expected")
        self._at += 1

    def value(self) -> Any:
        """The next value."""
        self.peek()
        while True:
            try:
                value, end = decode(_DECODER.raw_decode, self._text, self._at)
            except json.JSONDecodeError as error:
                if not self._may_continue(error) or not self._more():
                    at = len(self._text) if error.msg.startswith("Unterminated") else error.pos
                    raise self.error(error.msg, at) from error
            else:
                if end < len(self._text) or not self._more():  # a number may continue
                    self._at = end
                    return value

    def _may_continue(self, error: json.JSONDecodeError) -> bool:
        """Whether more text may make it a value: a string has no end, or the fault is at the end of the text."""
        return error.msg.startswith("Unterminated") or error.pos > len(self._text) - 16

    def _more(self) -> bool:
        """Reads as much again as is left of the text, so that long values take linear time; False at the file's end."""
        if self._is_whole:
            return False
        self._line += self._text.count("\n", 0, self._at)
        left = self._text[self._at :]
        read = self._file.read(max(_CHUNK, len(left)))
        self._is_whole = not read
        self._text, self._at = left + self._decoder.decode(read, final=not read), 0
        return True
