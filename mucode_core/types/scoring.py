"""How a verifier scores programs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

ScoreKind = Literal["head", "likelihood", "token"]


@dataclass(frozen=True)
class Scoring:
    """How a verifier's checkpoint scores a program."""

    kind: ScoreKind
    question: str = ""
    """Kind token: what the model is asked after prompt and program."""
    answers: tuple[str, str] = ("", "")
    """Kind token: the answers for a correct and for an incorrect program, one token each."""
