"""Rows of every container, read one at a time; conditions, samples and rows that are no problem."""

from __future__ import annotations

import gzip
import json
import re
from itertools import islice
from pathlib import Path
from typing import Any

import pytest

from mucode_core.config import ProblemsConfig, make_config
from mucode_core.errors import ConfigError, DataError
from mucode_core.problems import load_problems, load_split, read_problems, resolve
from mucode_core.problems.dataset import Facts
from mucode_core.problems.json_values import any_digits
from mucode_core.problems.rows import read_rows, scan_rows
from mucode_core.problems.selection import Selection, select_problems
from mucode_core.problems.splits import require_splits
from mucode_core.problems.where import holds, parse_condition
from mucode_core.types import Problem


def row(number: int, **changes: Any) -> dict[str, Any]:
    fields = {
        "problem_id": number,
        "question": f"Double {number}.",
        "input_output": {"inputs": [f"{number}"], "outputs": [f"{2 * number}"]},
        "solutions": [],
        "difficulty": "hard" if number % 2 else "easy",
    }
    return fields | changes


def lines(*rows: dict[str, Any]) -> bytes:
    return b"".join(json.dumps(one).encode() + b"\n" for one in rows)


def numbers(path: Path, name: str = "apps") -> list[str]:
    return [problem.problem_id for problem in load_problems(name, path)]


def write_zst(path: Path, *parts: bytes) -> None:
    import pyarrow as pa

    with path.open("wb") as file:
        for part in parts:
            file.write(pa.compress(part, codec="zstd", asbytes=True))


def test_compressed_files_and_directories_of_shards(tmp_path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    folder = tmp_path / "shards"
    (folder / "more").mkdir(parents=True)
    (folder / "b.jsonl.gz").write_bytes(gzip.compress(lines(row(2))))
    write_zst(folder / "c.jsonl.zst", lines(row(3)), lines(row(4)))
    (folder / "a.jsonl").write_bytes(b"\xef\xbb\xbf" + lines(row(1)) + b"\n")
    pq.write_table(pa.Table.from_pylist([row(5), row(6)]), folder / "more" / "d.parquet", row_group_size=1)
    (folder / "README.md").write_text("not rows")
    assert numbers(folder) == [f"apps/{n}" for n in range(1, 7)]
    assert [place for place, _ in read_rows(folder)][2] == f"{folder}/c.jsonl.zst:1"


def test_an_array_is_read_one_entry_at_a_time(tmp_path: Path) -> None:
    path, packed = tmp_path / "rows.json", tmp_path / "rows.json.gz"
    rows = [row(1, note="[{\\ü" * 200_000), row(2, digits=10**5000), 3, row(4), row(4)]
    with any_digits():
        text = json.dumps(rows, indent=1)
    path.write_text(f"\ufeff \n{text}\n", "utf-8")
    packed.write_bytes(gzip.compress(json.dumps(rows[3:4]).encode()))
    found = list(read_problems("auto", path))
    assert [one.problem_id for one in found if isinstance(one, Problem)] == ["apps/1", "apps/2", "apps/4"]
    assert [str(one).partition("\n")[0] for one in found if isinstance(one, DataError)] == [
        f"{path}: [2]: a row is a mapping, not 3",
        f"{path}: [4]: 'apps/4' is in entry [3] too, with the same tests",
    ]
    assert numbers(packed) == ["apps/4"]
    path.write_text("[ ]")
    assert list(scan_rows(path)) == []


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ('[{"a": 1},\n {"a": 2},\n {"a"', 3, "the array is cut off; rows are read up to entry 1"),
        ('[{"a": 1},\n {"a": 2},\n {"a": "x', 3, "the array is cut off"),
        ('[{"a": 1},\n {"a": 2}\n', 3, "the array is cut off"),
        ('[{"a": 1},\n {"a": 2},\n {a: "a text that is long"}]', 3, "Expecting property name"),
        ('[{"a": 1},\n {"a": 2}\n {"a": 3}]', 3, "']' expected"),
        ('[{"a": 1},\n {"a": 2}]\n[]', 3, "text behind the array"),
    ],
)
def test_a_broken_array_gives_the_entries_before_the_fault(tmp_path: Path, text: str, line: int, message: str) -> None:
    path = tmp_path / "rows.json"
    path.write_text(text)
    *rows, (location, error) = scan_rows(path)
    assert [one for _, one in rows] == [{"a": 1}, {"a": 2}]
    assert isinstance(error, DataError)
    assert location == error.location == f"{path}:{line}"
    assert message in error.problem


def test_json_files_of_a_directory_are_rows_or_notes_on_them(tmp_path: Path) -> None:
    (tmp_path / "b.json").write_text(json.dumps([row(1)]))
    (tmp_path / "c.json").write_bytes(lines(row(2)))
    assert numbers(tmp_path) == ["apps/1"]
    (tmp_path / "b.json").unlink()
    assert numbers(tmp_path) == ["apps/2"]  # without any other file
    (tmp_path / "a.jsonl").write_bytes(lines(row(3)))
    assert numbers(tmp_path) == ["apps/3"]


@pytest.mark.parametrize(
    ("content", "message", "hint"),
    [
        (b'{"a": 1}\n{"a": "\xe9"}\n', ":2: not UTF-8: byte 0xe9", "iconv -f latin1"),
        ('{"a": 1}\n'.encode("utf-16"), ": UTF-16, not UTF-8", "iconv -f utf-16"),
        (b'{"a": 1}\n{"a": 1,\n', ":2: not JSON: the line is cut off after 8 characters", "per line"),
        (b'{"a": 1}\n{"a": "x\n', ":2: not JSON: the line is cut off after 8 characters", "per line"),
        (b'{"a": 1}\n  {"a" 1}\n', ":2: not JSON: Expecting ':' delimiter at character 8", "per line"),
        (b'{"a": 1}\n' + b"[" * 100_000 + b"\n", ":2: not JSON: nested too deeply", "per line"),
        (b'[\n{"a": 1}\n]\n', ":1: not JSON: the line is cut off after 1", "ends in .json"),
    ],
)
def test_a_line_that_is_no_row_says_why(tmp_path: Path, content: bytes, message: str, hint: str) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_bytes(content)
    error = next(one for _, one in scan_rows(path) if isinstance(one, DataError))
    assert str(error).startswith(f"{path}{message}")
    assert hint in error.hint


def test_a_file_that_is_not_what_its_name_says(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl.gz"
    path.write_bytes(lines(row(1)))
    with pytest.raises(DataError, match=r"Not a gzipped file.*\n  hint: remove the ending \.gz"):
        load_problems("apps", path)


def test_auto_names_what_the_nearest_form_has_besides(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_bytes(b"1\n" + lines({"problem_id": "1", "prompt": "Add.", "kind": "assert", "entry_point": "f"}))
    with pytest.raises(DataError, match=r":2: .*nearest is custom, of which it lacks public_tests\n.*docs/problems"):
        resolve("auto", path)
    path.write_bytes(b"1\n" + lines(row(1)))
    assert resolve("auto", path)[0] == "apps"  # lines before the first row are reported where rows are read
    assert [type(one) for one in read_problems("auto", path)] == [DataError, Problem]


def test_what_is_no_file_of_rows(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"no\.jsonl: no such file"):
        list(scan_rows(tmp_path / "no.jsonl"))
    with pytest.raises(DataError, match="the directory holds no file of rows"):
        list(scan_rows(tmp_path))


def test_rows_are_read_only_as_far_as_they_are_wanted(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_bytes(lines(row(1), row(2)) + b"{\n")
    assert len(list(islice(read_problems("apps", path), 2))) == 2
    with pytest.raises(DataError, match=r"rows\.jsonl:3: not JSON"):
        load_problems("apps", path)


@pytest.mark.parametrize("ending", [".gz", ".zst"])
def test_a_cut_file_gives_its_rows_and_then_an_error(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"rows.jsonl{ending}"
    text = lines(*(row(n, question=f"{n * 7919 % 1009} " * 50) for n in range(5000)))
    if ending == ".gz":
        path.write_bytes(gzip.compress(text))
    else:
        write_zst(path, text)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    found = list(read_problems("apps", path))
    assert len(found) > 100
    assert all(isinstance(one, Problem) for one in found[:100])
    assert isinstance(found[-1], DataError)
    last = "line" if ending == ".gz" else "characters"
    assert re.search(rf"cut off after (line )?\d+( {last})?", found[-1].problem)
    assert found[-1].hint


def test_an_id_that_was_seen_is_an_error_on_its_row(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_bytes(lines(row(1), row(2), row(1, input_output={"inputs": ["0"], "outputs": ["1"]}), row(3)))
    found = list(read_problems("apps", path))
    assert [type(one).__name__ for one in found] == ["Problem", "Problem", "DataError", "Problem"]
    assert str(found[2]).startswith(f"{path}:3: 'apps/1' is on line 1 too")


def test_auto_names_the_form_and_refuses_others(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    other = {"problem": "x", "tests": [{"input": "1", "output": "1"}]}
    path.write_bytes(lines(row(1), other, {"text": "?"}, row(1, verification_info={})))
    assert resolve("auto", path) == ("apps", "it has question, input_output and no tags, raw_tags, skill_types")
    first, second, third, fourth = read_problems("auto", path)
    assert isinstance(first, Problem)
    assert "the row is of deepcoder, because it has problem, tests" in str(second)
    assert "the row has no known format; its fields are text" in str(third)
    assert "several forms: apps, because" in str(fourth)
    assert "prime, because it has verification_info" in str(fourth)
    assert numbers_of(tmp_path, row(1)) == ["apps/1"]


def numbers_of(tmp_path: Path, *rows: dict[str, Any]) -> list[str]:
    path = tmp_path / "other.jsonl"
    path.write_bytes(lines(*rows))
    return numbers(path, "auto")


FACTS = Facts("Hard", "2024-08-31", ("dp", "Graphs"))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("difficulty=hard", True),
        ("difficulty = easy, HARD", True),
        ("difficulty!=hard", False),
        ("difficulty>=3", False),
        ("date>=2024-08-01", True),
        ("date<2024-08-31", False),
        ("date<=2024-08", True),
        ("date>2024-08", False),
        ("date=2024", True),
        ("date!=2023,2024", False),
        ("tags=graphs", True),
        ("tags=trees,dp", True),
        ("tags!=dp", False),
        ("tags!=trees", True),
    ],
)
def test_conditions(text: str, expected: bool) -> None:
    assert holds([parse_condition(text)], FACTS) is expected


def test_a_fact_that_a_row_does_not_state_satisfies_no_condition_but_inequality() -> None:
    for text in ("difficulty=hard", "difficulty<5", "date<2030", "date=2024", "tags=dp"):
        assert not holds([parse_condition(text)], Facts())
    assert holds([parse_condition("difficulty!=hard"), parse_condition("tags!=dp")], Facts())
    assert holds([parse_condition("difficulty>=800"), parse_condition("difficulty=900.0")], Facts("900"))


@pytest.mark.parametrize(
    "text",
    ["", "hard", "size=3", "date>=yesterday", "tags>a", "difficulty<hard", "tags=", "tags=a,,b", "date=2024-1-1"],
)
def test_what_is_no_condition_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match=r"problems\.where"):
        parse_condition(text)


def selected(path: Path, selection: Selection) -> list[str]:
    found = select_problems("apps", path, selection)
    return [one.problem if isinstance(one, DataError) else one.problem.problem_id for one in found]


def test_samples_do_not_depend_on_the_order_of_rows(tmp_path: Path) -> None:
    path, turned = tmp_path / "rows.jsonl", tmp_path / "turned.jsonl"
    rows = [row(n) for n in range(40)]
    path.write_bytes(lines(*rows))
    turned.write_bytes(lines(*rows[::-1]))
    assert selected(path, Selection(limit=3)) == ["apps/0", "apps/1", "apps/2"]
    hard = [parse_condition("difficulty=hard")]
    assert selected(path, Selection(hard, limit=2)) == ["apps/1", "apps/3"]
    drawn = selected(path, Selection(limit=5, seed=1))
    assert len(drawn) == 5
    assert selected(turned, Selection(limit=5, seed=1)) == drawn[::-1]
    assert selected(path, Selection(limit=5, seed=2)) != drawn
    assert set(selected(path, Selection(hard, limit=5, seed=1))) <= {f"apps/{n}" for n in range(1, 40, 2)}
    with pytest.raises(ConfigError, match="no sample without its size"):
        Selection(seed=1)


def test_conditions_that_no_row_meets_list_the_values_that_rows_have(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_bytes(lines(*(row(n, date=f"2024-01-{n + 10}") for n in range(12))))
    where = [parse_condition(text) for text in ("difficulty=tough", "date<2020", "tags=dp")]
    with pytest.raises(DataError, match=f"{path}: no row meets the conditions") as caught:
        selected(path, Selection(where))
    difficulties, dates, tags = caught.value.hint.split("; ")
    assert difficulties == "values of difficulty are easy, hard"
    assert dates.startswith("values of date are 2024-01-10, 2024-01-11, ") and dates.endswith("2024-01-19, ...")
    assert tags == "the rows have no tags"
    with pytest.raises(DataError, match="no row meets"):
        selected(path, Selection(where, limit=2, seed=1))
    path.write_bytes(path.read_bytes() + b"{\n" + lines(row(12, difficulty="medium", input_output=None)))
    with pytest.raises(DataError, match="no row meets"):  # also beside rows that cannot be read
        selected(path, Selection(where))
    assert len(selected(path, Selection([parse_condition("difficulty=medium")]))) == 2


def test_splits_take_a_selection_and_leave_duplicates_out_of_it(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    copy = row(3, question="Double 7.", split="test")
    path.write_bytes(lines(*(row(n, split="train") for n in range(10)), copy))

    def split_of(split: Any, **changes: Any) -> list[str]:
        settings = ProblemsConfig(dataset="auto", data=str(path), **changes)
        return [p.problem_id for p in load_split(settings, split, data=path, keep=None, seed=0)]

    hard = {"where": ["difficulty=hard"]}
    assert split_of("train", **hard) == [f"apps/train/{n}" for n in (1, 3, 5, 9)]
    assert split_of("train", **hard, limit=2) == ["apps/train/1", "apps/train/3"]
    assert len(split_of("train", limit=4, seed=3)) == 4
    assert split_of("test", limit=4) == ["apps/test/3"]
    with pytest.raises(DataError, match=r"no problem in split 'test'.*\n.*problems\.where"):
        split_of("test", where=["difficulty=easy"])


def test_a_file_without_a_split_is_refused_before_a_run_reads_it(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_bytes(lines(row(1, split="test"), row(2, input_output="", split="train"), row(3, split="validation")))
    settings = ProblemsConfig(dataset="auto", data=str(path))
    require_splits(settings, ["test", "validation"], path)
    with pytest.raises(DataError, match="no problem in split 'train'; its problems are in: test, validation"):
        require_splits(settings, ["test", "train"], path)
    require_splits(settings, [], path)
    path.write_bytes(lines(row(2, input_output="")))
    with pytest.raises(DataError, match="input_output: no tests"):
        require_splits(settings, ["test"], path)


def test_bad_rows_stop_a_run_or_are_left_out_by_name(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_bytes(lines(row(1), row(2, input_output=""), row(3)))
    settings = ProblemsConfig(dataset="apps", data=str(path))
    with pytest.raises(DataError, match="input_output: no tests"):
        load_split(settings, "train", data=path, keep=None, seed=0)
    said: list[str] = []
    skipping = settings.model_copy(update={"on_bad_row": "skip"})
    found = load_split(skipping, "train", data=path, keep=None, seed=0, say=said.append)
    assert [problem.problem_id for problem in found] == ["apps/1", "apps/3"]
    assert said == [f"{path}:2: excluded: input_output: no tests"]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"dataset": "mbpp", "seed": 1}, r"problems\.seed: there is no sample without its size"),
        ({"dataset": "auto"}, r"problems\.dataset: auto reads a file"),
        ({"where": ["tags=dp"]}, r"problems\.where: synthetic problems have no"),
    ],
)
def test_selections_that_cannot_work(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        make_config({"problems": settings, "generator": {"bootstrap": {"corpus": "solutions"}}})


def test_a_selection_of_all_rows_has_no_part_in_the_fingerprint() -> None:
    plain = ProblemsConfig(dataset="mbpp").fingerprinted()
    assert not {"where", "limit", "seed", "on_bad_row"} & plain.keys()
    assert ProblemsConfig(dataset="mbpp", limit=3).fingerprinted() == plain | {"limit": 3}
