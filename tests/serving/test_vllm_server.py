import os
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import httpx
import pytest

from mucode_core.errors import SamplerError
from mucode_core.serving import vllm_server as server_module
from mucode_core.serving.vllm_server import InferenceServer

FAKE = Path(__file__).parent / "fake_server.py"


def make_server(directory, *options, timeout_s=20.0, command=None):
    def default(port):
        return [sys.executable, str(FAKE), str(port), str(directory), *options]

    return InferenceServer(command or default, directory / "logs" / "server.log", {"COLOUR": "red"}, timeout_s)


@pytest.fixture
def opened(tmp_path):
    servers = []

    def open_server(*options, **changes):
        servers.append(make_server(tmp_path, *options, **changes))
        return servers[-1]

    yield open_server
    for one in servers:
        one.close()


def pids(directory):
    """Of every process of every start."""
    path = directory / "pids"
    return [int(word) for word in path.read_text().split()] if path.exists() else []


def alive(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def wait_until(condition, timeout_s=20.0):
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline and not condition():
        time.sleep(0.02)
    assert condition()


def is_listening(url):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", int(url.rpartition(":")[2]))) == 0


def test_it_starts_once_answers_and_writes_its_log(opened, tmp_path):
    server = opened()
    url = server.ensure()
    assert httpx.get(f"{url}/health").status_code == 200
    assert server.ensure() == url
    assert server.num_starts == 1
    assert f"key {server.api_key}" in (tmp_path / "logs" / "server.log").read_text()


def test_it_has_the_environment_that_it_was_given(opened, tmp_path):
    server = opened()
    server.ensure()
    environment = Path(f"/proc/{pids(tmp_path)[0]}/environ").read_bytes().split(b"\0")
    assert b"COLOUR=red" in environment


def test_closing_ends_every_process_even_in_other_sessions(opened, tmp_path):
    server = opened()
    url = server.ensure()
    assert len(pids(tmp_path)) == 2
    assert all(map(alive, pids(tmp_path)))
    server.close()
    assert not any(map(alive, pids(tmp_path)))
    assert not is_listening(url)
    with pytest.raises(SamplerError, match="is closed"):
        server.ensure()


def sockets_of(pid):
    """The directory of a server's sockets."""
    variables = dict(pair.split(b"=", 1) for pair in Path(f"/proc/{pid}/environ").read_bytes().split(b"\0") if pair)
    return Path(os.fsdecode(variables[b"VLLM_RPC_BASE_PATH"]))


def test_its_sockets_are_removed_with_it(opened, tmp_path):
    server = opened()
    server.ensure()
    sockets = sockets_of(pids(tmp_path)[0])
    (sockets / "of-the-engine").touch()
    os.kill(pids(tmp_path)[0], signal.SIGKILL)
    server.ensure()
    again = sockets_of(pids(tmp_path)[2])
    assert not sockets.exists()
    assert again.is_dir()
    server.close()
    assert not again.exists()


def test_a_server_that_ends_early_shows_the_end_of_its_log(opened, tmp_path):
    with pytest.raises(SamplerError, match=r"server\.log: .*ended with code 1 .*its log ends:\nno such model\n.*hint:"):
        opened("--fail", "no such model").ensure()


def test_a_server_that_never_becomes_ready_shows_the_end_of_its_log_and_is_stopped(opened, tmp_path):
    with pytest.raises(SamplerError, match=r"not ready after 2 s; its log ends:\n(.*\n)*still compiling"):
        opened("--never-ready", timeout_s=2.0).ensure()
    assert len(pids(tmp_path)) == 2
    assert not any(map(alive, pids(tmp_path)))


def test_the_log_of_an_earlier_start_is_kept_but_not_blamed(opened, tmp_path):
    for text in ("first trouble", "second trouble"):
        with pytest.raises(SamplerError) as caught:
            opened("--fail", text).ensure()
    assert "second trouble" in str(caught.value)
    assert "first trouble" not in str(caught.value)
    assert "first trouble" in (tmp_path / "logs" / "server.log").read_text()


LOG = """
(Worker pid=7) ERROR 11-30 [executor.py:9]     raise RuntimeError(
(Worker pid=7) ERROR 11-30 [executor.py:9] RuntimeError: no kernel for 24
(Worker pid=7) ERROR 11-30 [executor.py:9] RuntimeError: no kernel for 24
(Core pid=6) INFO 11-30 [core.py:2] shutdown
(Api pid=5) ERROR 11-30 [llm.py:3] vllm.EngineDeadError: see above
"""


def test_the_errors_in_its_log_are_found_whatever_follows(opened, tmp_path):
    server = opened()
    assert server.explain() == ""
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / "server.log").write_text(f"OSError: old\n{LOG}{LOG}" + "at once\n" * 500)
    assert server.explain().splitlines() == [
        "OSError: old",
        "RuntimeError: no kernel for 24",
        "EngineDeadError: see above",
    ]


def test_a_killed_server_is_restarted_without_its_old_engine(opened, tmp_path):
    server = opened()
    server.ensure()
    old = pids(tmp_path)
    os.kill(old[0], signal.SIGKILL)
    wait_until(lambda: not alive(old[0]))
    url = server.ensure()
    assert httpx.get(f"{url}/health").status_code == 200
    assert server.num_starts == 2
    assert not any(map(alive, old))
    assert all(map(alive, pids(tmp_path)[2:]))


def test_a_server_that_lost_its_engine_is_stopped_so_that_its_clients_notice(opened, tmp_path, monkeypatch):
    monkeypatch.setattr(server_module, "_WATCH_S", 0.05)
    server = opened()
    server.ensure()
    (tmp_path / "lost").touch()
    wait_until(lambda: not alive(pids(tmp_path)[0]))


def test_a_port_taken_by_another_program_is_replaced(opened, tmp_path):
    options = iter([("--fail", "OSError: [Errno 98] Address already in use"), ()])
    ports = []

    def command(port):
        ports.append(port)
        return [sys.executable, str(FAKE), str(port), str(tmp_path), *next(options)]

    opened(command=command).ensure()
    assert len(ports) == 2


def test_closing_does_not_wait_for_a_start(opened, tmp_path):
    server, failures = opened("--never-ready", timeout_s=100.0), []

    def start():
        try:
            server.ensure()
        except SamplerError as error:
            failures.append(str(error))

    thread = threading.Thread(target=start)
    thread.start()
    wait_until(lambda: pids(tmp_path))
    server.close()
    thread.join(10)
    assert not thread.is_alive()
    assert "closed while it started" in failures[0]
    assert not any(map(alive, pids(tmp_path)))


OWNER = """
import sys, time
from pathlib import Path
from mucode_core.serving.vllm_server import InferenceServer
directory = Path(sys.argv[2])
command = lambda port: [sys.executable, sys.argv[1], str(port), str(directory)]
print(InferenceServer(command, directory / "log", {}, 20.0).ensure(), flush=True)
time.sleep(60)
"""


def test_a_killed_owner_leaves_no_process_and_no_port(tmp_path):
    owner = subprocess.Popen([sys.executable, "-c", OWNER, FAKE, tmp_path], stdout=subprocess.PIPE, text=True)
    url = owner.stdout.readline().strip()
    assert is_listening(url)
    sockets = sockets_of(pids(tmp_path)[0])
    assert sockets.is_dir()
    owner.kill()
    owner.wait()
    wait_until(lambda: not any(map(alive, pids(tmp_path))))
    wait_until(lambda: not sockets.exists())
    assert len(pids(tmp_path)) == 2
    assert not is_listening(url)
