from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from mucode_core.sandbox.guest.scratch import empty


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
