"""Problems as rows for other trainers, and as rows of this project's own form: `mucode problems convert`."""

from __future__ import annotations

import gzip
import json
from collections import Counter
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, fields, replace
from decimal import Decimal
from pathlib import Path
from typing import IO, Any, Literal, cast

from mucode_core.errors import ConfigError, DataError, ExcludedError
from mucode_core.problems.forms.shared import PRELUDE
from mucode_core.problems.forms.statements import find_program
from mucode_core.problems.json_values import any_digits, dumps, from_json
from mucode_core.problems.registry import DATASETS
from mucode_core.problems.rows import Row
from mucode_core.problems.selection import Selection, select_problems
from mucode_core.system.atomic_files import replacing
from mucode_core.types import CallTest, Problem, StdinTest

Target = Literal["custom", "verl", "prime"]
_COMPRESSED = frozenset({".gz", ".zst"})
_OTHER_FORMS = frozenset(
    ".parquet .arrow .feather .bz2 .xz .lzma .lz .lz4 .br .sz .snappy .z .zip .7z .rar .tar .tgz .zstd".split()  # noqa: SIM905
)
"""Endings of files that hold anything but JSON Lines, or compress them as nothing here does."""
_REMARKS = {
    "compare": "compare: {rule} becomes the rule of {target}",
    "prompt": "prompt: what names the function is added when {target} rows are read",
    "setup": "setup: imports of LeetCode's form are added when {target} rows are read",
    "tests_shown": "tests_shown: prompts made of {target} rows show the public tests too",
}
"""Fields on which no verdict depends, the imports that methods of `Solution` get where they have none, and the rule of
comparison, which every trainer has its own."""


@dataclass
class Conversion:
    """What was written, and what was not."""

    num_written: int = 0
    left_out: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])
    """Ids of problems that rows of the other form cannot express, and why."""
    bad_rows: list[DataError] = field(default_factory=list[DataError])
    """Rows that were no problem."""
    changed: Counter[str] = field(default_factory=Counter[str])
    """Number of problems by what the rows do not say of them, though they were written."""


def convert(
    dataset: str, path: Path, target: Target, out: Path, selection: Selection, *, say: Callable[[str], None]
) -> Conversion:
    """Writes the selected problems of a data set as JSON Lines of another form, one row in memory at a time.

    Each row is read again before it is written, and gives an equal problem, but for the data set's name and what is
    counted in `changed`. `out` is compressed if its name ends in .gz or .zst.

    Raises:
        DataError: The file cannot be read, `out` cannot be written, or no problem can be converted.
        ConfigError: There is no such data set, or rows cannot be written to a file of that name.
    """
    _require_ending(out)
    done = Conversion()
    with replacing(out) as partial, _open_rows(partial) as file:
        for line in _lines(dataset, path, target, selection, done, say):
            file.write(line)
        if not done.num_written:
            error = DataError("no problem can be converted", location=str(path), hint="choose another form by --to")
            raise done.bad_rows[0] if done.bad_rows and not done.left_out else error
    return done


def _require_ending(out: Path) -> None:
    """Raises:
    ConfigError: The name ends like that of a file in another form.
    """
    ending = out.suffix.lower()
    if ending in _OTHER_FORMS or (ending in _COMPRESSED and ending != out.suffix):
        hint = "rows are JSON Lines: name a file that ends in .jsonl, .jsonl.gz or .jsonl.zst"
        raise ConfigError(f"{out.name}: cannot write {out.suffix}", location="--out", hint=hint)


@contextmanager
def _open_rows(path: Path) -> Generator[IO[bytes]]:
    """The file to write, compressed as its name says; the same rows give the same bytes."""
    with path.open("wb") as file:
        if path.suffix == ".gz":
            with gzip.GzipFile("", "wb", 6, file, 0) as packed:
                yield cast("IO[bytes]", packed)
        elif path.suffix == ".zst":
            import pyarrow as pa

            with pa.output_stream(file, compression="zstd") as packed:
                yield cast("IO[bytes]", packed)
        else:
            yield file


def _lines(
    dataset: str, path: Path, target: Target, selection: Selection, done: Conversion, say: Callable[[str], None]
) -> Iterator[bytes]:
    for found in select_problems(dataset, path, selection):
        if isinstance(found, ExcludedError):
            say(f"{found.location}: excluded: {found.problem}")
            continue
        if isinstance(found, DataError):
            done.bad_rows.append(found)
            continue
        problem = found.problem
        line, reasons, changes = _express(problem, target)
        if reasons:
            reason = ", ".join(reasons)
            done.left_out.append((problem.problem_id, reason))
            say(f"{problem.problem_id}: cannot be written as {target}: {reason}")
            continue
        done.num_written += 1
        done.changed.update(changes)
        yield line


def _express(problem: Problem, target: Target) -> tuple[bytes, list[str], list[str]]:
    """The line of a problem, what the form has no place for, and what is remarked on though it is written."""
    reasons = [] if target == "custom" else _beyond_pairs(problem, target)
    if reasons:
        bare = replace(problem, setup="", prelude="")  # all that can be known without the row
        return b"", [*_differences(problem, bare, target)[0], *reasons], []
    try:
        line = _encode(to_row(problem, target))
        read = DATASETS[target].make(from_json(line.decode()), problem.problem_id)
        return line, *_differences(problem, read, target)
    except DataError as error:
        return b"", [error.problem], []
    except (ValueError, RecursionError) as error:
        return b"", [f"not a JSON value: {error}"], []


def _encode(row: Row) -> bytes:
    """A line of the file; half a surrogate pair, which UTF-8 has not, is escaped."""
    try:
        return f"{dumps(row)}\n".encode()
    except UnicodeEncodeError:
        with any_digits():
            return f"{json.dumps(row, allow_nan=False)}\n".encode()


def _beyond_pairs(problem: Problem, target: Target) -> list[str]:
    """What rows of other trainers have no place for, besides code that runs with the program or its tests."""
    tests = (*problem.public_tests, *problem.private_tests)
    has_alternatives = any(not isinstance(test, str) and test.alternatives for test in tests)
    owner = problem.entry_point.rpartition(".")[0]
    reasons = {
        "checker": problem.checker is not None,
        "in_place": problem.in_place,
        "alternatives": has_alternatives and not _is_wrapped(problem),
        "values that are lists of one item": problem.kind == "call"
        and not has_alternatives
        and _has_only_ones(problem),
        f"class {owner}": problem.kind == "call" and owner not in {"", "Solution"},
        "asserts": problem.kind == "assert" and target == "prime",
    }
    return [reason for reason, holds in reasons.items() if holds]


def _differences(problem: Problem, read: Problem, target: Target) -> tuple[list[str], list[str]]:
    """What reading a row again gives otherwise: what forbids to write the row, and what is only remarked on."""
    lost: list[str] = []
    changes: list[str] = []
    found = _comparable(read, target)
    for name, value in _comparable(problem, target).items():
        if value == found[name]:
            continue
        is_remark = name in _REMARKS and (name != "setup" or (value == "" and found[name] == PRELUDE.strip()))
        if not is_remark or target == "custom":
            is_added = name == "setup" and problem.kind == "call" and problem.dataset != "custom"
            lost.append(f"setup that {problem.dataset} puts before programs" if is_added else _describe(name, value))
        elif name != "compare" or problem.kind != "assert":
            changes.append(_REMARKS[name].format(rule=problem.compare.rule, target=target))
    return lost, changes


def _describe(name: str, value: object) -> str:
    return f"{name} {value or 'of no name'}" if name in {"split", "entry_point", "time_limit_s"} else name


def _comparable(problem: Problem, target: Target) -> dict[str, Any]:
    """All fields but the data set's name; equal for problems that differ only in how something is written."""
    values = {one.name: getattr(problem, one.name) for one in fields(Problem) if one.name != "dataset"}
    values |= {name: values[name].strip() for name in ("setup", "prelude")}
    values |= {name: [*map(_canonical, values[name])] for name in ("public_tests", "private_tests")}
    if target != "custom":
        values["problem_id"] = problem.problem_id.removeprefix(f"{target}/")
        values["entry_point"] = "" if problem.kind == "stdin" else problem.entry_point  # nothing is called
    return values


def _canonical(test: object) -> object:
    """A call's JSON without its spaces and spellings of numbers."""
    if not isinstance(test, CallTest):
        return test
    texts = (test.arguments, test.expected, *test.alternatives)
    return tuple(dumps(from_json(text)) for text in texts)


def _is_wrapped(problem: Problem) -> bool:
    """Whether every value may also stand in a list, as APPS writes them."""
    calls = [test for test in (*problem.public_tests, *problem.private_tests) if isinstance(test, CallTest)]
    return bool(calls) and all(call.alternatives == (f"[{call.expected}]",) for call in calls)


def _has_only_ones(problem: Problem) -> bool:
    calls = [test for test in (*problem.public_tests, *problem.private_tests) if isinstance(test, CallTest)]
    values = [from_json(call.expected) for call in calls]
    return bool(values) and all(isinstance(value, list) and len(cast("list[Any]", value)) == 1 for value in values)


def to_row(problem: Problem, target: Target) -> dict[str, Any]:
    """The row of a problem that the form can express."""
    return {"custom": _custom_row, "verl": _verl_row, "prime": _prime_row}[target](problem)


def _custom_row(problem: Problem) -> dict[str, Any]:
    compare = problem.compare
    row = {
        "problem_id": problem.problem_id,
        "prompt": problem.prompt,
        "entry_point": problem.entry_point,
        "kind": problem.kind,
        "setup": problem.setup,
        "public_tests": [_custom_test(test) for test in problem.public_tests],
        "private_tests": [_custom_test(test) for test in problem.private_tests],
        "reference_solution": problem.reference_solution,
        "time_limit_s": problem.time_limit_s,
        "split": problem.split,
        "compare": {"rule": compare.rule, "rtol": compare.rtol, "atol": compare.atol},
    }
    optional = {"checker": problem.checker, "in_place": problem.in_place, "prelude": problem.prelude}
    row |= {name: value for name, value in optional.items() if value}
    return row if problem.tests_shown else row | {"tests_shown": False}


def _custom_test(test: object) -> Any:
    if isinstance(test, StdinTest):
        pair = {"input": test.input, "output": test.output}
        return pair | ({"alternatives": list(test.alternatives)} if test.alternatives else {})
    if isinstance(test, CallTest):
        call = {"arguments": from_json(test.arguments), "expected": from_json(test.expected)}
        others = [from_json(other) for other in test.alternatives]
        return call | ({"alternatives": others} if others else {})
    return test


def _verl_row(problem: Problem) -> dict[str, Any]:
    tests = (*problem.public_tests, *problem.private_tests)
    owner, _, name = problem.entry_point.rpartition(".")
    truth: dict[str, Any]
    if problem.kind == "assert":
        named = {"fn_name": problem.entry_point} if problem.entry_point else {}
        truth = {**named, "assert_case": list(tests), "inputs": [], "outputs": []}
    elif problem.kind == "stdin":  # a name of a function would make the pairs calls
        owner = name = ""
        pairs = [test for test in tests if isinstance(test, StdinTest)]
        truth = {"inputs": [test.input for test in pairs], "outputs": [test.output for test in pairs]}
    else:
        calls = [test for test in tests if isinstance(test, CallTest)]
        given = ["\n".join(map(dumps, from_json(test.arguments))) for test in calls]
        wanted = [test.alternatives[0] if test.alternatives else test.expected for test in calls]
        truth = {"fn_name": name, "inputs": given, "outputs": wanted}
    extra = {
        "problem_id": problem.problem_id.removeprefix("verl/"),
        "split": problem.split,
        "num_public_tests": len(problem.public_tests),
        "solution": problem.reference_solution,
        "time_limit": _time_limit(problem),
        "starter_code": _starter_code(owner, name),
    }
    return {
        "data_source": problem.dataset,
        "prompt": [{"role": "user", "content": problem.prompt}],
        "ability": "code",
        "reward_model": {"style": "rule", "ground_truth": dumps(truth)},
        "extra_info": {key: value for key, value in extra.items() if value not in {None, ""}},
    }


def _time_limit(problem: Problem) -> str | None:
    """With its unit: large numbers alone are read as milliseconds. Readers know no exponents."""
    return f"{Decimal(repr(problem.time_limit_s)):f} seconds" if problem.time_limit_s else None


def _prime_row(problem: Problem) -> dict[str, Any]:
    owner, _, name = problem.entry_point.rpartition(".")
    tests = (*problem.public_tests, *problem.private_tests)
    calls = [test for test in tests if isinstance(test, CallTest)]
    given = _keep_quotes([from_json(test.arguments) for test in calls])
    values = (from_json(test.alternatives[0] if test.alternatives else test.expected) for test in calls)
    wanted = _keep_quotes([*map(_prime_value, values)])
    cases: list[dict[str, Any]] = [
        {"type": "stdin_stdout", "input": test.input, "output": test.output}
        for test in tests
        if isinstance(test, StdinTest)
    ]
    for arguments, value in zip(given, wanted, strict=True):
        cases.append({"type": "function_call", "fn_name": name, "input": arguments, "output": value})
    metadata = {
        "time_limit": _time_limit(problem),
        "num_public_tests": len(problem.public_tests),
        "starter_code": "" if problem.kind == "stdin" else _starter_code(owner, name),
    }
    solution = problem.reference_solution
    return {
        "problem_id": problem.problem_id.removeprefix("prime/"),
        "task_type": "verifiable_code",
        "prompt": problem.prompt,
        "gold_standard_solution": None if solution is None else _in_block(solution),
        "verification_info": dumps({"language": "python", "test_cases": cases}),
        "metadata": json.dumps({key: value for key, value in metadata.items() if value}),
        "split": problem.split,
    }


def _in_block(solution: str) -> str:
    """The solution as a fenced block, unless it has fences itself."""
    block = f"```python\n{solution}\n```"
    return block if find_program(block) == solution else solution


def _prime_value(value: Any) -> Any:
    """A value as it stands; text that would be read as JSON is written as JSON."""
    if not isinstance(value, str):
        return value
    try:
        from_json(value)
    except (ValueError, RecursionError):
        return value
    return dumps(value)


def _keep_quotes(values: list[Any]) -> list[Any]:
    """Arguments or values; if all texts among them have quotes, which readers would remove, each with another pair."""
    texts = [item for value in values for item in _items(value) if isinstance(item, str)]
    if not all(len(text) > 1 and text[0] == text[-1] == '"' for text in texts):
        return values
    quoted = [[dumps(item) if isinstance(item, str) else item for item in _items(value)] for value in values]
    return [items if isinstance(value, list) else items[0] for items, value in zip(quoted, values, strict=True)]


def _items(value: Any) -> list[Any]:
    return cast("list[Any]", value) if isinstance(value, list) else [value]


def _starter_code(owner: str, name: str) -> str:
    """What shows readers of the form that the function is a method."""
    return f"class {owner}:\n    def {name}(self" if owner else ""
