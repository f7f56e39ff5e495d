"""A Prefect server as a user starts one, and what is asked of it."""

import atexit
import functools
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import docker
import httpx

from mucode_core.sandbox.host.docker_daemon import OWNER_LABEL
from tests.conftest import REPO

TIMEOUT_FACTOR = 4
"""How many times as long as an idle machine a busy one may take."""


@functools.cache
def _empty_database():
    """A database with all tables, which a server takes half its start to create."""
    home = tempfile.mkdtemp(prefix="mucode-test-prefect-")
    atexit.register(shutil.rmtree, home, ignore_errors=True)
    finish(os.environ | {"PREFECT_HOME": home}, sys.executable, "-m", "prefect", "server", "database", "upgrade", "-y")
    return Path(home, "prefect.db")


def make_home(directory):
    """A Prefect home in `directory`, with a database of its own unless it has one."""
    home = directory / "prefect"
    home.mkdir(exist_ok=True)
    if not (home / "prefect.db").exists():
        shutil.copy(_empty_database(), home)
    return str(home)


@contextmanager
def running_server(directory):
    """A server of its own; yields the environment of its users."""
    environment = make_environment(directory)
    process = start_server(environment)
    try:
        yield environment
    finally:
        stop(process)


def make_environment(directory):
    """Of a server on a free port, with its home in `directory`, and of its users."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    quiet = dict(re.findall(r"^(\w+)=(.*)$", (REPO / "deployments" / "quiet.env").read_text(), re.MULTILINE))
    home = {"PREFECT_HOME": make_home(directory), "PREFECT_API_URL": f"http://127.0.0.1:{port}/api"}
    home["PREFECT_WORKER_QUERY_SECONDS"] = "2"  # else ten
    own = {"GPU_POOL": "gpu-01", "MUCODE_GPU_LOCKS": str(directory / "gpus")}  # devices of this server alone
    return os.environ | quiet | home | own


def start_server(environment):
    api = environment["PREFECT_API_URL"]
    process = start(environment, "server", "start", "--port", re.search(r":(\d+)/", api)[1])
    return wait_for_server(environment, process)


def wait_for_server(environment, process):
    """The process, once it answers."""
    api = environment["PREFECT_API_URL"]
    deadline = time.monotonic() + TIMEOUT_FACTOR * 120
    while time.monotonic() < deadline:
        try:
            if _client().get(f"{api}/health").status_code == 200:
                return process
        except httpx.HTTPError:
            time.sleep(0.5)
    stop(process)
    raise TimeoutError(api)


def start(environment, *arguments):
    """A command of Prefect in the background."""
    return launch(environment, sys.executable, "-m", "prefect", *arguments)


def launch(environment, *command):
    """A command in the background, to be stopped with all it started."""
    return subprocess.Popen(
        command,
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        cwd=REPO,
    )


def stop(process):
    """Ends a command with all it started."""
    group = process.pid
    os.killpg(group, signal.SIGTERM)
    deadline = time.monotonic() + 30
    while is_left(process, group) and time.monotonic() < deadline:
        time.sleep(0.1)
    with suppress(ProcessLookupError):
        os.killpg(group, signal.SIGKILL)
    process.wait()


def is_left(process, group):
    process.poll()  # reaps it
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True


def call(environment, *arguments):
    """A module run to its end, which must be a good one; returns its output."""
    return finish(environment, sys.executable, "-m", *arguments)


def finish(environment, *command):
    """A command run to its end, which must be a good one; returns its output."""
    done = subprocess.run(command, check=False, env=environment, capture_output=True, text=True, timeout=900, cwd=REPO)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@functools.cache
def _client():
    """One for all requests, since each reads the certificates; no connection is kept for a server that is killed."""
    return httpx.Client(timeout=60, limits=httpx.Limits(max_keepalive_connections=0))


def ask(environment, what, **body):
    """What the server answers, asked as Prefect's own client does: again while it is busy."""
    for _ in range(60):
        answer = _client().post(f"{environment['PREFECT_API_URL']}/{what}", json=body)
        if answer.status_code != httpx.codes.SERVICE_UNAVAILABLE:
            break
        time.sleep(1)
    assert answer.is_success, answer.text
    return answer.json()


def wait_for(condition, seconds):
    """What the condition returns once that is something, which on an idle machine it does within the seconds."""
    deadline = time.monotonic() + TIMEOUT_FACTOR * seconds
    while not (value := condition()):
        assert time.monotonic() < deadline, condition
        time.sleep(0.2)
    return value


def read_run(environment, run):
    return _client().get(f"{environment['PREFECT_API_URL']}/flow_runs/{run}").json()


def suspend(environment, run):
    """As the UI does."""
    later = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    details = {"pause_timeout": later, "pause_reschedule": True}
    state = {"type": "PAUSED", "name": "Suspended", "state_details": details}
    ask(environment, f"flow_runs/{run}/set_state", state=state)


def is_at(environment, run, tag):
    flow_runs = {"id": {"any_": [run]}}
    task_runs = {"state": {"type": {"any_": ["RUNNING"]}}, "tags": {"all_": [tag]}}
    return bool(ask(environment, "task_runs/filter", flow_runs=flow_runs, task_runs=task_runs))


def containers_of(pid):
    owned = docker.from_env().containers.list(all=True, filters={"label": OWNER_LABEL}, ignore_removed=True)
    return [c for c in owned if c.labels[OWNER_LABEL].split(":")[-2] == str(pid)]


def process_of(environment, run):
    return int(read_run(environment, run)["infrastructure_pid"].split(":")[-1])


def held_gpus(environment):
    limits = ask(environment, "v2/concurrency_limits/filter")
    return [limit["name"] for limit in limits if limit["active_slots"]]
