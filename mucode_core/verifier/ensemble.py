"""Several verifiers in one checkpoint directory."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from mucode_core.models.checkpoint_files import place_file
from mucode_core.models.checkpoint_kind import ENSEMBLE_MARK, read_scoring


def join_verifiers(members: Sequence[Path], out_dir: Path, pessimism: float) -> None:
    """Makes an ensemble of fitted verifiers; weights are linked where they can be, else copied.

    Args:
        members: Checkpoints of verifiers that score in the same way.
        out_dir: Directory of the ensemble, which has one folder for each.
        pessimism: See `checkpoint_kind.Members`.

    Raises:
        DataError: A member is no verifier, or they score in different ways.
    """
    out_dir.mkdir(parents=True, exist_ok=True)
    names = [str(index) for index in range(len(members))]
    for name, member in zip(names, members, strict=True):
        (out_dir / name).mkdir()
        for path in sorted(member.iterdir()):
            if path.is_file():
                place_file(path.resolve(), out_dir / name / path.name)
    (out_dir / ENSEMBLE_MARK).write_text(json.dumps({"members": names, "pessimism": pessimism}), "utf-8")
    read_scoring(out_dir)
