"""Options shared by several commands."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, get_args

import typer

from mucode_core.config import Selection

if TYPE_CHECKING:
    from mucode_core.problems.where import Condition

SELECTIONS = ", ".join(get_args(Selection))

Out = Annotated[Path | None, typer.Option(metavar="DIRECTORY", help="Run directory; default: one below runs/.")]
Json = Annotated[bool, typer.Option("--json", metavar="", help="Print one JSON object as the last line of stdout.")]
Set = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="KEY=VALUE",
        help="Override a key, section.key=value; repeatable. Named options take precedence. `mucode config` lists the "
        "keys.",
    ),
]
Limit = Annotated[
    int | None,
    typer.Option(
        min=1, metavar="N", help="At most N problems: the first, or with --seed a random sample; default: all."
    ),
]
Where = Annotated[
    list[str] | None,
    typer.Option(
        metavar="CONDITION",
        help="Condition on rows: difficulty=hard, date>=2024-08-01, tags=dp; repeatable, all must hold.",
    ),
]
SampleSeed = Annotated[
    int | None,
    typer.Option("--seed", metavar="N", help="Seed of the random sample of --limit problems; default: the first ones."),
]
Metric = Annotated[
    str | None,
    typer.Option(
        metavar="NAME",
        help="Verdict of a result file to read: metric of lm-eval, scorer of inspect_ai; default: the first.",
    ),
]
KeepGoing = Annotated[
    bool,
    typer.Option(
        "--keep-going/--stop",
        metavar="",
        help="At a row that cannot be used: continue, list all such rows at the end and exit with code 1; or stop at "
        "the first.",
    ),
]
Host = Annotated[
    str, typer.Option(metavar="ADDRESS", help="Address to listen on; any but this machine alone needs a token.")
]
Port = Annotated[int, typer.Option(min=0, max=65535, metavar="N", help="Port; 0 takes a free one.")]
Packages = Annotated[
    str,
    typer.Option(
        metavar="NAMES", help="Installed packages that programs may import, comma-separated; key `sandbox.packages`."
    ),
]


def parse_where(texts: list[str] | None) -> list[Condition]:
    """The conditions of `--where`."""
    from mucode_core.problems.where import parse_condition

    return [parse_condition(text, "--where") for text in texts or []]


def split_names(text: str) -> list[str]:
    """Splits comma-separated names."""
    return [name.strip() for name in text.split(",") if name.strip()]
