"""What this machine's processor computes at full speed."""

from __future__ import annotations

from pathlib import Path

_CPUINFO = Path("/proc/cpuinfo")
_UNITS = frozenset({"avx512_bf16", "amx_bf16", "bf16"})
"""As the kernel names them: two on x86, the last on ARM."""


def has_bfloat16_units(cpuinfo: Path = _CPUINFO) -> bool | None:
    """Whether the processor multiplies bfloat16 as it is; None where the kernel does not list its units."""
    try:
        lines = cpuinfo.read_text("utf-8").splitlines()
    except OSError:  # not Linux
        return None
    listed = [line.partition(":")[2].split() for line in lines if line.lower().startswith(("flags", "features"))]
    return bool(_UNITS & set(listed[0])) if listed else None
