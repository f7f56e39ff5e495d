"""The sandbox judges as one plain interpreter does, but for the documented exceptions."""

from __future__ import annotations

import functools
import gzip
import json
import os
import random
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import pytest

from mucode_core.problems import load_problems
from mucode_core.sandbox import ProcessSandbox
from mucode_core.types import Verdict
from tests.conftest import real_data
from tests.sandbox.oracle.compare import disagreements, judge, minimise
from tests.sandbox.oracle.exceptions import EXEMPT, reason_for
from tests.sandbox.oracle.generator import FAMILIES, draw_case, make_test
from tests.sandbox.oracle.interpreter import LATE, Case, Interpreter

_NUM_FAST, _NUM_SLOW = 75, int(os.environ.get("MUCODE_FUZZ_CASES", "1000"))
_SLOW_SEED = int(os.environ.get("MUCODE_FUZZ_SEED", "0")) + _NUM_FAST


@pytest.fixture(scope="module")
def oracle() -> Iterator[Interpreter]:
    with Interpreter() as opened:
        yield opened


def _expect_agreement(
    sandbox: ProcessSandbox, oracle: Interpreter, cases: Sequence[Case], verdicts: Sequence[Verdict] | None = None
) -> None:
    found = list(disagreements(sandbox, oracle, cases, verdicts))
    shown = [minimise(sandbox, oracle, row).shown() for row in found[:3]]
    assert not found, f"{len(found)} of {len(cases)}\n" + "\n".join(shown)


@pytest.mark.timeout(120)
def test_generated_cases(sandbox: ProcessSandbox, oracle: Interpreter) -> None:
    _expect_agreement(sandbox, oracle, [draw_case(seed, oracle) for seed in range(_NUM_FAST)])


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_more_generated_cases(sandbox: ProcessSandbox, oracle: Interpreter) -> None:
    seeds = range(_SLOW_SEED, _SLOW_SEED + _NUM_SLOW)
    _expect_agreement(sandbox, oracle, [draw_case(seed, oracle) for seed in seeds])


def test_the_generator_draws_right_and_wrong_tests_of_every_family(oracle: Interpreter) -> None:
    for family in FAMILIES:
        rows = [ok for seed in range(25) for ok in oracle.run(draw_case(seed, oracle, family)).passed]
        assert 0.25 < sum(rows) / len(rows) < 0.75, family


def test_a_seed_draws_the_same_case_again(oracle: Interpreter) -> None:
    assert [draw_case(seed, oracle) for seed in range(20)] == [draw_case(seed, oracle) for seed in range(20)]


def test_no_test_expects_that_memory_is_short() -> None:
    drawn = {
        found: {make_test(random.Random(seed), "x = 1", "f(x)", "raises", found) for seed in range(20)}
        for found in ("MemoryError", "KeyError")
    }
    assert drawn["MemoryError"] == {"x = 1\nassert f(x) is not None"}
    assert any("except (ArithmeticError, KeyError): pass" in test for test in drawn["KeyError"])


@pytest.mark.parametrize("text", ["['<function f at 0x7f00>']", "['a', 't', ' ', '0', 'x', '7', 'f']"])
def test_no_test_expects_an_address(text: str) -> None:
    class Oracle(Interpreter):
        def __init__(self) -> None:
            """Starts nothing."""

        def probe(self, code: str, setup: str, bodies: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
            return [("value", text) for _ in bodies]

    tests = [test for seed in range(40) for test in draw_case(seed, Oracle(), "records").tests]
    assert len(tests) >= 40
    assert not any("0x" in test or "'x', '7'" in test for test in tests)


_FALSE = ["class K:\n def __bool__(self): return False", "class K(list): pass", "class K(enum.Flag): A = 0"]


@pytest.mark.parametrize("test", ["assert not f(x)", "assert not w(K, 1)", "x = K()\nassert not (x.m(2))"])
@pytest.mark.parametrize("code", _FALSE)
def test_objects_that_are_false_are_known_in_all_forms(code: str, test: str) -> None:
    assert reason_for(Case("classes", code, ("assert f(1) == 2", test))) == "objects that are false"
    assert reason_for(Case("classes", code, ("assert not x", "assert f(x)"))) is None
    assert reason_for(Case("classes", "class E(Exception): pass", (test,))) is None


@pytest.mark.parametrize("given", [None, ""], ids=["called", "printing"])
def test_cpu_seconds_end_a_program_and_waiting_does_not(oracle: Interpreter, given: str | None) -> None:
    spins, waits = "while True: pass", "import time\ntime.sleep(1.5)"
    assert oracle.run(Case("spins", spins, ("",), input=given), 1).detail == (LATE,)
    assert oracle.run(Case("waits", waits, ("",), input=given), 1).passed == (True,)


def _rows() -> list[dict[str, Any]]:
    rows = [json.loads(line) for line in real_data("verdict_rows.jsonl").read_text().splitlines()]
    honest = ("comparison", "legit assert", "legit stdin", "stage crash")
    return [row for row in rows if row["group"] in honest and "os.write(3" not in row["code"]]


def _case_of(row: dict[str, Any]) -> Case:
    problem = row["problem"]
    (test,) = problem["public_tests"]
    if problem["kind"] == "stdin":
        return Case(row["name"], row["code"], (test["output"],), input=test["input"])
    return Case(row["name"], row["code"], (test,), problem["setup"], problem["entry_point"])


def test_the_oracle_knows_the_verdict_rows(oracle: Interpreter) -> None:
    cases = {row["name"]: (row, _case_of(row)) for row in _rows()}
    wrong = [
        n
        for n, (row, case) in cases.items()
        if reason_for(case) is None and all(oracle.run(case).passed) != (row["expected"] == "pass")
    ]
    assert wrong == []


@pytest.mark.timeout(120)
def test_the_verdict_rows(sandbox: ProcessSandbox, oracle: Interpreter) -> None:
    _expect_agreement(sandbox, oracle, [_case_of(row) for row in _rows()])


_DIFFERING = {
    **{f"mbpp/{task}": 2 for task in (11, 20, 25)},
    **{f"mbpp/{task}": 1 for task in (26, 128, 129, 480, 759)},
}
"""How many recorded programs of which task get another verdict; docs/sandbox.md says why of each."""


@functools.cache
def _labels() -> dict[tuple[str, str], list[bool]]:
    """The recorded labels of each distinct program for MBPP, by problem and program."""
    found: dict[tuple[str, str], list[bool]] = defaultdict(list)
    with gzip.open(real_data("mbpp_samples_multi.jsonl.gz"), "rt") as file:
        for row in map(json.loads, file):
            found[f"mbpp/{row['task_id']}", row["code"]].append(row["pass_all"])
    return found


def _recorded() -> list[Case]:
    """The distinct recorded programs for MBPP with the problems' tests."""
    problems = {p.problem_id: p for p in load_problems("mbpp", real_data("mbpp.jsonl"))}
    return [_mbpp_case(problems[name], code) for name, code in _labels()]


def _mbpp_case(problem: Any, code: str) -> Case:
    return Case(
        problem.problem_id, code, problem.public_tests + problem.private_tests, problem.setup, problem.entry_point
    )


def _traced() -> list[Case]:
    """The distinct programs of recorded turns for HumanEval, with its tests."""
    with real_data("humanevalpack_python.jsonl").open() as file:
        problems = {row["task_id"].rpartition("/")[2]: row for row in map(json.loads, file)}
    with gzip.open(real_data("multiturn_traces.jsonl.gz"), "rt") as file:
        rows = [json.loads(line) for line in file]
    found = dict.fromkeys(
        (r["task_id"], code) for r in rows if r["dataset"] == "humaneval" for code in r["implementations"]
    )
    cases: list[Case] = []
    for name, code in found:
        problem = problems[name.rpartition("/")[2]]
        cases.append(Case(name, code, (problem["test"],), problem.get("test_setup", ""), problem["entry_point"]))
    return cases


@pytest.mark.timeout(120)
def test_a_sample_of_recorded_programs(sandbox: ProcessSandbox, oracle: Interpreter) -> None:
    _expect_agreement(sandbox, oracle, [*_recorded()[::120], *_traced()[::80]])


@pytest.fixture(scope="module")
def judged(sandbox: ProcessSandbox) -> tuple[list[Case], list[Verdict]]:
    """All recorded programs for MBPP and their verdicts, with time for the slowest that was recorded as passing."""
    cases = _recorded()
    return cases, judge(sandbox, cases, cpu_s=3.0)


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_all_recorded_programs(
    sandbox: ProcessSandbox, oracle: Interpreter, judged: tuple[list[Case], list[Verdict]]
) -> None:
    _expect_agreement(sandbox, oracle, *judged)


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_all_recorded_turns(sandbox: ProcessSandbox, oracle: Interpreter) -> None:
    _expect_agreement(sandbox, oracle, _traced())


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_recorded_programs_get_their_recorded_labels(judged: tuple[list[Case], list[Verdict]]) -> None:
    found = {(case.kind, case.code): verdict.passed for case, verdict in zip(*judged, strict=True)}
    differing = Counter(
        program[0] for program, labels in _labels().items() for label in labels if found[program] != label
    )
    assert differing == _DIFFERING


@pytest.mark.parametrize("name", EXEMPT)
def test_an_exception_is_documented(name: str) -> None:
    assert len(EXEMPT[name].reason) > 20
