"""Runs of which one part is killed at a random moment: all end in the same bytes, and nothing is left."""

import contextlib
import json
import os
import random
import shutil
import signal
import time

import docker
import psutil
import pytest
from mucode_deployments.recipes import load_recipe

from tests.flows.conftest import content, left_behind
from tests.support.prefect_server import (
    ask,
    call,
    containers_of,
    held_gpus,
    is_at,
    make_environment,
    read_run,
    start,
    start_server,
    stop,
    wait_for,
)

pytestmark = [pytest.mark.slow, pytest.mark.docker]

SMALL = [
    "run.num_workers=1",  # as in tests/support/demos.py
    "problems.num_train=40",
    "problems.num_validation=10",
    "problems.num_test=10",
    "generator.bootstrap.num_dialogues=2000",  # half of them, and some processors train a base that solves nothing
    "rollouts.num_rollouts=8",
    "rollouts.num_turns=2",
    "evaluation.best_of_n=2",
    "run.iterations=1",
    "verifier.final_fit=false",
    "sandbox.backend=container",
]
NUM_RUNS = int(os.environ.get("MUCODE_CHAOS_RUNS", "6"))  # `make chaos` has 20
SEED = int(os.environ.get("MUCODE_CHAOS_SEED", "0"))
PREFECT_FILE = "deployments/prefect.yaml"
VICTIMS = ("flow", "worker", "trainer", "sampler", "container", "server")
LEASE_S = 100


class Deployed:
    """A server with one worker of the pool gpu-01, both of which can be killed and started again."""

    def __init__(self, directory):
        self.directory = directory
        self.environment = make_environment(directory)
        (directory / "tmp").mkdir()
        self.server = start_server(self.environment)
        # marks what the workers start; the server is none of it, the one started later neither
        self.marked = {"MUCODE_TEST_RUN": str(directory), "TMPDIR": str(directory / "tmp")}
        call(self.environment, "mucode_deployments.pools", "0,1", "--silence", "150")
        names = ("-n", "expert-iteration/demo", "-n", "expert-iteration/llama-3.2-1b-mbpp")
        call(self.environment, "prefect", "--no-prompt", "deploy", *names, "--prefect-file", PREFECT_FILE)
        made = ask(self.environment, "deployments/filter")
        self.deployments = {one["work_pool_name"]: one["id"] for one in made}
        self.workers = {pool: self.start_worker(pool) for pool in self.deployments}

    def start_worker(self, pool):
        return start(self.environment | self.marked, "worker", "start", "--type", "process", "--pool", pool)

    def stop_workers(self):
        for worker in self.workers.values():
            stop(worker)
        self.workers.clear()

    def close(self):
        self.stop_workers()
        stop(self.server)

    def begin(self, out, pool="gpu-01"):
        """What the UI does when a run is started from a deployment's form; returns its id."""
        places = [f"run.output_dir={out}", f"run.name={out.name}"]
        config = load_recipe("configs/demo.yaml", [*SMALL, *places])["config"]
        path = f"deployments/{self.deployments[pool]}/create_flow_run"
        return ask(self.environment, path, parameters={"config": config})["id"]

    def await_start(self, run):
        # a run that could not say that it died holds its pool until the automation misses its heartbeat
        pid = wait_for(lambda: read_run(self.environment, run).get("infrastructure_pid"), 420)
        return int(pid.split(":")[-1])

    def await_end(self, run, pid):
        """Whether it is completed, once the server or its process says that it is over."""

        def is_over():
            state = read_run(self.environment, run)["state_type"]
            return state if state in ("COMPLETED", "FAILED", "CRASHED") or not psutil.pid_exists(pid) else None

        return wait_for(is_over, 300) == "COMPLETED"

    def kill(self, victim, pid, run, rng):
        """Kills one part of a running run, at a moment that differs from run to run; returns False if it was over."""
        if tag := {"trainer": "training", "sampler": "sampling", "container": "execution"}.get(victim):
            with contextlib.suppress(AssertionError):
                wait_for(lambda: is_at(self.environment, run, tag) or not psutil.pid_exists(pid), 60)
        time.sleep(rng.uniform(0, 1 if tag else 12))
        if victim == "container":
            return kill_container(pid)
        if victim in ("trainer", "sampler"):
            return kill_child(pid, rng)
        if victim == "flow":
            return kill_process(pid)
        if victim == "worker":
            kill_process(self.workers["gpu-01"].pid)
            self.workers["gpu-01"] = self.start_worker("gpu-01")
        else:
            os.killpg(self.server.pid, signal.SIGKILL)
            time.sleep(rng.uniform(0, 5))
            self.server = start_server(self.environment)
        return True


def kill_process(pid):
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
        return True
    return False


def kill_child(pid, rng):
    """One of the processes that sample and train for a flow."""
    with contextlib.suppress(psutil.NoSuchProcess):
        children = [c for c in psutil.Process(pid).children(recursive=True) if "spawn_main" in " ".join(c.cmdline())]
        return bool(children) and kill_process(rng.choice(children).pid)
    return False


def kill_container(pid):
    for container in containers_of(pid):
        with contextlib.suppress(docker.errors.NotFound, docker.errors.APIError):
            container.kill()
            return True
    return False


def temporary_files(out):
    """Drafts of artifacts, trainings to resume, files that were to replace others."""
    drafts = [path for path in (out / "store").glob("*/.*") if path.is_dir()]
    return [*drafts, *(out / "store" / "unfinished").glob("*"), *out.glob(".*.*.*")]


@pytest.fixture(scope="module")
def deployed(tmp_path_factory):
    deployed = Deployed(tmp_path_factory.mktemp("chaos"))
    try:
        yield deployed
    finally:
        deployed.close()


@pytest.fixture(scope="module")
def reference(deployed):
    """Digests of the stages of a run that nothing happened to."""
    out = deployed.directory / "undisturbed"
    run = deployed.begin(out)
    assert deployed.await_end(run, deployed.await_start(run)), read_run(deployed.environment, run)["state"]
    return content(json.loads((out / "result.json").read_text()))


@pytest.mark.timeout(400 * (NUM_RUNS + 2))
def test_a_run_whose_parts_are_killed_ends_in_the_same_bytes(deployed, reference):
    killed = dict.fromkeys(VICTIMS, 0)
    for index in range(NUM_RUNS):
        rng, victim = random.Random(f"{SEED}-{index}"), VICTIMS[index % len(VICTIMS)]
        out = deployed.directory / f"run-{index}"
        # a killed flow's lease of GPUs ends a minute later: its like have none, or each would wait for the one before
        pool = "cpu" if victim == "flow" else "gpu-01"
        if index % 4:  # most begin with the base model, whose making is half of a run
            for kind in ("problems", "dialogues", "base_model"):
                shutil.copytree(deployed.directory / "undisturbed" / "store" / kind, out / "store" / kind)
        run = deployed.begin(out, pool)
        pid = deployed.await_start(run)
        killed[victim] += deployed.kill(victim, pid, run, rng)
        print(index, victim, run, pid, flush=True)
        for _ in range(3):
            if deployed.await_end(run, pid):
                break
            run = deployed.begin(out, pool)
            pid = deployed.await_start(run)
        assert content(json.loads((out / "result.json").read_text())) == reference, (index, victim)
        assert temporary_files(out) == [], (index, victim)
        wait_for(lambda pid=pid: not containers_of(pid), 15)
    assert sum(killed.values()) >= 0.8 * NUM_RUNS, killed
    wait_for(lambda: not held_gpus(deployed.environment), LEASE_S)
    deployed.stop_workers()
    wait_for(lambda: not set(left_behind(deployed.directory)), 15)
    assert list((deployed.directory / "tmp").glob("mucode-*")) == []
