"""The model card of a checkpoint: description, lineage, configuration and metrics."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from mucode_core.fingerprint import canonical_json
from mucode_core.store.recipe import Recipe

_TEMPLATE = """\
---
{{ card_data }}
---
# {{ title }}

{{ summary }}

Made by µCode ("Multi-Turn Code Generation Through Single-Step Rewards", arXiv 2502.20380).

## Data and lineage

| input | kind | content digest |
|---|---|---|
{% for name, kind, digest in lineage %}| {{ name }} | {{ kind }} | `{{ digest }}` |
{% endfor %}
Artifact `{{ artifact }}` of the run's store. Digests are SHA-256 of the inputs' content.

## Configuration

```yaml
{{ settings }}```

## Metrics of the training

| figure | value |
|---|---|
{% for name, value in metrics.items() %}| {{ name }} | {{ value }} |
{% endfor %}
Accuracy on held-out problems is in the report of the run.
"""
_GENERATOR = (
    "A generator of programs over several turns: it answers a problem, and public-test feedback on its last program, "
    "with a program. Messages go through the chat template."
)
_VERIFIER = (
    "A verifier: scores a program for a problem, the higher the likelier to be correct. It reads the problem's first "
    "message and the program as one dialogue by the chat template, never the history. `verifier.json` says whether the "
    "score is a scalar head's output at the last token or the program's log-likelihood."
)
_JUDGE = (
    "A verifier: scores a program for a problem, the higher the likelier to be correct. It reads the problem's first "
    "message, the program and the question of `verifier.json` as a dialogue by the chat template. The score is the "
    "log-odds of the two answers named there as the next token."
)
_TAGS = ["mucode", "code-generation", "expert-iteration"]


def write_generator_card(model_dir: Path, recipe: Recipe, metrics: Mapping[str, Any], iteration: int) -> None:
    """Writes `README.md` of a fine-tuned generator.

    The same recipe and metrics give the same bytes, whatever the version of this code, since the card is part of the
    checkpoint's content digest.

    Args:
        model_dir: The checkpoint.
        recipe: The recipe of the checkpoint.
        metrics: Metrics of the training.
        iteration: Iteration of expert iteration, from 1; 0 is a base after its warm-up.
    """
    # the recipe counts iterations from 0; the title counts from 1, as reports do
    settings = {name: value for name, value in recipe.settings.items() if name != "iteration"}
    title = f"µCode generator, iteration {iteration}" if iteration else "µCode base, warmed up on reference solutions"
    _write(model_dir, title, _GENERATOR, "text-generation", recipe, settings, metrics)


def write_verifier_card(model_dir: Path, recipe: Recipe, metrics: Mapping[str, Any], *, asks: bool = False) -> None:
    """Writes `README.md` of a verifier, which may ask a question; see `write_generator_card`."""
    summary = _JUDGE if asks else _VERIFIER
    _write(model_dir, "µCode verifier", summary, "text-classification", recipe, recipe.settings, metrics)


def _write(
    model_dir: Path,
    title: str,
    summary: str,
    pipeline: str,
    recipe: Recipe,
    settings: Mapping[str, Any],
    metrics: Mapping[str, Any],
) -> None:
    from huggingface_hub import EvalResult, ModelCard, ModelCardData  # its import takes a second

    results = [
        EvalResult(
            task_type=pipeline,
            dataset_type="mucode-training",
            dataset_name="Training data of this checkpoint",
            metric_type=name,
            metric_value=value,
        )
        for name, value in metrics.items()
        if isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    ]
    data = ModelCardData(
        library_name="transformers",
        pipeline_tag=pipeline,
        tags=list(_TAGS),
        model_name=title,
        eval_results=results or None,
    )
    card = ModelCard.from_template(
        data,
        template_str=_TEMPLATE,
        title=title,
        summary=summary,
        lineage=[(name, ref.kind, ref.content_digest) for name, refs in recipe.inputs.items() for ref in refs],
        artifact=f"{recipe.kind}/{recipe.fingerprint}",
        settings=yaml.safe_dump(json.loads(canonical_json(settings)), sort_keys=True),
        metrics=metrics,
    )
    (model_dir / "README.md").write_text(str(card), "utf-8")
