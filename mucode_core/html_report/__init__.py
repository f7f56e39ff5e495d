"""The report of a run as one HTML file that needs no network: figures, plots, lineage, and a browser of rollouts."""

from mucode_core.html_report.page import WrittenReport, write_html

__all__ = ["WrittenReport", "write_html"]
