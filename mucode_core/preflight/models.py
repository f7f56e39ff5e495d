"""Whether a checkpoint can be trained and served: its files, its tokenizer, its chat template."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from mucode_core.checkpoints import require_generator
from mucode_core.config import Config
from mucode_core.doctor import Check
from mucode_core.hub import count_parameters, find_checkpoint, is_hub_name
from mucode_core.preflight.checks import tell
from mucode_core.preflight.shapes import ModelShape, has_weights, read_shape
from mucode_core.types import Message

_DIALOGUE = (
    Message("user", "Write f."),
    Message("assistant", "```python\ndef f(): ...\n```"),
    Message("user", "Feedback: no"),
)
_TARGET = "```python\ndef f(): return 1\n```"


def examine_model(config: Config) -> tuple[ModelShape | None, list[Check]]:
    """The base's shape, if it can be read, and what was found; of a model of the hub no weights are fetched."""
    found: list[tuple[Path, ModelShape]] = []

    def describe() -> str:
        name = config.generator.model
        path = find_checkpoint(name, weights=False)
        require_generator(path)
        is_here = not is_hub_name(name) or has_weights(path)
        shape = read_shape(path, None if is_here else count_parameters(name))
        found.append((path, shape))
        return f"{shape.num_parameters / 1e9:.2f} billion parameters, {shape.num_layers} layers, {path}"

    checks = [tell("model", describe)]
    if not found:
        return None, checks
    ((path, shape),) = found
    return shape, [*checks, _lengths(shape, config), *_examine_tokenizer(path)]


def _lengths(shape: ModelShape, config: Config) -> Check:
    longest = max(config.finetune.max_length, config.verifier.max_length)
    ok = longest <= shape.context_length
    detail = f"examples of up to {longest} tokens, context {shape.context_length}"
    return Check("lengths", ok, detail if ok else f"{detail}: lower max_length", required=True)


def _examine_tokenizer(path: Path) -> Iterator[Check]:
    from mucode_core.causal_lm import load_tokenizer
    from mucode_core.encoding import IGNORED, encode_examples

    learnt: list[str] = []

    def describe() -> str:
        tokenizer = load_tokenizer(path)
        (encoded,) = encode_examples(tokenizer, [_DIALOGUE], [_TARGET])
        learnt.append(str(tokenizer.decode([token for token in encoded.labels if token != IGNORED])))
        learnt.append(f"{_TARGET}{tokenizer.eos_token}")
        return f"ends with {tokenizer.eos_token!r}, pads with {tokenizer.pad_token!r}"

    yield tell("tokenizer", describe)
    if learnt:
        ok = learnt[0] == learnt[1]
        wrong = f"{learnt[0]!r:.120} would be learnt for {learnt[1]!r}: use an instruct model's chat template"
        yield Check(
            "chat template", ok, "answers and their end are learnt, nothing else" if ok else wrong, required=True
        )
