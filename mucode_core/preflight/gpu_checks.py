"""Whether the GPUs that a configuration names are there."""

from __future__ import annotations

from collections.abc import Sequence

from mucode_core.preflight.host import Check
from mucode_core.system.gpus import Gpu


def examine_numbers(location: str, asked: Sequence[int], needed: int, gpus: Sequence[Gpu], keys: str) -> Check:
    """Whether the GPUs that are asked for by number are there, and enough where none is named."""
    missing = sorted(set(asked) - {gpu.index for gpu in gpus})
    there = ", ".join(f"{gpu.index}: {gpu.name}" for gpu in gpus) or "none"
    if missing:
        hint = (
            f"change {location}.gpus"
            if gpus
            else f"run where a GPU driver shows them (nvidia-smi), or change {location}.gpus"
        )
        detail = f"{', '.join(map(str, missing))} asked for; there are {there}: {hint}"
        return Check(f"{location}.gpus", ok=False, detail=detail, required=True)
    ok = not gpus or len(gpus) >= needed
    detail = there if ok else f"{needed} needed, {len(gpus)} there: lower {keys}"
    return Check(f"{location}.gpus", ok, detail, required=True)
