import faulthandler
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from mucode_core.errors import SamplerError, TimeLimitError, TrainingError
from mucode_core.system import worker_pool
from mucode_core.system.deadline import limit_time
from mucode_core.system.worker_pool import WorkerPool


@pytest.fixture(autouse=True)
def light_workers(monkeypatch):
    """Workers that begin without loading PyTorch, which nothing here needs."""
    monkeypatch.setattr(worker_pool, "_import_torch", os.getpid)


@pytest.fixture(scope="module")
def pool():
    opened = WorkerPool(2)
    yield opened
    opened.close()


def test_results_come_in_the_order_of_the_calls(pool):
    assert pool.map("math:sqrt", [(float(i * i),) for i in range(20)]) == list(range(20))


def count(limit, progress):
    for done in range(limit + 1):
        progress(done, limit, "steps")
    return limit


def fail():
    raise TrainingError("went wrong", location="here", hint="do better")


def test_progress_reaches_the_caller_before_the_result(pool):
    heard = []
    assert pool.call("tests.system.test_worker_pool:count", 5, progress=lambda *report: heard.append(report)) == 5
    assert heard == [(i, 5, "steps") for i in range(6)]


def test_an_error_arrives_whole(pool):
    with pytest.raises(TrainingError, match=r"here: went wrong\n  hint: do better"):
        pool.map("tests.system.test_worker_pool:fail", [()])


def test_a_killed_worker_is_an_infrastructure_failure_and_the_pool_recovers(pool):
    with pytest.raises(SamplerError, match="worker process died"):
        pool.map("os:_exit", [(9,)])
    assert pool.map("math:sqrt", [(4.0,)]) == [2.0]


def write_and_die(last_words):
    import transformers.models.llama.modeling_llama  # the report of a crash lists all libraries that it loads

    assert transformers
    print("loading")
    print(last_words, file=sys.stderr)
    sys.stdout.flush()
    faulthandler._sigsegv()


def test_the_output_of_workers_is_in_their_log_and_in_the_error_of_a_crashed_one(tmp_path, capfd):
    path = tmp_path / "workers.log"
    path.write_text("of an earlier run\n")
    pool = WorkerPool(1, path)
    try:
        with pytest.raises(SamplerError, match=r"(?s)died; the end of .*workers.log:.*no room.*write_and_die") as error:
            pool.map("tests.system.test_worker_pool:write_and_die", [("no room left",)])
    finally:
        pool.close()
    assert "earlier run" not in str(error.value)
    assert {"of an earlier run", "loading", "no room left"} <= set(path.read_text().splitlines())
    assert capfd.readouterr() == ("", "")


def test_workers_that_write_nothing_leave_no_log(tmp_path):
    path = tmp_path / "logs" / "workers.log"
    pool = WorkerPool(1, path)
    assert pool.map("math:sqrt", [(4.0,)]) == [2.0]
    pool.close()
    assert not path.exists()


def test_workers_die_with_their_owner(tmp_path):
    code = (
        "import os, sys, time\nfrom mucode_core.system.worker_pool import WorkerPool\n"
        "if __name__ == '__main__':\n"
        "    pool = WorkerPool(2)\n    print(*pool.map('os:getpid', [()] * 8), flush=True)\n    time.sleep(60)\n"
    )
    script = tmp_path / "owner.py"
    script.write_text(code)
    owner = subprocess.Popen([sys.executable, str(script)], stdout=subprocess.PIPE, text=True)
    pids = {int(word) for word in owner.stdout.readline().split()}
    owner.kill()
    owner.wait()
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and any(alive(pid) for pid in pids):
        time.sleep(0.05)
    assert pids
    assert not any(alive(pid) for pid in pids)


def alive(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_a_hung_worker_fails_the_attempt_of_its_callers(pool):
    beside = []

    def wait_beside():
        with pytest.raises(SamplerError, match="died"):
            pool.map("time:sleep", [(60.0,)] * 4)
        beside.append(True)

    thread = threading.Thread(target=wait_beside)
    thread.start()
    time.sleep(0.5)
    started = time.monotonic()
    with limit_time(1.0, location="round 1", setting="run.x"), pytest.raises(TimeLimitError, match="than 1 s"):
        pool.map("time:sleep", [(60.0,)])
    thread.join(30)
    assert beside == [True]
    assert time.monotonic() - started < 40
    assert pool.map("math:sqrt", [(4.0,)]) == [2.0]


def test_a_closed_pool_raises():
    closed = WorkerPool(1)
    closed.close()
    with pytest.raises(SamplerError, match="is closed"):
        closed.map("math:sqrt", [(1.0,)])
