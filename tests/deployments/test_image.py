"""The project's own image: built from an imported base without a registry, and the demo run inside it."""

import contextlib
import functools
import http.server
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import docker
import httpx
import pytest
from mucode_deployments.recipes import load_recipe

from mucode_core.sandbox.host.docker_daemon import OWNER_LABEL
from mucode_core.sandbox.host.image import image_name
from mucode_core.sandbox.host.package_versions import DEFAULT, resolve_packages
from tests.conftest import REPO
from tests.support.demos import SMALL
from tests.support.prefect_server import ask, read_run, wait_for

pytestmark = [pytest.mark.slow, pytest.mark.docker]

BASE = "mucode-test-base:bookworm"
IMAGE = "mucode:test"
DATABASE = "mucode-test-postgres:bookworm"
PACKAGES = "python3,python3-venv,python3-dev,g++,ca-certificates"
USER_ID = 10001
PROJECT = f"mucode-test-{os.getpid()}"
TOKEN = "token-of-the-tests-alone"
FEW = [*SMALL, "rollouts.num_rollouts=4"]


def run(*command, **settings):
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=2700, **settings)
    assert done.returncode == 0, f"{command[:4]}: {done.stdout[-2000:]} {done.stderr[-4000:]}"
    return done.stdout


@pytest.fixture(scope="module")
def client():
    client = docker.from_env()
    yield client
    client.close()


@pytest.fixture(scope="module")
def base(client, tmp_path_factory):
    """A small Debian with Python, imported."""
    if not client.images.list(BASE):
        root = tmp_path_factory.mktemp("base") / "root"
        run("debootstrap", "--variant=minbase", f"--include={PACKAGES}", "bookworm", str(root))
        run("sh", "-c", f"tar -C {root} -c . | docker import - {BASE} && rm -rf {root}")
    return BASE


@pytest.fixture(scope="module")
def wheels(tmp_path_factory):
    """Address of a folder with what the lock names."""
    folder = tmp_path_factory.mktemp("wheels")
    lock = str(REPO / "requirements-cpu.lock")
    download = [sys.executable, "-m", "pip", "download", "--quiet", "--dest", str(folder)]
    run(*download, "--no-deps", "--requirement", lock)
    run(*download, "torch==2.13.0", "--constraint", lock)
    handler = functools.partial(Quiet, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()
    shutil.rmtree(folder)


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


@pytest.fixture(scope="module")
def image(client, base, wheels):
    arguments = {"BASE": base, "PIP_NO_INDEX": "1", "PIP_FIND_LINKS": wheels, "REVISION": "abc"}
    sets = [part for key, value in arguments.items() for part in ("--build-arg", f"{key}={value}")]
    places = ["--network", "host", "--target", "cpu", "--tag", IMAGE, str(REPO)]
    run("docker", "build", "--quiet", *sets, *places, env=os.environ | {"DOCKER_BUILDKIT": "0"})
    return client.images.get(IMAGE)


def test_the_image_has_labels(image):
    config = image.attrs["Config"]
    assert config["User"] == "mucode"
    assert config["Labels"]["org.opencontainers.image.revision"] == "abc"
    assert config["Healthcheck"]["Test"][-1] == "mucode_deployments.healthcheck"
    run("docker", "run", "--rm", "--network", "none", IMAGE, "python", "-c", "import deepspeed, prefect, trl, vllm")


def test_the_demo_runs_inside_with_a_sibling_sandbox(image, client):
    group = str(Path("/var/run/docker.sock").stat().st_gid)

    def sandboxes():
        owned = client.containers.list(all=True, filters={"label": OWNER_LABEL}, ignore_removed=True)
        return [one for one in owned if any(mount["Source"].startswith(shared) for mount in one.attrs["Mounts"])]

    with tempfile.TemporaryDirectory(dir="/var/tmp") as shared:
        os.chown(shared, USER_ID, USER_ID)
        sets = " ".join(f"--set {one}" for one in FEW)
        printed = run(
            *("docker", "run", "--rm", "--init", "--network", "none", "--group-add", group),
            *("--volume", "/var/run/docker.sock:/var/run/docker.sock", "--volume", f"{shared}:{shared}"),
            *("--env", f"TMPDIR={shared}", IMAGE, "sh", "-c"),
            f"id -u; mucode sandbox build; mucode demo --json --set sandbox.backend=container {sets}",
        ).splitlines()
        assert printed[0] == str(USER_ID)
        own = image_name(resolve_packages(DEFAULT)).rpartition("-")[0]
        assert printed[1].rpartition("-")[0] == own, "the tag ends in a digest of its interpreter and packages"
        assert json.loads(printed[-1])["num_test_problems"] == 20
        assert not list(Path(shared).glob("mucode-*"))
        assert sandboxes() == []


def test_a_server_in_it_is_healthy_and_one_that_does_not_answer_is_not(image, client):
    settings = {
        "detach": True,
        "network_mode": "none",
        "healthcheck": {"interval": 2 * 10**9, "start_period": 10**9, "retries": 2},
    }
    good = client.containers.run(IMAGE, "prefect server start", **settings)
    bad = client.containers.run(IMAGE, "sh -c 'sleep 600; : worker start' worker", **settings)
    try:
        deadline = time.monotonic() + 480
        while time.monotonic() < deadline and (health(good), health(bad)) != ("healthy", "unhealthy"):
            time.sleep(1)
        assert (health(good), health(bad)) == ("healthy", "unhealthy")
        asked = "import urllib.request as r; print(r.urlopen('http://127.0.0.1:4200/').read().decode())"
        assert b"<title>" in good.exec_run(["python", "-c", asked]).output
    finally:
        for container in (good, bad):
            container.remove(force=True)


@pytest.fixture(scope="module")
def database_image(client, base):
    places = ["--network", "host", "--build-arg", f"BASE={base}", "--tag", DATABASE, str(REPO / "tests" / "postgres")]
    run("docker", "build", "--quiet", *places, env=os.environ | {"DOCKER_BUILDKIT": "0"})


@dataclass
class Composed:
    """The documented services, of a project of their own."""

    command: Callable[..., str]
    server: dict[str, str]
    """Settings that name the Prefect server."""
    addresses: dict[str, str]
    """Of the services that have profiles."""
    profiles: dict[str, str]
    """Their tokens, and the variable that selects them."""


@pytest.fixture(scope="module")
def composed(image, database_image):
    with contextlib.ExitStack() as stack:
        shared = stack.enter_context(tempfile.TemporaryDirectory(dir="/var/tmp"))
        os.chown(shared, USER_ID, USER_ID)
        ports = find_free_ports(3)
        api = f"http://127.0.0.1:{ports[0]}/api"
        variables = {"MUCODE_IMAGE": IMAGE, "POSTGRES_IMAGE": DATABASE, "UI_PORT": str(ports[0]), "UI_API_URL": api}
        variables |= {"DOCKER_GROUP": str(Path("/var/run/docker.sock").stat().st_gid), "SANDBOX_DIR": shared}
        variables |= {"SANDBOX_PORT": str(ports[1]), "SERVE_PORT": str(ports[2])}
        project = ["docker-compose", "--project-name", PROJECT, "--file", str(REPO / "deployments" / "compose.yaml")]
        profiles = {"MUCODE_SANDBOX_TOKEN": TOKEN, "MUCODE_SERVE_TOKEN": TOKEN, "COMPOSE_PROFILES": "sandbox,serve"}

        def command(*words: str, **more: str) -> str:
            return run(*project, *words, env=os.environ | variables | more)

        stack.callback(command, "down", "--volumes", "--timeout", "20", **profiles)
        addresses = {
            name: f"http://127.0.0.1:{port}" for name, port in zip(("sandbox", "serve"), ports[1:], strict=True)
        }
        yield Composed(command, {"PREFECT_API_URL": api}, addresses, profiles)


@pytest.fixture(scope="module")
def finished(composed):
    """The run of the demo that the services have made, as the server has it."""
    composed.command("up", "--detach")
    config = json.dumps(load_recipe("configs/demo.yaml", [*FEW, "sandbox.backend=container"])["config"])
    ask_for_run = ["prefect", "deployment", "run", "expert-iteration/demo", "--param", f"config={config}"]
    composed.command("exec", "-T", "worker", *ask_for_run)
    (started,) = ask(composed.server, "flow_runs/filter")
    under_way = ("SCHEDULED", "PENDING", "RUNNING")
    try:
        wait_for(lambda: read_run(composed.server, started["id"])["state_type"] not in under_way, 400)
    finally:
        log = composed.command("logs", "--no-color", "--tail", "60")
    ended = read_run(composed.server, started["id"])
    assert ended["state_type"] == "COMPLETED", log
    return ended


def test_compose_runs_the_demo_on_postgresql(composed, finished, client):
    assert {pool["name"] for pool in ask(composed.server, "work_pools/filter")} == {"cpu"}
    query = ["psql", "--host", "127.0.0.1", "--tuples-only", "--command", "SELECT name FROM flow_run"]
    names = composed.command("exec", "-T", "-e", "PGUSER=prefect", "-e", "PGPASSWORD=prefect", "database", *query)
    assert names.strip() == finished["name"]
    states = {one.labels["com.docker.compose.service"]: one.status for one in ours(client)}
    assert states == {"database": "running", "server": "running", "worker": "running", "setup": "exited"}


def test_compose_judges_for_others_and_serves_what_was_trained(composed, finished, client):
    (name,) = composed.command("exec", "-T", "worker", "ls", "runs").split()
    composed.command("up", "--detach", "sandbox", "serve", **composed.profiles, SERVED_RUN=name)
    begun = {one.labels["com.docker.compose.service"]: one for one in ours(client)}
    try:
        wait_for(lambda: all(health(begun[name]) == "healthy" for name in composed.addresses), 480)
    finally:
        log = composed.command("logs", "--no-color", "--tail", "60", "sandbox", "serve", **composed.profiles)
    job = {"id": "a", "code": "def f(x): return x + 1", "problem": {"kind": "assert", "tests": ["assert f(1) == 2"]}}
    asked = {"sandbox": ("/v1/verdicts", {"jobs": [job]})}
    question = {"role": "user", "content": "Write a function f(x).\nassert f(1) == 2\nassert f(5) == 6"}
    asked["serve"] = ("/v1/chat/completions", {"model": "mucode", "messages": [question]})
    answers = {}
    for service, (path, body) in asked.items():
        address = composed.addresses[service] + path
        assert httpx.post(address, json=body).status_code == 401
        headers = {"Authorization": f"Bearer {TOKEN}"}
        answers[service] = httpx.post(address, json=body, headers=headers, timeout=120)
        assert answers[service].status_code == 200, (answers[service].text, log)
    verdict = answers["sandbox"].json()
    assert (verdict["id"], verdict["label"]) == ("a", True)
    (choice,) = answers["serve"].json()["choices"]
    assert choice["mucode"]["verdict"]["num_tests"] == 2


def ours(client):
    return client.containers.list(all=True, filters={"label": f"com.docker.compose.project={PROJECT}"})


def health(container):
    container.reload()
    return container.attrs["State"]["Health"]["Status"]


def find_free_ports(count):
    probes = [socket.socket() for _ in range(count)]
    for probe in probes:
        probe.bind(("127.0.0.1", 0))
    ports = [probe.getsockname()[1] for probe in probes]
    for probe in probes:
        probe.close()
    return ports
