"""What a server shows of a live run."""

import logging
import threading
import time
from types import SimpleNamespace
from uuid import UUID

import httpx
import pytest
from mucode_tasks.engine import monitor as monitor_module
from mucode_tasks.engine.monitor import Monitor, sending, summarise_stage, tag_run
from prefect.artifacts import create_table_artifact
from prefect.settings import PREFECT_API_URL, temporary_settings

from mucode_core.config import make_config


@pytest.fixture(autouse=True)
def at_once(monkeypatch):
    monkeypatch.setattr(monitor_module, "_PERIOD_S", 0.02)
    monkeypatch.setattr(monitor_module, "_LONG_S", 0.0)


@pytest.fixture
def logger():
    return logging.getLogger("run")


def wait_until(true):
    deadline = time.monotonic() + 10
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_what_others_write_from_now_on_reaches_the_log(tmp_path, caplog, logger):
    caplog.set_level(logging.INFO)
    path = tmp_path / "server.log"
    path.write_text("of an earlier run\n")
    monitor = Monitor(logger)
    monitor.follow(path)
    monitor.follow(path)  # a second stage leases the same server
    with path.open("a") as log:
        log.write("loading:  50%\rloading: 100%\n\n\x1b[36mready\x1b[0m\nhal")
    wait_until(lambda: "server: ready" in caplog.messages)
    with path.open("a") as log:
        log.write("f a line\n")
    monitor.close()
    assert caplog.messages == ["server: loading: 100%", "server: ready", "server: half a line"]


def test_a_log_that_comes_later_and_a_flood_of_lines(tmp_path, caplog, logger, monkeypatch):
    caplog.set_level(logging.INFO)
    monkeypatch.setattr(monitor_module, "_LINES_A_PERIOD", 2)
    monitor, path = Monitor(logger), tmp_path / "train.log"
    monitor.follow(path)
    time.sleep(0.1)
    new = tmp_path / "new"
    new.write_text("a\nb\nc\nd\n")
    new.rename(path)
    monitor.close()
    assert caplog.messages == ["train: a", "train: b", f"train: 2 more lines in {path}"]


def test_a_long_stage_shows_how_far_it_is(logger, monkeypatch):
    shown = []
    monkeypatch.setattr(
        monitor_module, "create_progress_artifact", lambda share, **more: shown.append((share, more)) or 7
    )
    monkeypatch.setattr(
        monitor_module, "update_progress_artifact", lambda known, share, **more: shown.append((known, share, more))
    )
    monitor = Monitor(logger)
    report = monitor.track("round 2 · fine-tune")
    report(25, 100, "tokens")
    wait_until(lambda: len(shown) == 1)
    report(100, 100, "tokens")
    monitor.close()
    (share, made), (known, last, updated) = shown
    assert (share, known, last) == (25, 7, 100)
    assert made["key"] == "round-2-fine-tune"
    assert "100 of 100 tokens" in updated["description"]


def test_a_lost_server_costs_a_warning_and_nothing_else(logger, monkeypatch, caplog):
    def lost(*arguments, **more):
        raise httpx.ConnectError("all connection attempts failed")

    monkeypatch.setattr(monitor_module, "create_progress_artifact", lost)
    monitor = Monitor(logger)
    monitor.track("fit verifier")(1, 2, "tokens")
    monitor.close()
    assert "could not send the progress of fit verifier to the server: all connection attempts failed" in caplog.text


def test_without_a_server_nothing_is_watched(tmp_path):
    before = threading.active_count()
    monitor = Monitor(None)
    monitor.track("stage")(1, 2, "tokens")
    monitor.follow(tmp_path / "x.log")
    assert threading.active_count() == before
    monitor.close()


def test_the_message_of_a_stage_has_its_throughput():
    assert summarise_stage(1200, 2.0, {"num_tokens": 9000}) == "1,200 rows · 2.0 s · 4,500 tokens/s"
    assert summarise_stage(1200, 2.0, {"num_programs": 300}) == "1,200 rows · 2.0 s · 150 programs/s"
    assert summarise_stage(0, 3.0, {}) == "3.0 s"


def test_a_run_outside_of_a_flow_has_no_tags(monkeypatch):
    asked = []
    monkeypatch.setattr(monitor_module, "get_client", lambda **_: asked.append("a client"))
    with temporary_settings({PREFECT_API_URL: "http://127.0.0.1:9/api"}):
        tag_run(make_config({}), ["0"])
    assert not asked


@pytest.mark.filterwarnings("ignore:Artifact creation outside")
def test_an_artifact_for_a_server_that_is_away_costs_a_warning(logger, caplog):
    with temporary_settings({PREFECT_API_URL: "http://127.0.0.1:9/api"}), sending("the table summary", logger):
        create_table_artifact([{"a": 1}], key="summary")
    (message,) = caplog.messages
    assert message.startswith("could not send the table summary to the server: ")


def test_tags_for_a_server_that_is_away_cost_a_warning(logger, caplog, monkeypatch):
    context = SimpleNamespace(flow=None, flow_run=SimpleNamespace(id=UUID(int=1), tags=[]))
    monkeypatch.setattr(monitor_module.FlowRunContext, "get", lambda: context)
    monkeypatch.setattr(monitor_module, "get_run_logger", lambda: logger)
    with temporary_settings({PREFECT_API_URL: "http://127.0.0.1:9/api"}):
        tag_run(make_config({}), [])
    assert "could not send the run's tags to the server: " in caplog.text


@pytest.mark.parametrize(
    "error",
    [httpx.ReadTimeout(""), RuntimeError("Failed to reach API at http://127.0.0.1:9/api/")],
)
def test_what_a_client_says_of_a_server_that_is_away(logger, caplog, error):
    with sending("that", logger):
        raise error
    assert caplog.messages == [f"could not send that to the server: {str(error) or 'ReadTimeout'}"]


def test_errors_of_our_own_are_no_matter_of_the_server(logger):
    with pytest.raises(RuntimeError, match="ours"), sending("that", logger):
        raise RuntimeError("ours")
