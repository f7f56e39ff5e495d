"""Each of our checkers on inputs of our own: right answers that differ from the expected one, and wrong ones."""

import subprocess
import sys
from pathlib import Path

import pytest

from mucode_core.problems.checkers import find_checker, geometry, graphs, numbers, routes, sequences, trees
from mucode_core.problems.checkers.reading import FAULT, RIGHT, WRONG, Words, WrongOutputError

THEMES = (trees, graphs, routes, geometry, sequences, numbers)
CHECKERS = {number: check for theme in THEMES for number, check in theme.CHECKERS.items()}
ONE_PATH = "4\n3 4\n1 4\n3 4"
TWO_TREES = "2\n4\n1 2\n1 3\n1 4\n3\n1 2\n2 3"
PATHS = "1\n4 3\n1 2\n2 3\n3 4"
SQUARES = "0 0\n1 0\n1 1\n0 1\n5 5\n7 5\n7 6\n5 6"
CUBE = "0 0 0\n0 0 1\n1 0 0\n0 1 0\n0 1 1\n1 1 0\n1 0 1\n1 1 1"
BAD_CUBE = CUBE.replace("0 0 1\n1 0 0", "1 0 0\n1 0 0", 1)

# number: input, expected output, other right outputs, wrong outputs
CASES: dict[str, tuple[str, str, list[str], list[str]]] = {
    "1041_E": (
        ONE_PATH,
        "YES\n1 3\n3 2\n2 4",
        ["yes 4 2 2 3 1 4", "YES 1 4 4 2 2 3"],
        ["NO", "YES 1 2 2 3 3 4", "YES 1 4 1 4 2 3"],
    ),
    "1325_C": ("4\n1 2\n1 3\n1 4", "0 1 2", ["2 1 0", "1 2 0"], ["0 1 1", "0 1", "0 1 3"]),
    "963_B": ("3\n0 1 2", "YES\n2\n1\n3", ["YES 2 3 1"], ["NO", "YES 1 2 3", "YES 2 1", "YES 2 2 1"]),
    "1521_D": (
        TWO_TREES,
        "1\n1 2 2 3\n0",
        ["1\n1 4 4 2\n0", "1 3 1 3 4 0"],
        ["0\n0", "1\n1 2 1 2\n0", "1\n2 3 2 4\n0", "1\n1 4 3 3\n0", "2 1 2 2 3 1 3 1 3 0"],
    ),
    "45_H": ("3 2\n1 2\n2 3", "1\n1 3", ["1 3 1"], ["0", "1 1 2", "1 1 1", "2 1 3 1 3", "1"]),
    "1076_D": ("3 3 1\n1 2 1\n1 3 1\n2 3 1", "1\n1", ["1 2"], ["1 3", "0", "2 1 2", "1 4"]),
    "1217_D": ("3 3\n1 2\n2 3\n3 1", "2\n1 1 2", ["2 2 2 1", "2 1 2 1"], ["1 1 1 1", "2 1 1 1", "3 1 2 3", "2 1 1"]),
    "1407_E": ("3 2\n1 2 0\n2 3 0", "-1\n100", ["-1 111", "-1 010"], ["-1 000", "2 000", "-1 10", "-1 210"]),
    "507_E": (
        "4 4\n1 2 1\n2 4 0\n1 3 0\n3 4 1",
        "2\n2 4 1\n3 4 0",
        ["2 3 1 1 2 1 0", "2 4 3 0 4 2 1"],
        ["0", "1 2 4 1", "2 2 4 1 2 4 1", "2 2 4 0 3 4 0", "3 2 4 1 3 1 1 3 4 0", "2 1 4 1 3 4 0"],
    ),
    "715_B": (
        "3 3 5 0 2\n0 1 0\n1 2 0\n0 2 9",
        "YES\n0 1 1\n1 2 4\n0 2 9",
        ["yes 2 1 3 1 0 2 2 0 9"],
        ["NO", "YES 0 1 1 1 2 1 0 2 9", "YES 0 1 1 1 2 4 0 2 5", "YES 0 1 5 0 1 5 0 2 9", "YES 0 1 1 1 2 4"],
    ),
    "1391_E": (
        PATHS,
        "PATH\n2\n1 2",
        ["PATH 4 4 3 2 1", "PAIRING 1 1 3", "PAIRING 1 1 2"],
        [
            "PATH 1 1",
            "PATH 2 1 3",
            "PATH 3 1 2 1",
            "PAIRING 2 1 2 3 4",
            "PAIRING 1 1 1",
            "PAIRING 2 1 3 2 4",
            "TREE 2 1 2",
        ],
    ),
    "136_D": (
        SQUARES,
        "YES\n1 2 3 4\n5 6 7 8",
        ["YES 4 1 3 2 8 6 5 7"],
        ["NO", "YES 5 6 7 8 1 2 3 4", "YES 1 2 3 5 4 6 7 8", "YES 1 2 3 3 5 6 7 8"],
    ),
    "407_A": (
        "5 5",
        "YES\n2 1\n5 5\n-2 4",
        ["YES 0 0 3 4 -4 3"],
        ["NO", "YES 0 0 5 0 0 5", "YES 0 0 3 4 4 3", "YES 0 0 6 8 -4 3"],
    ),
    "464_B": (
        BAD_CUBE,
        "YES\n" + CUBE,
        ["yes " + "0 0 0 0 1 0 1 0 0 0 0 1 0 1 1 1 1 0 1 0 1 1 1 1"],
        ["NO", "YES " + BAD_CUBE],
    ),
    "618_C": ("4\n0 0\n4 0\n0 4\n1 1", "1 2 4", ["4 3 1", "2 3 4"], ["1 2 3", "1 1 2", "1 2", "1 2 5"]),
    "749_B": (
        "0 0\n1 0\n0 1",
        "3\n1 -1\n-1 1\n1 1",
        ["3 1 1 1 -1 -1 1"],
        ["2 1 1 1 -1", "3 1 1 1 1 1 -1", "3 0 0 1 -1 -1 1"],
    ),
    "27_B": ("3\n2 1\n3 1", "2 3", ["3 2"], ["1 2", "2 2", "2", "4 1"]),
    "576_A": ("4", "3\n2 4 3", ["3 3 4 2", "3 4 3 2"], ["2 2 3", "3 2 3 3", "4 2 3 4 1", "3 2 4 5"]),
    "633_C": ("4\nabab\n3\nba\nBABA\nBa", "ba ba", ["BABA", "Ba ba"], ["ba", "baba", "ba ba ba", ""]),
    "774_H": ("4\n4 1 0 0", "aabc", ["zxyy", "abbc"], ["aabb", "aaab", "aab", "AABC", "aa bc"]),
    "521_D": ("1 2 1\n3\n1 1 9\n3 1 3", "1\n1", ["1 2"], ["0", "2 1 2", "1 3", "1"]),
    "1031_E": (
        "5\n1 1 0 1 1",
        "YES\n2\n1 2 3\n3 4 5",
        ["yes 2 3 4 5 1 2 3", "YES 2 1 3 5 2 3 4"],
        ["NO", "YES 0", "YES 1 1 2 4", "YES 1 3 2 1"],
    ),
    "1427_E": (
        "3",
        "5\n3 + 3\n3 ^ 6\n3 + 5\n3 + 6\n8 ^ 9",
        ["5 3 + 3 6 ^ 3 3 + 6 5 + 3 9 ^ 8"],
        ["0", "1 3 ^ 2", "1 3 - 2", "1 3 + 3"],
    ),
    "1438_D": (
        "3\n4 2 1",
        "YES\n1\n1 2 3",
        ["yes 1 3 1 2", "YES 2 1 2 3 1 2 3"],
        ["NO", "YES 0", "YES 1 1 1 2", "YES 4 1 2 3 1 2 3 1 2 3 1 2 3"],
    ),
    "862_C": (
        "3 0",
        "YES\n1 2 3",
        ["yes 4 5 1", "YES 8 16 24"],
        ["NO", "YES 1 2 4", "YES 0 7 7", "YES 1 2", "YES 1000001 1 1000000"],
    ),
    "925_C": ("3\n1 2 5", "Yes\n1 2 5", ["yes 1 5 2", "Yes 2 1 5"], ["No", "Yes 5 2 1", "Yes 1 2 4", "Yes 1 2"]),
}
CASES |= {
    "1286_B": (
        "3\n2 0\n0 2\n2 0",
        "YES\n1 3 2",
        ["yes 1 2 1", "YES 5 9 5"],
        ["NO", "YES 3 1 2", "YES 1 3", "YES 0 3 2"],
    ),
    "404_C": (
        "3 2\n0 1 1",
        "2\n1 2\n1 3",
        ["3 2 3 1 3 2 1"],
        ["-1", "2 1 2 2 3", "3 1 2 1 3 1 2", "1 1 2", "2 1 1 1 3"],
    ),
    "981_C": (
        "4\n1 2\n1 3\n1 4",
        "Yes\n3\n1 2\n1 3\n1 4",
        ["yes 2 2 3 1 4", "Yes 2 4 2 3 1"],
        ["No", "Yes 2 2 3 3 4", "Yes 1 2 3", "Yes 2 2 3 1 1", "Yes 3 1 2 1 3 1 3"],
    ),
    "1294_C": (
        "2\n64\n97",
        "YES\n2 4 8\nNO",
        ["yes 8 4 2 no"],
        ["NO NO", "YES 1 8 8 NO", "YES 4 4 4 NO", "YES 2 4 8 YES"],
    ),
    "1454_D": (
        "2\n360\n7",
        "3\n2 2 90\n1\n7",
        ["3 2 6 30 1 7"],
        ["2 2 180 1 7", "3 2 3 60 1 7", "3 1 2 180 1 7", "4 2 2 2 45 1 7"],
    ),
    "150_A": ("30", "1\n6", ["1 10", "1 15"], ["2", "1 0", "1 5", "1 30", "1 1", "1 4"]),
    "288_C": ("2", "6\n0 2 1", [], ["6 2 1 0", "4 1 0 2", "6 0 1", "6 0 1 1", "5 0 2 1"]),
    "487_C": (
        "5",
        "YES\n1\n2\n4\n3\n5",
        ["yes 1 3 4 2 5"],
        ["NO", "YES 5 1 2 3 4", "YES 1 2 3 4 5", "YES 1 1 2 3 5", "YES 1 2 4 3"],
    ),
    "1271_C": ("3 1 1\n0 1\n3 1\n3 3", "2\n2 1", ["2 3 1"], ["2 1 1", "1 0 1", "2 0 1", "3 3 1", "2 1 3", "2 2 -1"]),
    "1016_D": ("2 2\n1 2\n3 0", "YES\n1 0\n2 0", ["yes 0 1 3 1"], ["NO", "YES 1 0 0 2", "YES 1 0 2", "YES 0 0 3 0"]),
    "1151_B": ("2 2\n1 2\n1 2", "TAK\n1 2", ["tak 2 1"], ["NIE", "TAK 1 1", "TAK 1 3", "YES 1 2"]),
    "1163_E": ("2\n1 2", "2\n0 1 3 2", ["2 0 2 3 1", "2 3 2 0 1"], ["1 0 1", "2 0 3 1 2", "2 0 1 2 3", "2 0 1 1 0"]),
    "1174_D": ("2 3", "1\n1", ["1 2"], ["0", "1 3", "2 1 2", "1 4"]),
    "1325_D": ("2 4", "2\n3 1", ["2 1 3"], ["-1", "3 2 1 1", "2 2 2", "2 4 0", "1 4"]),
    "460_D": (
        "8 30 7",
        "0\n4\n8 9 10 11",
        ["0 4 12 13 14 15", "0 3 9 18 27"],
        ["1 2 8 9", "0 2 8 8", "0 4 7 6 5 4", "0 3 8 9 10"],
    ),
    "20_C": (
        "4 4\n1 2 1\n2 4 1\n1 3 1\n3 4 1",
        "1 2 4",
        ["1 3 4"],
        ["-1", "1 4", "2 4", "1 2 1 3 4", "1 2", "1 2 4 4"],
    ),
    "721_C": ("4 4 9\n1 2 1\n2 4 1\n1 3 1\n3 4 9", "3\n1 2 4", [], ["3 1 3 4", "2 1 4", "3 1 2 3", "3 1 4 2"]),
}
for copy, number in {
    "716_D": "715_B", "1071_C": "1031_E", "1287_D": "1286_B", "135_B": "136_D", "151_C": "150_A", "289_E": "288_C",
}.items():  # fmt: skip
    CASES[copy] = CASES[number]


def is_right(number: str, test: str, output: str, answer: str) -> bool:
    printed = Words(output)
    try:
        CHECKERS[number](Words(test, ValueError), printed, Words(answer, ValueError))
        printed.end()
    except WrongOutputError:
        return False
    return True


@pytest.mark.parametrize("number", CHECKERS)
def test_right_answers_pass_and_wrong_ones_fail(number: str) -> None:
    test, answer, right, wrong = CASES[number]
    wrong = [*wrong, "", f"{answer} 1"]
    verdicts = {output: is_right(number, test, output, answer) for output in [answer, *right, *wrong]}
    assert verdicts == {answer: True} | dict.fromkeys(right, True) | dict.fromkeys(wrong, False)


def test_the_expected_output_is_right_for_a_test_that_breaks_the_statements_rules(tmp_path: Path) -> None:
    source = find_checker("981_C")
    assert source is not None
    assert run(source, tmp_path, "3\n3 3\n1 2", "Yes 1 1 2", "Yes\n1\n1 2") == RIGHT


def run(source: str, folder: Path, test: str, output: str, answer: str) -> int:
    """The exit code of a checker program, run as the sandbox runs it: by itself, on three files."""
    texts = {"checker.py": source, "input": test, "output": output, "answer": answer}
    for name, text in texts.items():
        (folder / name).write_text(text, encoding="utf-8")
    command = [sys.executable, "-I", "-S", *texts]
    return subprocess.run(command, cwd=folder, capture_output=True, check=False).returncode


@pytest.mark.parametrize("number", ["715_B", "1041_E", "618_C", "27_B"])
def test_a_checker_is_a_program_of_its_own(number: str, tmp_path: Path) -> None:
    source = find_checker(f"{number}. Some Title")
    assert source is not None
    test, answer, right, wrong = CASES[number]
    assert run(source, tmp_path, test, right[0], answer) == RIGHT
    assert run(source, tmp_path, test, wrong[0], answer) == WRONG
    assert run(source, tmp_path, "not the input", right[0], answer) == FAULT, "the test's fault, not the program's"


@pytest.mark.parametrize("output", ["YES " + "9" * 5000, "\x00", "1 2 3 4 five", "²", "YES -1 -1 -1", "inf nan 1e9"])
@pytest.mark.parametrize("number", CHECKERS)
def test_no_output_makes_a_checker_fail_itself(number: str, output: str) -> None:
    assert not is_right(number, CASES[number][0], output, CASES[number][1])


@pytest.mark.parametrize("name", ["715_B. Complete The Graph", "715_B", "715/B", "715B"])
def test_a_problem_is_found_by_its_number(name: str) -> None:
    assert find_checker(name) == find_checker("715_B") is not None


@pytest.mark.parametrize(
    "name", ["", "Complete The Graph", "715_B1. Other", "p715_B", "1715_B. Beautiful Array", "715_BC"]
)
def test_other_names_have_no_checker(name: str) -> None:
    assert find_checker(name) is None
