"""Programs executed on the nodes of a Ray cluster, one of which is killed on the way."""

import contextlib
import json
import shutil
import subprocess

import psutil
import pytest

from tests.flows.conftest import command, content, environment, run
from tests.support.demos import TINY
from tests.support.prefect_server import ask, running_server, wait_for

ray_cluster = pytest.importorskip("ray.cluster_utils", reason="Ray is not installed")
pytestmark = pytest.mark.slow

MANY_SHARDS = TINY | {"rollouts.num_turns": 2, "rollouts.shard_size": 80, "sandbox.num_workers": 1}


@pytest.fixture
def cluster(monkeypatch):
    """Two nodes of this machine, as `ray start` makes them."""
    monkeypatch.setenv("RAY_USAGE_STATS_ENABLED", "0")
    node = {"num_cpus": 1, "object_store_memory": 80_000_000}
    cluster = ray_cluster.Cluster(initialize_head=True, head_node_args=node)
    cluster.add_node(**node)
    try:
        yield cluster
    finally:
        cluster.shutdown()


def is_busy(node):
    """Whether a worker process of a node, which bears its task's name, executes programs."""
    raylet = psutil.Process(node.all_processes["raylet"][0].process.pid)
    with contextlib.suppress(psutil.NoSuchProcess):
        return any("ray::execute-on-node" in " ".join(child.cmdline()) for child in raylet.children())


def test_a_run_on_two_nodes_of_which_one_is_killed_ends_in_the_same_bytes(cluster, tmp_path):
    undisturbed = run(tmp_path / "here", **MANY_SHARDS)
    out = tmp_path / "there"
    for kind in ("problems", "dialogues", "base_model"):  # half of a run, and none of it executes programs
        shutil.copytree(tmp_path / "here" / "store" / kind, out / "store" / kind)
    places = {"run.task_runner": "ray", "run.ray_address": cluster.address}
    (victim,) = cluster.worker_nodes
    with running_server(tmp_path) as server:
        variables = environment(out) | {"PREFECT_API_URL": server["PREFECT_API_URL"]}
        process = subprocess.Popen(
            command(out, **MANY_SHARDS, **places),
            env=variables,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        wait_for(lambda: is_busy(victim) or process.poll() is not None, 240)
        assert process.poll() is None
        cluster.remove_node(victim, allow_graceful=False)
        printed, said = process.communicate(timeout=1800)
        assert process.returncode == 0, said[-4000:]
        tasks = ask(server, "task_runs/filter", task_runs={"name": {"like_": "node"}})
    assert content(json.loads(printed.splitlines()[-1])) == content(undisturbed)
    assert "round 1 · execute turn 1 · shard 1/4 · node" in {task["name"] for task in tasks}
