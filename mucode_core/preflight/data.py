"""Whether a data set can be had, told from its first row or from the hub's answer."""

from __future__ import annotations

from itertools import islice
from pathlib import Path

from mucode_core.config import ProblemsConfig
from mucode_core.errors import DataError
from mucode_core.problems import hub_name
from mucode_core.problems.rows import reach, read_rows


def describe(settings: ProblemsConfig) -> str:
    """What will be read.

    Raises:
        DataError: The file is not there or is no file of rows; the hub cannot be reached.
        ConfigError: The data set is on no hub.
    """
    if settings.dataset == "synthetic":
        return f"{settings.num_train} synthetic training problems"
    if not settings.data:
        name = hub_name(settings.dataset)
        reach(name)
        return f"{settings.dataset}, {name} of the hub"
    path = Path(settings.data)
    if not list(islice(read_rows(path), 1)):
        raise DataError("no rows", place=str(path), cure=f"name the file that holds {settings.dataset}")
    return f"{settings.dataset}, {path}"
