"""What ends a job before its tests are over."""

from __future__ import annotations

from mucode_core.errors import ProblemError, SandboxError


class Stop(BaseException):
    """Ends a job; a BaseException, so that no test code catches it."""


class ProgramGone(Stop):
    """The program's process ended, or closed its end."""


class OutputExceeded(Stop):
    """The program sent more than it may."""


class Misbehaved(Stop):
    """The program sent what the protocol does not allow."""


class Unpassable(Stop):
    """The tests pass what no program can be given."""


class ReadTooFar(Stop):
    """An iterator was read further than the tests asked, and that could show: the job is to be run again."""


def is_fault(error: BaseException | None) -> bool:
    """Whether an exception is about the run or the problem: no mark of a test makes it expected."""
    return issubclass(type(error), (Stop, ProblemError, SandboxError))  # what it says of itself may be the program's
