"""What is known of a job's two sets of tests while they run."""

from __future__ import annotations

from dataclasses import dataclass, field

from mucode_core.sandbox.base import FeedbackStyle, Job
from mucode_core.sandbox.judge import feedback as text
from mucode_core.sandbox.judge.proxies import Channel
from mucode_core.sandbox.judge.recording.recorder import Recorder
from mucode_core.types import Verdict, VerdictStatus

_MAX_NAME = 100
"""Characters of the name of an exception's class, which a program chooses."""


@dataclass
class Score:
    """What is known so far; the first failure decides status and feedback."""

    code: str
    style: FeedbackStyle
    num_tests: int
    num_passed: int = 0
    num_delegated: int = 0
    failure: tuple[VerdictStatus, str] | None = field(default=None)
    recorder: Recorder | None = None
    """Where outputs are wanted in place of a verdict."""

    def fail(self, status: VerdictStatus, feedback: str) -> None:
        if self.recorder is not None:
            self.recorder.fail(status)
        if self.failure is None:
            self.failure = (status, feedback)

    def fail_raised(self, test: str, name: str, message: str, frames: str, status: VerdictStatus = "error") -> None:
        self.fail(status, text.raised(test, text.tidy(name[:_MAX_NAME]), text.tidy(message), frames, self.style))

    def verdict(self, cpu_s: float) -> Verdict:
        status, feedback = self.failure or ("passed", "")
        return Verdict(status, self.num_passed, self.num_tests, feedback, cpu_s, self.num_delegated)


class Scores:
    """The scores of a job's two sets of tests, which run one after the other."""

    def __init__(self, job: Job) -> None:
        self.recorder = Recorder(len(job.tests)) if job.records else None
        self.public = Score(job.code, job.feedback, len(job.tests), recorder=self.recorder)
        self.private = Score(job.code, job.feedback, len(job.private_tests))
        self._next = 0
        self._calls_before_private = 0

    def begin(self, index: int, num_calls: int, num_delegated: int = 0) -> Score:
        """The score that test number `index` counts for, now that it begins."""
        self._next = index + 1
        if self.recorder is not None:
            self.recorder.begin(index)
        if index < self.public.num_tests:
            return self.public
        if index == self.public.num_tests:
            self._calls_before_private = num_calls
            self.public.num_delegated = num_delegated
        return self.private

    def note_delegated(self, channel: Channel) -> None:
        """Notes how often the tests went by the program's word; those of the public tests count for the private too."""
        if self._next <= self.public.num_tests:
            self.public.num_delegated = channel.num_delegated
        self.private.num_delegated = channel.num_delegated

    def unfinished(self) -> list[Score]:
        """Where a test was running or still to come when the program stopped."""
        ended_public = self._next > self.public.num_tests
        return [self.private] if ended_public else [s for s in (self.public, self.private) if s.num_tests]

    def uncalled(self, num_calls: int) -> list[Score]:
        """Scores without a failure although none of their tests called the program."""
        in_public = self._calls_before_private if self._next > self.public.num_tests else num_calls
        calls = [(self.public, in_public), (self.private, num_calls)]
        return [score for score, count in calls if count == 0 and score.num_tests and score.failure is None]
