"""Options shared by several commands."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, get_args

import typer

from mucode_core.config import Selection

if TYPE_CHECKING:
    from mucode_core.problems.where import Condition

SELECTIONS = ", ".join(get_args(Selection))
ROWS = ".jsonl or .json, also with .gz or .zst; .parquet"
"""Endings of the files of a data set."""


def _directory(text: str) -> Any:
    return typer.Option(metavar="DIRECTORY", help=text)


DemoOut = Annotated[Path | None, _directory("Run directory; default: runs/demo-seedN, N being the seed.")]
TrainOut = Annotated[
    Path | None, _directory("Run directory; default: CONFIG's, or else runs/NAME, NAME being its run.name.")
]
EvaluationOut = Annotated[
    Path | None,
    _directory("Run directory; default: runs/NAME-best-of-n, or runs/NAME-pass-at-k, NAME being CONFIG's run.name."),
]
MatrixOut = Annotated[
    Path | None, _directory("Directory of all variants' runs; default: runs/NAME, NAME being the matrix's name.")
]
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
_AT_MOST = "At most this many problems: the first ones, or with --seed a random sample; default:"
Limit = Annotated[int | None, typer.Option(min=1, metavar="PROBLEMS", help=f"{_AT_MOST} all.")]
EvaluationLimit = Annotated[int | None, typer.Option(min=1, metavar="PROBLEMS", help=f"{_AT_MOST} CONFIG's.")]
Where = Annotated[
    list[str] | None,
    typer.Option(
        metavar="CONDITION",
        help="Condition on rows: difficulty=hard, date>=2024-08-01, tags=dp; repeatable, all must hold.",
    ),
]
SampleSeed = Annotated[
    int | None,
    typer.Option(
        "--seed",
        metavar="N",
        help="With --limit: draw a random sample with this seed; without a seed, the first ones are taken.",
    ),
]
Metric = Annotated[
    str | None,
    typer.Option(
        metavar="NAME",
        help="Which verdict to read from a result file: a metric name (lm-eval) or a scorer (inspect_ai); default: the "
        "first.",
    ),
]
KeepGoing = Annotated[
    bool,
    typer.Option(
        "--keep-going/--stop",
        metavar="",
        help="At rows that cannot be used: keep-going: skip them, list them at the end and exit with 1; stop: end at "
        "the first.",
    ),
]
Host = Annotated[
    str, typer.Option(metavar="ADDRESS", help="Address to listen on; any address other than loopback requires a token.")
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
