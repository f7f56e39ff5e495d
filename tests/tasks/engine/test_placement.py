"""Stages that run elsewhere: what travels, what comes back, what is refused."""

import json
from dataclasses import replace
from types import SimpleNamespace

import pytest
from mucode_deployments.recipes import load_recipe
from mucode_tasks.data import load_problems
from mucode_tasks.engine import placement
from mucode_tasks.engine.open_placements import open_placements
from mucode_tasks.engine.placement import DeploymentPlacement, config_elsewhere
from mucode_tasks.engine.run_context import Runtime
from mucode_tasks.engine.stage import build_call, find_stage, name_stage
from mucode_tasks.engine.stage_inputs import StageCall, decode_inputs, encode_inputs, make_recipe
from mucode_tasks.rollouts import Shard, sample_turn
from prefect.exceptions import ObjectNotFound
from prefect.states import Cancelled, Completed, Crashed, Failed

from mucode_core.config import ProblemsConfig, VllmConfig, make_config
from mucode_core.errors import ArtifactError, ConfigError, MucodeError, PlacementError
from mucode_core.store.artifacts import ArtifactStore
from mucode_core.system.worker_pool import WorkerPool
from mucode_core.types import ArtifactRef, SamplingParams
from tests.flows.conftest import SMALL, content
from tests.flows.conftest import run as run_demo
from tests.support.demos import TINY
from tests.support.prefect_server import ask, call, running_server, start, stop, wait_for

REF = ArtifactRef("problems", "/here", "f", "d", 1, 1)
CALL = StageCall("mucode_tasks.rollouts:sample_turn", "round 1 · sample", {}, "x")


def test_inputs_travel_as_json_and_keep_their_fingerprint():
    inputs = {
        "problems": REF,
        "generator": replace(REF, kind="generator"),
        "previous": None,
        "shard": Shard(0, 4, 2, 3, 0, 1),
        "params": SamplingParams(0.7, 0.9, 50),
        "engine": VllmConfig(gpus=(1,), extra_args=("--x",)),
    }
    sent = json.loads(json.dumps(encode_inputs(sample_turn.build, inputs)))
    received = decode_inputs(sample_turn.build, sent)
    assert received == inputs
    wanted = make_recipe("samples", 1, inputs).fingerprint
    assert make_recipe("samples", 1, received).fingerprint == wanted


def test_a_stage_is_found_by_its_name():
    assert find_stage(name_stage(sample_turn.build)) is sample_turn
    for name in ("mucode_tasks.rollouts:Shard", "mucode_tasks.rollouts:gone", "nowhere:x", "no name"):
        with pytest.raises(ArtifactError, match="no such stage"):
            find_stage(name)


def test_elsewhere_a_stage_stays_and_finds_the_same_directories(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    run = {"name": "one", "placement": "deployments", "task_runner": "ray", "store_dir": "store"}
    sent = make_config(config_elsewhere(make_config({"run": run}))).run
    assert (sent.placement, sent.task_runner) == ("flow", "threads")
    assert (sent.output_dir, sent.store_dir) == (str(tmp_path / "runs" / "one"), str(tmp_path / "store"))
    remote = make_config({"run": run | {"store_dir": "s3://b/x"}})
    assert make_config(config_elsewhere(remote)).run.store_dir == "s3://b/x"


@pytest.fixture
def here(tmp_path):
    opened = Runtime(ArtifactStore(tmp_path / "store"), WorkerPool(1), lambda: None)
    yield opened
    opened.close()


@pytest.fixture
def quiet(monkeypatch):
    logger = SimpleNamespace(info=lambda *_: None, warning=lambda *_: None)
    monkeypatch.setattr("mucode_tasks.engine.stage.get_run_logger", lambda: logger)


@pytest.fixture
def wanted():
    """A call for three synthetic problems, as it travels."""
    inputs = {"split": "train", "settings": ProblemsConfig(num_train=3), "source": None, "recorded": None}
    inputs |= {"sandbox": None, "seed": 0}
    sent = json.loads(json.dumps(encode_inputs(load_problems.build, inputs)))
    fingerprint = make_recipe(load_problems.kind, load_problems.version, inputs).fingerprint
    return StageCall(name_stage(load_problems.build), "problems", sent, fingerprint)


def test_a_call_publishes_the_caller_s_artifact(here, quiet, wanted):
    build_call(here, wanted)
    (record,) = here.store.root.glob(f"*/{wanted.fingerprint}/record.json")
    written = record.stat().st_mtime_ns
    assert json.loads(record.read_text())["num_rows"] == 3
    build_call(here, wanted)  # a second attempt finds it
    assert record.stat().st_mtime_ns == written


def test_code_that_would_make_another_artifact_is_refused(here, quiet, wanted):
    with pytest.raises(ArtifactError, match=r"another artifact\n.*deploy the same version"):
        build_call(here, replace(wanted, fingerprint="of other code"))
    assert list(here.store.root.glob("[!.]*/*/record.json")) == []


@pytest.mark.parametrize(
    ("state", "kind"),
    [(Completed(), None), (Crashed(message="gone"), PlacementError), (Failed(message="bad data"), MucodeError)],
)
def test_the_end_of_a_deployment_s_run_is_that_of_its_stage(monkeypatch, state, kind):
    asked = {}

    def run_deployment(name, **settings):
        asked.update(settings, name=name)
        return SimpleNamespace(state=state, name="lucky-otter")

    monkeypatch.setattr(placement, "run_deployment", run_deployment)
    elsewhere = DeploymentPlacement(make_config({}))
    if kind is None:
        elsewhere.run(CALL)
    else:
        with pytest.raises(MucodeError, match="run lucky-otter: round 1 · sample is") as caught:
            elsewhere.run(CALL)
        assert type(caught.value) is kind
    assert asked["name"] == "stage/gpu"
    assert json.dumps(asked["parameters"])


def test_a_cancelled_stage_ends_its_run(monkeypatch):
    monkeypatch.setattr(placement, "run_deployment", lambda *_, **__: SimpleNamespace(state=Cancelled(), name="x"))
    with pytest.raises(MucodeError, match="is Cancelled"):
        DeploymentPlacement(make_config({})).run(CALL)


def test_a_deployment_that_is_not_there_has_a_cure(monkeypatch):
    def missing(*_, **__):
        raise ObjectNotFound(None)

    monkeypatch.setattr(placement, "run_deployment", missing)
    with pytest.raises(ConfigError, match=r"deployment stage/gpu: is not deployed\n.*make deploy"):
        DeploymentPlacement(make_config({})).run(CALL)


@pytest.mark.parametrize("key", [{"placement": "deployments"}, {"task_runner": "ray"}])
def test_placing_stages_needs_a_server(tmp_path, key):
    config = make_config({"run": key | {"output_dir": str(tmp_path)}})
    with pytest.raises(ConfigError, match="needs a Prefect server"), open_placements(config):
        pass


def test_a_run_that_holds_gpus_places_no_stages(tmp_path, monkeypatch):
    monkeypatch.setattr("mucode_tasks.engine.open_placements.has_server", lambda: True)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0,1")
    config = make_config({"run": {"placement": "deployments", "output_dir": str(tmp_path)}})
    with pytest.raises(ConfigError, match=r"holds GPUs itself: 0, 1\n.*pool cpu"), open_placements(config):
        pass


FEW_SHARDS = TINY | {"rollouts.num_turns": 1, "rollouts.shard_size": 320}


@pytest.mark.slow
def test_stages_placed_on_a_gpu_pool_make_the_same_bytes(tmp_path):
    """The flow runs in the pool cpu, its stages that use GPUs in gpu-01; a failing one fails the run."""
    undisturbed = run_demo(tmp_path / "here", **FEW_SHARDS)
    out = tmp_path / "there"
    with running_server(tmp_path) as server:
        call(server, "mucode_deployments.pools", "0,1")
        names = ("-n", "expert-iteration/demo", "-n", "gpu")
        call(server, "prefect", "--no-prompt", "deploy", *names, "--prefect-file", "deployments/prefect.yaml")
        workers = [start(server, "worker", "start", "--pool", pool) for pool in ("cpu", "gpu-01")]
        try:
            sets = [f"{key}={value}" for key, value in (SMALL | FEW_SHARDS).items()]
            sets += ["run.seed=5", "run.placement=deployments", f"run.output_dir={out}", "run.name=there"]
            config = load_recipe("configs/demo.yaml", sets)["config"]
            (made,) = ask(
                server,
                "deployments/filter",
                deployments={"name": {"any_": ["demo"]}},
                flows={"name": {"any_": ["expert-iteration"]}},
            )
            run = ask(server, f"deployments/{made['id']}/create_flow_run", parameters={"config": config})["id"]

            def states():
                return {r["name"]: r for r in ask(server, "flow_runs/filter", limit=50)}

            def is_over():
                mine = next(r for r in states().values() if r["id"] == run)
                return mine if mine["state_type"] in ("COMPLETED", "FAILED", "CRASHED") else None

            assert wait_for(is_over, 800)["state_type"] == "COMPLETED"
            stages = {name for name, r in states().items() if r["id"] != run}
        finally:
            for worker in workers:
                stop(worker)
    assert {"base model", "round 1 · sample turn 1 · shard 1/1", "round 1 · fine-tune"} <= stages
    assert not any("execute" in name for name in stages)
    assert content(json.loads((out / "result.json").read_text())) == content(undisturbed)
