"""SIGTERM, SIGHUP and Ctrl-C end a run promptly, at any moment, and leave no process."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.conftest import REPO
from tests.flows.conftest import command

MOMENTS = {"starting": "", "sampling": "store/dialogues"}


@pytest.fixture(autouse=True)
def heed_hangups():
    """Processes inherit what is ignored, and these tests may themselves have been started with nohup."""
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    yield
    signal.signal(signal.SIGHUP, before)


def marked(run):
    """Processes that have this run's marker in their environment."""
    found = []
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and f"MUCODE_TEST_RUN={run}".encode() in (entry / "environ").read_bytes():
                found.append(int(entry.name))
        except OSError:
            continue
    return found


def wait_until(condition, seconds=900):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.2)


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
@pytest.mark.parametrize("moment", MOMENTS)
def test_a_signal_to_the_group_ends_a_run_and_all_it_started(tmp_path, number, moment):
    out = tmp_path / "run"
    process = subprocess.Popen(
        command(out),
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        cwd=REPO,
        env=os.environ | {"MUCODE_TEST_RUN": str(tmp_path)},
    )
    wait_until((out / "store" / MOMENTS[moment].removeprefix("store/")).exists)
    os.killpg(process.pid, number)
    _, err = process.communicate(timeout=300)
    assert process.returncode == 128 + number
    assert f"interrupted by {number.name}: run the same command again" in err
    wait_until(lambda: not marked(tmp_path), 120)


STUBBORN = """
import signal, sys, time
from mucode_flows.cli.signals import end_promptly
end_promptly()
signal.signal(signal.SIGTERM, lambda *_: None)  # as Prefect does while a flow runs
print("ready", flush=True)
time.sleep(600)
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_another_library_s_handler_does_not_keep_the_signal(number):
    process = subprocess.Popen(
        [sys.executable, "-c", STUBBORN], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout.readline() == "ready\n"
    process.send_signal(number)
    _, err = process.communicate(timeout=300)
    assert process.returncode == 128 + number, err
    assert "it resumes" in err


def test_nohup_is_respected():
    code = STUBBORN.replace("end_promptly()\n", "signal.signal(signal.SIGHUP, signal.SIG_IGN)\nend_promptly()\n", 1)
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "ready\n"
    process.send_signal(signal.SIGHUP)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=300)
    assert process.returncode == 128 + signal.SIGINT
