"""The report of a run as one HTML file that needs no network: figures, plots, lineage, and a browser of rollouts."""

from mucode_core.reports.html.page import WrittenReport, write_html

__all__ = ["WrittenReport", "write_html"]
