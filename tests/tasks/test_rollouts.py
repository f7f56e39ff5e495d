"""Only training asks whether a base can start the method; an evaluation measures it, however bad it is."""

from __future__ import annotations

from types import SimpleNamespace

import mucode_tasks.rollouts as stages
import pytest
from mucode_tasks.engine.stage_inputs import decode_inputs, encode_inputs, make_recipe
from mucode_tasks.rollouts import BaseCheck, Shard, execute_turn

from mucode_core.config import SandboxConfig
from mucode_core.errors import DataError
from mucode_core.method.rollout import start
from mucode_core.store.artifacts import ArtifactStore
from mucode_core.store.recipe import Recipe
from mucode_core.types import Completion, Problem, Rollout, Sample
from tests.conftest import make_problem, make_verdict

SHARD = Shard(first_problem=0, num_problems=4, num_rollouts=2, num_turns=1, iteration=0, seed=1)
PROSE = Completion("I would add one.", None, "stop", 5)
WRONG = Completion("```python\nf = 1\n```", "f = 1", "stop", 5)
LABEL = "round 1 · execute turn 1"


@pytest.fixture
def execute(tmp_path, monkeypatch):
    """Executes one turn whose rollouts all end in the same completion; returns the rollouts and the remarks."""
    failed = (make_verdict(False), make_verdict(False))
    monkeypatch.setattr(stages, "grade_items", lambda _, programs, __: [failed] * len(programs))
    store = ArtifactStore(tmp_path)
    problems = [make_problem(f"p{i}") for i in range(4)]

    def keep(kind, rows, row_type):
        with store.build(recipe := Recipe(kind, 1, {}, {})) as draft:
            draft.write_rows(rows, row_type)
        return store.ref(recipe)

    def run(completion, **optional):
        counts = dict.fromkeys((p.problem_id for p in problems), 2)
        generator = keep("generator", problems, Problem)
        begun = start(problems, counts, iteration=0, generator_id=generator.content_digest, seed=1)
        inputs = {
            "problems": keep("problems", problems, Problem),
            "generator": generator,
            "previous": None,
            "samples": keep("samples", [Sample(r.rollout_id, 0, completion) for r in begun], Sample),
            "shard": SHARD,
            "settings": SandboxConfig(),
            **optional,
        }
        remarks: list[str] = []
        with store.build(recipe := make_recipe("rollouts", 1, inputs)) as draft:
            execute_turn.build(SimpleNamespace(store=store, notify=remarks.append), draft, LABEL, **inputs)
        return store.read_rows(store.ref(recipe), Rollout), remarks

    return run


def test_a_generator_without_a_program_is_measured(execute):
    rollouts, remarks = execute(PROSE)
    assert [r.label for r in rollouts] == [False] * 8
    assert remarks == []


def test_a_base_without_a_program_cannot_be_trained(execute):
    with pytest.raises(DataError, match="no program in 8 answers"):
        execute(PROSE, check=BaseCheck())


def test_an_evaluation_without_success_is_not_warned(execute):
    assert execute(WRONG)[1] == []


def test_training_without_success_is_warned_with_the_stage_s_name(execute):
    (remark,) = execute(WRONG, check=BaseCheck())[1]
    assert remark.startswith(f"{LABEL}: none of the first 8 rollouts is correct")


def test_the_check_is_in_no_fingerprint():
    inputs = {"shard": SHARD}
    checked = inputs | {"check": BaseCheck()}
    assert make_recipe("rollouts", 1, checked).fingerprint == make_recipe("rollouts", 1, inputs).fingerprint
    build = execute_turn.build
    assert decode_inputs(build, encode_inputs(build, checked)) == checked
