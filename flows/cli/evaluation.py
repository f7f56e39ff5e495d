"""Commands that evaluate and compare: `mucode evaluate`, `compare`, `ablate`."""

from __future__ import annotations

import json
from collections.abc import Container, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer
from mucode_flows.cli.options import ROWS, SELECTIONS, Json, KeepGoing, MatrixOut, Metric, SampleSeed, Set
from mucode_flows.cli.options import EvaluationLimit as Limit
from mucode_flows.cli.options import EvaluationOut as Out
from mucode_flows.cli.recipes import Recipe, find_recipe
from mucode_flows.cli.terminal import print_rows, run_flow, show_bad_rows

from mucode_core.errors import ConfigError, DataError
from mucode_core.wording import count

if TYPE_CHECKING:
    from mucode_core.config import Config
    from mucode_core.evaluation.evaluation_result import EvaluationResult

_Generator = Annotated[
    str | None,
    typer.Option(
        metavar="MODEL",
        help="Checkpoint: a directory such as RUN_DIR/models/final, a hub name (organisation/model@revision) or a GGUF "
        "file; default: CONFIG's model or endpoint.",
    ),
]
_Verifier = Annotated[
    str | None,
    typer.Option(
        metavar="MODEL",
        help="Checkpoint: a directory such as RUN_DIR/models/verifier, or a hub name; default: CONFIG's, if any.",
    ),
]
_Data = Annotated[
    str | None,
    typer.Option(
        metavar="PATH", help=f"File of the data set ({ROWS}) or a directory of such files; default: CONFIG's."
    ),
]
_Split = Annotated[
    Literal["train", "validation", "test"] | None, typer.Option(help="Split to evaluate; default: CONFIG's (test).")
]
_Select = Annotated[
    str | None,
    typer.Option(
        metavar="STRATEGIES",
        help=f"Selection strategies (docs/evaluation.md; default CONFIG's), comma-separated: {SELECTIONS}.",
    ),
]
_Inputs = Annotated[
    int | None,
    typer.Option(
        min=0,
        metavar="N",
        help="For agree, pt+agree and pt+agree+lv: inputs per problem to ask the generator for, in addition to those "
        "of the public tests; default: CONFIG's.",
    ),
]
_NumSamples = Annotated[
    str | None,
    typer.Option(
        "-n",
        metavar="N,...",
        help="N, samples per turn; comma-separated values; 1 is greedy decoding; default: CONFIG's.",
    ),
]
_PassAtK = Annotated[
    str | None,
    typer.Option(
        "--pass-at-k",
        metavar="K,...",
        help="Instead of searching, estimate pass@k for these k, comma-separated, from -n rollouts per problem "
        "(default: twice the largest k).",
    ),
]
_Beam = Annotated[
    int | None,
    typer.Option(
        metavar="N [x>=1]",
        help="Beam width: programs from which a search continues; at most the smallest N above 1.",
    ),
]
_ExcludeRejected = Annotated[
    bool | None,
    typer.Option(
        "--exclude-rejected/--no-exclude-rejected",
        metavar="",
        help="Never reselect programs that public tests rejected; default: CONFIG's.",
    ),
]
_Points = Annotated[
    float,
    typer.Option(
        min=0.01,
        max=100,
        metavar="X",
        help="Also compute how many problems it takes to detect a difference of X percentage points (level 0.05, power "
        "0.8).",
    ),
]
_Common = Annotated[
    bool,
    typer.Option(
        "--common",
        metavar="",
        help="Compare only the problems that all results have; without it, one that a result lacks is an error.",
    ),
]


_Dataset = Annotated[str | None, typer.Option(metavar="NAME", help="Data set to evaluate on; default: CONFIG's.")]
_Turns = Annotated[
    int | None, typer.Option(metavar="N [x>=1]", help="Maximum number of turns T; smaller T are reported too.")
]


def evaluate(
    config: Recipe,
    generator: _Generator = None,
    verifier: _Verifier = None,
    dataset: _Dataset = None,
    data: _Data = None,
    split: _Split = None,
    limit: Limit = None,
    seed: SampleSeed = None,
    select: _Select = None,
    inputs: _Inputs = None,
    num_samples: _NumSamples = None,
    temperature: Annotated[float | None, typer.Option(metavar="X [x>0]", help="Temperature of the N samples.")] = None,
    turns: _Turns = None,
    searches: Annotated[int | None, typer.Option(metavar="N [x>=1]", help="Independent searches to average.")] = None,
    beam: _Beam = None,
    exclude_rejected: _ExcludeRejected = None,
    pass_at_k: _PassAtK = None,
    overrides: Set = None,
    out: Out = None,
    as_json: Json = False,
) -> None:
    """Evaluate a checkpoint: multi-turn Best-of-N, or pass@k. Repeat the command to resume.

    What no option gives is as in CONFIG, except the directories of run and store; with --pass-at-k, the number of
    rollouts is -n, or twice the largest k.
    """
    chosen: dict[str, tuple[str, Any]] = {
        "generator.model": ("--generator", generator),
        "evaluation.verifier": ("--verifier", verifier),
        "problems.dataset": ("--dataset", dataset),
        "problems.data": ("--data", data),
        "evaluation.split": ("--split", split),
        "problems.limit": ("--limit", limit),
        "problems.seed": ("--seed", seed),
        "evaluation.num_inputs": ("--inputs", inputs),
        "evaluation.selections": ("--select", _split(select) or None),
        "evaluation.temperature": ("--temperature", temperature),
        "rollouts.num_turns": ("--turns", turns),
        "evaluation.num_searches": ("--searches", searches),
        "evaluation.beam_width": ("--beam", beam),
        "evaluation.exclude_rejected": ("--exclude-rejected", exclude_rejected),
        "run.output_dir": ("--out", str(out) if out else None),
        **_split_counts(num_samples, pass_at_k),
    }
    given = {key: option for key, option in chosen.items() if option[1] is not None}
    result = _evaluate(config, given, overrides or [], bool(pass_at_k))
    _show(result)
    if as_json:
        typer.echo(json.dumps(result.to_json()))


def _evaluate(
    config: str, given: Mapping[str, tuple[str, Any]], overrides: list[str], pass_at_k: bool
) -> EvaluationResult:
    """Checks the settings, opens the run's directory and runs the flow.

    Args:
        config: The recipe.
        given: By key, the option that sets it and its value: these take precedence.
        overrides: Of `--set`.
        pass_at_k: Instead of searches.

    Raises:
        ConfigError: The settings are not valid, or an option needs what they lack.
    """
    from mucode_flows.cli.outputs import open_directory
    from mucode_flows.cli.progress.display import expected_evaluation

    from mucode_core.config import load_config
    from mucode_core.preflight import require_evaluation

    # CONFIG may be a run's own config.yaml, whose outputs must not be overwritten
    fresh = ['run.store_dir=""', 'run.output_dir=""']
    if pass_at_k and "evaluation.num_rollouts" not in given:
        fresh.append(f"evaluation.num_rollouts={2 * max(given['evaluation.pass_at_k'][1])}")
    written = [f"{key}={json.dumps(value)}" for key, (_, value) in given.items()]
    options = {key: option for key, (option, _) in given.items()}
    settings = load_config(find_recipe(config), [*fresh, *overrides, *written], options)
    _require_strategies(settings, given)
    if not settings.run.output_dir:
        name = f"runs/{settings.run.name}-{'pass-at-k' if pass_at_k else 'best-of-n'}"
        settings = settings.model_copy(update={"run": settings.run.model_copy(update={"output_dir": name})})
    require_evaluation(settings)
    open_directory(settings, "evaluate")
    return run_flow(lambda: _start(settings, pass_at_k), expected_evaluation(settings, pass_at_k))


def _show(result: EvaluationResult) -> None:
    from mucode_core.reports.tables import difference_rows, evaluation_rows, verifier_rows

    title = (
        f"{result.dataset}, {result.split} · {count(result.num_problems, 'problem')} · temperature {result.temperature}"
    )
    print_rows(evaluation_rows(result), title)
    print_rows(difference_rows(result.differences), "paired")
    print_rows(verifier_rows(result), "verifier")
    typer.echo(f"results: {result.out}", err=True)


def _start(config: Config, pass_at_k: bool) -> EvaluationResult:
    if pass_at_k:
        from mucode_flows.pass_at_k import pass_at_k as flow
    else:
        from mucode_flows.best_of_n import best_of_n as flow
    return flow(config)


def _split(text: str | None) -> list[str]:
    """Comma-separated parts; an empty one stays, to be refused."""
    return [] if text is None else [part.strip() for part in text.split(",")]


def _require_strategies(settings: Config, given: Container[str]) -> None:
    """Refuses strategies that need a verifier where there is none, and inputs that none uses.

    Only where an option names them: what CONFIG names is skipped.
    """
    from mucode_core.method.search import NEED_BEHAVIOUR, NEED_VERIFIER

    selections = settings.evaluation.selections
    has_verifier = settings.evaluation.verifier or settings.verifier.endpoint_url
    needy = [name for name in selections if name in NEED_VERIFIER]
    if "evaluation.selections" in given and needy and not has_verifier:
        hint = "name one with --verifier MODEL, or as evaluation.verifier in CONFIG"
        raise ConfigError("needs a verifier", location=f"--select {needy[0]}", hint=hint)
    if "evaluation.num_inputs" in given and settings.evaluation.num_inputs and not {*selections} & {*NEED_BEHAVIOUR}:
        hint = f"add one of {', '.join(NEED_BEHAVIOUR)} to --select"
        raise ConfigError("no selection strategy uses inputs", location="--inputs", hint=hint)


def _split_counts(num_samples: str | None, pass_at_k: str | None) -> dict[str, tuple[str, Any]]:
    """The settings from -n and --pass-at-k: N and its sweep, or k and the number of rollouts."""
    counts = _parse_counts(num_samples, "-n")
    if pass_at_k is None:
        return {"evaluation.best_of_n": ("-n", max(counts)), "evaluation.sweep": ("-n", counts)} if counts else {}
    ks = _parse_counts(pass_at_k, "--pass-at-k")
    if len(counts) > 1:
        hint = "give one number: the same rollouts are used for every k"
        raise ConfigError(f"{num_samples!r} is not one number", location="-n", hint=hint)
    rollouts = {"evaluation.num_rollouts": ("-n", counts[0])} if counts else {}
    return {"evaluation.pass_at_k": ("--pass-at-k", ks), **rollouts}


def _parse_counts(text: str | None, option: str) -> list[int]:
    parts = _split(text)
    if bad := [part for part in parts if not part.isdecimal() or int(part) < 1]:
        raise ConfigError(f"{bad[0]!r} is not a count", location=option, hint=f"write {option} 5, or {option} 1,5,10")
    return sorted({int(part) for part in parts})


_Results = Annotated[
    list[Path],
    typer.Argument(
        metavar="RESULT",
        help="Two or more: run directories, Parquet files of `mucode grade`, or result files of other tools.",
    ),
]
_Resamples = Annotated[int, typer.Option(min=100, metavar="N", help="Number of bootstrap resamples of the problems.")]


def compare(
    results: _Results,
    resamples: _Resamples = 5000,
    points: _Points = 5.0,
    common: _Common = False,
    metric: Metric = None,
    keep_going: KeepGoing = True,
    as_json: Json = False,
) -> None:
    """Compare runs or result files, paired by problem: bootstrap of the difference and McNemar's exact test."""
    from mucode_core.evaluation.comparison import RESAMPLING, compare_all, restrict_to_common
    from mucode_core.evaluation.metrics import Resampling
    from mucode_core.reports.tables import pair_rows
    from mucode_core.runs.compared_files import name_sides, read_tables
    from mucode_core.runs.same_problems import require_same_problems

    if len(results) < 2:
        raise ConfigError("names only one result", location="compare", hint="name two or more")
    names = name_sides(results)
    bad_rows: list[DataError] = []
    paths = dict(zip(names, results, strict=True))
    found_rows = bad_rows if keep_going else None

    def say(text: str) -> None:
        typer.echo(text, err=True)

    sides = read_tables(paths, metric, say, bad_rows=found_rows)
    require_same_problems({name: path for name, path in paths.items() if path.is_dir()}, say)
    show_bad_rows(bad_rows, "row was not compared", "rows were not compared")
    found = compare_all(restrict_to_common(sides) if common else sides, Resampling(resamples, RESAMPLING.seed), points)
    title = count(found[0].comparison.num_problems, "problem")
    has_turns = any(path.is_dir() for path in results)  # a run
    print_rows(pair_rows(found, points), f"{title}, last turn" if has_turns else title)
    if as_json:
        figures = [pair.to_json() for pair in found]
        typer.echo(
            json.dumps(
                {"first": str(results[0]), "second": str(results[1]), "results": [str(path) for path in results]}
                | {"points": points, "figures": figures}
                | {"bad_rows": [[row.location, row.problem] for row in bad_rows]}
            )
        )
    if bad_rows:
        raise typer.Exit(1)


def ablate(
    matrix: Annotated[
        str,
        typer.Argument(
            metavar="MATRIX", help="A YAML file of variants, or a recipe's name such as ablations/relabelling."
        ),
    ],
    overrides: Set = None,
    out: MatrixOut = None,
    as_json: Json = False,
) -> None:
    """Run and compare variants of one recipe; common stages run once. Repeat the command to resume."""
    from mucode_flows.cli.outputs import open_directory
    from mucode_flows.cli.progress.display import expected_stages

    from mucode_core.evaluation.ablations import load_matrix
    from mucode_core.preflight import require_runs
    from mucode_core.reports.tables import ablation_rows

    loaded = load_matrix(find_recipe(matrix, variants=True), overrides or [], out)

    for config in loaded.variants.values():
        open_directory(config, "train")
    require_runs(loaded.variants)

    def start() -> Any:
        from mucode_flows.ablations import ablations

        return ablations(loaded)

    weights = {
        replace(stage, variant=name): weight
        for name, config in loaded.variants.items()
        for stage, weight in expected_stages(config).items()
    }
    result = run_flow(start, weights)
    print_rows(ablation_rows(result), f"{loaded.name} · against {result.baseline}")
    typer.echo(f"results: {result.out_dir}", err=True)
    if as_json:
        typer.echo(json.dumps(result.to_json()))


def metrics(
    graded: Annotated[Path, typer.Argument(metavar="GRADED", help="Parquet file that `mucode grade` wrote.")],
    num_samples: Annotated[
        str | None,
        typer.Option(
            "-n",
            metavar="N,...",
            help="N: selection among N samples of a problem, and pass@N; comma-separated; default: 1, 2, 5, ... up to "
            "what every problem has.",
        ),
    ] = None,
    resamples: Annotated[
        int, typer.Option(min=100, metavar="N", help="Number of bootstrap resamples of the problems.")
    ] = 5000,
    as_json: Json = False,
) -> None:
    """Compute metrics of graded samples: pass@k, and the gain of selection by public tests over random choice."""
    from mucode_core.evaluation.graded_figures import default_ns, measure_graded, read_graded
    from mucode_core.evaluation.metrics import Resampling
    from mucode_core.reports.tables import graded_rows

    rows = read_graded(graded)
    ns = _parse_counts(num_samples, "-n") or default_ns(rows)
    figures = measure_graded(rows, ns, Resampling(resamples, 0))
    print_rows(graded_rows(figures), count(figures.num_samples, "sample"))
    typer.echo(f"public passed, private failed: {figures.public_only.show()} % of samples", err=True)
    if as_json:
        typer.echo(json.dumps(figures.to_json()))
