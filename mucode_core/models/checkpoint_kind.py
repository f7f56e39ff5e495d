"""Checks a checkpoint directory without loading it."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

from mucode_core.errors import DataError
from mucode_core.types import ScoreKind, Scoring

VERIFIER_MARK = "verifier.json"
"""File that distinguishes a verifier's checkpoint from a generator's."""
ENSEMBLE_MARK = "ensemble.json"
"""File of a directory that holds several verifiers instead of a model."""


@dataclass(frozen=True)
class Members:
    """The verifiers whose scores make one."""

    paths: tuple[Path, ...]
    pessimism: float
    """How many standard deviations between the members are subtracted from their mean."""


def require_generator(path: Path) -> None:
    """Checks that a directory holds a generator.

    Raises:
        DataError: It holds no model, or a verifier.
    """
    if not (path / ENSEMBLE_MARK).exists():
        _require_model(path, "final")
    if (path / VERIFIER_MARK).exists() or (path / ENSEMBLE_MARK).exists():
        raise DataError("holds a verifier, not a generator", location=str(path), hint="name a generator's checkpoint")


def write_mark(checkpoint: Path, scoring: Scoring) -> None:
    """Marks a checkpoint as a verifier's."""
    mark: dict[str, Any] = {"score": scoring.kind}
    if scoring.kind == "token":
        mark |= {"question": scoring.question, "answers": scoring.answers}
    (checkpoint / VERIFIER_MARK).write_text(json.dumps(mark), "utf-8")


def read_members(path: Path) -> Members:
    """The verifiers of an ensemble; one that is none is its only member.

    Raises:
        DataError: The ensemble's file is damaged, or a member is missing.
    """
    mark = path / ENSEMBLE_MARK
    if not mark.is_file():
        return Members((path,), 0.0)
    hint = "copy the whole directory again"
    try:
        fields = json.loads(mark.read_text("utf-8"))
        names, pessimism = [str(name) for name in fields["members"]], fields["pessimism"]
    except (ValueError, KeyError, TypeError) as error:
        raise DataError("is no list of verifiers", location=str(mark), hint=hint) from error
    if not names:
        raise DataError("names no verifier", location=str(mark), hint=hint)
    if len(set(names)) < len(names):
        raise DataError(f"names a verifier twice: {', '.join(names)}", location=str(mark), hint=hint)
    is_number = isinstance(pessimism, int | float) and not isinstance(pessimism, bool)
    if not is_number or not 0 <= pessimism < math.inf:
        raise DataError(f"pessimism is {pessimism!r}, not a number from 0 on", location=str(mark), hint=hint)
    return Members(tuple(path / name for name in names), float(pessimism))


def read_scoring(path: Path) -> Scoring:
    """How the verifier of a checkpoint scores.

    Raises:
        DataError: The directory does not hold a verifier, or its model is of another kind than its mark, or it is an
            ensemble of verifiers that score in different ways.
    """
    first, *others = [_read_own_scoring(member) for member in read_members(path).paths]
    for other in others:
        if other != first:
            problem = f"mixes verifiers that score by {first.kind!r} and by {other.kind!r}"
            hint = "join those of one kind, question and answers"
            raise DataError(problem, location=str(path / ENSEMBLE_MARK), hint=hint)
    return first


def _read_own_scoring(path: Path) -> Scoring:
    _require_model(path, "verifier")
    try:
        mark = json.loads((path / VERIFIER_MARK).read_text("utf-8"))
        kind = mark["score"]
        asked = (str(mark["question"]), tuple(map(str, mark["answers"]))) if kind == "token" else ("", ("", ""))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DataError("holds no verifier", location=str(path), hint="name a verifier's checkpoint") from error
    if kind not in get_args(ScoreKind):
        hint = f"name one of {', '.join(get_args(ScoreKind))}"
        raise DataError(f"scores by {kind!r}", location=str(path / VERIFIER_MARK), hint=hint)
    _require_class(path, kind)
    question, (yes, no) = asked
    return Scoring(kind, question, (yes, no))


def _require_class(path: Path, kind: ScoreKind) -> None:
    """A model without the weights that the kind needs would be loaded with random ones."""
    names = json.loads((path / "config.json").read_text("utf-8")).get("architectures") or []
    is_classifier = any("SequenceClassification" in name for name in names)
    if names and is_classifier != (kind == "head"):
        problem = f"{names[0]} cannot score by {kind!r}"
        raise DataError(problem, location=str(path / VERIFIER_MARK), hint="name the kind that was fitted")


def _require_model(path: Path, name: str) -> None:
    if not (path / "config.json").is_file():
        hint = f"name a checkpoint directory, such as RUN_DIR/models/{name} of a run of `mucode train`"
        raise DataError("holds no model: there is no config.json", location=str(path), hint=hint)
