"""A task that a tiny model learns in a few steps: say the word that the user names."""

from pathlib import Path

from mucode_core.config import BootstrapConfig
from mucode_core.generator.bootstrap import build_base
from mucode_core.training.base import TrainingPaths
from mucode_core.types import Message, SftExample, VerifierPair


def make_examples(count: int) -> list[SftExample]:
    """Of several lengths."""
    return [
        SftExample(f"p{i}", f"r{i}", 0, (Message("user", f"say w{i}"),), f"```python\n{'x' * (i % 7)}w{i}\n```")
        for i in range(count)
    ]


def make_pairs(count: int) -> list[VerifierPair]:
    return [VerifierPair(f"p{i}", f"say w{i}", f"w{i}" + "x" * (i % 5), f"v{i}" + "y" * (i % 3)) for i in range(count)]


def make_base(path: Path, size: BootstrapConfig, count: int) -> Path:
    dialogues = [(Message("user", f"say w{i}"), Message("assistant", f"```python\nw{i}\n```")) for i in range(count)]
    build_base(dialogues, path, size, 0)
    return path


def place_in(directory: Path) -> TrainingPaths:
    return TrainingPaths(directory / "scratch", directory / "train.log", directory / "curves")
