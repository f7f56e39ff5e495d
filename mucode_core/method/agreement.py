"""Agreement among candidates: groups of programs that give the same outputs for the same inputs.

No expected output is used. The idea is older than code models (majority vote, self-consistency); for programs see
AlphaCode's clusters (Li et al. 2022) and CodeT (Chen et al. 2023).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from mucode_core.sandbox.base import Output
from mucode_core.sandbox.observing import Behaviour

_NO_FAILURE = ("value", "nothing")


class Votes(NamedTuple):
    """How much speaks for one candidate; more is better, the first field decides first."""

    num_values: int
    """Inputs for which it gives a value: neither an exception nor a timeout."""
    group_size: int
    """Candidates, itself included, that give the same output for every input."""


NO_VOTES = Votes(-1, 0)
"""Of a candidate without a program, and of one that is out of the vote."""


def count_votes(behaviours: Sequence[Behaviour | None]) -> list[Votes]:
    """The votes for each candidate of one state.

    A program that was drawn twice votes twice. A failure is an output like any other, so programs that fail alike are
    one group, but more values always win over a larger group. A generated input for which most programs fail is taken
    to be invalid and ignored; inputs of public tests are valid.

    Args:
        behaviours: Of the candidates, for the same inputs; None without a program.
    """
    known = [one for one in behaviours if one is not None]
    valid = _valid_inputs(known)
    keys = [None if one is None else _outputs(one, valid) for one in behaviours]
    sizes = Counter(keys)
    return [
        NO_VOTES if key is None else Votes(sum(output.kind == "value" for output in key), sizes[key]) for key in keys
    ]


def _valid_inputs(known: Sequence[Behaviour]) -> list[int]:
    """Indices of the generated inputs for which at least half of the programs do not fail."""
    columns = zip(*(one.generated for one in known), strict=True)
    return [i for i, column in enumerate(columns) if 2 * sum(o.kind in _NO_FAILURE for o in column) >= len(column)]


def _outputs(behaviour: Behaviour, valid: Sequence[int]) -> tuple[Output, ...]:
    return (*behaviour.public, *(behaviour.generated[index] for index in valid))
