"""The time left follows the measured pace of each kind of stage."""

import io
import time

import pytest
from mucode_flows.cli.progress.display import RunDisplay
from mucode_flows.cli.progress.time_left import TimeLeft
from rich.console import Console

from mucode_core.evaluation.run_record import FINE_TUNE, FIT_VERIFIER, StageGroup, StageName

ONE, TWO = (StageGroup.of_round(index).stage(FINE_TUNE) for index in (0, 1))
FIT = StageGroup.of_round(1).stage(FIT_VERIFIER)


def test_nothing_is_said_before_anything_is_done():
    left = TimeLeft({ONE: 1.0})
    left.start(ONE, 100.0)
    assert left.left_s(110.0) is None


def test_a_kind_goes_by_its_own_pace_and_the_start_of_a_server_is_not_counted():
    left = TimeLeft({ONE: 10.0, TWO: 20.0, FIT: 5.0})
    left.start(ONE, 1000.0)
    left.advance(ONE, 1.0, 1030.0)
    assert left.left_s(1030.0) == pytest.approx(20 * 3 + 5 * 3)  # the unknown kind at the common pace
    left.start(FIT, 1030.0)
    left.advance(FIT, 1.0, 1035.0)
    assert left.left_s(1035.0) == pytest.approx(20 * 3)


def test_stages_that_overlap_count_once():
    left = TimeLeft({ONE: 10.0, FIT: 10.0, TWO: 10.0})
    for name in (ONE, FIT):
        left.start(name, 0.0)
        left.advance(name, 1.0, 20.0)
    assert left.left_s(20.0) == pytest.approx(10.0)


def test_silence_is_broken_where_stderr_is_no_terminal():
    console = Console(file=io.StringIO(), force_terminal=False, width=200)
    with RunDisplay({ONE: 1.0}, console, silence_s=0.05) as display:
        assert console.file.getvalue().endswith("] starting\n")
        display.submitted(ONE)
        display.started(ONE.caption)
        deadline = time.monotonic() + 60
        while f"running: {ONE.caption}" not in console.file.getvalue():
            assert time.monotonic() < deadline
            time.sleep(0.01)


def test_nothing_is_left_once_all_is_done_even_without_a_pace():
    left = TimeLeft({StageName("sample"): 3.0})
    assert left.left_s(5.0) is None
    left.advance(StageName("sample"), 1.0, 5.0)  # taken from the store at once
    assert left.left_s(5.0) == 0.0
