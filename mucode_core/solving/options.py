"""How to search, and what ends a search early."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from threading import Event

from mucode_core.config import Selection
from mucode_core.errors import ConfigError, TimeLimitError
from mucode_core.sandbox import FeedbackStyle
from mucode_core.solving.solution import SolvedTurn
from mucode_core.wording import count


@dataclass(frozen=True)
class SearchOptions:
    """How to search."""

    num_samples: int = 5
    """N, samples per turn."""
    num_turns: int = 3
    """T, at most; one turn where there are no tests, which give the feedback."""
    select: Selection | None = None
    """The selection strategy; None takes the best that verifier and tests allow."""
    temperature: float = 0.7
    top_p: float = 1.0
    max_new_tokens: int = 1000
    seed: int = 0
    time_limit_s: float | None = None
    """A turn that has not ended by then is abandoned."""
    token_budget: int | None = None
    """Of all samples together; the last turn's are shortened to fit."""
    stop: tuple[str, ...] = ()
    """Answers are cut before the first of these texts."""
    exclude_rejected: bool = False
    """Never select again what the tests rejected."""
    beam_width: int = 1
    """Programs from which the search continues; see `SearchPlan`."""
    feedback: FeedbackStyle = "full"
    """What the next turn reads of a failure: in the style that the generator was trained with."""


@dataclass(frozen=True)
class Interrupts:
    """What ends a search before its last turn."""

    events: tuple[Event, ...]
    """Each cancels it."""
    limit_s: float | None
    begun: float = field(default_factory=time.monotonic)

    @property
    def is_cancelled(self) -> bool:
        return any(event.is_set() for event in self.events)

    def check(self) -> None:
        if self.is_cancelled:
            raise TimeLimitError("the search was cancelled", location="solve", hint="search again")
        if self.limit_s is not None and time.monotonic() - self.begun > self.limit_s:
            problem = f"the first turn took longer than {self.limit_s:g} s"
            raise TimeLimitError(problem, location="time limit", hint="raise it, or lower n or the maximum of tokens")


def fit_budget(options: SearchOptions, turns: Sequence[SolvedTurn]) -> SearchOptions | None:
    """The options of the next turn, with samples that fit what is left of the tokens; None if nothing fits."""
    if options.token_budget is None:
        return options
    left = options.token_budget - sum(turn.num_tokens for turn in turns)
    most = left // (options.num_samples * (options.beam_width if turns else 1))
    if most < 1 and not turns:
        tokens = count(options.token_budget, "token is", "tokens are")
        problem = f"{tokens} less than one for each of {count(options.num_samples, 'sample')}"
        raise ConfigError(problem, location="token budget", hint="raise it, or lower n")
    return replace(options, max_new_tokens=min(options.max_new_tokens, most)) if most >= 1 else None
