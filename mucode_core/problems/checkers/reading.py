"""What every checker program begins with: the words of a file, and the exit code. Standard library only.

A checker is a function of the test's input, the program's output and the expected output. It returns if the output is
right and raises `WrongOutputError` if not; any other exception is a fault of the checker or of the test.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from pathlib import Path

INTEGER = re.compile(r"-?\d{1,400}", re.ASCII)
RIGHT, WRONG, FAULT = 0, 1, 3
"""Exit codes, as testlib's."""


class WrongOutputError(Exception):
    """The program's output is not a right answer; the text says why."""


class Words:
    """The words of a text, read one after the other; `error` is raised where another word is needed."""

    def __init__(self, text: str, error: type[Exception] = WrongOutputError) -> None:
        self._words = text.split()
        self._next = 0
        self._error = error

    def word(self) -> str:
        if self._next == len(self._words):
            raise self._error("the text ends too early")
        self._next += 1
        return self._words[self._next - 1]

    def integer(self, low: int | None = None, high: int | None = None) -> int:
        """The next word as an integer within the bounds, both inclusive."""
        word = self.word()
        if not INTEGER.fullmatch(word):
            raise self._error(f"{word[:40]!r} is not an integer")
        number = int(word)
        if (low is not None and number < low) or (high is not None and number > high):
            raise self._error(f"{number} is not within {low} and {high}")
        return number

    def integers(self, count: int, low: int | None = None, high: int | None = None) -> list[int]:
        return [self.integer(low, high) for _ in range(count)]

    def distinct(self, count: int, low: int, high: int) -> list[int]:
        """Integers of which no two are equal."""
        numbers = self.integers(count, low, high)
        if len(set(numbers)) != count:
            raise self._error("a number is repeated")
        return numbers

    def rest(self) -> list[str]:
        words, self._next = self._words[self._next :], len(self._words)
        return words

    def end(self) -> None:
        require(self._next == len(self._words), "there is text after the answer")


Check = Callable[[Words, Words, Words], None]


def require(condition: bool, otherwise: str) -> None:
    """Raises `WrongOutputError` unless the condition holds."""
    if not condition:
        raise WrongOutputError(otherwise)


def same_decision(output: Words, answer: Words, yes: str = "yes") -> bool:
    """Whether the answer is `yes`; the output must say the same, in upper or lower case."""
    printed, expected = output.word().lower(), answer.word().lower()
    require(printed == expected, f"{printed[:40]!r} where {expected!r} is right")
    return expected == yes


def judge(check: Check) -> None:
    """Runs a check on the three files named on the command line, then exits.

    The expected output is right even for a test that the check cannot read: some collections have such.
    """
    texts = [Path(name).read_text(encoding="utf-8", errors="replace") for name in sys.argv[1:4]]
    test, answer = (Words(texts[index], ValueError) for index in (0, 2))  # a fault of the data, not of the program
    output = Words(texts[1])
    if texts[1].split() == texts[2].split():
        sys.exit(RIGHT)
    try:
        check(test, output, answer)
        output.end()
    except WrongOutputError as wrong:
        print(wrong, file=sys.stderr)
        sys.exit(WRONG)
    except Exception as error:  # noqa: BLE001 - a traceback would exit with the code of a wrong answer
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
        sys.exit(FAULT)
    sys.exit(RIGHT)
