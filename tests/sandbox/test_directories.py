"""A directory in two copies: what one side does, the other has; nothing leads out of it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from mucode_core.sandbox.directories import Directory, Translation
from mucode_core.sandbox.wire import WireError


@pytest.fixture
def pair(tmp_path: Path) -> tuple[Directory, Directory]:
    roots = tmp_path / "one", tmp_path / "other"
    for root in roots:
        root.mkdir()
    one, other = (Directory(str(root)) for root in roots)
    return one, other


def content(directory: Directory) -> dict[str, bytes | None]:
    root = Path(directory.root)
    return {str(p.relative_to(root)): p.read_bytes() if p.is_file() else None for p in sorted(root.rglob("*"))}


def test_changes_arrive_and_come_back(pair: tuple[Directory, Directory]) -> None:
    one, other = pair
    root = Path(one.root)
    (root / "a" / "b").mkdir(parents=True)
    (root / "a" / "b" / "x").write_bytes(b"1\x00\xff")
    (root / "y").write_text("")
    other.apply(one.changes())
    assert content(other) == content(one) == {"a": None, "a/b": None, "a/b/x": b"1\x00\xff", "y": b""}
    assert one.changes() == [] == other.changes()
    (Path(other.root) / "y").write_text("2")
    (Path(other.root) / "a" / "b" / "x").unlink()
    one.apply(other.changes())
    assert content(one) == {"a": None, "a/b": None, "y": b"2"}
    assert one.changes() == []


def test_a_file_becomes_a_directory_and_the_reverse(pair: tuple[Directory, Directory]) -> None:
    one, other = pair
    root = Path(one.root)
    (root / "x").write_text("1")
    (root / "d" / "e").mkdir(parents=True)
    other.apply(one.changes())
    (root / "x").unlink()
    (root / "x").mkdir()
    (root / "d" / "e").rmdir()
    (root / "d").rmdir()
    (root / "d").write_text("2")
    other.apply(one.changes())
    assert content(other) == {"x": None, "d": b"2"}


def test_an_open_file_sees_the_change(pair: tuple[Directory, Directory]) -> None:
    one, other = pair
    (Path(one.root) / "x").write_text("1")
    other.apply(one.changes())
    with (Path(other.root) / "x").open() as file:
        (Path(one.root) / "x").write_text("22")
        other.apply(one.changes())
        assert file.read() == "22"


def test_only_regular_files_of_a_fair_size_cross(pair: tuple[Directory, Directory]) -> None:
    one, _ = pair
    root = Path(one.root)
    (root / "link").symlink_to("/etc/hostname")
    (root / "links").symlink_to("/etc", target_is_directory=True)
    os.mkfifo(root / "pipe")
    with (root / "large").open("wb") as file:
        file.truncate(5 << 20)
    for index in range(2000):
        (root / f"f{index}").touch()
    changes = one.changes()
    assert len(changes) < 1001 and not {"link", "links", "pipe", "large"} & {path for path, *_ in changes}


@pytest.mark.parametrize(
    "changes",
    [
        None, {}, ["a"], [[]], [[5]], [["../x", "31"]], [["/tmp/x", "31"]], [["a/../../x", "31"]], [["a//b", "31"]],
        [["", "31"]], [["."]], [["a\x00b", "31"]], [["a", "3"]], [["a", 5]], [["a", "31", 0]], [["no/such", "31"]],
        [["a" * 300, "31"]], [["d/" * 50 + "a", "31"]], [["out/x", "31"]], [["file", "31"]], [["a", "00" * (5 << 20)]],
        [[f"f{index}", ""] for index in range(1001)], [[f"f{index}", "00" * (4 << 20)] for index in range(5)],
    ],
)  # fmt: skip
def test_what_is_malformed_or_leads_out_is_refused(pair: tuple[Directory, Directory], changes: Any) -> None:
    one, other = pair
    (Path(one.root) / "out").symlink_to(other.root, target_is_directory=True)
    (Path(one.root) / "file").symlink_to(Path(other.root) / "target")
    with pytest.raises(WireError):
        one.apply(changes)
    assert content(other) == {}


def test_paths_of_one_directory_become_those_of_the_other() -> None:
    paths = Translation("/var/scratch-a1", "/tmp")
    assert paths.of_incoming(b'["open", "/var/scratch-a1/x", "/var/scratch-a1"]') == b'["open", "/tmp/x", "/tmp"]'
    sent = b'["/tmp/x", "in \'/tmp/y\'", "/tmp", "/tmpfile", "/var/tmp/x", "a/tmp/b"]'
    expected = sent.replace(b'"/tmp/x', b'"/var/scratch-a1/x').replace(b"'/tmp/y", b"'/var/scratch-a1/y")
    assert paths.of_outgoing(sent) == expected.replace(b'"/tmp"', b'"/var/scratch-a1"')
