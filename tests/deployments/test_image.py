"""The project's own image: built from an imported base without a registry, and the demo run inside it."""

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
from pathlib import Path

import docker
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
        assert printed[1] == image_name(resolve_packages(DEFAULT))
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


@pytest.fixture
def database_image(client, base):
    places = ["--network", "host", "--build-arg", f"BASE={base}", "--tag", DATABASE, str(REPO / "tests" / "postgres")]
    run("docker", "build", "--quiet", *places, env=os.environ | {"DOCKER_BUILDKIT": "0"})


@pytest.fixture
def compose(image, database_image):
    """The documented services, of a project of their own; yields how to speak of them, and the server's address."""
    with socket.socket() as probe, tempfile.TemporaryDirectory(dir="/var/tmp") as shared:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
        probe.close()
        os.chown(shared, USER_ID, USER_ID)
        api = f"http://127.0.0.1:{port}/api"
        variables = {"MUCODE_IMAGE": IMAGE, "POSTGRES_IMAGE": DATABASE, "UI_PORT": str(port), "UI_API_URL": api}
        variables |= {"DOCKER_GROUP": str(Path("/var/run/docker.sock").stat().st_gid), "SANDBOX_DIR": shared}
        project = ["docker-compose", "--project-name", f"mucode-test-{os.getpid()}"]
        command = functools.partial(
            run, *project, "--file", str(REPO / "deployments" / "compose.yaml"), env=os.environ | variables
        )
        try:
            yield command, {"PREFECT_API_URL": api}
        finally:
            command("down", "--volumes", "--timeout", "20")


def test_compose_runs_the_demo_on_postgresql(compose, client):
    command, server = compose
    command("up", "--detach")
    config = json.dumps(load_recipe("configs/demo.yaml", [*FEW, "sandbox.backend=container"])["config"])
    ask_for_run = ["prefect", "deployment", "run", "expert-iteration/demo", "--param", f"config={config}"]
    command("exec", "-T", "worker", *ask_for_run)
    (started,) = ask(server, "flow_runs/filter")
    try:
        wait_for(lambda: read_run(server, started["id"])["state_type"] not in ("SCHEDULED", "PENDING", "RUNNING"), 400)
    finally:
        log = command("logs", "--no-color", "--tail", "60")
    ended = read_run(server, started["id"])
    assert ended["state_type"] == "COMPLETED", log
    assert {pool["name"] for pool in ask(server, "work_pools/filter")} == {"cpu"}
    query = ["psql", "--host", "127.0.0.1", "--tuples-only", "--command", "SELECT name FROM flow_run"]
    names = command("exec", "-T", "-e", "PGUSER=prefect", "-e", "PGPASSWORD=prefect", "database", *query)
    assert names.strip() == ended["name"]
    states = {one.labels["com.docker.compose.service"]: one.status for one in ours(client)}
    assert states == {"database": "running", "server": "running", "worker": "running", "setup": "exited"}


def ours(client):
    project = f"com.docker.compose.project=mucode-test-{os.getpid()}"
    return client.containers.list(all=True, filters={"label": project})


def health(container):
    container.reload()
    return container.attrs["State"]["Health"]["Status"]
