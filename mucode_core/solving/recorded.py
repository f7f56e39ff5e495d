"""Remembers what a search drew, executed and scored, so that it can continue by one turn, and be shown."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence

from mucode_core.method.search import Grade, Score
from mucode_core.sampling.base import Sampler, SampleRequest
from mucode_core.solving.solution import Attempt, SolvedTurn
from mucode_core.types import Completion, Message, Problem, SamplingParams, SearchRow, Verdict

_State = tuple[tuple[Message, ...], int]
"""A state and the seed of a sample of it."""


class Recorder:
    """Passes on to a sampler, the judge and a verifier what they have not been asked before.

    A search of T + 1 turns takes the same first T turns as one of T, so repeating it costs its last turn alone.
    """

    def __init__(self, sampler: Sampler, grade: Grade, score: Score | None) -> None:
        self._sampler, self._grade, self._score = sampler, grade, score
        self._completions: dict[_State, Completion] = {}
        self._by_turn: dict[int, dict[_State, Completion]] = {}
        self._verdicts: dict[str | None, tuple[Verdict, Verdict]] = {}
        self._scores: dict[tuple[str, str], float] = {}

    def sample(self, requests: Sequence[SampleRequest], params: SamplingParams) -> list[Completion]:
        """See `Sampler.sample`."""
        new = [one for one in requests if (one.messages, one.seed) not in self._completions]
        for request, completion in zip(new, self._sampler.sample(new, params) if new else [], strict=True):
            state = request.messages, request.seed
            self._completions[state] = self._by_turn.setdefault(request.turn_index, {})[state] = completion
        return [self._completions[one.messages, one.seed] for one in requests]

    def grade(self, rows: Sequence[tuple[Problem, str | None]]) -> list[tuple[Verdict, Verdict]]:
        """The verdicts of programs for the one problem."""
        new = [row for row in rows if row[1] not in self._verdicts]
        self._verdicts |= dict(zip((code for _, code in new), self._grade(new) if new else [], strict=True))
        return [self._verdicts[code] for _, code in rows]

    @property
    def score(self) -> Callable[[Sequence[tuple[str, str]]], list[float]] | None:
        """The verifier's scores of (prompt, program); None without a verifier."""
        return None if self._score is None else self._score_new

    def _score_new(self, items: Sequence[tuple[str, str]]) -> list[float]:
        assert self._score is not None
        new = [item for item in items if item not in self._scores]
        self._scores |= dict(zip(new, self._score(new) if new else [], strict=True))
        return [self._scores[item] for item in items]

    def is_silent(self, turn_index: int) -> bool:
        """Whether no sample of a turn has a token: its prompts fill the model's context."""
        return not any(completion.num_tokens for completion in self._by_turn[turn_index].values())

    def describe(self, row: SearchRow) -> SolvedTurn:
        """What happened in the turn that a row ends."""
        drawn = list(self._by_turn[row.turn_index].values())
        counts = Counter(completion.code for completion in drawn)
        first = {completion.code: completion for completion in reversed(drawn)}
        scores = {code: score for (_, code), score in self._scores.items()}
        attempts = [
            Attempt(
                program=code,
                text=first[code].text,
                num_samples=count,
                verdict=self._verdicts[code][0],
                score=scores.get(code) if code is not None else None,
                selected=code == row.program,
                finish_reason=first[code].finish_reason,
            )
            for code, count in counts.items()
        ]
        return SolvedTurn(row.turn_index, tuple(attempts), row.num_tokens)
