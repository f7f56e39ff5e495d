from dataclasses import fields

import pytest
from mucode_tasks.engine.stage import _is_infrastructure
from mucode_tasks.engine.stage_inputs import decode_inputs, encode_inputs, make_recipe
from mucode_tasks.evaluation import search_problems
from mucode_tasks.inference import engine_inputs, scorer_inputs
from mucode_tasks.rollouts import Shard, execute_turn

from mucode_core.config import Config, GeneratorConfig, SandboxConfig, VerifierConfig, VllmConfig, make_config
from mucode_core.errors import ConfigError, DataError, SamplerError, SandboxError
from mucode_core.evaluation.run_record import StageName
from mucode_core.method.search import SearchPlan
from mucode_core.store.recipe import Source
from mucode_core.types import ArtifactRef, SamplingParams

SHARD = Shard(first_problem=0, num_problems=4, num_rollouts=2, num_turns=3, iteration=0, seed=1)


def ref(kind="problems", digest="d", fingerprint="f", path="/here"):
    return ArtifactRef(kind, path, fingerprint, digest, 1, 1)


def fingerprint(**changes):
    inputs = {"problems": ref(), "rollouts": [ref(digest="a"), ref(digest="b")], "previous": None, "shard": SHARD}
    return make_recipe("rollouts", 1, inputs | {"settings": SandboxConfig()} | changes).fingerprint


def test_the_key_follows_content_and_settings():
    same = fingerprint()
    assert fingerprint(problems=ref(fingerprint="other", path="/elsewhere")) == same
    assert fingerprint(settings=SandboxConfig(num_workers=7, backend="process")) == same
    different = [
        fingerprint(problems=ref(digest="x")),
        fingerprint(rollouts=[ref(digest="b"), ref(digest="a")]),
        fingerprint(settings=SandboxConfig(cpu_s=3.0)),
        fingerprint(previous=ref()),
        fingerprint(shard=Shard(**{n: getattr(SHARD, n) for n in Shard.__dataclass_fields__} | {"seed": 2})),
    ]
    assert len({same, *different}) == 6


def test_a_source_counts_by_content():
    assert fingerprint(source=Source("/a", "x")) == fingerprint(source=Source("/b", "x"))
    assert fingerprint(source=Source("/a", "x")) != fingerprint(source=Source("/a", "y"))


def test_an_input_without_a_stable_form_is_refused():
    with pytest.raises(ConfigError, match="no stable form"):
        fingerprint(shard={1, 2})


@pytest.mark.parametrize(
    ("error", "again"),
    [(SandboxError("x"), True), (SamplerError("x"), True), (DataError("x"), False), (ValueError("x"), False)],
)
def test_only_failures_of_the_machinery_are_tried_again(error, again):
    class State:
        data = error

    assert _is_infrastructure(None, None, State) is again


def test_a_stage_is_named_and_tagged_for_the_interface():
    assert execute_turn.kind == execute_turn.task.name == "rollouts"
    assert execute_turn.tags == ("rollouts", "execution")
    assert "public tests give feedback" in execute_turn.task.description


def test_a_misspelt_input_fails_when_the_flow_is_wired():
    with pytest.raises(TypeError, match="problem"):
        execute_turn.submit(None, StageName("execute"), problem=1)


def test_the_flow_has_the_configuration_as_its_only_parameter():
    from mucode_flows.expert_iteration import expert_iteration

    (name,) = expert_iteration.parameters.properties
    assert name == "config"
    data = make_config({"run": {"seed": 3}}).model_dump(mode="json")
    assert expert_iteration.validate_parameters({"config": data})["config"] == Config(run={"seed": 3})


def test_only_the_vllm_back_end_adds_to_the_inputs_of_a_stage():
    assert engine_inputs(GeneratorConfig(batch_size=7)) == {"batch_size": 7}
    assert engine_inputs(GeneratorConfig(backend="replay", batch_size=7)) == {"batch_size": 7}
    assert engine_inputs(GeneratorConfig(backend="vllm")) == {"engine": VllmConfig()}
    assert scorer_inputs(VerifierConfig()) == {}
    assert scorer_inputs(VerifierConfig(scorer="vllm")) == {"scorer": VerifierConfig().vllm}


def test_a_plan_s_fields_are_settings_of_the_stage():
    plan = SearchPlan(("pt",), (5,), 3, 2, SamplingParams(0.7, 1.0, 96), 1)
    settings = {f.name: getattr(plan, f.name) for f in fields(plan)}
    assert make_recipe("search", 2, {"plan": plan}).fingerprint == make_recipe("search", 2, settings).fingerprint
    build = search_problems.build
    assert decode_inputs(build, encode_inputs(build, {"plan": plan})) == {"plan": plan}
