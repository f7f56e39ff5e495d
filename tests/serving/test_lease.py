import random
import threading
import time

import pytest

from mucode_core.errors import SamplerError, TimeLimitError
from mucode_core.serving.lease import LeasedServers
from mucode_core.system.deadline import limit_time


class Recorder:
    """Servers that note when they are open."""

    def __init__(self):
        self.opened, self.open_now, self.most_open = [], set(), 0

    def open(self, plan):
        self.opened.append(plan)
        recorder = self

        class Server:
            alive = True

            def __init__(self):
                recorder.open_now.add(self)
                recorder.most_open = max(recorder.most_open, len(recorder.open_now))

            def close(self):
                self.alive = False
                recorder.open_now.discard(self)

        server = Server()
        server.plan = plan
        return server


@pytest.fixture
def recorder():
    return Recorder()


def run(function):
    thread = threading.Thread(target=function, daemon=True)
    thread.start()
    return thread


def test_leases_of_one_plan_share_a_server_that_outlives_them(recorder):
    pool = LeasedServers(recorder.open)
    with pool.lease("a") as first, pool.lease("a") as second:
        assert first is second
    with pool.lease("a") as third:
        assert third is first
    assert recorder.opened == ["a"]


def test_another_plan_waits_for_the_last_user_of_the_old_one(recorder):
    pool, entered = LeasedServers(recorder.open, linger_s=0), threading.Event()

    def use_b():
        with pool.lease("b") as server:
            assert server.plan == "b"
            entered.set()

    with pool.lease("a") as server:
        thread = run(use_b)
        assert not entered.wait(0.1)
        with pool.lease("a") as same:  # a later user of the same server does not queue behind
            assert same is server
        assert server.alive
    thread.join(60)
    assert entered.is_set()
    assert not server.alive
    assert recorder.most_open == 1


def test_an_idle_server_lingers_for_the_next_shard(recorder):
    pool = LeasedServers(recorder.open, linger_s=1.5)
    with pool.lease("a"):
        pass
    thread = run(lambda: pool.lease("b").__enter__())
    time.sleep(0.05)
    with pool.lease("a"):
        pass
    assert recorder.opened == ["a"]
    thread.join(60)
    assert recorder.opened == ["a", "b"]


def test_a_pause_waits_for_users_and_keeps_new_ones_out(recorder):
    pool, order = LeasedServers(recorder.open), []

    def train():
        with pool.paused():
            assert not recorder.open_now
            order.append("trains")
            time.sleep(0.1)
            order.append("trained")

    def sample():
        with pool.lease("a"):
            order.append("samples")

    with pool.lease("a"):
        trainer = run(train)
        time.sleep(0.05)
        sampler = run(sample)
        time.sleep(0.05)
        order.append("done")
    trainer.join(60)
    sampler.join(60)
    assert order == ["done", "trains", "trained", "samples"]


def test_closing_wakes_waiting_callers(recorder):
    pool, failures = LeasedServers(recorder.open), []

    def wait():
        try:
            with pool.lease("b"):
                pass
        except SamplerError as error:
            failures.append(error)

    with pool.lease("a") as server:
        thread = run(wait)
        time.sleep(0.05)
        pool.close()
        thread.join(60)
        assert failures
        assert not server.alive


def test_a_server_that_cannot_be_created_leaves_the_pool_usable():
    def fail(plan):
        raise SamplerError("no")

    pool = LeasedServers(fail)
    for _ in range(2):
        with pytest.raises(SamplerError), pool.lease("a"):
            pass


def test_any_mix_of_users_and_pauses_ends(recorder):
    pool, wrong = LeasedServers(recorder.open, linger_s=0.001), []

    def use(seed):
        rng = random.Random(seed)
        for _ in range(30):
            if rng.random() < 0.15:
                with pool.paused():
                    if recorder.open_now:
                        wrong.append("open in a pause")
                continue
            plan = rng.choice("abc")
            with pool.lease(plan) as server:
                time.sleep(rng.random() * 0.002)
                if not server.alive or server.plan != plan:
                    wrong.append(plan)

    threads = [run(lambda seed=seed: use(seed)) for seed in range(12)]
    for thread in threads:
        thread.join(60)
    assert not any(thread.is_alive() for thread in threads)
    assert not wrong
    assert recorder.most_open == 1


def test_a_timed_out_wait_leaves_the_pool_unchanged(recorder):
    pool = LeasedServers(recorder.open, linger_s=0)
    with pool.lease("a"):
        for block in (lambda: pool.lease("b"), pool.paused):
            with limit_time(0.05, location="stage", setting="run.x"), pytest.raises(TimeLimitError), block():
                pass
    with pool.lease("b") as server:
        assert server.plan == "b"
