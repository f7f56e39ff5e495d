"""A log for inspect_ai with the run's programs and verdicts: `inspect view` shows it, `inspect score` scores it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from typing import Any

from mucode_core.errors import ConfigError
from mucode_core.reports.final_programs import FinalProgram
from mucode_core.system.atomic_files import replacing
from mucode_core.types import Problem

_SCORER, _MODEL = "mucode", "none/none"
"""The model is inspect_ai's own name for none: it refuses to score a log whose model it does not know."""


def write_log(out: Path, programs: Sequence[FinalProgram], problems: Mapping[str, Problem], name: str) -> None:
    """Writes a log: a sample per problem and attempt, which is an epoch there; the scorer `mucode` has the verdicts.

    Args:
        out: The file, `.eval` or `.json`.
        programs: Of the run.
        problems: By id, for the prompts.
        name: The run's.

    Raises:
        ConfigError: inspect_ai is not installed, or `out` has another suffix.
        DataError: `out` cannot be written.
    """
    if out.suffix not in (".eval", ".json"):
        hint = f"name a file such as {out.stem}.eval"
        raise ConfigError(f"{out.name} is neither .eval nor .json", location="--out", hint=hint)
    try:
        log, model, scorer = (import_module(f"inspect_ai.{part}") for part in ("log", "model", "scorer"))
    except ImportError as error:
        hint = 'pip install "mucode[inspect]"'
        raise ConfigError("logs of inspect_ai are written by inspect_ai", location="--format", hint=hint) from error
    samples = list(_samples(programs, problems, log, model, scorer))
    ids = list(dict.fromkeys(one.problem_id for one in programs))
    epochs = max((sample.epoch for sample in samples), default=1)
    spec = log.EvalSpec(
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        task=name,
        task_id=name,
        run_id=name,
        dataset=log.EvalDataset(name=name, samples=len(ids), sample_ids=ids),
        model=_MODEL,
        config=log.EvalConfig(epochs=epochs),
    )
    share = sum(one.label for one in programs) / max(1, len(programs))
    found = log.EvalScore(
        name=_SCORER, scorer=_SCORER, metrics={"accuracy": log.EvalMetric(name="accuracy", value=share)}
    )
    results = log.EvalResults(total_samples=len(samples), completed_samples=len(samples), scores=[found])
    whole = log.EvalLog(version=2, status="success", eval=spec, results=results, samples=samples)
    with replacing(out) as partial:
        log.write_eval_log(whole, str(partial))


def _samples(
    programs: Sequence[FinalProgram], problems: Mapping[str, Problem], log: Any, model: Any, scorer: Any
) -> Iterator[Any]:
    epochs: Counter[str] = Counter()
    for one in programs:
        epochs[one.problem_id] += 1
        prompt = problems[one.problem_id].prompt if one.problem_id in problems else one.problem_id
        answer = f"```python\n{one.program}\n```" if one.program is not None else ""
        yield log.EvalSample(
            id=one.problem_id,
            epoch=epochs[one.problem_id],
            input=prompt,
            target="",
            messages=[model.ChatMessageUser(content=prompt), model.ChatMessageAssistant(content=answer)],
            output=model.ModelOutput.from_content(_MODEL, answer),
            scores={_SCORER: scorer.Score(value="C" if one.label else "I", answer=one.program)},
        )
