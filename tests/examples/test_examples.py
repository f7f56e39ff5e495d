"""The examples run as their first lines say, and print what they are there to show."""

import subprocess
import sys

import pytest

from tests.conftest import REPO

SHOWN = {
    "grade_my_samples.py": ["isolation: ", "passed", "pass@1 0.50 [0.50, 0.50]", "pass@2 1.00 [1.00, 1.00]"],
    "new_dataset.py": ["assert double(2) == 4", "(2 private tests are not shown)", "def double(x)"],
    "solve_by_hand.py": ["turn 1: failed", "turn 2: passed", "return a + b"],
    "search_by_hand.py": ["N = 1: ", "N = 5: 8 of 8 problems solved"],
}


def test_every_example_is_run():
    assert {path.name for path in (REPO / "examples").glob("*.py")} == set(SHOWN)


def test_the_notebook_runs(tmp_path):
    command = [sys.executable, REPO / "tests" / "support" / "notebook.py", REPO / "examples" / "solve.ipynb"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, cwd=tmp_path, check=False)
    assert done.returncode == 0, done.stderr
    assert "turn 1 failed\nturn 2 passed\ndef add(a, b):\n    return a + b" in done.stdout
    assert done.stdout.count("True 2 turns") == 3
    assert "</html>" in (tmp_path / "trace.html").read_text("utf-8")


@pytest.mark.parametrize("name", SHOWN)
def test_an_example_shows_what_it_promises(name, tmp_path):
    command = [sys.executable, REPO / "examples" / name]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, cwd=tmp_path, check=False)
    assert done.returncode == 0, done.stderr
    for text in SHOWN[name]:
        assert text in done.stdout
    assert "abab" not in done.stdout, "private tests are not shown"
