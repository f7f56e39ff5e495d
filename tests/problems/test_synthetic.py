"""The synthetic problems and their tests, for any seed."""

from __future__ import annotations

import itertools
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mucode_core.answers import extract_program
from mucode_core.config import ProblemsConfig
from mucode_core.errors import DataError
from mucode_core.problems import LoadedSplit, load_split
from mucode_core.problems.grammar import LISTS, STRINGS, Operation
from mucode_core.problems.synthetic import MAX_PROBLEMS, make_dialogues, make_problems, split_of
from mucode_core.prompts import render_prompt
from mucode_core.sandbox.base import Job, Limits
from mucode_core.sandbox.host.process import ProcessSandbox
from mucode_core.types import Problem

SPLITS = ("train", "validation", "test")
SEEDS = st.integers(0, 2**63 - 1)


def run_test(code: str, test: str) -> bool:
    scope: dict[str, object] = {}
    exec(code, scope)
    try:
        exec(test, scope)
    except Exception:  # noqa: BLE001 - any failure of the program fails the test
        return False
    return True


def read_operations(statement: str) -> list[Operation]:
    """The operations of a statement, from its words alone."""
    body, result = re.fullmatch(r"Write a function to (.*), and return (.*)\.", statement).groups()
    for family in (LISTS, STRINGS):
        parts = [(text, family.steps) for text in body.split(", then ")] + [(result, family.results)]
        found = [next((o for o in pool if _says(o, text)), None) for text, pool in parts]
        if None not in found:
            return found
    raise AssertionError(statement)


def _says(operation: Operation, text: str) -> bool:
    return any(re.fullmatch(re.escape(p).replace(r"\{k\}", r"\d+"), text) for p in operation.phrases)


def skeleton(problem: Problem) -> tuple[str, ...]:
    variable = re.match(r"def solve\((\w+)\)", problem.reference_solution)[1]
    return (variable, *(o.name for o in read_operations(problem.prompt)))


def single_errors(problem: Problem) -> list[tuple[str, str]]:
    """The kind of each operation with the reference solution that has just its line wrong."""
    lines = problem.reference_solution.split("\n    ")
    wrong = []
    for i, operation in enumerate(read_operations(problem.prompt), start=1):
        if operation.kind == "plain":
            continue
        options = [
            (a.replace("{k}", str(k)), b.replace("{k}", str(k)))
            for a, b in ((operation.right, operation.wrong), (operation.wrong, operation.right))
            for k in operation.parameters
        ]
        other = next(b for a, b in options if a == lines[i])
        wrong.append((operation.kind, "\n    ".join([*lines[:i], other, *lines[i + 1 :]])))
    return wrong


def test_the_grammar_has_52_operations_with_distinct_phrases():
    pools = (LISTS.steps, LISTS.results, STRINGS.steps, STRINGS.results)
    assert sum(map(len, pools)) == 52
    for pool in pools:
        assert len({o.name for o in pool}) == len(pool)
        assert all(o.right != o.wrong and len(set(o.phrases)) == 2 for o in pool if o.kind != "plain")
    for family in (LISTS, STRINGS):
        phrases = [p for o in (*family.steps, *family.results) for p in o.phrases]
        assert len(set(phrases)) == len(phrases)


@pytest.mark.parametrize("split", SPLITS)
@settings(max_examples=10)
@given(seed=SEEDS)
def test_references_pass_and_each_kind_of_error_fails_the_intended_tests(split, seed):
    for problem in make_problems(split, 25, seed):
        assert len(problem.public_tests) == 1
        assert len(problem.private_tests) >= 2
        tests = (*problem.public_tests, *problem.private_tests)
        assert len(set(tests)) == len(tests)
        assert all(run_test(problem.reference_solution, test) for test in tests)
        for kind, code in single_errors(problem):
            assert run_test(code, problem.public_tests[0]) == (kind == "sub"), code
            if kind == "sub":
                assert not all(run_test(code, test) for test in problem.private_tests), code


@settings(max_examples=5)
@given(seed=SEEDS)
def test_skeletons_are_unique_in_a_call(seed):
    for split in SPLITS:
        problems = make_problems(split, 60, seed)
        assert len({skeleton(p) for p in problems}) == 60
        assert len({p.problem_id for p in problems}) == 60


@pytest.mark.slow
def test_splits_share_no_skeleton_whatever_the_seeds():
    found = {
        split: {skeleton(p) for seed in range(start, start + 5) for p in make_problems(split, 300, seed)}
        for start, split in enumerate(SPLITS)
    }
    found["bootstrap"] = set()
    for seed in range(3):
        for first, second, *_ in make_dialogues(1000, seed, error_scale=0.7, repair_rate=0.1):
            variable = re.search(r"def solve\((\w+)\)", second.content)[1]
            operations = read_operations(first.content.split("\n")[0])
            found["bootstrap"].add((variable, *(o.name for o in operations)))
    for a, b in itertools.combinations(found, 2):
        assert not found[a] & found[b]


def test_the_split_of_a_skeleton_never_changes():
    """Pinned: a changed hash would let a trained checkpoint meet its own training skeletons as test problems."""
    assert split_of("string:upper-length") == "bootstrap"
    assert split_of("string:digits-first") == "train"
    assert split_of("list:even-sum") == "validation"
    assert {split_of(f"list:{a.name}-{b.name}") for a in LISTS.steps for b in LISTS.results} > {"test", *SPLITS}


def test_the_same_seed_draws_the_same_problems_and_another_draws_others():
    assert make_problems("test", 40, 7) == make_problems("test", 40, 7)
    assert make_problems("test", 40, 7) == make_problems("test", 60, 7)[:40]
    assert make_problems("test", 40, 7) != make_problems("test", 40, 8)


@pytest.mark.parametrize("seed", [0, 1, 2**40 + 3])
def test_a_run_gets_its_problems(seed):
    for split, size in (("train", 450), ("validation", 200), ("test", 400)):
        problems = make_problems(split, size, seed)
        assert len(problems) == size
        assert problems[7].problem_id == f"synthetic/{split}/0007"
        assert {p.split for p in problems} == {split}


def test_test_problems_are_ambiguous_and_subtle_often_enough():
    kinds = [{o.kind for o in read_operations(p.prompt)} for p in make_problems("test", 400, 11)]
    assert 0.4 < sum("amb" in k for k in kinds) / 400 < 0.65
    assert 0.65 < sum("sub" in k for k in kinds) / 400 < 0.9


def test_too_many_problems_are_refused_with_a_hint():
    with pytest.raises(DataError, match=f"validation.*\n.*at most {MAX_PROBLEMS}"):
        make_problems("validation", MAX_PROBLEMS + 1, 0)


def test_dialogues_alternate_and_end_with_a_program():
    dialogues = make_dialogues(300, 5, error_scale=0.7, repair_rate=0.1)
    for dialogue in dialogues:
        assert [m.role for m in dialogue] == ["user", "assistant"] * (len(dialogue) // 2)
        assert all(extract_program(m.content).code for m in dialogue if m.role == "assistant")
    assert {len(d) for d in dialogues} == {2, 4, 6}
    assert {len(d) for d in make_dialogues(300, 5, error_scale=0.7, repair_rate=0.1, num_turns=1)} == {2}


def test_dialogue_feedback_matches_execution():
    for dialogue in make_dialogues(400, 6, error_scale=1.0, repair_rate=0.3):
        statement, test = dialogue[0].content.split("\n")
        assert dialogue[0].content == render_prompt(statement, [test])
        for answer, feedback in itertools.pairwise(dialogue[1:]):
            if answer.role == "assistant":
                assert feedback.content == f"Feedback: {_feedback(extract_program(answer.content).code, test)}"


def _feedback(code: str, test: str) -> str:
    call, expected = test.removeprefix("assert ").split(" == ")
    scope: dict[str, object] = {}
    exec(code, scope)
    try:
        got = repr(eval(call, scope))
    except Exception as error:  # noqa: BLE001 - whatever the program raises is its feedback
        return f"{type(error).__name__}: {error}"
    assert got != expected, "a passing program got feedback"
    return f"AssertionError: got {got if len(got) <= 40 else got[:18] + '...' + got[-19:]}, expected {expected}"


def test_the_teacher_gets_exactly_the_sandboxs_feedback():
    jobs, feedback = [], []
    for dialogue in make_dialogues(150, 17, error_scale=1.0, repair_rate=0.1):
        test = dialogue[0].content.split("\n")[1]
        for answer, reply in itertools.pairwise(dialogue[1:]):
            if answer.role == "assistant":
                jobs.append(
                    Job(extract_program(answer.content).code, (test,), "assert", "", "solve", Limits(), "brief")
                )
                feedback.append(reply.content.removeprefix("Feedback: "))
    with ProcessSandbox(1) as sandbox:
        assert [public.feedback for public, _ in sandbox.run(jobs)] == feedback


def test_the_teacher_errs_at_the_configured_rates():
    def first_try_passes(**rates: float) -> float:
        dialogues = make_dialogues(1500, 9, **rates)
        first = [(d[0].content.split("\n")[1], extract_program(d[1].content).code) for d in dialogues]
        return sum(run_test(code, test) for test, code in first) / len(first)

    assert first_try_passes(error_scale=0.0, repair_rate=0.1) > first_try_passes(error_scale=1.0, repair_rate=0.1) + 0.2
    fixed = [d for d in make_dialogues(1500, 9, error_scale=0.7, repair_rate=1.0) if len(d) == 4]
    passing = [run_test(extract_program(d[3].content).code, d[0].content.split("\n")[1]) for d in fixed]
    assert sum(passing) / len(passing) > 0.85


def test_the_same_seed_draws_the_same_dialogues_and_chunks_differ():
    rates = {"error_scale": 0.7, "repair_rate": 0.1}
    assert make_dialogues(50, 1, **rates) == make_dialogues(50, 1, **rates)
    assert not set(make_dialogues(50, 1, **rates)) & set(make_dialogues(50, 2, **rates))


@pytest.mark.slow
def test_the_verifier_only_split_is_disjoint() -> None:
    def load(split: LoadedSplit, num_reserved: int = 40) -> list[Problem]:
        settings = ProblemsConfig(num_train=60, num_reserved=num_reserved, num_validation=30, num_test=30)
        return load_split(settings, split, data=None, keep=None, seed=5)

    reserved = {p.prompt for p in load("reserved")}
    others = [p.prompt for split in ("train", "validation", "test") for p in load(split)]
    assert len(reserved) == 40
    assert not reserved & set(others)
    assert load("train") == load("train", num_reserved=0), "reserving changes no other split"


def test_a_limit_keeps_the_first_problems_or_a_sample_with_its_seed() -> None:
    def ids(**limits: int) -> list[str]:
        found = load_split(ProblemsConfig(num_test=20, **limits), "test", data=None, keep=None, seed=3)
        return [problem.problem_id for problem in found]

    everything = ids()
    assert ids(limit=5) == everything[:5]
    drawn = ids(limit=5, seed=1)
    assert len(drawn) == 5
    assert drawn == [one for one in everything if one in drawn] != everything[:5]
    assert drawn == ids(limit=5, seed=1) != ids(limit=5, seed=2)
    assert ids(limit=99) == everything
