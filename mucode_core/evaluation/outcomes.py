"""How searches and rollouts ended, problem by problem: the counts behind every figure and every comparison."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, fields
from itertools import zip_longest
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from mucode_core.errors import DataError, PathError
from mucode_core.evaluation.metrics import Values, pass_at_k
from mucode_core.store import schemas
from mucode_core.types import ProblemOutcome, Rollout, SearchRow

OUTCOMES = "outcomes.parquet"
"""Name of the file in a run directory."""
INDEPENDENT = "independent"
FINAL = "final"
COMPARED_SELECTIONS = (
    ("pt", "random"),
    ("lv", "random"),
    ("pt+lv", "pt"),
    ("agree", "random"),
    ("pt+agree", "pt"),
    ("pt+agree+lv", "pt+lv"),
)
"""Selection strategies whose paired differences are shown, each with the one it is compared with."""


@dataclass(frozen=True, order=True)
class Decoding:
    """One decoding strategy with one generator; its rows make one figure."""

    generator: str
    decoding: str
    num_samples: int

    def __str__(self) -> str:
        if self.num_samples == 1:
            return self.decoding
        return f"best of {self.num_samples}, {self.decoding}"


@dataclass(slots=True)
class _Counts:
    """The counting fields of a `ProblemOutcome`, while they are summed."""

    num_searches: int = 0
    num_correct: int = 0
    num_public_passed: int = 0
    num_drawn: int = 0
    num_distinct: int = 0
    num_tokens: int = 0


class _Step(NamedTuple):
    """One turn of one search or rollout."""

    problem_id: str
    attempt: int
    turn_index: int
    correct: bool
    public_passed: bool
    drawn: tuple[int, int, int]
    """Samples, distinct programs, tokens."""


def count_searches(
    rows: Sequence[SearchRow], problem_ids: Sequence[str], num_turns: int, *, generator: str, greedy: bool = False
) -> list[ProblemOutcome]:
    """Outcomes of each selection and N among the rows, after each turn.

    Args:
        rows: Of whole searches.
        problem_ids: The problems that were to be searched.
        num_turns: T.
        generator: Its name in the outcomes.
        greedy: The searches took the one sample at temperature 0.

    Raises:
        DataError: A problem was not searched.
    """
    found: list[ProblemOutcome] = []
    for selection, num_samples in dict.fromkeys((row.selection, row.num_samples) for row in rows):
        steps = (
            _Step(
                row.problem_id, row.search_index, row.turn_index, row.label, row.public_passed,
                (row.num_drawn, row.num_distinct, row.num_tokens),
            )
            for row in rows
            if (row.selection, row.num_samples) == (selection, num_samples)
        )  # fmt: skip
        decoding = Decoding(generator, "greedy" if greedy else selection, num_samples)
        found += _count(steps, problem_ids, num_turns, decoding)
    return found


def count_rollouts(
    rollouts: Iterable[Rollout], problem_ids: Sequence[str], num_turns: int, *, generator: str
) -> list[ProblemOutcome]:
    """Outcomes of independent rollouts after each turn; see `count_searches`.

    A program counts as distinct in the first turn in which any rollout of its problem wrote it.
    """
    steps: list[_Step] = []
    seen: set[tuple[str, str | None]] = set()
    taken = [(rollout, turn) for rollout in rollouts for turn in rollout.turns]
    for rollout, turn in sorted(taken, key=lambda pair: pair[1].turn_index):
        program = (rollout.problem_id, turn.completion.code)
        new = turn.completion.code is not None and program not in seen
        seen.add(program)
        drawn = (1, int(new), turn.completion.num_tokens)
        correct, passed = turn.label, turn.public_verdict.passed
        steps.append(_Step(rollout.problem_id, rollout.sample_index, turn.turn_index, correct, passed, drawn))
    return list(_count(steps, problem_ids, num_turns, Decoding(generator, INDEPENDENT, 1)))


def _count(
    steps: Iterable[_Step], problem_ids: Sequence[str], num_turns: int, decoding: Decoding
) -> Iterator[ProblemOutcome]:
    attempts: dict[str, dict[int, list[_Step]]] = {problem_id: {} for problem_id in problem_ids}
    for step in steps:
        attempts[step.problem_id].setdefault(step.attempt, []).append(step)
    if missing := [problem_id for problem_id, of_problem in attempts.items() if not of_problem]:
        problem = f"{len(missing)} of {len(attempts)} problems were not searched, {missing[0]!r} first"
        raise DataError(problem, location=str(decoding), hint="search the same problems that are evaluated")
    for problem_id, of_problem in attempts.items():
        for turn, counts in enumerate(_add_up(of_problem.values(), num_turns)):
            yield ProblemOutcome(
                problem_id=problem_id,
                generator=decoding.generator,
                decoding=decoding.decoding,
                num_samples=decoding.num_samples,
                turn_index=turn,
                **{f.name: getattr(counts, f.name) for f in fields(counts)},
            )


def _add_up(attempts: Collection[list[_Step]], num_turns: int) -> list[_Counts]:
    """Counts after each turn: what was drawn until then, and what each attempt holds; one that ended holds its last."""
    after = [_Counts(num_searches=len(attempts)) for _ in range(num_turns)]
    for steps in attempts:
        steps.sort(key=lambda step: step.turn_index)
        for step, following in zip_longest(steps, steps[1:]):
            for counts in after[step.turn_index :]:
                counts.num_drawn += step.drawn[0]
                counts.num_distinct += step.drawn[1]
                counts.num_tokens += step.drawn[2]
            for counts in after[step.turn_index : following.turn_index if following else num_turns]:
                counts.num_correct += step.correct
                counts.num_public_passed += step.public_passed
    return after


@dataclass(frozen=True)
class OutcomeTable:
    """The outcomes of one decoding strategy as arrays [num_problems, num_turns]."""

    problem_ids: tuple[str, ...]
    searches: Values
    correct: Values
    public_passed: Values
    drawn: Values
    distinct: Values
    tokens: Values

    def only(self, problem_ids: Collection[str]) -> OutcomeTable:
        """The rows of these problems."""
        kept = [index for index, problem_id in enumerate(self.problem_ids) if problem_id in problem_ids]
        values = {f.name: getattr(self, f.name)[kept] for f in fields(self) if f.name != "problem_ids"}
        return OutcomeTable(tuple(self.problem_ids[index] for index in kept), **values)

    @property
    def accuracy(self) -> Values:
        """Percent of a problem's searches that hold a correct program after each turn."""
        return 100 * self.correct / self.searches

    @property
    def public_only(self) -> Values:
        """Percent of a problem's searches whose program passes the public tests and fails private ones."""
        return 100 * (self.public_passed - self.correct) / self.searches

    @property
    def tokens_a_search(self) -> Values:
        """Tokens drawn until each turn, in the mean of a problem's searches."""
        return self.tokens / self.searches

    def pass_at_k(self, k: int) -> Values:
        """Percent, of independent rollouts; see `metrics.pass_at_k`."""
        pairs = zip(self.searches.ravel(), self.correct.ravel(), strict=True)
        values = [100 * pass_at_k(int(n), int(c), k) for n, c in pairs]
        return np.array(values).reshape(self.searches.shape)


def tabulate(outcomes: Iterable[ProblemOutcome]) -> dict[Decoding, OutcomeTable]:
    """One table for each decoding strategy, in order of first appearance.

    Raises:
        DataError: A problem lacks a turn that others have.
    """
    groups: dict[Decoding, dict[str, dict[int, ProblemOutcome]]] = {}
    for row in outcomes:
        key = Decoding(row.generator, row.decoding, row.num_samples)
        groups.setdefault(key, {}).setdefault(row.problem_id, {})[row.turn_index] = row
    return {key: _tabulate(key, by_problem) for key, by_problem in groups.items()}


def _tabulate(key: Decoding, by_problem: dict[str, dict[int, ProblemOutcome]]) -> OutcomeTable:
    num_turns = max(len(turns) for turns in by_problem.values())
    for problem_id, turns in by_problem.items():
        if sorted(turns) != list(range(num_turns)):
            location, hint = f"{key}, problem {problem_id!r}", "evaluate again: the file is incomplete"
            raise DataError(
                f"has outcomes of turns {sorted(turns)}, others of {num_turns}", location=location, hint=hint
            )

    def column(name: str) -> Values:
        rows = [[getattr(turns[t], name) for t in range(num_turns)] for turns in by_problem.values()]
        return np.array(rows, float)

    return OutcomeTable(
        tuple(by_problem),
        column("num_searches"),
        column("num_correct"),
        column("num_public_passed"),
        column("num_drawn"),
        column("num_distinct"),
        column("num_tokens"),
    )


def write_outcomes(outcomes: Sequence[ProblemOutcome], directory: Path) -> Path:
    """Writes `outcomes.parquet` into a run directory, whole or not at all."""
    path = directory / OUTCOMES
    temporary = path.with_name(f".{path.name}")
    pq.write_table(schemas.to_table(outcomes, ProblemOutcome), temporary, compression="zstd")
    temporary.replace(path)
    return path


def read_outcomes(directory: Path) -> list[ProblemOutcome]:
    """Reads what `write_outcomes` wrote.

    Raises:
        DataError: There is no such file, or it is not Parquet.
        ArtifactError: It has another schema.
    """
    path = directory / OUTCOMES
    try:
        table = pq.read_table(path)
    except FileNotFoundError:
        hint = "name the directory of a run that evaluated (`mucode train`, `mucode evaluate`)"
        raise PathError("no such file", location=str(path), hint=hint) from None
    except (OSError, pa.ArrowInvalid) as error:
        raise DataError(f"cannot be read: {error}", location=str(path), hint="run the evaluation again") from error
    return schemas.from_table(table, ProblemOutcome)
