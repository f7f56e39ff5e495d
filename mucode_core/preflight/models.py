"""Checks that a checkpoint can be trained and served: its files, tokenizer and chat template."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from mucode_core.config import Config, GeneratorConfig, VerifierConfig
from mucode_core.errors import ConfigError
from mucode_core.models.answer_tokens import find_answers
from mucode_core.models.checkpoint_kind import VERIFIER_MARK, read_members, read_scoring, require_generator
from mucode_core.models.gguf_file import GgufHeader, find_gguf, read_header, require_memory
from mucode_core.models.hub import count_parameters, find_checkpoint, is_hub_name
from mucode_core.models.shape import ModelShape, has_weights, read_shape, require_weights
from mucode_core.preflight.host import Check, run_check
from mucode_core.types import Message

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

_DIALOGUE = (
    Message("user", "Write f."),
    Message("assistant", "```python\ndef f(): ...\n```"),
    Message("user", "Feedback: no"),
)
_TARGET = "```python\ndef f(): return 1\n```"


def examine_model(config: Config) -> tuple[ModelShape | None, list[Check]]:
    """The base's shape, if it can be read, and the checks; the weights of a hub model are not downloaded."""
    found: list[tuple[Path, ModelShape]] = []

    if file := find_gguf(config.generator.model):
        return _examine_gguf(file, config)

    def describe() -> str:
        name = config.generator.model
        path = find_checkpoint(name, weights=False)
        require_generator(path)
        is_here = not is_hub_name(name) or has_weights(path)
        shape = read_shape(path, None if is_here else count_parameters(name))
        found.append((path, shape))
        return f"{shape.num_parameters / 1e9:.2f} billion parameters, {shape.num_layers} layers, {path}"

    checks = [run_check("model", describe)]
    if not found:
        return None, checks
    ((path, shape),) = found
    return shape, [*checks, _lengths(shape, config), *_examine_tokenizer(_loader(path), config.verifier)]


def _examine_gguf(file: Path, config: Config) -> tuple[ModelShape | None, list[Check]]:
    found: list[GgufHeader] = []

    def describe() -> str:
        header = read_header(file)
        require_memory(header)
        found.append(header)
        shape, types = header.shape, ", ".join(header.tensor_types)
        return (
            f"{header.name}, {shape.num_parameters / 1e9:.2f} billion parameters ({types}), "
            f"{header.checkpoint_bytes / 1e9:.1f} GB as a checkpoint, context {shape.context_length}, "
            f"licence {header.licence or 'not named'}, {file}"
        )

    checks = [run_check("model", describe)]
    if not found:
        return None, checks
    (header,) = found
    return header.shape, [*checks, _lengths(header.shape, config), *_examine_gguf_tokenizer(header, config.verifier)]


def _examine_gguf_tokenizer(header: GgufHeader, verifier: VerifierConfig) -> Iterator[Check]:
    from mucode_core.generator.gguf import load_tokenizer

    repairs: list[str] = []

    def load() -> PreTrainedTokenizerBase:
        tokenizer, found = load_tokenizer(header)
        repairs.extend(found)
        return tokenizer

    yield from _examine_tokenizer(load, verifier)
    if repairs:
        yield Check("repairs", True, "; ".join(repairs), required=True)


def describe_generator(settings: GeneratorConfig) -> str:
    """The generator of an evaluation: a checkpoint, an endpoint or a script.

    Raises:
        DataError: The checkpoint holds no generator, its weights are missing or cut off, or the hub cannot be reached.
        ConfigError: None is named, or a script beside a checkpoint.
    """
    if settings.backend == "scripted":
        if settings.model != "bootstrap":
            hint = "set generator.backend=transformers, or vllm; without --generator the script is evaluated"
            problem = f"scripted: {settings.script} would answer for {settings.model}"
            raise ConfigError(problem, location="generator.backend", hint=hint)
        return f"the script {settings.script}"
    if settings.model == "bootstrap":
        if settings.backend == "vllm" and settings.vllm.base_url:
            return f"{settings.vllm.served_model} at {settings.vllm.base_url}"
        hint = "name its checkpoint with --generator, or an endpoint with generator.vllm.base_url"
        raise ConfigError("there is no generator to evaluate", location="generator.model", hint=hint)
    if file := find_gguf(settings.model):
        require_memory(read_header(file))
        return settings.model
    path = find_checkpoint(settings.model, weights=False)
    require_generator(path)
    if not is_hub_name(settings.model):
        require_weights(path)
    return settings.model


def describe_verifier(name: str) -> str:
    """The verifier of an evaluation.

    Raises:
        DataError: The checkpoint holds no verifier, its weights are missing or cut off, or the hub cannot be reached.
        TrainingError: It has no tokenizer that fits.
        ConfigError: The answers of its question are not single tokens.
    """
    path = find_checkpoint(name, weights=False)
    scoring = read_scoring(path)
    for member in read_members(path).paths:
        if not is_hub_name(name):
            require_weights(member)
        tokenizer = _loader(member)()
        if scoring.kind == "token":
            find_answers(tokenizer, scoring.answers, str(member / VERIFIER_MARK))
    return f"{name} scores by {scoring.kind}"


def _lengths(shape: ModelShape, config: Config) -> Check:
    longest = max(config.verifier.max_length, *(section.max_length for section in config.trainings.values()))
    ok = longest <= shape.context_length
    detail = f"examples of up to {longest} tokens, context {shape.context_length}"
    return Check("lengths", ok, detail if ok else f"{detail}: lower max_length", required=True)


def _loader(path: Path) -> Callable[[], PreTrainedTokenizerBase]:
    def load() -> PreTrainedTokenizerBase:
        from mucode_core.training.causal_lm import load_tokenizer

        return load_tokenizer(path)

    return load


def _examine_tokenizer(load: Callable[[], PreTrainedTokenizerBase], verifier: VerifierConfig) -> Iterator[Check]:
    from mucode_core.models.chat_encoding import IGNORED, encode_examples

    learnt: list[str] = []

    def describe() -> str:
        tokenizer = load()
        (encoded,) = encode_examples(tokenizer, [_DIALOGUE], [_TARGET])
        learnt.append(str(tokenizer.decode([token for token in encoded.labels if token != IGNORED])))
        learnt.append(f"{_TARGET}{tokenizer.eos_token}")
        return f"ends with {tokenizer.eos_token!r}, pads with {tokenizer.pad_token!r}"

    def describe_answers() -> str:
        yes, no = find_answers(load(), verifier.answers)
        return f"{verifier.answers[0]!r} is token {yes}, {verifier.answers[1]!r} is token {no}"

    yield run_check("tokenizer", describe)
    if learnt and verifier.score == "token" and not verifier.endpoint_url:
        yield run_check("verifier's answers", describe_answers)
    if learnt:
        ok = learnt[0] == learnt[1]
        wrong = f"{learnt[0]!r:.120} would be learnt instead of {learnt[1]!r}: use an instruct model's chat template"
        yield Check("chat template", ok, "only answers and their end tokens are learnt" if ok else wrong, required=True)
