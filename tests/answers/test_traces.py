"""Programs that models wrote: each is found, bare and in a block."""

from __future__ import annotations

import gzip
import json

import pytest

from mucode_core.answers import extract_program
from mucode_core.answers.programs import is_program
from tests.conftest import real_data


@pytest.mark.parametrize(("step", "count"), [(10, 407), pytest.param(1, 4039, marks=pytest.mark.slow)])
def test_no_recorded_program_is_lost(step: int, count: int) -> None:
    with gzip.open(real_data("multiturn_traces.jsonl.gz"), "rt", encoding="utf-8") as file:
        programs = {code.strip("\n") for line in file for code in json.loads(line)["implementations"]}
    bare = [code for code in sorted(programs)[::step] if is_program(code) and "```" not in code]
    assert len(bare) == count
    lost = [code for code in bare if extract_program(f"```python\n{code}\n```").code != code]
    assert lost == []
    assert [code for code in bare if extract_program(code).rule not in {"whole", "prose"}] == []
