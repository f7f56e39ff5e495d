"""Tables of what two data sets have in common."""

from __future__ import annotations

from mucode_core.problems.overlap.matching import OverlapReport
from mucode_core.reports.tables import Rows

_SHOWN = 50


def match_rows(found: OverlapReport) -> Rows:
    """The pairs of problems, at most `_SHOWN`; empty where there are none."""
    rows = [["problem of A", "problem of B", "by", "in common", "share, %"]]
    for match in found.matches[:_SHOWN]:
        rows.append([match.first, match.second, match.by, str(match.shared), f"{100 * match.share:.0f}"])
    if len(found.matches) > _SHOWN:
        rows.append([f"{len(found.matches) - _SHOWN} more", "", "", "", ""])
    return rows if len(rows) > 1 else []


def date_rows(found: OverlapReport, names: tuple[str, str], cutoff: str) -> Rows:
    """Problems of both data sets by their dates."""
    rows = [["data set", f"before {cutoff}", "on or after", "without a date"]]
    for name, side in zip(names, (found.first, found.second), strict=True):
        rows.append([name, str(side.num_before), str(side.num_after), str(side.num_undated)])
    return rows
