from __future__ import annotations

import os
import tempfile
from pathlib import Path

import pytest

from mucode_core.sandbox.host.scratch import Scratch, sweep


def test_only_old_directories_that_nobody_holds_are_swept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    held = Scratch()
    left, young, foreign = (tmp_path / name for name in ("mucode-sandbox-left", "mucode-sandbox-young", "other"))
    for path in (left, young, foreign):
        path.mkdir()
        (path / "file").touch()
    for path in (left, foreign, Path(held.path)):
        os.utime(path, (0, 0))
    (tmp_path / "mucode-sandbox-link").symlink_to(foreign)
    sweep()
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted(
        [Path(held.path).name, "mucode-sandbox-link", "mucode-sandbox-young", "other"]
    )
    held.remove()
    assert not Path(held.path).exists()
