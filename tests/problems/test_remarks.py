"""Rows that are excluded, and what users of a row should know."""

import json
import logging
from pathlib import Path
from typing import Any

import pytest

from mucode_core.errors import ExcludedError
from mucode_core.problems import load_problems
from mucode_core.problems.reading import ReadRow, read_problems
from mucode_core.problems.remarks import Remarks, check_imports, importable_modules
from mucode_core.problems.selection import Selection, select_problems
from tests.conftest import make_problem
from tests.problems.readers.test_code_contests import HUB, PLUS


def write(path: Path, *rows: dict[str, Any]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def test_interactive_problems_are_named_and_excluded(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = write(tmp_path / "rows.jsonl", HUB, HUB | {"name": "1_A", "description": "This is an interactive problem."})
    problem, excluded = read_problems("code_contests", path)
    assert isinstance(excluded, ExcludedError)
    with caplog.at_level(logging.WARNING):
        assert load_problems("code_contests", path) == [problem]
    assert f"{path}:2: description: an interactive problem" in caplog.text


def test_a_checker_that_is_not_run_is_remarked(tmp_path: Path) -> None:
    path = write(tmp_path / "rows.jsonl", PLUS, PLUS | {"id": "2_B", "checker": "int main() { inf.readInt(); }"})
    remarks = Remarks(["numpy"])
    (remark,) = [
        one for row in select_problems("auto", path, Selection()) if isinstance(row, ReadRow) for one in remarks.on(row)
    ]
    assert remark.problem_id == "code_contests_plus/codeforces/2_B"
    assert "C++" in remark.text


def texts(problem_changes: dict[str, object], importable: tuple[str, ...] = ("numpy",)) -> list[str]:
    return [finding.text for finding in check_imports(make_problem("p", **problem_changes), importable)]


def test_modules_that_programs_may_not_import_are_named_once() -> None:
    reference = (
        "import numpy as np\nimport os.path\ndef f(x):\n    from sklearn.cluster import KMeans\n    return x + 1\n"
    )
    tests = ("import pandas as pd\nimport sklearn\nimport pytest\nassert f(1) == 2",)
    found = texts({"reference_solution": reference, "private_tests": tests})
    assert found == ["programs need sklearn, pandas: name them in sandbox.packages"]


def test_nothing_is_said_where_all_is_there_or_nothing_can_be_read() -> None:
    assert texts({"reference_solution": "import numpy, json\nfrom . import other"}) == []
    assert texts({"reference_solution": "import ("}) == []
    assert texts({"reference_solution": "try:\n    import __pypy__\nexcept ImportError:\n    pass"}) == []
    assert texts({"reference_solution": None, "public_tests": ()}) == []


def test_packages_are_known_by_their_modules() -> None:
    assert "yaml" in importable_modules(["PyYAML"])
    assert list(importable_modules(["no-such-package"])) == ["no-such-package"]
