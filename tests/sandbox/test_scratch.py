from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

import pytest

from mucode_core.sandbox.scratch import Scratch, empty, sweep


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


@pytest.mark.parametrize("name", ["d", "d" * 255])
def test_any_depth_is_emptied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    outside = tmp_path / "outside"
    filled = tmp_path / "filled"
    (outside / "kept").mkdir(parents=True)
    filled.mkdir()
    monkeypatch.chdir(filled)
    for _ in range(sys.getrecursionlimit() + 200):
        Path(name).mkdir()
        Path("file").touch()
        os.chdir(name)
    Path("out").symlink_to(outside)
    os.chdir(tmp_path)
    (filled / "\udcff\n").touch()
    (filled / "link").symlink_to(outside)
    (filled / "shut").mkdir(mode=0)
    empty(str(filled))
    assert list(filled.iterdir()) == []
    assert list(outside.iterdir()) == [outside / "kept"]
