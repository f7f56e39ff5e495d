"""Programs that try to pass without solving, or to harm what runs them: one table a group.

Every program starts with `WON`, the answer that the tests expect, spelt so that no search of the source finds it. A
program that gets what it must not have returns `WON`; one whose `passes` is set behaves oddly but solves the problem.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from mucode_core.sandbox import Job, Limits
from mucode_core.types import Test

ANSWER = 739391
PRELUDE = "WON = int('7393' + '91')\n"
LIMITS = Limits(cpu_s=0.15, memory_mb=256, output_mb=2)


@dataclass(frozen=True)
class Attack:
    """One program, the tests it meets, and what must come of it."""

    code: str
    tests: tuple[Test, ...] = (f"assert f(3) == {ANSWER}",)
    passes: bool = False
    """The honest verdict is a pass."""
    kind: Any = "assert"
    setup: str = ""
    cpu_s: float = LIMITS.cpu_s
    slow: bool = False
    """Uses up all the time that judging may take, or the wall limit."""

    def job(self) -> Job:
        limits = Limits(self.cpu_s, LIMITS.memory_mb, LIMITS.output_mb)
        return Job(PRELUDE + self.code, self.tests, self.kind, self.setup, "f", limits)


def table(programs: dict[str, str | Attack]) -> dict[str, Attack]:
    """Attacks by name; a bare program meets the common test."""
    return {name: row if isinstance(row, Attack) else Attack(row) for name, row in programs.items()}


def against(test: str, programs: dict[str, str], slow: bool = False, about: str = "") -> dict[str, str | Attack]:
    """Programs that all meet the same test; `about` is what it looks at, its first line if not given."""
    about = about or test.splitlines()[0]
    return {f"{name} | {about}": Attack(code, (test,), slow=slow) for name, code in programs.items()}


def honest_job(serial: int, with_numpy: bool) -> Job:
    """A right program, for the worker that has just met an attack; wrong where it finds a file that is not its own."""
    mark = "numpy" if with_numpy else "plain"
    code = (
        "import os, threading\nleft = os.listdir('.')\nnum_threads = threading.active_count()\n"
        f"def f(x): return x + len(left) + num_threads  # {mark} {serial}"
    )
    return Job(code, ("assert f(3) == 4", "assert f(-1) == 0"), "assert", "", "f", LIMITS)
