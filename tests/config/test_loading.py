from pathlib import Path
from typing import get_args

import pytest
import yaml

from mucode_core.config import (
    Config,
    FinetuneConfig,
    SandboxConfig,
    Selection,
    TrlSftConfig,
    describe_config,
    dump_config,
    load_config,
    make_config,
)
from mucode_core.errors import ConfigError
from tests.conftest import REPO

RECIPES = sorted((REPO / "configs").glob("*.yaml"))
NEEDED = {"mbpp-replay": ["problems.data=x.jsonl", "generator.replay.samples=y.jsonl"]}


@pytest.mark.parametrize("path", RECIPES, ids=lambda p: p.stem)
def test_every_recipe_loads(path):
    assert load_config(path, NEEDED.get(path.stem, [])).run.name == path.stem


def test_the_canonical_dump_loads_to_the_same():
    config = load_config(REPO / "configs" / "demo.yaml")
    assert make_config(yaml.safe_load(dump_config(config))) == config


def test_the_description_names_every_key_and_loads():
    assert make_config(yaml.safe_load(describe_config())) == Config()
    assert all(line.rstrip().endswith(":") or "# " in line for line in describe_config().splitlines())


@pytest.mark.parametrize(
    ("key", "values"),
    [("algorithm: mucode", "mucode, rft, ssd"), ("selections: [", ", ".join(get_args(Selection))), ("seed: 0", "")],
)
def test_the_description_lists_the_values_of_a_choice(key, values):
    (line,) = (line for line in describe_config().splitlines() if line.strip().startswith(key))
    assert line.endswith(f" Values: {values}.") if values else "Values:" not in line


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (["run.sed=1"], r"run\.sed: unknown key \(value 1\)"),
        (["rollouts.num_turns=0"], r"--set rollouts\.num_turns: 0 is not at least 1"),
        (["verifier.score=mean"], r"verifier\.score: 'mean' is not 'head', 'likelihood' or 'token'"),
        (["problems.dataset=custom"], r"problems\.data: custom problems are not on the hub"),
        (["generator.backend=replay"], "no recorded programs"),
        (["relabel.oracle_weight=0", "relabel.verifier_weight=0"], "both weights"),
        (["relabel.oracle_weight=0", "relabel.unsolved=skip"], "uses labels"),
        (["generator.bootstrap.hidden_size=90"], "90 cannot be split"),
        (["finetune.steps=[100]"], r"finetune\.steps: 1 for 2 iterations"),
        (
            ["problems.dataset=mbpp", "generator.bootstrap.corpus=solutions", "problems.num_reserved=5"],
            "mbpp has no verifier-only split",
        ),
        (
            ["evaluation.beam_width=6"],
            r"evaluation\.beam_width: 6 programs cannot be kept\n  hint: choose at most .*, 5",
        ),
        (["evaluation.beam_width=4", "evaluation.sweep=[1, 3]"], "the smallest N, 3"),
        (["evaluation.pass_at_k=[1, 30]"], r"k=30 exceeds the rollouts\n  hint: raise .* \(now 20\)"),
        (["evaluation.temperature=0"], r"evaluation\.temperature: 0 is not above 0"),
        (["run.algorithm=star"], "'mucode', 'rft' or 'ssd'"),
        (["verifier.loss=hinge"], "'bt' or 'bce'"),
        (["finetune.backend=trl", "finetune.trl.num_processes=3"], r"finetune\.trl\.batch_size: 32 cannot be divided"),
        (
            ["finetune.backend=trl", "finetune.trl.num_processes=2", "finetune.trl.gpus=[1]"],
            r"finetune\.trl\.gpus: 1 GPUs for 2 processes",
        ),
        (
            ["finetune.backend=trl", "finetune.trl.attention=flash_attention_2"],
            r"finetune\.trl\.attention: flash-attention 2 has no float32\n  hint: set finetune.*precision=bfloat16",
        ),
        (["verifier.ensemble=true"], r"verifier\.ensemble: true and false are no values of this key"),
        (["finetune.learning_rate=yes"], r"finetune\.learning_rate: true and false are no values of this key"),
        (["verifier.answers=[Yes, No]"], r"verifier\.answers\.0: True is not text.*\n  hint: quote it: YAML reads Yes"),
        (["finetune.steps=-1"], r"finetune\.steps: -1 is not a list\n  hint: write it in brackets"),
        (["verifier.max_length=1"], r"verifier\.max_length: 1 is not at least 16"),
        (["verifier.fit=false", "verifier.window=2"], r"verifier\.window: no pairs are used by a verifier that is not"),
        (["evaluation.selections=[]"], r"evaluation\.selections: there is none to search with\n  hint: name one, such"),
        (["evaluation.selections=[pt, lv, pt]"], r"evaluation\.selections: 'pt' is named twice\n  hint: name each"),
        (["verifier.vllm.base_url=http://x/v1"], r"verifier\.vllm\.base_url: not used by scorer transformers"),
        (["finetune.trl.deepspeed=zero4"], "'none', 'zero2' or 'zero3'"),
        (["verifier.trl.packing=packed"], "unknown key"),
        (["nonsense"], "section.key=value"),
        (["run.seed.x=1"], "not a section"),
        (["run.seed=[1"], "cannot be read"),
    ],
)
def test_impossible_settings_are_refused_with_location_value_and_hint(overrides, message):
    with pytest.raises(ConfigError, match=message) as caught:
        load_config(REPO / "configs" / "demo.yaml", overrides)
    assert caught.value.hint
    assert caught.value.location
    assert caught.value.exit_code == 2


def test_conflicts_of_all_sections_are_reported_at_once():
    overrides = ["problems.dataset=custom", "evaluation.beam_width=6", "finetune.steps=[100]"]
    with pytest.raises(ConfigError) as caught:
        load_config(REPO / "configs" / "demo.yaml", overrides)
    for location in ("problems.data", "evaluation.beam_width", "finetune.steps", "generator.bootstrap.corpus"):
        assert f"{location}: " in str(caught.value)


@pytest.mark.parametrize("text", ["- 1", "a: [", "\x00"])
def test_a_file_without_a_mapping_is_refused(tmp_path, text):
    path = tmp_path / "c.yaml"
    path.write_text(text)
    with pytest.raises(ConfigError, match=r"c\.yaml"):
        load_config(path)


def test_a_missing_file_is_refused():
    with pytest.raises(ConfigError, match="no such file"):
        load_config(Path("nowhere.yaml"))


def test_where_a_run_happens_does_not_change_its_fingerprint():
    base = SandboxConfig()
    assert base.fingerprinted() == base.model_copy(update={"num_workers": 9, "backend": "process"}).fingerprinted()
    assert base.fingerprinted() != base.model_copy(update={"cpu_s": 9.0}).fingerprinted()


def finetuning(**trl):
    return FinetuneConfig(backend="trl", trl=TrlSftConfig(**trl)).fingerprinted()


def test_the_loop_s_fingerprint_excludes_trl_settings():
    plain = FinetuneConfig().fingerprinted()
    assert plain == FinetuneConfig(trl=TrlSftConfig(lora_rank=8)).fingerprinted()
    assert set(plain) == {"epochs", "learning_rate", "batch_tokens", "max_length", "steps"}


def test_where_a_training_runs_does_not_change_its_fingerprint():
    moved = finetuning(num_processes=4, gpus=[0, 1, 2, 3], deepspeed="zero3", micro_batch_size=2, save_steps=7)
    assert moved == finetuning()
    for what in ({"batch_size": 64}, {"precision": "bfloat16"}, {"lora_rank": 8}, {"packing": "packed"}):
        assert finetuning(**what) != finetuning()
    assert finetuning() != FinetuneConfig().fingerprinted()


def test_descriptions_have_nothing_that_the_form_of_the_ui_would_take_for_a_tag():
    assert "<" not in describe_config()


@pytest.mark.parametrize("key", ["verifier.pessimism", "verifier.learning_rate", "finetune.learning_rate"])
@pytest.mark.parametrize("value", [".inf", "-.inf", ".nan"])
def test_numbers_are_finite(key, value):
    with pytest.raises(ConfigError, match=rf"{key}: -?(inf|nan) is not"):
        load_config(REPO / "configs" / "demo.yaml", [f"{key}={value}", "verifier.ensemble=2"])


@pytest.mark.parametrize("answers", ["[y, y]", "[y, Y]"])
def test_answers_that_a_judge_cannot_tell_apart_are_refused(answers):
    overrides = ["verifier.score=token", f"verifier.answers={answers}"]
    with pytest.raises(ConfigError, match=r"verifier\.answers: \[.*\] are the same answer\n  hint: name two words"):
        load_config(REPO / "configs" / "demo.yaml", overrides)
