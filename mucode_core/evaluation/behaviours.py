"""Behaviours of rollouts' programs as rows: one per program and input."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from mucode_core.sandbox.base import Output
from mucode_core.sandbox.observing import Behaviour
from mucode_core.store.schemas import register

Behaviours = dict[tuple[str, int], Behaviour]
"""By rollout and turn; a program without an input has none."""


@register
@dataclass(frozen=True, slots=True)
class ObservedOutput:
    """What the program of one turn gave for one public input."""

    rollout_id: str
    turn_index: int
    input_index: int
    kind: str
    """See `Output`."""
    digest: str


def to_rows(rollout_id: str, turn_index: int, behaviour: Behaviour) -> Iterator[ObservedOutput]:
    """The rows of one program."""
    for index, output in enumerate(behaviour.public):
        yield ObservedOutput(rollout_id, turn_index, index, output.kind, output.digest)


def from_rows(rows: Iterable[ObservedOutput]) -> Behaviours:
    """The behaviours of all programs among the rows."""
    outputs: dict[tuple[str, int], list[Output]] = {}
    for row in rows:
        output = Output(row.kind, row.digest)  # type: ignore[arg-type]
        outputs.setdefault((row.rollout_id, row.turn_index), []).append(output)
    return {key: Behaviour(tuple(found)) for key, found in outputs.items()}
