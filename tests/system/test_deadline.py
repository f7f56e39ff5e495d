import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from mucode_core.errors import TimeLimitError
from mucode_core.system.deadline import limit_time, remaining_s, wait_for


def test_without_a_limit_a_wait_ends_with_the_work():
    future = Future()
    threading.Timer(0.05, future.set_result, [3]).start()
    assert wait_for(future) == 3
    assert remaining_s() is None


def test_late_work_is_an_error_with_location_and_hint():
    with limit_time(0.05, location="round 1 · fit verifier", setting="run.time_limits_s.training"):
        with pytest.raises(TimeLimitError, match=r"round 1 · fit verifier: took longer than 0.05 s\n.*raise run.time"):
            wait_for(Future())
        with pytest.raises(TimeLimitError):
            remaining_s()
    assert remaining_s() is None


def test_nothing_limits_other_threads():
    with limit_time(0.01, location="a", setting="b"), ThreadPoolExecutor(1) as pool:
        assert pool.submit(remaining_s).result() is None


def test_zero_is_no_limit():
    with limit_time(0, location="a", setting="b"):
        assert remaining_s() is None


def test_a_timeout_inside_the_work_is_passed_on():
    future = Future()
    future.set_exception(TimeoutError("of the work"))
    with limit_time(60, location="a", setting="b"), pytest.raises(TimeoutError, match="of the work"):
        wait_for(future)


def test_a_ready_result_counts_after_the_limit():
    future = Future()
    future.set_result(1)
    with limit_time(0.01, location="a", setting="b"):
        time.sleep(0.02)
        assert wait_for(future) == 1
