"""CodeContests in all its published forms, CodeContests+, and open-r1's codeforces."""

from typing import Any

import pytest

from mucode_core.errors import DataError, ExcludedError
from mucode_core.problems.checkers import find_checker
from mucode_core.problems.readers.code_contests import (
    DATASETS,
    make_code_contests,
    make_code_contests_plus,
    make_codeforces,
)
from mucode_core.problems.registry import recognise
from mucode_core.types import Comparison, StdinTest

STATEMENT = "Print the sum.\n\nInput\n\nTwo integers.\n\nExamples\n\nInput\n\n1 2\n\n\nOutput\n\n3\n"
PROGRAM = "print(sum(map(int, input().split())))"


def columns(*pairs: tuple[str, str]) -> dict[str, list[str]]:
    return {"input": [one for one, _ in pairs], "output": [other for _, other in pairs]}


def pairs(*tests: tuple[str, str]) -> list[dict[str, str]]:
    return [{"input": one, "output": other} for one, other in tests]


HUB: dict[str, Any] = {
    "name": "9999_A. Sum", "description": STATEMENT, "public_tests": columns(("1 2\n", "3\n")),
    "private_tests": columns(("5 6\n", "11\n")), "generated_tests": columns(("0 0\n", "0\n")),
    "source": 2, "difficulty": 7,
    "solutions": {"language": [2, 1, 3], "solution": ["int main() {}", "print input()", PROGRAM]},
    "incorrect_solutions": {"language": [3], "solution": ["print(3)"]}, "cf_contest_id": 9999, "cf_index": "A",
    "cf_points": 0.0, "cf_rating": 800, "cf_tags": ["math", ""], "is_description_translated": False,
    "untranslated_description": "", "time_limit": {"seconds": 1, "nanos": 500_000_000},
    "memory_limit_bytes": 256_000_000,
    "input_file": "", "output_file": "",
}  # fmt: skip


def test_a_row_of_the_hub() -> None:
    problem = make_code_contests(HUB, "f:1")
    assert (problem.problem_id, problem.kind, problem.split) == ("code_contests/9999_A. Sum", "stdin", "train")
    assert problem.public_tests == (StdinTest("1 2\n", "3\n"),)
    assert problem.private_tests == (StdinTest("5 6\n", "11\n"), StdinTest("0 0\n", "0\n"))
    assert problem.reference_solution == PROGRAM
    assert problem.time_limit_s == 1.5
    assert problem.compare == Comparison("floats")
    assert problem.checker is None


SAME = {
    "pairs": {"public_tests": pairs(("1 2\n", "3\n")), "private_tests": pairs(("5 6\n", "11\n"), ("0 0\n", "0\n")),
              "generated_tests": None},
    "names of languages": {"solutions": {"language": ["CPP", "PYTHON3"], "solution": ["int main() {}", PROGRAM]}},
    "solutions as pairs": {"solutions": [{"language": 3, "solution": PROGRAM}]},
    "one solution": {"solutions": [], "solution": PROGRAM},
    "seconds": {"time_limit": 1.5},
    "milliseconds": {"time_limit": 1500},
    "no second": {"time_limit": {"seconds": 1, "nanos": 5e8}, "input_file": None},
}  # fmt: skip


@pytest.mark.parametrize("name", SAME)
def test_other_forms_of_the_row_give_the_same_problem(name: str) -> None:
    assert make_code_contests(HUB | SAME[name], "f:1") == make_code_contests(HUB, "f:1")


def test_no_time_limit_and_no_program_in_python() -> None:
    changes = {"time_limit": None, "solutions": {"language": [2], "solution": ["int main() {}"]}}
    problem = make_code_contests(HUB | changes, "f:1")
    assert (problem.time_limit_s, problem.reference_solution) == (None, None)


def test_without_public_tests_the_first_private_one_is_public() -> None:
    problem = make_code_contests(HUB | {"public_tests": columns()}, "f:1")
    assert problem.public_tests == (StdinTest("5 6\n", "11\n"),)
    assert problem.private_tests == (StdinTest("0 0\n", "0\n"),)


def test_tests_that_were_cut_where_they_were_collected_are_excluded() -> None:
    cut = {"private_tests": columns(("5 6\n", "11\n"), ("1 2 3 4...", "10"), ("9", "1 2 3..."))}
    assert make_code_contests(HUB | cut, "f:1") == make_code_contests(HUB, "f:1")
    dots = {"public_tests": columns(("1 2\n", "3...\n"))}
    assert len(make_code_contests(HUB | cut | dots, "f:1").private_tests) == 4, "here answers end so"


def test_problems_with_several_right_answers_get_their_checker() -> None:
    problem = make_code_contests(HUB | {"name": "27_B. Tournament"}, "f:1")
    assert problem.checker == find_checker("27_B") is not None


INTERACTIVE = (
    "This is an interactive problem. Guess x.",
    "This problem is interactive.",
    "Interactive task: guess x.",
    "Ask, then flush by fflush(stdout).",
)


@pytest.mark.parametrize("text", INTERACTIVE)
def test_interactive_problems_are_excluded(text: str) -> None:
    with pytest.raises(ExcludedError, match=r"^f:1: description: an interactive problem"):
        make_code_contests(HUB | {"description": text}, "f:1")


@pytest.mark.parametrize("text", ["This is not an interactive problem.", "The non-interactive problem of guessing."])
def test_problems_that_say_they_are_not_interactive_stay(text: str) -> None:
    assert make_code_contests(HUB | {"description": text}, "f:1").public_tests


def test_problems_with_an_input_file_are_excluded() -> None:
    with pytest.raises(ExcludedError, match=r"^f:1: its programs read input\.txt"):
        make_code_contests(HUB | {"input_file": "input.txt"}, "f:1")


BAD = {
    "no tests": ({name: columns() for name in ("public_tests", "private_tests", "generated_tests")}, "tests: no tests"),
    "only cut ones": (
        {"public_tests": [], "private_tests": columns(("1", "2...")), "generated_tests": []},
        "tests, without those that are cut: no tests",
    ),
    "one output less": ({"public_tests": {"input": ["1"], "output": []}}, "public_tests"),
    "no output": ({"private_tests": [{"input": "1"}]}, "private_tests.0.output"),
    "odd solutions": ({"solutions": {"language": [3], "solution": []}}, "solutions"),
    "no statement": ({"description": None}, "description"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_rows_are_refused_with_field_and_place(name: str) -> None:
    changes, message = BAD[name]
    with pytest.raises(DataError, match=rf"^f:1: {message}"):
        make_code_contests(HUB | changes, "f:1")


@pytest.mark.parametrize(
    ("changes", "difficulty"),
    [
        ({}, "800"),
        ({"cf_rating": 0}, "A"),
        ({"cf_rating": 0, "difficulty": 2}, "medium"),
        ({"cf_rating": None, "difficulty": "11"}, "E"),
    ],
)
def test_the_difficulty_is_the_rating_or_else_the_codes_name(changes: dict[str, Any], difficulty: str) -> None:
    facts = DATASETS["code_contests"].facts(HUB | changes)
    assert (facts.difficulty, facts.tags) == (difficulty, ("math",))


@pytest.mark.parametrize(
    "text",
    [
        "If there are several solutions, print any.",
        "If there are multiple answers, you can output any of them.",
        "Print any pair.",
    ],
)
def test_several_right_answers_without_a_checker_are_noted(text: str) -> None:
    notes = DATASETS["code_contests"].notes
    assert notes(HUB) == notes(HUB | {"description": "You may print the letters in any case, in any order."}) == ()
    (note,) = notes(HUB | {"description": text})
    assert "no checker" in note
    assert notes(HUB | {"description": text, "name": "27_B. Tournament"}) == ()


PLUS: dict[str, Any] = {
    "source": "Codeforces", "id": "9999_A", "title": "Sum", "description": STATEMENT, "time_limit": 1500,
    "memory_limit": 256, "validator": "#include \"testlib.h\"", "generator": "", "generator_cmd": "", "checker": None,
    "test_cases": pairs(("5 6\n", "11\n"), ("1 2\n", "3\n")), "true_positive_rate": 1.0, "true_negative_rate": 1.0,
    "correct_submissions": [{"code": "int main() {}", "language": "cpp"}, {"code": PROGRAM, "language": "py3"}],
    "incorrect_submissions": [{"code": "print(3)", "language": "py3"}],
}  # fmt: skip
WCMP = """#include "testlib.h"
int main(int argc, char * argv[]) {
    setName("compare sequences of tokens");
    registerTestlibCmd(argc, argv);
    while (!ans.seekEof() && !ouf.seekEof()) { if (ans.readWord() != ouf.readWord()) quitf(_wa, "differ"); }
    quitf(_ok, "same");
}"""


def test_a_row_of_code_contests_plus() -> None:
    problem = make_code_contests_plus(PLUS, "f:1")
    assert problem.problem_id == "code_contests_plus/codeforces/9999_A"
    assert problem.public_tests == (StdinTest("1 2\n", "3\n"),), "it stands in the statement"
    assert problem.private_tests == (StdinTest("5 6\n", "11\n"),)
    assert (problem.time_limit_s, problem.reference_solution) == (1.5, PROGRAM)
    assert DATASETS["code_contests_plus"].notes(PLUS) == ()


def test_a_standard_checker_is_its_rule() -> None:
    assert make_code_contests_plus(PLUS | {"checker": WCMP}, "f:1").compare == Comparison("tokens")
    assert DATASETS["code_contests_plus"].notes(PLUS | {"checker": WCMP}) == ()


def test_a_checker_that_is_not_run_is_noted_unless_there_is_one_of_our_own() -> None:
    other = PLUS | {"checker": "int main() { inf.readInt(); }"}
    (note,) = DATASETS["code_contests_plus"].notes(other)
    assert "C++" in note
    assert DATASETS["code_contests_plus"].notes(other | {"id": "27_B"}) == ()
    assert make_code_contests_plus(other | {"id": "27_B"}, "f:1").checker == find_checker("27_B")
    assert make_code_contests_plus(other | {"id": "27_B", "source": "AtCoder"}, "f:1").checker is None


def test_bad_rows_of_code_contests_plus() -> None:
    for changes, message in (({"test_cases": []}, "tests: no tests"), ({"test_cases": None}, "tests: no tests")):
        with pytest.raises(DataError, match=rf"^f:1: {message}"):
            make_code_contests_plus(PLUS | changes, "f:1")
    with pytest.raises(ExcludedError):
        make_code_contests_plus(PLUS | {"description": INTERACTIVE[0]}, "f:1")


CODEFORCES: dict[str, Any] = {
    "id": "9999/A", "aliases": None, "contest_id": "9999", "contest_name": "Own Round", "contest_type": "CF",
    "contest_start": 1722470400, "contest_start_year": 2024, "index": "A", "time_limit": 2.0, "memory_limit": 256.0,
    "title": "Sum", "description": "Print the sum.", "input_format": "Two integers.", "output_format": "The sum.",
    "interaction_format": None, "note": "Easy.", "examples": pairs(("1 2\n", "3\n")), "editorial": None, "rating": 800,
    "tags": ["math"], "testset_size": 3, "official_tests": pairs(("1 2\n", "3\n"), ("5 6\n", "11\n")),
    "official_tests_complete": True, "input_mode": "stdio", "generated_checker": None, "executable": True,
    "generated_tests": 0,
}  # fmt: skip


def test_a_row_of_codeforces() -> None:
    problem = make_codeforces(CODEFORCES, "f:1")
    assert (problem.problem_id, problem.kind) == ("codeforces/9999/A", "stdin")
    assert problem.public_tests == (StdinTest("1 2\n", "3\n"),)
    assert problem.private_tests == (StdinTest("5 6\n", "11\n"),)
    assert (problem.time_limit_s, problem.compare, problem.checker) == (2.0, Comparison("tokens"), None)
    assert "Sum\n\nPrint the sum.\n\nInput\n\nTwo integers.\n\nOutput\n\nThe sum.\n\nNote\n\nEasy." in problem.prompt


def test_a_generated_checker_decides_before_one_of_our_own() -> None:
    own = make_codeforces(CODEFORCES | {"id": "27/B"}, "f:1")
    theirs = make_codeforces(CODEFORCES | {"id": "27/B", "generated_checker": "print(1)"}, "f:1")
    assert own.checker == find_checker("27_B")
    assert theirs.checker is not None and "print(1)" in theirs.checker


def test_rows_of_codeforces_that_are_excluded_or_bad() -> None:
    for changes in ({"interaction_format": "Ask."}, {"input_mode": "file"}):
        with pytest.raises(ExcludedError):
            make_codeforces(CODEFORCES | changes, "f:1")
    with pytest.raises(DataError, match="tests: no tests"):
        make_codeforces(CODEFORCES | {"examples": None, "official_tests": None}, "f:1")


def test_forms_and_facts_are_recognised() -> None:
    rows = {"code_contests": HUB, "code_contests_plus": PLUS, "codeforces": CODEFORCES}
    assert {name: recognise(row, "f:1")[0] for name, row in rows.items()} == {name: name for name in rows}
    facts = DATASETS["codeforces"].facts(CODEFORCES)
    assert (facts.difficulty, facts.date, facts.tags) == ("800", "2024-08-01", ("math",))
    assert DATASETS["codeforces"].notes(CODEFORCES | {"official_tests_complete": False})
