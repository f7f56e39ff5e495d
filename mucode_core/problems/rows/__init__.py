"""Rows of a data set, from JSON or Parquet files or from the Hugging Face hub, each with its location."""

from __future__ import annotations

from mucode_core.problems.rows.fields import PublishedRow, Row, parse_row, require_writable
from mucode_core.problems.rows.files import read_rows, scan_rows
from mucode_core.problems.rows.hub import fetch, reach

__all__ = ["PublishedRow", "Row", "fetch", "parse_row", "reach", "read_rows", "require_writable", "scan_rows"]
