from __future__ import annotations

import ast
import gzip
import json
import os
import re
import textwrap
from pathlib import Path

import pytest

from mucode_core.answers import extract_program
from mucode_core.errors import DataError, SamplerError
from mucode_core.sampling.base import SampleRequest
from mucode_core.sampling.replay import ReplaySampler, load_recorded_programs
from mucode_core.types import Completion, Message, SamplingParams
from tests.conftest import REPO

PARAMS = SamplingParams(0.7, 1.0, 10)
RECORDED = REPO / os.environ.get("MUCODE_TEST_DATA", "../shared/data") / "mbpp_samples_multi.jsonl.gz"


def request(problem_id: str, sample: int, turn: int) -> SampleRequest:
    return SampleRequest(problem_id, sample, turn, (Message("user", "hello"),), 0)


def test_each_sample_and_turn_has_its_own_program() -> None:
    sampler = ReplaySampler({"mbpp/1": [f"x = {i}" for i in range(7)], "mbpp/2": ["y = 0"] * 3}, num_turns=3)
    asked = [request("mbpp/1", k, t) for k in range(2) for t in range(3)]
    assert [c.code for c in sampler.sample([*asked, request("mbpp/2", 0, 2)], PARAMS)] == [
        *(f"x = {i}" for i in range(6)),
        "y = 0",
    ]
    assert sampler.sample(asked[1:2], PARAMS) == [Completion("```python\nx = 1\n```", "x = 1", "stop", 0, "recorded")]


@pytest.mark.parametrize(
    ("recorded", "code"),
    [
        ("\n\ndef f():\n    return 1\n\n", "def f():\n    return 1"),
        ("  x = 1", "  x = 1"),
        ("prose that is no program", "prose that is no program"),
        ("x = '''\n```\nfenced\n```\n'''", "x = '''\n```\nfenced\n```\n'''"),
        (" \n", None),
        ("", None),
    ],
)
def test_the_program_is_the_recorded_one(recorded: str, code: str | None) -> None:
    completion = ReplaySampler({"p": [recorded]}, 1).sample([request("p", 0, 0)], PARAMS)[0]
    assert completion.code == code
    if "```" not in recorded:
        assert extract_program(completion.text).code == read_back(code)


@pytest.mark.parametrize(("problem_id", "sample", "turn"), [("p", 1, 2), ("p", 2, 0), ("q", 0, 0)])
def test_exhausted_programs_are_an_error(problem_id: str, sample: int, turn: int) -> None:
    sampler = ReplaySampler({"p": ["a", "b", "c", "d", "e"]}, 3)
    with pytest.raises(SamplerError, match=f"recorded programs of {problem_id}(.|\n)*hint: use at most [01] "):
        sampler.sample([request(problem_id, sample, turn)], PARAMS)


def write(path: Path, *lines: str) -> Path:
    data = "".join(f"{line}\n" for line in lines).encode()
    path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)
    return path


def row(task_id: object, code: object, dataset: str = "mbpp") -> str:
    return json.dumps({"dataset": dataset, "task_id": task_id, "code": code, "model": "any"})


@pytest.mark.parametrize("name", ["programs.jsonl", "programs.jsonl.gz"])
def test_programs_keep_the_order_of_the_file(tmp_path: Path, name: str) -> None:
    path = write(tmp_path / name, row(9, "a"), row(3, "b\u2028c"), "", row(9, "d"), row(4, "e"), row(3, "b\u2028c"))
    programs = load_recorded_programs(path, 2, ["mbpp/3", "mbpp/4", "mbpp/9"])
    assert list(programs.items()) == [("mbpp/9", ("a", "d")), ("mbpp/3", ("b\u2028c", "b\u2028c"))]
    assert list(load_recorded_programs(path, 1, {"mbpp/3", "mbpp/4", "mbpp/9"})) == ["mbpp/9", "mbpp/3", "mbpp/4"]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("{", "not JSON"),
        ("[1]", "not an object"),
        ('{"dataset": "mbpp", "code": "x"}', "field 'task_id' is missing"),
        ('{"dataset": "mbpp", "task_id": 3}', "field 'code' is missing"),
        ('{"task_id": 3, "code": "x"}', "field 'dataset' is missing"),
        (row("3", "x"), "field 'task_id' is '3'"),
        (row(True, "x"), "field 'task_id' is True"),
        (row(3, None), "field 'code' is None"),
        (row(5, "x"), "field 'task_id': no problem 'mbpp/5'"),
        (row(3, "x", "humaneval"), "no problem 'humaneval/3'"),
    ],
)
def test_a_bad_row_is_named_by_line_and_field(tmp_path: Path, line: str, message: str) -> None:
    path = write(tmp_path / "programs.jsonl.gz", row(3, "ok"), line)
    with pytest.raises(DataError, match=re.escape(message) + "(.|\n)*hint: ") as caught:
        load_recorded_programs(path, 1, ["mbpp/3"])
    assert caught.value.location == f"{path}:2"


def test_an_unusable_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no such file"):
        load_recorded_programs(tmp_path / "none.jsonl", 1, ["mbpp/3"])
    whole = write(tmp_path / "cut.jsonl.gz", *(row(3, f"x = {i}") for i in range(1000)))
    damaged = bytearray(whole.read_bytes())
    for broken in (damaged[:-500], damaged[:700] + bytes(50) + damaged[750:], b"plain text"):
        whole.write_bytes(broken)
        with pytest.raises(DataError, match=r"cut\.jsonl\.gz:\d+: (cannot be read|not JSON)"):
            load_recorded_programs(whole, 1, ["mbpp/3"])
    with pytest.raises(DataError, match="no problem has 2 programs"):
        load_recorded_programs(write(tmp_path / "few.jsonl", row(3, "x")), 2, ["mbpp/3"])


@pytest.mark.skipif(not RECORDED.exists(), reason=f"no recorded programs at {RECORDED}")
def test_the_published_recording_replays() -> None:
    known = [f"mbpp/{i}" for i in range(1, 975)]
    programs = load_recorded_programs(RECORDED, 5, known)
    assert len(programs) == 502
    assert sum(map(len, programs.values())) > 9000
    requests = [request(p, k, 0) for p, codes in programs.items() for k in range(len(codes))]
    completions = ReplaySampler(programs, 1).sample(requests, PARAMS)
    recorded = [code for codes in programs.values() for code in codes]
    for completion, code in zip(completions, recorded, strict=True):
        assert (completion.code or "") == (code.strip("\n") if code.strip() else "")
        if completion.code and "```" not in completion.code:
            assert extract_program(completion.text).code == read_back(completion.code)
    assert sum(_parses(c.code or "") for c in completions) > 0.95 * len(completions)


def read_back(code: str | None) -> str | None:
    """What the rule for answers finds in a block of the program: one indented as a whole moves to the margin.

    The body of a function stays as it is.
    """
    if not code or code[0] not in " \t":
        return code
    moved = textwrap.dedent(code).strip()
    try:
        compile(moved, "moved", "exec")
    except SyntaxError:
        return code
    return moved


def _parses(code: str) -> bool:
    try:
        ast.parse(code)
    except SyntaxError:
        return False
    return True
