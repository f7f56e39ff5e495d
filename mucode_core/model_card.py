"""The card beside a checkpoint: what it is, what it was made from, how, and how well it went."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from mucode_core.fingerprint import canonical_json
from mucode_core.recipe import Recipe
from mucode_core.revision import code_version

_CARD = """\
---
library_name: transformers
pipeline_tag: {pipeline}
tags: [mucode, code-generation, expert-iteration]
---
# {title}

{summary}

Made by µCode {version} ("Multi-Turn Code Generation Through Single-Step Rewards", arXiv 2502.20380).

## Data and lineage

| input | kind | content digest |
|---|---|---|
{lineage}

Artifact `{kind}/{fingerprint}` of the run's store. Digests are SHA-256 of the inputs' content.

## Configuration

```yaml
{settings}```

## Metrics of the training

| figure | value |
|---|---|
{metrics}

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


def write_generator_card(model_dir: Path, recipe: Recipe, metrics: Mapping[str, Any], iteration: int) -> None:
    """The card of a fine-tuned generator: the same bytes for the same recipe and metrics."""
    _write(model_dir, f"µCode generator, iteration {iteration}", _GENERATOR, "text-generation", recipe, metrics)


def write_verifier_card(model_dir: Path, recipe: Recipe, metrics: Mapping[str, Any]) -> None:
    """The card of a verifier."""
    _write(model_dir, "µCode verifier", _VERIFIER, "text-classification", recipe, metrics)


def _write(
    model_dir: Path, title: str, summary: str, pipeline: str, recipe: Recipe, metrics: Mapping[str, Any]
) -> None:
    lineage = [
        f"| {name} | {ref.kind} | `{ref.content_digest}` |" for name, refs in recipe.inputs.items() for ref in refs
    ]
    card = _CARD.format(
        title=title,
        summary=summary,
        pipeline=pipeline,
        version=code_version(),
        lineage="\n".join(lineage),
        kind=recipe.kind,
        fingerprint=recipe.fingerprint,
        settings=yaml.safe_dump(json.loads(canonical_json(recipe.settings)), sort_keys=True),
        metrics="\n".join(f"| {name} | {value} |" for name, value in metrics.items()),
    )
    (model_dir / "README.md").write_text(card, "utf-8")
