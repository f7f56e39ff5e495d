"""Tests that data sets keep as pairs: input and output of a program, or arguments and value of a call."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, cast

from mucode_core.answers.syntax import read_literal
from mucode_core.errors import DataError, show
from mucode_core.problems.forms.statements import find_method
from mucode_core.problems.json_values import from_json, to_json
from mucode_core.types import CallTest, ProblemKind, StdinTest

_MAX_PRINTED = 10_000_000
"""Characters of a text that Python's parser is given: it needs a hundred bytes for each."""


@dataclass(frozen=True)
class RawPair:
    """One test as its row has it."""

    field: str
    """Where, for errors: `input_output.3`."""
    given: Any
    wanted: Any


@dataclass(frozen=True)
class Pairs:
    """Tests of one problem, not yet divided into public and private ones."""

    tests: tuple[StdinTest, ...] | tuple[CallTest, ...]
    entry_point: str
    """Empty for programs."""

    @property
    def kind(self) -> ProblemKind:
        return "call" if self.entry_point else "stdin"


def parse_json(field: str, value: Any, location: str) -> Any:
    """The value of a field that some publishers keep as an object, others as text; None if it is empty.

    The text is JSON, or what Python prints for the object.

    Raises:
        DataError: The text is neither.
    """
    if not isinstance(value, str):
        return value
    if not value.strip():
        return None
    try:
        return from_json(value)
    except (ValueError, RecursionError) as error:
        if (printed := _printed(value)) is not None:
            return printed
        hint = "fix the field, or remove the row"
        raise DataError(f"{field}: not JSON: {error} ({show(value)})", location=location, hint=hint) from error


def _printed(text: str) -> Any:
    """The dictionary or list that Python prints as this text; None if it is no such text."""
    if len(text) > _MAX_PRINTED or text.strip()[0] not in "{[":
        return None
    try:
        return _as_lists(read_literal(text.strip()))
    except (ValueError, SyntaxError, RecursionError, MemoryError):
        return None


def _as_lists(value: Any) -> Any:
    """The value with lists for tuples, as JSON has them."""
    if isinstance(value, dict):
        return {key: _as_lists(item) for key, item in cast("dict[Any, Any]", value).items()}
    return [_as_lists(item) for item in cast("list[Any]", value)] if isinstance(value, (list, tuple)) else value


def read_solutions(field: str, value: Any, location: str) -> Any:
    """Solutions as a list, the JSON text of one, or a single program.

    Raises:
        DataError: The text begins as a list does and is none.
    """
    is_list = isinstance(value, str) and value.lstrip().startswith("[")
    return parse_json(field, value, location) if is_list else value


def read_columns(field: str, value: Any, location: str, sources: Sequence[str]) -> Pairs:
    """Tests from `{"inputs", "outputs"}`, of calls if it has a `fn_name`: the form of APPS, TACO, verl and DeepCoder.

    Args:
        field: Name of the field that holds them.
        value: Its parsed value.
        location: Of the row.
        sources: See `make_pairs`.

    Raises:
        DataError: There is no test, the columns differ in length, or a test has another form.
    """
    if not value:
        raise no_tests(field, location)
    columns = cast("dict[str, Any]", value if isinstance(value, dict) else {})
    inputs, outputs = columns.get("inputs"), columns.get("outputs")
    if not isinstance(inputs, list) or not isinstance(outputs, list):
        raise odd_value(field, value, "a mapping with the lists inputs and outputs", location)
    given, wanted = cast("list[Any]", inputs), cast("list[Any]", outputs)
    if len(given) != len(wanted):
        numbers = [
            f"{len(one)} {name}{'' if len(one) == 1 else 's'}" for name, one in (("input", given), ("output", wanted))
        ]
        problem = f"{field}: {numbers[0]}, but {numbers[1]}"
        raise DataError(problem, location=location, hint="remove the row, or give each input its output")
    pairs = [RawPair(f"{field}.{i}", *pair) for i, pair in enumerate(zip(given, wanted, strict=True))]
    return make_pairs(field, pairs, columns.get("fn_name"), location, sources)


def read_tests(field: str, value: Any, location: str, sources: list[str], *, function: Any = None) -> Pairs:
    """Tests as a mapping of columns, or as a list of mappings with input, output and a type.

    Args:
        field: Name of the field that holds them.
        value: Its parsed value.
        location: Of the row.
        sources: See `make_pairs`.
        function: Name of the function, for tests that are `functional` and do not name it.

    Raises:
        DataError: There is no test, tests of different types are mixed, or one has another form.
    """
    if not value:
        raise no_tests(field, location)
    if not isinstance(value, list):
        return read_columns(field, value, location, sources)
    tests = cast("list[Any]", value)
    pairs: list[RawPair] = []
    functions: set[Any] = set()
    for index, test in enumerate(tests):
        if not isinstance(test, dict) or not {"input", "output"} <= test.keys():
            raise odd_value(f"{field}.{index}", test, "a mapping with input and output", location)
        pairs.append(RawPair(f"{field}.{index}", test["input"], test["output"]))
        functions.add(_function_of(cast("dict[str, Any]", test), function, f"{field}.{index}", location))
    if len(functions) > 1:
        shown = ", ".join(sorted(str(name or "a program") for name in functions))
        raise odd_value(field, shown, "one function, or one program, for all tests", location)
    by_line = any(test.get("testtype") == "functional" for test in tests)
    return make_pairs(field, pairs, functions.pop(), location, sources, by_line=by_line)


def _function_of(test: dict[str, Any], default: Any, field: str, location: str) -> str | None:
    kind = test.get("testtype") or test.get("type") or ""
    if kind in {"functional", "function_call"}:
        name = test.get("fn_name") or as_mapping(test.get("metadata")).get("func_name") or default
        if not isinstance(name, str):
            raise odd_value(f"{field}.fn_name", name, "the name of a function", location)
        return name
    if kind not in {"", "stdin", "stdin_stdout", "stdio"}:
        raise odd_value(f"{field}.type", kind, "stdin, stdin_stdout, functional or function_call", location)
    return None


def as_mapping(value: Any) -> dict[str, Any]:
    """The value if it is a mapping, else an empty one."""
    return cast("dict[str, Any]", value) if isinstance(value, dict) else {}


def make_pairs(
    field: str,
    pairs: Sequence[RawPair],
    function: Any,
    location: str,
    sources: Sequence[str],
    *,
    by_line: bool = True,
) -> Pairs:
    """Tests of a program, or of calls if `function` is given.

    If every value of a problem's calls is a list of one item, that item is taken for the value, and both are right:
    APPS and the sets made from it wrap many values so, and their judges take either. They also have problems where
    every text still has the quotes of its JSON form, which are removed, and texts that may be JSON of a value or the
    value itself: both are right.

    Args:
        field: Name of the field that holds the tests.
        pairs: The tests.
        function: Name of the function that is called, or of a method as `Solution.function`; or None.
        location: Of the row.
        sources: Starter code, statement and solution; one of them may say that the function is a method of `Solution`.
        by_line: Arguments that are text are one JSON value in each line. Otherwise they are one JSON list, and a value
            that is no JSON is a text.

    Raises:
        DataError: There is no test, or one has another form.
    """
    if not pairs:
        raise no_tests(field, location)
    if function is None or function == "":
        return Pairs(tuple(_stdin_test(pair, location) for pair in pairs), "")
    owner, name = _split_name(f"{field}.fn_name", function, location)
    entry_point = f"{owner}.{name}" if owner else find_method(name, sources)
    return Pairs(tuple(_call_tests(pairs, location, by_line)), entry_point)


def _split_name(field: str, function: Any, location: str) -> tuple[str, str]:
    """Class and name of `function`, `Solution.function` or `Solution().function`; the class is empty for the first."""
    owner, _, name = function.rpartition(".") if isinstance(function, str) else ("", "", "")
    owner = owner.removesuffix("()")
    if not name.isidentifier() or (owner and not owner.isidentifier()):
        raise odd_value(field, function, "the name of a function", location)
    return owner, name


def _call_tests(pairs: Sequence[RawPair], location: str, by_line: bool) -> Iterator[CallTest]:
    """See `make_pairs`."""
    is_structured = not any(isinstance(pair.given, str) for pair in pairs)
    is_text = by_line and is_structured  # a column of values: one that is text may be the value itself
    by_line = by_line and not is_structured
    given = [_arguments(f"{pair.field}.input", pair.given, location, by_line) for pair in pairs]
    wanted = [pair.wanted for pair in pairs]
    if is_structured:
        given, wanted = _unquote(given), _unquote(wanted)
    values = [
        _value(f"{pair.field}.output", value, location, by_line) for pair, value in zip(pairs, wanted, strict=True)
    ]
    is_wrapped = all(isinstance(value, list) and len(cast("list[Any]", value)) == 1 for value in values)
    for pair, arguments, value, raw in zip(pairs, given, values, wanted, strict=True):
        text = to_json(value, f"{pair.field}.output", location)
        expected, others = (to_json(value[0], pair.field, location), (text,)) if is_wrapped else (text, ())
        if is_text and isinstance(raw, str) and not isinstance(value, str):
            others = (*others, to_json(raw, pair.field, location))
        yield CallTest(to_json(arguments, f"{pair.field}.input", location), expected, others)


def _stdin_test(pair: RawPair, location: str) -> StdinTest:
    given = _text(f"{pair.field}.input", pair.given, location)
    return StdinTest(given, _text(f"{pair.field}.output", pair.wanted, location))


def _text(field: str, value: Any, location: str) -> str:
    """Standard input or output; some publishers keep a list of its lines, or a bare number."""
    if isinstance(value, str):
        return value
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return to_json(value, field, location)
    if isinstance(value, list) and not any(isinstance(line, list) for line in cast("list[Any]", value)):
        return "\n".join(_text(field, line, location) for line in cast("list[Any]", value))
    raise odd_value(field, value, "text, or a list of lines", location)


def _arguments(field: str, value: Any, location: str, by_line: bool) -> list[Any]:
    if isinstance(value, str) and by_line:
        return [parse_json(field, line, location) for line in value.split("\n") if line.strip()]
    found = parse_json(field, value, location)
    if not isinstance(found, list):
        raise odd_value(field, value, "a list of arguments", location)
    return cast("list[Any]", found)


def _value(field: str, value: Any, location: str, by_line: bool) -> Any:
    if not isinstance(value, str):
        return value
    try:
        return from_json(value)
    except (ValueError, RecursionError) as error:
        if not by_line:
            return value
        problem = f"{field}: not JSON: {error} ({show(value)})"
        raise DataError(problem, location=location, hint="write the value as JSON, or remove the row") from error


def _unquote(values: list[Any]) -> list[Any]:
    """Arguments or values; if each text among them is JSON of a text, those texts."""
    texts = [item for value in values for item in _items(value) if isinstance(item, str)]
    if not texts or not all(len(text) > 1 and text[0] == text[-1] == '"' for text in texts):
        return values
    try:
        plain = {text: from_json(text) for text in texts}
    except ValueError:
        return values
    strip = [[plain.get(item, item) if isinstance(item, str) else item for item in _items(value)] for value in values]
    return [items if isinstance(value, list) else items[0] for items, value in zip(strip, values, strict=True)]


def _items(value: Any) -> list[Any]:
    return cast("list[Any]", value) if isinstance(value, list) else [value]


def no_tests(field: str, location: str) -> DataError:
    """The error of a row that has no test."""
    return DataError(f"{field}: no tests", location=location, hint="exclude problems without tests")


def odd_value(field: str, value: Any, wanted: str, location: str) -> DataError:
    """The error of a value of another form than it should have."""
    shown = "null" if value is None else f"{show(value)}"
    return DataError(f"{field}: {shown} is not {wanted}", location=location, hint="fix the field, or remove the row")
