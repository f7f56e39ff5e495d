"""Progress display of a run on stderr: stages, throughput, time left."""

from __future__ import annotations

import threading
import time
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from types import TracebackType
from typing import Self

from mucode_flows.cli.progress.time_left import TimeLeft
from rich.box import SIMPLE
from rich.cells import cell_len
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.table import Table

from mucode_core.config import Config
from mucode_core.evaluation.run_record import (
    BASE_MODEL,
    DIALOGUES,
    FINE_TUNE,
    GREEDY,
    SAMPLE,
    WARM_UP,
    StageGroup,
    StageName,
    best_of,
    name_fit,
)
from mucode_core.evaluation.run_result import RunResult
from mucode_core.reports.tables import summary_rows

_WORK = {"dialogues": 10.0, "base model": 90.0, "sample": 30.0, "fit verifier": 30.0, "fine-tune": 35.0, "search": 17.0}
"""Seconds of the heavy stages in the demo on two busy cores; the estimate of the time left uses only their ratios."""
_START = 2.0
"""What any of them takes, however little it has to do: models are loaded, processes start."""


def expected_stages(config: Config) -> dict[StageName, float]:
    """The heavy stages of a run, without their shards, with their work: the demo's, by the number of problems."""
    settings, turns, evaluation = config.problems, config.rollouts.num_turns, config.evaluation
    synthetic = settings.dataset == "synthetic"
    rollouts = settings.num_train * config.rollouts.num_rollouts * turns / 9600 if synthetic else 1.0
    searched = settings.num_test * evaluation.best_of_n * evaluation.num_searches * turns / 6000 if synthetic else 1.0
    stages: dict[StageName, float] = {}
    if config.generator.model == "bootstrap":
        dialogues = config.generator.bootstrap.num_dialogues / 10_000
        stages[StageName(DIALOGUES)] = _WORK["dialogues"] * dialogues
        stages[StageName(BASE_MODEL)] = _WORK["base model"] * dialogues
    if settings.num_warm_up:
        num_examples = settings.num_warm_up * (1 if turns == 1 else 2)  # with several turns, also a correction of each
        stages[StageName(WARM_UP)] = _WORK["fine-tune"] * num_examples / 800
    for index in range(config.run.iterations + config.verifier.final_fit):
        group = StageGroup.of_round(index)
        sample = group.stage(SAMPLE)
        stages |= {replace(sample, turn_index=turn): _WORK["sample"] * rollouts / turns for turn in range(turns)}
        num_fits = config.verifier.ensemble
        fits = [group.stage(name_fit(member, num_fits)) for member in range(num_fits)]
        stages |= dict.fromkeys(fits, _WORK["fit verifier"] * rollouts)
        if index < config.run.iterations:  # a round learns from its own rollouts and those of the rounds before
            stages[group.stage(FINE_TUNE)] = _WORK["fine-tune"] * rollouts * (index + 1)
    if evaluation.enabled:
        search = best_of([evaluation.best_of_n])
        stages |= {StageGroup(name).stage(search): _WORK["search"] * searched for name in ("base", "final")}
    return {name: _START + work for name, work in stages.items()}


def expected_evaluation(config: Config, pass_at_k: bool) -> dict[StageName, float]:
    """The heavy stages of `mucode evaluate`; their cost is proportional to the number of programs."""
    settings, group = config.evaluation, StageGroup(config.evaluation.split)
    if pass_at_k:
        return {replace(group.stage(SAMPLE), turn_index=turn): 1.0 for turn in range(config.rollouts.num_turns)}
    wanted = sorted({settings.best_of_n, *settings.sweep})
    several = [n for n in wanted if n > 1]
    stages = {group.stage(GREEDY): 1.0} if 1 in wanted else {}
    return stages | ({group.stage(best_of(several)): float(sum(several) * settings.num_searches)} if several else {})


SILENCE_S = 30.0
"""Where stderr is not a terminal, a line at least this often."""


class Bar:
    """A bar for work that is counted, with its rate.

    Args:
        bars: Where it is drawn.
        title: Of the work.
    """

    def __init__(self, bars: Progress, title: str) -> None:
        self._bars, self._unit = bars, ""
        self._started = self._reported = self._printed = time.monotonic()
        self._task = bars.add_task(title, total=None, rate="")

    def report(self, done: int, total: int, unit: str) -> None:
        """Shows progress; each unit has its own rate.

        If stderr is not a terminal it prints a line every 30 s.
        """
        if unit != self._unit:  # begun when the unit before it was done
            self._unit, self._started = unit, self._reported
        self._reported = time.monotonic()
        per_s = done / max(self._reported - self._started, 1e-9)
        rate = f"{per_s:,.0f} {unit}/s" if per_s >= 1 else f"{per_s:.2f} {unit}/s"
        if not self._bars.console.is_terminal and time.monotonic() - self._printed >= SILENCE_S:
            self._printed = time.monotonic()
            counted = (
                f"{done:,} of {total:,} {unit}"
                if total
                else f"{done:,} {unit.removesuffix('s') if done == 1 else unit}"
            )
            self.say(f"{counted}, {rate}")
        self._bars.update(self._task, completed=done, total=total or None, rate=rate)

    def say(self, text: str) -> None:
        """Prints a remark above the bar."""
        self._bars.console.print(text, markup=False, highlight=False)


@contextmanager
def counting(title: str, console: Console) -> Generator[Bar]:
    """A progress bar with its rate, shown for the duration of the block."""
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(bar_width=24), MofNCompleteColumn())
    rate = TextColumn("{task.fields[rate]}")
    with Progress(*columns, rate, TimeRemainingColumn(), console=console, transient=True) as bars:
        yield Bar(bars, title)


class RunDisplay:
    """Draws a run's progress; a `Listener`.

    If stderr is not a terminal it prints a line for each heavy stage, and one at least every 30 s.

    Args:
        expected: Work of the heavy stages, by their names without shards.
        console: Where to draw.
        silence_s: Seconds after which a line is printed where stderr is not a terminal.
    """

    def __init__(self, expected: Mapping[StageName, float], console: Console, silence_s: float = SILENCE_S) -> None:
        self._console = console
        self._time_left = TimeLeft(expected)
        self._names: dict[str, StageName] = {}
        self._tasks: dict[str, tuple[TaskID, float]] = {}
        self._started = self._printed = time.monotonic()
        self._silence_s, self._ended = silence_s, threading.Event()
        self._lock = threading.Lock()
        self._bars = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(bar_width=24),
            TextColumn("{task.fields[note]}"),
            TimeElapsedColumn(),
            console=console,
            transient=True,
        )
        self._overall = self._bars.add_task("run", total=sum(expected.values()), note="")

    def __enter__(self) -> Self:
        if self._console.is_terminal:
            self._bars.start()
        else:
            self._print_line("starting")
            threading.Thread(target=self._break_silence, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        if self._console.is_terminal:
            self._bars.stop()

    def submitted(self, name: StageName) -> None:
        with self._lock:
            self._names[name.caption] = name

    def started(self, label: str) -> None:
        with self._lock:
            if label not in self._tasks:
                self._tasks[label] = (self._bars.add_task(label, total=None, note=""), time.monotonic())
                self._time_left.start(self._names[label], time.monotonic())

    def advanced(self, label: str, done: int, total: int, unit: str) -> None:
        with self._lock:
            if label not in self._tasks:
                return
            task, started = self._tasks[label]
            rate = done / max(time.monotonic() - started, 1e-3)
            self._bars.update(task, completed=done, total=total, note=f"{rate:,.0f} {unit}/s")
            self._time_left.advance(self._names[label], done / max(total, 1), time.monotonic())
            self._show_time_left()

    def finished(self, label: str) -> None:
        with self._lock:
            if label in self._tasks:
                self._bars.remove_task(self._tasks.pop(label)[0])
            name = self._names[label]
            self._time_left.advance(name, 1.0, time.monotonic())
            note = self._show_time_left()
            if self._time_left.fraction(name.whole) == 1.0 and not self._console.is_terminal:
                self._print_line(f"{name.whole.caption}: done; {note}")

    def noted(self, text: str) -> None:
        self._console.print(text, highlight=False, markup=False)

    def _show_time_left(self) -> str:
        seconds = self._time_left.left_s(time.monotonic())
        if seconds is None:
            note = "estimating the time left"
        else:
            note = f"about {seconds:.0f} s left" if seconds else "finishing"
        self._bars.update(self._overall, completed=self._time_left.done(), note=note)
        return note

    def _print_line(self, text: str) -> None:
        self._printed = time.monotonic()
        elapsed = self._printed - self._started
        self._console.print(f"[{elapsed:6.1f} s] {text}", highlight=False, markup=False)

    def _break_silence(self) -> None:
        while not self._ended.wait(self._silence_s / 10):
            with self._lock:
                if time.monotonic() - self._printed >= self._silence_s:
                    running = f"running: {', '.join(self._tasks) or 'nothing'}" if self._names else "still starting"
                    self._print_line(f"{running}; {self._show_time_left()}")


def summary(result: RunResult) -> Table:
    """The run's final table."""
    return make_table(summary_rows(result), f"{result.name} · seed {result.seed}")


def make_table(rows: Sequence[Sequence[str]], title: str) -> Table:
    """Rows as a table, header first."""
    header, *body = rows
    table = Table(title=title, box=SIMPLE, min_width=cell_len(title))
    for name in header:
        table.add_column(name, overflow="fold")
    for row in body:
        table.add_row(*row)
    return table
