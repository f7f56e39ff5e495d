"""Rows whose fields have another type than usual, or none: read where the meaning is certain, else refused by field."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from mucode_core.errors import DataError
from mucode_core.problems import load_problems, read_problems
from mucode_core.problems.forms.statements import note_limit, read_seconds
from mucode_core.problems.registry import DATASETS, recognise
from mucode_core.problems.where import parse_condition
from mucode_core.types import Problem

IO = {"inputs": ["1 2\n", "3 4\n"], "outputs": ["3\n", "7\n"]}
CALL = {"fn_name": "add", "inputs": [[1, 2]], "outputs": [3]}
APPS: dict[str, Any] = {"problem_id": 1, "question": "Add.", "solutions": None, "input_output": json.dumps(IO)}
MODEL = {"style": "rule", "ground_truth": json.dumps(IO)}
VERL: dict[str, Any] = {
    **{"prompt": [{"role": "user", "content": "Add."}], "ability": "code", "reward_model": MODEL},
    **{"extra_info": {"id": "q7", "split": "test", "time_limit": "2 seconds", "tags": ["sums"]}},
}
STDIN_TEST = {"type": "stdin_stdout", "input": "1\n", "output": "1\n"}
PRIME: dict[str, Any] = {"problem_id": 1, "prompt": "Add.", "verification_info": {"test_cases": [STDIN_TEST]}}
KOD: dict[str, Any] = {
    **{"question_id": "q1", "question": "Add.", "solution": "def add(a, b):\n    return a + b", "test_info": []},
    "test": "from solution import add\n\ndef test_one():\n    assert add(1, 2) == 3\n",
}
CONTEST: dict[str, Any] = {
    **{"name": "1_A. Add", "description": "Add.", "public_tests": {"input": ["1 2"], "output": ["3"]}},
    **{"private_tests": {"input": [], "output": []}, "solutions": None, "time_limit": None},
}
PLUS: dict[str, Any] = {
    **{"source": "Codeforces", "id": 1, "description": "Add.", "correct_submissions": None},
    "test_cases": [{"input": "1", "output": "1"}],
}


def problem_of(name: str, row: dict[str, Any], tmp_path: Path) -> Problem:
    path = tmp_path / "rows.jsonl"
    path.write_text(json.dumps(row))
    (problem,) = load_problems(name, path)
    assert recognise(row, "f:1")[0] == name
    return problem


@pytest.mark.parametrize("field", ["extra_info", "reward_model", "prompt"])
def test_fields_of_verl_may_be_json_text(field: str, tmp_path: Path) -> None:
    usual = problem_of("verl", VERL, tmp_path)

    assert problem_of("verl", {**VERL, field: json.dumps(VERL[field])}, tmp_path) == usual
    assert (usual.problem_id, usual.split, usual.time_limit_s, usual.prompt) == ("verl/q7", "test", 2.0, "Add.")


@pytest.mark.parametrize(
    ("limit", "seconds"),
    [
        *((2, 2.0), (100, 100.0), (101, 0.101), (1500, 1.5), ("1500", 1.5), ("2,5 seconds", 2.5), ("2 sec", 2.0)),
        *(("1500ms", 1.5), ("2s", 2.0), ("1 min", 60.0), ("2 minutes", 120.0), ("2 seconds per test", 2.0)),
        *((150.5, 0.1505), ("150 s", 150.0), ("", None), (None, None), (0, None)),
    ],
)
def test_time_limits_that_are_read(limit: Any, seconds: float | None) -> None:
    assert read_seconds(limit) == seconds
    assert note_limit(limit) == ()


TOO_LONG = (1e7, 1e9, 1e300, math.inf, "61 min", "3601 s", {"seconds": 1e9, "nanos": 0}, {"seconds": "2"})


@pytest.mark.parametrize(
    "limit", ["soon", "1,000 ms", "1-2 seconds", "2 moons", -1, True, [2], 10**400, "nan", *TOO_LONG]
)
def test_time_limits_that_cannot_be_read(limit: Any) -> None:
    assert read_seconds(limit) is None
    assert len(note_limit(limit)) == 1


@pytest.mark.parametrize("name", ["apps", "taco", "prime", "verl", "deepcoder", "code_contests", "codeforces"])
def test_a_time_limit_that_cannot_be_read_is_noted(name: str) -> None:
    row = {"verl": {"extra_info": {"time_limit": "soon"}}, "prime": {"metadata": '{"time_limit": "soon"}'}}.get(
        name, {"metadata": {"time_limit": "soon"}, "time_limit": "soon"}
    )
    assert DATASETS[name].notes(row) == ("its time limit cannot be read, so that it has none: 'soon'",)
    assert DATASETS[name].notes({}) == ()


@pytest.mark.parametrize("limit", ["soon", ["2"], {"seconds": 1e9}, 1e300, math.inf, math.nan, -1, True])
def test_an_odd_time_limit_leaves_the_row_a_problem(limit: Any, tmp_path: Path) -> None:
    taco = {**APPS, "tags": [], "time_limit": limit}
    forms = {"taco": taco, "code_contests": {**CONTEST, "time_limit": limit}, "code_contests_plus": {**PLUS}}
    forms["code_contests_plus"]["time_limit"] = limit
    for name, row in forms.items():
        assert problem_of(name, row, tmp_path).time_limit_s is None
        assert any("so that it has none" in note for note in DATASETS[name].notes(row))


def test_time_limits_of_contests(tmp_path: Path) -> None:
    for limit, seconds in (
        ({"seconds": 2, "nanos": 500_000_000}, 2.5),
        ({"seconds": 0, "nanos": 0}, None),
        ("2 s", 2.0),
    ):
        row = {**CONTEST, "time_limit": limit}
        assert problem_of("code_contests", row, tmp_path).time_limit_s == seconds
        assert DATASETS["code_contests"].notes(row) == ()
    assert problem_of("code_contests_plus", {**PLUS, "time_limit": 50}, tmp_path).time_limit_s == 0.05
    assert DATASETS["code_contests_plus"].notes({**PLUS, "time_limit": 0}) == ()
    assert note_limit("2 hours") == ("its time limit cannot be read, so that it has none: '2 hours'",)
    assert note_limit("61 min") == ("its time limit is above an hour, so that it has none: '61 min'",)


FAULTS = {
    "apps": ({**APPS, "solutions": 5}, "solutions: 5 is not text or a list"),
    "taco": ({**APPS, "solutions": [1]}, "solutions.0: 1 is not text"),
    "verl": ({**VERL, "reward_model": 1}, "reward_model: 1 is not an object"),
    "code_contests": ({**CONTEST, "public_tests": [{"input": 1, "output": ""}]}, "public_tests.0.input: 1 is not text"),
    "kodcode": ({**KOD, "question_id": [1]}, "question_id: [1] is not text or a whole number"),
}


@pytest.mark.parametrize("name", FAULTS)
def test_faults_are_named_by_the_fields_of_the_row(name: str) -> None:
    row, message = FAULTS[name]
    with pytest.raises(DataError) as caught:
        DATASETS[name].make(row, "f:1")
    assert caught.value.problem == message


def test_a_message_may_be_in_parts(tmp_path: Path) -> None:
    parts = [{"type": "text", "text": "Add "}, {"type": "text", "text": "two."}]
    row = {**VERL, "prompt": [{"role": "system", "content": None}, {"role": "user", "content": parts}]}

    assert problem_of("verl", row, tmp_path).prompt == "Add two."


def test_a_prompt_that_begins_like_json_is_a_prompt(tmp_path: Path) -> None:
    assert problem_of("verl", {**VERL, "prompt": "{x} is a set."}, tmp_path).prompt == "{x} is a set."


@pytest.mark.parametrize("name", ["Solution.add", "Solution().add"])
def test_a_function_may_be_named_with_its_class(name: str, tmp_path: Path) -> None:
    assert (
        problem_of("apps", {**APPS, "input_output": {**CALL, "fn_name": name}}, tmp_path).entry_point == "Solution.add"
    )


@pytest.mark.parametrize(
    ("name", "row", "problem_id"),
    [
        ("prime", {**PRIME, "prompt": None, "problem_statement": "Add."}, "prime/1"),
        ("prime", {**PRIME, "verification_info": {"language": "Python", "test_cases": [STDIN_TEST]}}, "prime/1"),
        ("kodcode", {**KOD, "test_info": [{"function_name": None, "function_declaration": None}]}, "kodcode/q1"),
        ("kodcode", {**KOD, "question_id": None, "conversation_id": "c1"}, "kodcode/c1"),
        ("kodcode", {**KOD, "test": None, "test_code": KOD["test"]}, "kodcode/q1"),
        ("code_contests", {**CONTEST, "generated_tests": {"input": None, "output": None}}, "code_contests/1_A. Add"),
        ("code_contests", {**CONTEST, "id": 5}, "code_contests/5"),
        ("code_contests_plus", PLUS, "code_contests_plus/codeforces/1"),
    ],
    ids=["other field", "capital", "no name", "other id", "other tests", "null columns", "number", "number of plus"],
)
def test_rows_that_are_read(name: str, row: dict[str, Any], problem_id: str, tmp_path: Path) -> None:
    assert problem_of(name, row, tmp_path).problem_id == problem_id


def test_an_empty_id_is_none(tmp_path: Path) -> None:
    empty, none = (problem_of("apps", {**APPS, "problem_id": value, "split": ""}, tmp_path) for value in ("", None))

    assert empty.problem_id == none.problem_id


ROWS_REFUSED = {
    "no mapping": ("prime", {**PRIME, "verification_info": 5}, "verification_info.test_cases: no tests"),
    "no Python": ("kodcode", {**KOD, "test": "def x(: "}, "test: not Python"),
    "no id": ("kodcode", {**KOD, "question_id": None}, "question_id"),
    "lengths": (
        "code_contests",
        {**CONTEST, "public_tests": {"input": ["1"], "output": []}},
        "input has 1 items, but output has 0",
    ),
    "no lists": (
        "code_contests",
        {**CONTEST, "public_tests": {"input": "1", "output": "2"}},
        "input and output are not lists",
    ),
    "no text": ("verl", {**VERL, "prompt": [{"role": "user", "content": 5}]}, "prompt.0.content: 5 is not text"),
    "a picture": (
        "verl",
        {**VERL, "prompt": [{"role": "user", "content": [{"type": "text", "text": "x"}, {"type": "image"}]}]},
        "prompt.0.content.1: {'type': 'image'} is not a part of type text",
    ),
    "no function": ("apps", {**APPS, "input_output": {**CALL, "fn_name": "Solution..add"}}, "fn_name: 'Solution..add'"),
}


@pytest.mark.parametrize("case", ROWS_REFUSED)
def test_rows_that_are_refused(case: str, tmp_path: Path) -> None:
    name, row, message = ROWS_REFUSED[case]
    path = tmp_path / "rows.jsonl"
    path.write_text(json.dumps(row))

    (found,) = read_problems(name, path)

    assert isinstance(found, DataError)
    assert message in found.problem
    assert found.location == f"{path}:1"


def test_a_condition_on_a_broken_field_names_the_line(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text(json.dumps({**PRIME, "metadata": "{bad"}))

    (found,) = read_problems("prime", path, where=[parse_condition("difficulty=hard")])

    assert isinstance(found, DataError)
    assert found.location == f"{path}:1"


def test_a_map_of_parquet_is_an_object(tmp_path: Path) -> None:
    kind = pa.map_(pa.string(), pa.string())
    columns: dict[str, Any] = {
        **{"prompt": ["Add."], "reward_model": [MODEL], "ability": pa.array(["code"]).dictionary_encode()},
        "extra_info": pa.array([[("id", "a1"), ("split", "test")]], kind),
    }
    pq.write_table(pa.table(columns), tmp_path / "rows.parquet")

    (problem,) = load_problems("verl", tmp_path / "rows.parquet")

    assert (problem.problem_id, problem.split) == ("verl/a1", "test")


def test_a_value_of_parquet_that_python_lacks_names_its_column(tmp_path: Path) -> None:
    path = tmp_path / "rows.parquet"
    columns: dict[str, Any] = {"question": ["Add."], "date": pa.array([2**62], pa.timestamp("us"))}
    pq.write_table(pa.table(columns), path)

    (found,) = read_problems("taco", path)

    assert isinstance(found, DataError)
    assert "date: date value out of range" in found.problem


def test_hidden_files_of_a_directory_are_no_shards(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text(json.dumps(APPS))
    (tmp_path / "._a.jsonl").write_bytes(b"\x00\x05\x16\x07")
    (tmp_path / ".cache").mkdir()
    (tmp_path / ".cache" / "b.jsonl").write_text(json.dumps(APPS))

    assert len(load_problems("apps", tmp_path)) == 1


def test_an_id_of_another_file_is_named_with_it(tmp_path: Path) -> None:
    for name in ("a.jsonl", "b.jsonl"):
        (tmp_path / name).write_text(json.dumps(APPS))

    with pytest.raises(DataError, match=r"b.jsonl:1: 'apps/1' is in .*a.jsonl:1 too, with the same tests"):
        load_problems("apps", tmp_path)
