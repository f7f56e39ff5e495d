"""Problems as rows for other trainers, and as rows of this project's own form: `mucode problems convert`."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, cast

from mucode_core.errors import DataError
from mucode_core.problems.json_values import dumps, from_json
from mucode_core.problems.readers.apps import FLOATS
from mucode_core.problems.readers.prime import LINES
from mucode_core.problems.selection import Selection, select_problems
from mucode_core.system.atomic_files import replacing
from mucode_core.types import TOKENS, CallTest, Problem, StdinTest

Target = Literal["custom", "verl", "prime"]
_SPLITS = {"train", "validation", "test"}


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

    Reading the rows again gives equal problems, but for the data set's name and, where the form has no place for it,
    the rule of comparison, which is then counted in `changed`.

    Raises:
        DataError: The file cannot be read, `out` cannot be written, or no problem can be converted.
        ConfigError: There is no such data set.
    """
    done = Conversion()
    with replacing(out) as partial, partial.open("w", encoding="utf-8") as file:
        for row in _rows(dataset, path, target, selection, done, say):
            file.write(dumps(row) + "\n")
        if not done.num_written:
            error = DataError("no problem can be converted", location=str(path), hint="choose another form by --to")
            raise done.bad_rows[0] if done.bad_rows and not done.left_out else error
    return done


def _rows(
    dataset: str, path: Path, target: Target, selection: Selection, done: Conversion, say: Callable[[str], None]
) -> Iterator[dict[str, Any]]:
    for found in select_problems(dataset, path, selection):
        if isinstance(found, DataError):
            done.bad_rows.append(found)
            continue
        problem = found.problem
        if reason := _inexpressible(problem, target):
            done.left_out.append((problem.problem_id, reason))
            say(f"{problem.problem_id}: cannot be written as {target}: {reason}")
            continue
        done.num_written += 1
        default = {"verl": FLOATS, "prime": LINES}.get(target, problem.compare) if problem.kind == "stdin" else TOKENS
        if target != "custom" and problem.compare != default:
            done.changed[f"compare: {problem.compare.rule} becomes the rule of {target}"] += 1
        yield to_row(problem, target)


def _inexpressible(problem: Problem, target: Target) -> str:
    """What rows of the form have no place for; empty if they say all that a verdict depends on."""
    if target == "custom":
        return "" if problem.split in _SPLITS else f"split {problem.split}"
    tests = (*problem.public_tests, *problem.private_tests)
    has_alternatives = any(not isinstance(test, str) and test.alternatives for test in tests)
    owner = problem.entry_point.rpartition(".")[0]
    reasons = {
        "setup": bool(problem.setup.strip()),
        "checker": problem.checker is not None,
        "in_place": problem.in_place,
        "alternatives": has_alternatives and not _is_wrapped(problem),
        "values that are lists of one item": problem.kind == "call"
        and not has_alternatives
        and _has_only_ones(problem),
        f"class {owner}": owner not in {"", "Solution"},
        "asserts": problem.kind == "assert" and target == "prime",
    }
    return ", ".join(reason for reason, holds in reasons.items() if holds)


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
    optional = {"checker": problem.checker, "in_place": problem.in_place}
    return row | {name: value for name, value in optional.items() if value}


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
    truth: dict[str, Any] = {"fn_name": name} if name else {}
    if problem.kind == "assert":
        truth |= {"assert_case": list(tests), "inputs": [], "outputs": []}
    elif problem.kind == "stdin":
        pairs = [test for test in tests if isinstance(test, StdinTest)]
        truth |= {"inputs": [test.input for test in pairs], "outputs": [test.output for test in pairs]}
    else:
        calls = [test for test in tests if isinstance(test, CallTest)]
        truth["inputs"] = ["\n".join(map(dumps, from_json(test.arguments))) for test in calls]
        truth["outputs"] = [test.alternatives[0] if test.alternatives else test.expected for test in calls]
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
    """With its unit: large numbers alone are read as milliseconds."""
    return f"{problem.time_limit_s} seconds" if problem.time_limit_s else None


def _prime_row(problem: Problem) -> dict[str, Any]:
    owner, _, name = problem.entry_point.rpartition(".")
    cases: list[dict[str, Any]] = []
    for test in (*problem.public_tests, *problem.private_tests):
        if isinstance(test, StdinTest):
            cases.append({"type": "stdin_stdout", "input": test.input, "output": test.output})
        elif isinstance(test, CallTest):
            value = from_json(test.alternatives[0] if test.alternatives else test.expected)
            given = from_json(test.arguments)
            cases.append({"type": "function_call", "fn_name": name, "input": given, "output": _prime_value(value)})
    metadata = {
        "time_limit": _time_limit(problem),
        "num_public_tests": len(problem.public_tests),
        "starter_code": _starter_code(owner, name),
    }
    solution = problem.reference_solution
    return {
        "problem_id": problem.problem_id.removeprefix("prime/"),
        "task_type": "verifiable_code",
        "prompt": problem.prompt,
        "gold_standard_solution": None if solution is None else f"```python\n{solution}\n```",
        "verification_info": dumps({"language": "python", "test_cases": cases}),
        "metadata": json.dumps({key: value for key, value in metadata.items() if value}),
        "split": problem.split,
    }


def _prime_value(value: Any) -> Any:
    """A value as it stands; text that would be read as JSON is written as JSON."""
    if not isinstance(value, str):
        return value
    try:
        from_json(value)
    except (ValueError, RecursionError):
        return value
    return dumps(value)


def _starter_code(owner: str, name: str) -> str:
    """What shows readers of the form that the function is a method."""
    return f"class {owner}:\n    def {name}(self" if owner else ""
