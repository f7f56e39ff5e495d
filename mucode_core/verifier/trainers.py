"""The trainers of the verifier by backend."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from mucode_core.config import VerifierConfig
from mucode_core.progress import Progress, ignore
from mucode_core.training.base import Trainer, TrainingPaths
from mucode_core.training.reports import VerifierReport
from mucode_core.types import VerifierPair


def load_trainer(backend: Literal["trl", "loop"]) -> Trainer[VerifierPair, VerifierConfig, VerifierReport]:
    """Only what is used is imported: the other's packages may be missing."""
    if backend == "trl":
        from mucode_core.verifier.fit_trl import fit_verifier as by_trl

        return by_trl
    from mucode_core.verifier.fit_loop import fit_verifier as by_loop

    return by_loop


def train(
    pairs: Sequence[VerifierPair],
    init_dir: Path,
    out_dir: Path,
    settings: VerifierConfig,
    seed: int,
    place: TrainingPaths,
    progress: Progress = ignore,
) -> VerifierReport:
    """Fits by the backend that the settings name; see `Trainer`."""
    return load_trainer(settings.backend)(pairs, init_dir, out_dir, settings, seed, place, progress=progress)
