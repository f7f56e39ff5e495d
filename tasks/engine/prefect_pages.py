"""Pages of the Prefect UI that a run fills: tables, and the report. If the server is away, a warning is logged."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import cast
from uuid import UUID

from mucode_tasks.engine.monitor import sending
from prefect.artifacts import create_link_artifact, create_markdown_artifact, create_table_artifact
from prefect.client.orchestration import get_client
from prefect.client.schemas.actions import ArtifactUpdate
from prefect.settings import get_current_settings

_REPORT_LIMIT = 500_000
"""Characters of an artifact: it travels in one request and lies in the server's database."""


def publish_table(rows: Sequence[Sequence[str]], key: str, description: str) -> None:
    """Shows a table, header first."""
    header, *body = rows
    with sending(f"the table {key}"):
        create_table_artifact([dict(zip(header, row, strict=True)) for row in body], key=key, description=description)


def open_report(path: Path) -> UUID | None:
    """The page that will show the report: rounds link it, `fill_report` fills it.

    Args:
        path: Where the report will be.

    Returns:
        The artifact; None where the server is away.
    """
    with sending("the report's page"):
        made = create_markdown_artifact("Written when the run ends.", key="report", description=f"`{path}`")
        return cast("UUID", made)  # a coroutine only where an event loop runs
    return None


def link_report(path: Path, report: UUID | None) -> None:
    """Links the report's page, if there is a UI: a browser opens no file from there."""
    ui = get_current_settings().ui_url
    if ui and report is not None:
        address, text = f"{ui}/artifacts/artifact/{report}", "report, once the run has ended"
        create_link_artifact(address, link_text=text, key="report-link", description=f"The file: `{path}`")


def fill_report(report: UUID | None, read: Callable[[int], str]) -> None:
    """Writes the report into its page.

    Args:
        report: Of `open_report`.
        read: Gives the text, of at most as many characters as it is asked for.
    """
    if report is None:
        return
    text = read(_REPORT_LIMIT)
    with sending("the report"), get_client(sync_client=True) as client:
        client.update_artifact(report, ArtifactUpdate(data=text))
