"""Commands on data sets: `mucode problems check`, `convert` and `overlap`."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from datetime import date
from pathlib import Path
from typing import Annotated, Literal

import typer
from mucode_flows.cli.grading import Data, OnBadProblem, SandboxName, SandboxUrls, Workers, sandbox_settings
from mucode_flows.cli.options import ROWS, Json, Limit, Packages, SampleSeed, Where, parse_where
from mucode_flows.cli.outputs import require_distinct
from mucode_flows.cli.terminal import make_console, per_second, print_rows, show_bad_rows

from mucode_core.errors import ConfigError
from mucode_core.wording import count

problems_app = typer.Typer(
    no_args_is_help=True, help="Check and convert data sets of problems, and find what two of them have in common."
)
_NO_PROBLEM = ("row is not a problem", "rows are not problems")
_NOT_COMPARED = tuple(zip(_NO_PROBLEM, ("was", "were"), strict=True))


@problems_app.command("check")
def check(
    dataset: Annotated[
        str, typer.Argument(metavar="DATASET", help="Name of the data set, or auto; see docs/problems.md.")
    ],
    data: Data = "",
    where: Where = None,
    limit: Limit = None,
    seed: SampleSeed = None,
    sandbox: SandboxName = "auto",
    sandbox_urls: SandboxUrls = None,
    workers: Workers = None,
    packages: Packages = "numpy",
    on_bad_problem: OnBadProblem = "error",
    as_json: Json = False,
) -> None:
    """Run every reference solution against its tests; report invalid rows and tests that any program passes."""
    from mucode_flows.cli.progress.display import counting

    from mucode_core.evaluation.check_problems import check_problems
    from mucode_core.problems.budgets import describe_missing
    from mucode_core.problems.selection import Selection

    settings = sandbox_settings(sandbox, workers, packages, on_bad_problem, sandbox_urls)
    selection = Selection(parse_where(where), limit, seed)
    with counting("reference solutions", make_console()) as bar:
        found = check_problems(dataset, data, settings, selection, progress=bar.report, say=bar.say)
    num_passed = found.num_checked - len(found.failures)
    typer.echo(f"{num_passed} of {found.num_checked} reference solutions pass; {per_second(found.rate)}", err=True)
    if found.without_reference:
        typer.echo(describe_missing(found.without_reference), err=True)
    show_bad_rows(found.bad_rows, *_NO_PROBLEM)
    if as_json:
        counts = {"num_problems": found.num_checked + len(found.without_reference), "num_passed": num_passed}
        lists = {
            "failed": [failure.problem_id for failure in found.failures],
            "without_reference": found.without_reference,
            "bad_problems": found.bad_problems,
            "bad_rows": [[error.location, error.problem] for error in found.bad_rows],
            "findings": [[finding.problem_id, finding.text] for finding in found.findings],
        }
        typer.echo(json.dumps({**counts, **lists}))
    left_out = set(found.bad_problems if on_bad_problem == "skip" else ())
    has_bad_rows = bool(found.bad_rows) and on_bad_problem == "error"
    if has_bad_rows or any(failure.problem_id not in left_out for failure in found.failures):
        raise typer.Exit(1)


@problems_app.command("convert")
def convert(
    source: Annotated[
        Path, typer.Argument(metavar="IN", help=f"File of the data set ({ROWS}) or a directory of such files.")
    ],
    to: Annotated[
        Literal["custom", "verl", "prime"], typer.Option(help="Format of the rows; custom is this project's.")
    ],
    out: Annotated[
        Path, typer.Option(metavar="FILE", help="JSON Lines file to write (.jsonl, .jsonl.gz, .jsonl.zst).")
    ],
    dataset: Annotated[
        str, typer.Option(metavar="NAME", help="Name of the data set, or auto; see docs/problems.md.")
    ] = "auto",
    where: Where = None,
    limit: Limit = None,
    seed: SampleSeed = None,
    as_json: Json = False,
) -> None:
    """Convert a data set to rows for verl, prime or this project; report what that format cannot express."""
    from mucode_core.problems import convert as conversion
    from mucode_core.problems.reading import resolve
    from mucode_core.problems.selection import Selection

    require_distinct(out, {"IN": source})
    console = make_console()

    def say(text: str) -> None:
        console.print(text, markup=False, highlight=False)

    name, reason = resolve(dataset, source)
    if reason:
        say(f"{source} has the format of {name}: {reason}")
    selection = Selection(parse_where(where), limit, seed)
    done = conversion.convert(dataset, source, to, out, selection, say=say)
    for what, number in sorted(done.changed.items()):
        say(f"{count(number, 'problem')}: {what}")
    show_bad_rows(done.bad_rows, *_NO_PROBLEM)
    left_out = len(done.left_out) + len(done.bad_rows)
    typer.echo(f"{count(done.num_written, 'problem')} written, {left_out} omitted; {out}", err=True)
    if as_json:
        lists = {"left_out": done.left_out, "bad_rows": [[row.location, row.problem] for row in done.bad_rows]}
        typer.echo(json.dumps({"num_written": done.num_written, **lists, "changed": dict(done.changed)}))
    if left_out:
        raise typer.Exit(1)


_First = Annotated[
    str,
    typer.Argument(
        metavar="A",
        help="A data set: FILE (its format is detected), NAME=FILE, or NAME (from the hub); see docs/problems.md.",
    ),
]
_Share = Annotated[
    float,
    typer.Option(
        min=0.0,
        max=1.0,
        metavar="X",
        help="Minimum share of common 13-word sequences of the prompts, or of common tests, relative to the problem "
        "that has fewer of them.",
    ),
]
_Cutoff = Annotated[
    str,
    typer.Option(
        metavar="DATE",
        help="A model's training cut-off, YYYY-MM-DD: count the problems of each data set before and after it.",
    ),
]
_Where = Annotated[
    list[str] | None, typer.Option(metavar="CONDITION", help="Condition on the rows of A, as of `problems check`.")
]


@problems_app.command("overlap")
def overlap(
    first: _First,
    second: Annotated[str, typer.Argument(metavar="B", help="Another data set, given in the same way.")],
    share: _Share = 0.5,
    cutoff: _Cutoff = "",
    where: _Where = None,
    as_json: Json = False,
) -> None:
    """Find problems that two data sets have in common, by prompt, reference solution or tests."""
    from mucode_core.evaluation.grade_samples import CACHE
    from mucode_core.problems.overlap.matching import find_overlap, find_source, is_one
    from mucode_core.reports.overlap_tables import date_rows, match_rows

    _check_date(cutoff)
    sources = [find_source(text, CACHE.expanduser()) for text in (first, second)]
    chosen = replace(sources[0], where=parse_where(where))
    found = find_overlap(chosen, sources[1], min_share=share, cutoff=cutoff)
    print_rows(match_rows(found), "in common")
    if cutoff:
        print_rows(date_rows(found, (first, second), cutoff), f"cut-off {cutoff}")
    for name, side in ((first, found.first), (second, found.second)):
        for text in side.excluded:
            typer.echo(text, err=True)
        show_bad_rows(side.bad_rows, *(f"{what} and {verb} not compared: {name}" for what, verb in _NOT_COMPARED))
    counts = found.count()
    kinds = ", ".join(f"{counts[kind]} by {kind}" for kind in counts if kind != "any")
    nothing = "none within one data set; a problem does not match itself" if is_one(*sources) else "none"
    num_matched, num_first = counts.get("any", 0), found.first.num_problems
    verb = "is" if num_matched == 1 else "are"
    typer.echo(
        f"{num_matched} of {count(num_first, 'problem')} of {first} {verb} in {second}: {kinds or nothing}",
        err=True,
    )
    if as_json:
        typer.echo(json.dumps(asdict(found) | {"num_matched": counts}))
    if found.first.bad_rows or found.second.bad_rows:
        raise typer.Exit(1)


def _check_date(cutoff: str) -> None:
    if not cutoff:
        return
    try:
        date.fromisoformat(cutoff)
    except ValueError as error:
        hint = "write a date such as 2023-12-01"
        raise ConfigError(f"{cutoff!r} is not a date", location="--cutoff", hint=hint) from error
