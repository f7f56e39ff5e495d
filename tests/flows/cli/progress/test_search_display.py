"""What `mucode solve` prints of each turn."""

from __future__ import annotations

from io import StringIO

from mucode_flows.cli.progress.search_display import SearchDisplay, describe_turn
from rich.console import Console

from mucode_core.solving.solution import Attempt, SolvedTurn
from mucode_core.types import Verdict

PASSED = Verdict("passed", 2, 2, "", 0.1, 0)
FAILED = Verdict("failed", 1, 2, "assert f(1) == [2]\nAssertionError: got [3]", 0.1, 0)
UNTESTED = Verdict("passed", 0, 0, "", 0.0, 0)


def attempt(verdict: Verdict, samples: int = 1, *, score: float | None = None, selected: bool = False) -> Attempt:
    return Attempt("f = 1", "text", samples, verdict, score, selected, "stop")


def test_a_turn_shows_what_each_program_passes_and_which_is_selected() -> None:
    turn = SolvedTurn(1, (attempt(FAILED, 3, score=-1.5), attempt(PASSED, 2, score=0.25, selected=True)), 70)
    assert describe_turn(turn) == [
        "turn 2: 5 samples, 2 programs, 70 tokens",
        "  > 2 x  passed, 2 of 2 tests  score 0.25",
        "    3 x  failed, 1 of 2 tests: assert f(1) == [2]  score -1.50",
    ]


def test_without_tests_and_programs() -> None:
    nothing = Attempt(None, "I do not know.", 1, UNTESTED, None, False, "stop")
    turn = SolvedTurn(0, (attempt(UNTESTED, selected=True), nothing), 9)
    assert describe_turn(turn) == ["turn 1: 2 samples, 1 program, 9 tokens", "  > 1 x", "    1 x  no program"]


def test_answers_without_a_program_are_no_programs() -> None:
    nothing = Attempt(None, "I do not know.", 1, UNTESTED, None, True, "stop")
    assert describe_turn(SolvedTurn(0, (nothing,), 1))[0] == "turn 1: 1 sample, 0 programs, 1 token"


def test_many_programs_are_cut_and_the_selected_one_is_among_the_shown() -> None:
    others = [attempt(FAILED) for _ in range(20)]
    lines = describe_turn(SolvedTurn(0, (*others, attempt(PASSED, selected=True)), 100))
    assert lines[0] == "turn 1: 21 samples, 21 programs, 100 tokens"
    assert lines[1].startswith("  > 1 x  passed")
    assert (len(lines), lines[-1]) == (10, "    13 more programs")


def test_the_terminal_shows_which_turn_is_under_way() -> None:
    console = Console(file=StringIO(), force_terminal=True, width=100)
    with SearchDisplay(console, 3) as display:
        display.show(SolvedTurn(0, (attempt(FAILED, selected=True),), 10))
        display._status.renderable.render(0)  # draws what the next refresh would
        assert "turn 2 of at most 3" in str(display._status.renderable.text)
