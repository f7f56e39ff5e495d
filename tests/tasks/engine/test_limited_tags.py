"""Which tags the server limits."""

import json
import subprocess
import sys
from contextlib import contextmanager
from types import SimpleNamespace

import httpx
import pytest
from mucode_tasks.engine import limited_tags
from mucode_tasks.engine.limited_tags import LimitedTags

from tests.support.prefect_server import call, running_server

TAGS = ["samples", "sampling", "gpu-0"]


class Limits:
    """A server's limits, in pages; it counts the questions."""

    def __init__(self, *names):
        self.names, self.asked, self.away = names, 0, False

    @contextmanager
    def client(self, **_):
        self.asked += 1
        yield self

    def read_global_concurrency_limits(self, limit, offset):
        if self.away:
            raise httpx.ConnectError("refused")
        return [SimpleNamespace(name=name) for name in self.names[offset : offset + limit]]


@pytest.fixture
def limits(monkeypatch):
    made = Limits("gpu-0", "tag:other", *(f"unused-{i}" for i in range(300)), "tag:sampling")
    monkeypatch.setattr(limited_tags, "get_client", made.client)
    return made


def test_only_limits_on_tags_count_and_all_pages_are_read(limits):
    tags = LimitedTags()
    assert tags.among(TAGS) == ["sampling"]
    assert tags.among(["other", "samples"]) == ["other"]
    assert limits.asked == 1


def test_a_new_limit_is_seen_half_a_minute_later(limits, monkeypatch):
    tags = LimitedTags()
    assert tags.among(TAGS) == ["sampling"]
    limits.names = ("tag:samples",)
    clock = limited_tags.time.monotonic() + 31
    monkeypatch.setattr(limited_tags, "time", SimpleNamespace(monotonic=lambda: clock))
    assert tags.among(TAGS) == ["samples"]


def test_a_server_that_does_not_answer_may_limit_all_of_them(limits):
    limits.away = True
    assert LimitedTags().among(TAGS) == TAGS


@pytest.mark.slow
def test_a_limit_that_a_user_sets_on_a_tag_is_found(tmp_path):
    code = (
        f"import json; from {limited_tags.__name__} import LimitedTags; print(json.dumps(LimitedTags().among({TAGS})))"
    )
    with running_server(tmp_path) as environment:
        found = []
        for _ in range(2):
            done = subprocess.run(
                [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
            )
            found.append(json.loads(done.stdout.splitlines()[-1]))
            call(environment, "prefect", "--no-prompt", "concurrency-limit", "create", "sampling", "2")
    assert found == [[], ["sampling"]]
