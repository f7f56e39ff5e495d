"""Packing: several examples in one row, to reduce padding."""

from __future__ import annotations

from collections.abc import Sequence

from datasets import Dataset
from trl import pack_dataset


def pack(columns: dict[str, list[list[int]]], max_length: int) -> dict[str, list[list[int]]]:
    """Rows of at most `max_length` tokens by best fit; `seq_lengths` has the examples' lengths, for the attention."""
    packed = pack_dataset(Dataset.from_dict(columns), max_length, strategy="bfd").with_format(None)
    names: Sequence[str] = (*columns, "seq_lengths")
    return {name: packed[name][:] for name in names}
