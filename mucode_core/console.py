"""What the command line draws while a run goes on: stages, throughput, time left. All of it on stderr."""

from __future__ import annotations

import threading
import time
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from types import TracebackType
from typing import Self

from rich.box import SIMPLE
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
from mucode_core.progress import Progress as Report
from mucode_core.report import summary_rows
from mucode_core.results import RunResult

_WEIGHTS = {
    "dialogues": 6.0,
    "base model": 55.0,
    "sample": 10.0,
    "fit verifier": 12.0,
    "fine-tune": 45.0,
    "search": 40.0,
}
"""Relative cost of the heavy stages in the demo; only their proportions matter, for the time left."""


def expected_stages(config: Config) -> dict[str, float]:
    """The heavy stages of a run, by label, with their weights."""
    stages = {"bootstrap dialogues": _WEIGHTS["dialogues"], "base model": _WEIGHTS["base model"]}
    rounds = config.run.iterations + config.verifier.final_fit
    turns = config.rollouts.num_turns
    for number in range(1, rounds + 1):
        for turn in range(1, turns + 1):
            stages[f"round {number} · sample turn {turn} · shard 1"] = _WEIGHTS["sample"] / turns
        stages[f"round {number} · fit verifier"] = _WEIGHTS["fit verifier"]
        if number <= config.run.iterations:
            stages[f"round {number} · fine-tune"] = _WEIGHTS["fine-tune"]
    if config.evaluation.enabled:
        stages |= {"base · best of": _WEIGHTS["search"], "final · best of": _WEIGHTS["search"]}
    return stages


def expected_evaluation(config: Config, pass_at_k: bool) -> dict[str, float]:
    """The heavy stages of `mucode evaluate`; their cost goes with the programs they draw."""
    settings, split, turns = config.evaluation, config.evaluation.split, range(1, config.rollouts.num_turns + 1)
    if pass_at_k:
        return {f"{split} · sample turn {turn} · shard 1": 1.0 for turn in turns}
    wanted = {settings.best_of_n, *settings.sweep}
    several = float(sum(n for n in wanted if n > 1) * settings.num_searches)
    stages = {f"{split} · greedy": 1.0} if 1 in wanted else {}
    return stages | ({f"{split} · best of": several} if several else {})


@contextmanager
def counting(title: str, console: Console) -> Generator[Report]:
    """A bar for work that is counted, with its rate: yields what to report progress to."""
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(bar_width=24), MofNCompleteColumn())
    rate = TextColumn("{task.fields[rate]}")
    with Progress(*columns, rate, TimeRemainingColumn(), console=console, transient=True) as bars:
        task, started = bars.add_task(title, total=None, rate=""), time.monotonic()

        def report(done: int, total: int, unit: str) -> None:
            rate = f"{done / max(time.monotonic() - started, 1e-9):,.0f} {unit}/s"
            bars.update(task, completed=done, total=total, rate=rate)

        yield report


class RunDisplay:
    """Draws a run's progress; a `Listener`. Where stderr is no terminal it writes a line a heavy stage.

    Args:
        expected: Weights of the heavy stages, by the beginning of their labels.
        console: Where to draw.
    """

    def __init__(self, expected: Mapping[str, float], console: Console) -> None:
        self._console = console
        self._pending = dict(expected)
        self._total = sum(self._pending.values())
        self._fractions: dict[str, float] = {}
        self._tasks: dict[str, tuple[TaskID, float]] = {}
        self._started = time.monotonic()
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
        self._overall = self._bars.add_task("run", total=self._total, note="")

    def __enter__(self) -> Self:
        if self._console.is_terminal:
            self._bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._console.is_terminal:
            self._bars.stop()

    def started(self, label: str) -> None:
        with self._lock:
            if label not in self._tasks:
                self._tasks[label] = (self._bars.add_task(label, total=None, note=""), time.monotonic())

    def advanced(self, label: str, done: int, total: int, unit: str) -> None:
        with self._lock:
            if label not in self._tasks:
                return
            task, started = self._tasks[label]
            rate = done / max(time.monotonic() - started, 1e-3)
            self._bars.update(task, completed=done, total=total, note=f"{rate:,.0f} {unit}/s")
            self._fractions[label] = done / max(total, 1)
            self._show_time_left()

    def finished(self, label: str) -> None:
        with self._lock:
            if label in self._tasks:
                self._bars.remove_task(self._tasks.pop(label)[0])
            self._fractions.pop(label, None)
            expected = [key for key in self._pending if label.startswith(key)]
            for key in expected:
                del self._pending[key]
            note = self._show_time_left()
            if expected and not self._console.is_terminal:
                elapsed = time.monotonic() - self._started
                self._console.print(f"[{elapsed:6.1f} s] {label}: done; {note}", highlight=False, markup=False)

    def told(self, text: str) -> None:
        self._console.print(text, highlight=False, markup=False)

    def _show_time_left(self) -> str:
        open_weight = sum(weight * (1 - self._fraction(key)) for key, weight in self._pending.items())
        done = self._total - open_weight
        elapsed = time.monotonic() - self._started
        note = f"about {elapsed * open_weight / done:.0f} s left" if done > 0 else "estimating"
        self._bars.update(self._overall, completed=done, note=note)
        return note

    def _fraction(self, key: str) -> float:
        return max((f for label, f in self._fractions.items() if label.startswith(key)), default=0.0)


def summary(result: RunResult) -> Table:
    """The run's closing table."""
    return make_table(summary_rows(result), f"{result.name} · seed {result.seed}")


def make_table(rows: Sequence[Sequence[str]], title: str) -> Table:
    """Rows as a table, header first."""
    header, *body = rows
    table = Table(*header, title=title, box=SIMPLE)
    for row in body:
        table.add_row(*row)
    return table
