"""Commands that evaluate and compare: `mucode evaluate`, `compare`, `ablate`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from mucode_core.cli_options import Json, Out, Set
from mucode_core.errors import ConfigError
from mucode_core.terminal import print_rows, run_flow

if TYPE_CHECKING:
    from mucode_core.config import Config
    from mucode_core.evaluation import EvaluationResult


def evaluate(
    config: Annotated[Path, typer.Argument(help="A YAML file: problems, sandbox, lengths; see configs/.")],
    generator: Annotated[Path, typer.Option(help="Checkpoint directory, such as RUN_DIR/models/final.")],
    verifier: Annotated[
        Path | None, typer.Option(help="Checkpoint directory, such as RUN_DIR/models/verifier.")
    ] = None,
    dataset: Annotated[str | None, typer.Option(help="Data set to evaluate on; default: the file's.")] = None,
    data: Annotated[str | None, typer.Option(help="Local file of the data set.")] = None,
    split: Annotated[Literal["train", "validation", "test"] | None, typer.Option(help="Default: test.")] = None,
    select: Annotated[
        str | None, typer.Option(help="Ways to pick one of N: random, lv, pt, pt+lv, oracle; comma between.")
    ] = None,
    num_samples: Annotated[
        str | None, typer.Option("-n", help="N, samples a turn; several with commas; 1 is greedy decoding.")
    ] = None,
    temperature: Annotated[float | None, typer.Option(help="Of the N samples.")] = None,
    turns: Annotated[int | None, typer.Option(help="Turns T at most; every smaller T is reported too.")] = None,
    searches: Annotated[int | None, typer.Option(help="Independent searches averaged.")] = None,
    beam: Annotated[int | None, typer.Option(help="Programs a search goes on from.")] = None,
    exclude_rejected: Annotated[
        bool, typer.Option("--exclude-rejected", help="Never select again what public tests rejected.")
    ] = False,
    pass_at_k: Annotated[
        str | None,
        typer.Option("--pass-at-k", help="pass@k instead, for these k, by -n independent rollouts a problem."),
    ] = None,
    overrides: Set = None,
    out: Out = None,
    as_json: Json = False,
) -> None:
    """Evaluate a checkpoint: multi-turn Best-of-N, or pass@k. Run it again to resume."""
    from mucode_core.config import load_config
    from mucode_core.console import expected_evaluation
    from mucode_core.evaluation import evaluation_rows, verifier_rows

    chosen: dict[str, Any] = {
        "generator.model": str(generator),
        "evaluation.verifier": str(verifier) if verifier else None,
        "problems.dataset": dataset,
        "problems.data": data,
        "evaluation.split": split,
        "evaluation.selections": _split_selections(select, verifier is not None),
        "evaluation.temperature": temperature,
        "rollouts.num_turns": turns,
        "evaluation.num_searches": searches,
        "evaluation.beam_width": beam,
        "evaluation.exclude_rejected": exclude_rejected or None,
        "run.store_dir": "",  # a run's own config.yaml may stand in for CONFIG: its outputs stay as they are
        "run.output_dir": str(out) if out else "",
        **_split_counts(num_samples, pass_at_k),
    }
    given = [f"{key}={json.dumps(value)}" for key, value in chosen.items() if value is not None]
    settings = load_config(config, [*given, *(overrides or [])])
    if not settings.run.output_dir:
        name = f"runs/{settings.run.name}-{'pass-at-k' if pass_at_k else 'best-of-n'}"
        settings = settings.model_copy(update={"run": settings.run.model_copy(update={"output_dir": name})})
    result = run_flow(lambda: _start(settings, bool(pass_at_k)), expected_evaluation(settings, bool(pass_at_k)))
    title = f"{result.dataset}, {result.split} · {result.num_problems} problems · temperature {result.temperature}"
    print_rows(evaluation_rows(result), title)
    print_rows([["difference", "points"], *_differences(result)] if result.differences else [], "paired")
    print_rows(verifier_rows(result), "verifier")
    typer.echo(f"results: {result.out_dir}", err=True)
    if as_json:
        typer.echo(json.dumps(result.to_json()))


def _start(config: Config, pass_at_k: bool) -> EvaluationResult:
    if pass_at_k:
        from flows.pass_at_k import pass_at_k as flow
    else:
        from flows.best_of_n import best_of_n as flow
    return flow(config)


def _differences(result: EvaluationResult) -> list[list[str]]:
    from mucode_core.report import format_interval

    return [[name, format_interval(value)] for name, value in result.differences.items()]


def _split_selections(select: str | None, has_verifier: bool) -> list[str] | None:
    if select is None:
        return None
    from mucode_core.search import NEED_VERIFIER

    chosen = [part.strip() for part in select.split(",")]
    if not has_verifier and (needy := [name for name in chosen if name in NEED_VERIFIER]):
        raise ConfigError("needs a verifier", place=f"--select {needy[0]}", cure="name one with --verifier DIR")
    return chosen


def _split_counts(num_samples: str | None, pass_at_k: str | None) -> dict[str, Any]:
    """What -n and --pass-at-k set: N and its sweep, or k and the number of rollouts."""
    counts = _parse_counts(num_samples, "-n")
    if pass_at_k is None:
        return {"evaluation.best_of_n": max(counts), "evaluation.sweep": counts} if counts else {}
    ks = _parse_counts(pass_at_k, "--pass-at-k")
    if len(counts) > 1:
        cure = "give one number: one set of rollouts serves every k"
        raise ConfigError(f"{num_samples!r} is not one number", place="-n", cure=cure)
    return {"evaluation.pass_at_k": ks, "evaluation.num_rollouts": counts[0] if counts else 2 * max(ks)}


def _parse_counts(text: str | None, option: str) -> list[int]:
    if text is None:
        return []
    parts = [part.strip() for part in text.split(",")]
    if bad := [part for part in parts if not part.isdecimal() or int(part) < 1]:
        raise ConfigError(f"{bad[0]!r} is no count", place=option, cure=f"write {option} 5, or {option} 1,5,10")
    return sorted({int(part) for part in parts})


def compare(
    first: Annotated[Path, typer.Argument(help="Run directory of `mucode train` or `mucode evaluate`.")],
    second: Annotated[Path, typer.Argument(help="Another one, on the same problems.")],
    resamples: Annotated[int, typer.Option(min=100, help="Bootstrap resamples of problems.")] = 5000,
    as_json: Json = False,
) -> None:
    """Compare two runs problem by problem: paired bootstrap and McNemar's exact test."""
    from mucode_core.comparison import compare_runs, comparison_rows, comparisons_to_json
    from mucode_core.outcomes import read_outcomes
    from mucode_core.results import Resampling

    found = compare_runs(read_outcomes(first), read_outcomes(second), Resampling(resamples, 0))
    print_rows(comparison_rows(found, (first.name, second.name)), f"{found[0].num_problems} problems, last turn")
    if as_json:
        typer.echo(json.dumps({"first": str(first), "second": str(second), "figures": comparisons_to_json(found)}))


def ablate(
    matrix: Annotated[Path, typer.Argument(help="A YAML file of variants; see configs/ablations/.")],
    overrides: Set = None,
    out: Out = None,
    as_json: Json = False,
) -> None:
    """Run variants of one recipe that share what they have in common, and compare them. Run it again to resume."""
    from mucode_core.ablations import ablation_rows, load_matrix
    from mucode_core.console import expected_stages

    loaded = load_matrix(matrix, overrides or [], out)

    def start() -> Any:
        from flows.ablations import ablations

        return ablations(loaded)

    weights = {
        f"{name} · {label}": weight
        for name, config in loaded.variants.items()
        for label, weight in expected_stages(config).items()
    }
    result = run_flow(start, weights)
    print_rows(ablation_rows(result), f"{loaded.name} · against {result.baseline}")
    typer.echo(f"results: {result.out_dir}", err=True)
    if as_json:
        typer.echo(json.dumps(result.to_json()))


def metrics(
    graded: Annotated[Path, typer.Argument(help="Parquet file of `mucode grade`.")],
    num_samples: Annotated[
        str | None, typer.Option("-n", help="Values of N, comma between; default: up to the smallest pool.")
    ] = None,
    resamples: Annotated[int, typer.Option(min=100, help="Bootstrap resamples of problems.")] = 5000,
    as_json: Json = False,
) -> None:
    """Figures of graded samples: pass@k, and what selecting one of N by public tests gains over random."""
    from mucode_core.pools import default_ns, measure_pools, pool_rows, read_graded
    from mucode_core.report import format_interval
    from mucode_core.results import Resampling

    rows = read_graded(graded)
    ns = _parse_counts(num_samples, "-n") or default_ns(rows)
    figures = measure_pools(rows, ns, Resampling(resamples, 0))
    print_rows(pool_rows(figures), f"{figures.num_samples} samples")
    typer.echo(f"public passed, private failed: {format_interval(figures.public_only)} % of samples", err=True)
    if as_json:
        typer.echo(json.dumps(figures.to_json()))
