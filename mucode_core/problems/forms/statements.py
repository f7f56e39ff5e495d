"""What rows of pairs have in common besides their tests: prompts, reference solutions, ids, limits."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Sequence
from hashlib import blake2b
from typing import Annotated, Any, cast

from pydantic import AfterValidator

from mucode_core.answers.syntax import parse_module, read_literal
from mucode_core.errors import show
from mucode_core.problems.testless import TEST_SENTENCE
from mucode_core.types import StdinTest, Test

STDIN_PROMPT = (
    "You are an expert Python programmer. Write a Python 3 program that reads standard input and prints the answer.\n"
    "{text}"
)
_CALL_PROMPT = "You are an expert Python programmer, and here is your task: {text}\n{wanted}\n" + TEST_SENTENCE
_EXAMPLE_GAP = 200
"""Characters of a statement between an example's input and its output, at most."""
_DURATION = re.compile(r"\s*(\d+(?:\.\d+|,\d{1,2}(?!\d))?)\s*(?:([a-z]+)\b|$)", re.IGNORECASE)
"""A number, also with a decimal comma, and a unit; three digits behind a comma may be thousands."""
_UNITS = {
    **dict.fromkeys(("ms", "msec", "msecs", "millis", "millisecond", "milliseconds"), 1e-3),
    **dict.fromkeys(("s", "sec", "secs", "second", "seconds"), 1.0),
    **dict.fromkeys(("min", "mins", "minute", "minutes"), 60.0),
}
"""Seconds in each."""
_MAX_SECONDS = 100
"""No contest allows more: a larger number without a unit is in milliseconds."""
LONGEST_S = 3600.0
"""Seconds of CPU time that a problem may have at most."""
_DATE = re.compile(r"\d{4}-\d\d(-\d\d)?")
_BLOCK = re.compile(r"^```[\w+]*[ \t]*\n(.*?)^```", re.DOTALL | re.MULTILINE)
_WHOLE = re.compile(r"\s*(`{3,}|~{3,})[\w+-]*[ \t]*\r?\n(.*?)\r?\n?[ \t]*\1\s*", re.DOTALL)
"""A text that is one fenced block and nothing else."""
_FENCE = re.compile(r"^[ \t]*(?:```|~~~)", re.MULTILINE)
_MAX_TRIED = 20
"""Solutions parsed to find one that is Python 3; some rows have hundreds."""


def make_prompt(text: str, entry_point: str, starter_code: str = "") -> str:
    """The statement with what is asked for: a program, a function, or the starter code's completion."""
    if not entry_point:
        return STDIN_PROMPT.format(text=text.strip())
    owner, _, name = entry_point.rpartition(".")
    wanted = (
        f"Your code should define the method {name} of the class {owner}."
        if owner
        else f"Your code should define the function {name}."
    )
    if starter_code.strip():
        wanted += f" It begins:\n```python\n{starter_code.strip()}\n```"
    return _CALL_PROMPT.format(text=text.strip(), wanted=wanted)


def find_method(function: str, sources: Iterable[str]) -> str:
    """`Solution.function` if one of the sources has a class of that name, else `function`."""
    method = re.compile(rf"\bclass\s+Solution\b.*?\bdef\s+{re.escape(function)}\b", re.DOTALL)
    return f"Solution.{function}" if any(method.search(source) for source in sources) else function


def divide(tests: Sequence[Test], statement: str, num_public: Any = None) -> tuple[tuple[Test, ...], tuple[Test, ...]]:
    """Public and private tests: public are those that the statement shows as examples, or else the first.

    A row that names how many are public (`num_public`, as `mucode problems convert` writes it) has them first.
    An example of standard input is its text followed within a few words by its output. Calls are not looked for.
    """
    if isinstance(num_public, int) and 0 < num_public <= len(tests):
        return tuple(tests[:num_public]), tuple(tests[num_public:])
    words = f" {' '.join(statement.split())} "
    shown = [isinstance(test, StdinTest) and _is_shown(test, words) for test in tests]
    if not any(shown):
        shown[0] = True
    public = tuple(test for test, is_shown in zip(tests, shown, strict=True) if is_shown)
    return public, tuple(test for test, is_shown in zip(tests, shown, strict=True) if not is_shown)


def _is_shown(test: StdinTest, words: str) -> bool:
    if len(test.input) + len(test.output) > len(words):
        return False
    given, wanted = f" {' '.join(test.input.split())} ", f" {' '.join(test.output.split())} "
    start = words.find(given)
    while start >= 0 and given.strip():
        end = start + len(given) - 1
        if wanted in words[end : end + _EXAMPLE_GAP + len(wanted)]:
            return True
        start = words.find(given, start + 1)
    return False


def choose_reference(solutions: Any, entry_point: str) -> str | None:
    """The first solution that is Python 3 and defines the entry point, or else the first; None if there is none.

    Args:
        solutions: A text, a list of texts, or nothing.
        entry_point: What it should define; empty for programs.
    """
    found = [solutions] if isinstance(solutions, str) else solutions if isinstance(solutions, list) else []
    texts = [unfence(text) for text in found if isinstance(text, str) and text.strip()]
    name = entry_point.rpartition(".")[2]
    fitting = (text for text in texts[:_MAX_TRIED] if name in text and _is_python(text))
    return next(fitting, texts[0] if texts else None)


def unfence(text: str) -> str:
    """The source of a text that is wholly one fenced block, else the text."""
    match = _WHOLE.fullmatch(text)
    return match[2] if match and not _FENCE.search(match[2]) else text


Source = Annotated[str, AfterValidator(unfence)]
"""A field that holds a program, perhaps in a fenced block."""


def find_program(text: str) -> str:
    """The last fenced block of a text that has one, else the text."""
    blocks = _BLOCK.findall(text)
    return blocks[-1].removesuffix("\n") if blocks else text


def _is_python(text: str) -> bool:
    try:
        parse_module(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return True


def make_id(*texts: str) -> str:
    """An id for rows that have none: a digest of what they hold."""
    digest = blake2b(digest_size=6)
    for text in texts:
        digest.update(text.encode(errors="surrogatepass") + b"\0")
    return digest.hexdigest()


def read_seconds(value: Any) -> float | None:
    """Seconds from a number or from text such as "2.0 seconds", "1500ms" or "1 min"; None if they cannot be read.

    A number without a unit is in seconds, or in milliseconds if it is above 100. A mapping has `seconds` and `nanos`.
    Limits above an hour are none.
    """
    return bounded(_any_seconds(value))


def bounded(seconds: float | None) -> float | None:
    """The limit if it is above zero and at most an hour."""
    return seconds if seconds is not None and 0 < seconds <= LONGEST_S else None


def _any_seconds(value: Any) -> float | None:
    """As `read_seconds`, however long."""
    unit = None
    if isinstance(value, dict):
        return _duration(cast("dict[str, Any]", value))
    if isinstance(value, str):
        match = _DURATION.match(value)
        if not match:
            return None
        value = float(match[1].replace(",", "."))
        if match[2] is not None and (unit := _UNITS.get(match[2].lower())) is None:
            return None
    if not _is_positive(value):
        return None
    return float(value) * (unit or (1.0 if value <= _MAX_SECONDS else 1e-3))


def _duration(value: dict[str, Any]) -> float | None:
    """Seconds from the fields of a protocol buffer's duration; None if one is not a number."""
    parts = [value.get(name) or 0.0 for name in ("seconds", "nanos")]
    if not any(parts) or not all(part == 0 or _is_positive(part) for part in parts):
        return None
    return float(parts[0]) + float(parts[1]) / 1e9


def _is_positive(value: Any) -> bool:
    """Whether it is a positive number that a float can hold; integers of a row may be beyond any."""
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return is_number and 0 < value <= sys.float_info.max


def note_limit(value: Any) -> tuple[str, ...]:
    """The remark on a row whose time limit `read_seconds` does not take; nothing and zero say that there is none."""
    is_empty = isinstance(value, dict) and not any(cast("dict[str, Any]", value).values())
    if value is None or value in ("", 0) or is_empty or read_seconds(value) is not None:
        return ()
    seconds = _any_seconds(value)
    reason = "cannot be read" if seconds is None else "is above an hour"
    return (f"its time limit {reason}, so that it has none: {show(value)}",)


def read_date(value: Any) -> str:
    """The ISO date at the beginning of a text; empty if there is none."""
    match = _DATE.match(str(value or ""))
    return match[0] if match else ""


def read_tags(value: Any) -> tuple[str, ...]:
    """Tags from a list, or from its text as Python or JSON writes it."""
    if isinstance(value, str):
        try:
            value = read_literal(value)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            value = value.split(",")
    if not isinstance(value, (list, tuple)):
        return ()
    return tuple(str(tag).strip() for tag in value if str(tag).strip())
