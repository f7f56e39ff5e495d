"""The judge's own limit on the CPU seconds that judging one program takes.

The kernel's timers and limits count whole ticks of the clock: a process beside others that sleep and wake often is
charged for more than it used, twice as much and above. So an alarm that comes early is set again, and the kernel's
limit, for which there is no second chance, is counted in ticks too and lies far above.
"""

from __future__ import annotations

import math
import resource
import signal
from time import process_time  # now: tests may patch the module's

from mucode_core.sandbox.base import Limits
from mucode_core.sandbox.judge.stops import Stop

_CPU_S, _CPU_PER_PROGRAM_S = 4.0, 2.0
_KERNEL_FACTOR = 4
"""How many times a process's limit the kernel's own is: more than ticks overcharge on any machine seen."""
_NEVER_S = 1e8


class Stalled(Stop):
    """Judging took more CPU than it may: the program's answers are made to be slow."""


class Clock:
    """Bounds the CPU of judging a program: an exception first, the kernel's SIGXCPU if stuck in one operation."""

    def __init__(self) -> None:
        self._end_s: float | None = None
        self.has_stalled = False
        """Ever. What the kernel charged while an alarm was late is not known exactly: the process had better end."""
        self._armed_s, self._charged_s = 0.0, process_time()
        self._used_s = self._charged_s
        """CPU seconds when the alarm was set."""
        self._allowed_s = 0.0
        self._hard = resource.RLIM_INFINITY

    def limiting(self, limits: Limits) -> Clock:
        """Raises `Stalled` in a `with` block once it has used its CPU seconds, and never outside it."""
        self._allowed_s = _CPU_S + _CPU_PER_PROGRAM_S * limits.cpu_s
        return self

    def __enter__(self) -> None:
        self._arm(self._allowed_s)
        self._hard = resource.getrlimit(resource.RLIMIT_CPU)[1]
        kernels_s = math.ceil(self._charged_s + _KERNEL_FACTOR * self._allowed_s)
        resource.setrlimit(resource.RLIMIT_CPU, (kernels_s, self._hard))
        self._end_s = self._used_s + self._allowed_s

    def __exit__(self, *_: object) -> None:
        self._end_s = None
        self._arm(_NEVER_S)
        resource.setrlimit(resource.RLIMIT_CPU, (self._hard, self._hard))

    def _arm(self, seconds: float) -> None:
        """Sets the alarm; what passed of the one before is what the kernel charged for since.

        One that has rung stands at zero, however much CPU an operation took until the handler could run.
        """
        left = signal.setitimer(signal.ITIMER_PROF, seconds)[0]
        used_s = process_time()
        self._charged_s += max(self._armed_s - left, used_s - self._used_s)
        self._armed_s, self._used_s = seconds, used_s

    def ring(self, number: int, frame: object) -> None:
        """Handles SIGPROF."""
        left = self._end_s - process_time() if self._end_s is not None else _NEVER_S
        if left > 0:
            self._arm(left)
        else:
            self._end_s = None
            self._arm(_NEVER_S)
            self.has_stalled = True
            raise Stalled


CLOCK = Clock()
