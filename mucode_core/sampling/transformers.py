"""Samples completions from a Hugging Face checkpoint; designed for CPU."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError
from torch import Tensor

from mucode_core.answers import Asked
from mucode_core.errors import SamplerError
from mucode_core.models.chat_encoding import encode_prompts
from mucode_core.prompts import make_completion
from mucode_core.sampling.base import SampleRequest
from mucode_core.sampling.llama_decoder import Batch, make_decoder
from mucode_core.types import Completion, FinishReason, SamplingParams

_WORTH_DROPPING = 1 / 8
"""Share of finished rows above which copying the others is worthwhile."""


@dataclass(slots=True)
class _Row:
    """One request in progress."""

    prompt: list[int]
    seed: int
    limit: int
    """Maximum number of tokens to generate."""
    generated: list[int] = field(default_factory=list[int])
    finish_reason: FinishReason = "length"


class TransformersSampler:
    """Samples from a causal language model; fastest for Llama architectures.

    A completion depends on its own state and seed: other requests in the batch only change the last bits of its
    logits. Uses torch's threads: set one (`torch.set_num_threads(1)`) and run one process per core, since models
    that are trained on CPU are too small to gain from more.

    Args:
        model_dir: Checkpoint directory with weights, tokenizer and chat template.
        batch_size: Conversations decoded together.
        device: Device of the model.
        dtype: Type of weights and activations; probabilities are in float32.

    Raises:
        SamplerError: The directory holds no usable checkpoint.
    """

    def __init__(
        self, model_dir: Path, batch_size: int, device: str = "cpu", dtype: torch.dtype = torch.float32
    ) -> None:
        self._place, self._batch_size, self._device = str(model_dir), batch_size, device
        self._tokenizer, model = _load(model_dir, dtype)
        model.to(device)
        self._decoder = make_decoder(model)
        self._context_length: int = model.config.max_position_embeddings
        self._stop_ids = _read_stop_ids(self._tokenizer, model)
        self._stops = torch.tensor(sorted(self._stop_ids), device=device)

    def sample(self, requests: Sequence[SampleRequest], params: SamplingParams) -> list[Completion]:
        """See `Sampler.sample`.

        Generated tokens, including the end-of-turn token, are limited by `max_new_tokens` and the context; a prompt
        that fills the context gets an empty completion with finish reason "length".

        Raises:
            SamplerError: The model's logits are NaN or infinite.
        """
        states = list(dict.fromkeys(request.messages for request in requests))
        prompts = dict(zip(states, encode_prompts(self._tokenizer, states), strict=True))
        rows = [self._start_row(prompts[request.messages], request.seed, params) for request in requests]
        # Prompts of equal length need no padding, and equal prompts are processed once.
        ordered = sorted((row for row in rows if row.limit > 0), key=lambda row: (len(row.prompt), row.prompt))
        # a default device slows every torch call down a little, so none is set for the CPU
        with nullcontext() if self._device == "cpu" else torch.device(self._device):
            for start in range(0, len(ordered), self._batch_size):
                self._generate(ordered[start : start + self._batch_size], params)
        return [self._complete(row, request.asked) for row, request in zip(rows, requests, strict=True)]

    def _start_row(self, prompt: list[int], seed: int, params: SamplingParams) -> _Row:
        return _Row(prompt, seed, min(params.max_new_tokens, self._context_length - len(prompt)))

    def _complete(self, row: _Row, asked: Asked) -> Completion:
        ids = row.generated[:-1] if row.finish_reason == "stop" else row.generated
        text = self._tokenizer.decode(ids, skip_special_tokens=True, clean_up_tokenization_spaces=False)
        return make_completion(text, row.finish_reason, len(row.generated), asked)

    def _generate(self, rows: list[_Row], params: SamplingParams) -> None:
        """Generates the tokens of one batch."""
        prompts, copies = zip(*[(p, len(list(same))) for p, same in groupby(row.prompt for row in rows)], strict=True)
        limits = torch.tensor([row.limit for row in rows])
        room = int(limits.max())
        uniforms = _draw_uniforms(rows, room).to(self._device) if params.temperature > 0 else None
        generated = torch.zeros(len(rows), room, dtype=torch.long)
        lengths = torch.zeros(len(rows), dtype=torch.long)
        live = torch.arange(len(rows))
        batch = self._decoder.open(prompts, copies, room)
        for position in range(room):
            tokens = self._choose(batch.logits.float(), None if uniforms is None else uniforms[live, position], params)
            generated[live, position] = tokens
            ends = torch.isin(tokens, self._stops) | (limits[live] == position + 1)
            lengths[live] += (ends & (lengths[live] == 0)) * (position + 1)
            running = lengths[live] == 0
            if not running.any():
                break
            live, tokens = _drop_finished(batch, live, tokens, running)
            batch.feed(tokens)
        for row, ids, length in zip(rows, generated.tolist(), lengths.tolist(), strict=True):
            row.generated = ids[:length]
            row.finish_reason = "stop" if ids[length - 1] in self._stop_ids else "length"

    def _choose(self, logits: Tensor, uniforms: Tensor | None, params: SamplingParams) -> Tensor:
        """One token per row, shape (rows,)."""
        if uniforms is None:
            sure, tokens = logits.max(-1)
        else:
            sure, tokens = _draw(logits / params.temperature, uniforms, params.top_p)
        if not sure.isfinite().all():
            hint = "retrain the model: its weights contain infinities or NaN"
            raise SamplerError("logits are not finite numbers", location=self._place, hint=hint)
        return tokens


def _drop_finished(batch: Batch, live: Tensor, tokens: Tensor, running: Tensor) -> tuple[Tensor, Tensor]:
    """Drops finished rows once there are enough; until then they decode along, and their output is ignored."""
    if int(running.sum()) > (1 - _WORTH_DROPPING) * len(live):
        return live, tokens
    rows = running.nonzero()[:, 0]
    batch.keep(rows)
    return live[rows], tokens[rows]


def _draw_uniforms(rows: Sequence[_Row], room: int) -> Tensor:
    """One number in [0, 1) per row and position, each row's from its own seed."""
    generators = (np.random.Generator(np.random.Philox(row.seed)) for row in rows)
    return torch.from_numpy(np.stack([generator.random(room, dtype=np.float32) for generator in generators]))


def _draw(logits: Tensor, uniforms: Tensor, top_p: float) -> tuple[Tensor, Tensor]:
    """Inverse transform sampling from the smallest set of most likely tokens with probability mass `top_p`.

    Returns:
        The mass of the set and the tokens, each of shape (rows,). A token of probability zero is never drawn:
        a product with a 24-bit number below 1 stays below the mass.
    """
    probabilities = logits.softmax(-1)
    if top_p == 1:
        cumulative = probabilities.cumsum(-1)
        mass = cumulative[:, -1:]
        return mass[:, 0], _invert(cumulative, uniforms, mass)
    probabilities, order = torch.sort(probabilities, dim=-1, descending=True, stable=True)
    cumulative = probabilities.cumsum(-1)
    last = torch.searchsorted(cumulative, torch.full_like(cumulative[:, :1], top_p))
    mass = cumulative.gather(-1, last.clamp(max=cumulative.shape[-1] - 1))
    return mass[:, 0], order.gather(-1, _invert(cumulative, uniforms, mass)[:, None])[:, 0]


def _invert(cumulative: Tensor, uniforms: Tensor, mass: Tensor) -> Tensor:
    indices = torch.searchsorted(cumulative, uniforms[:, None] * mass, right=True)
    return indices[:, 0].clamp(max=cumulative.shape[-1] - 1)  # NaN has no index: the caller refuses it by its mass


def _load(model_dir: Path, dtype: torch.dtype) -> tuple[Any, Any]:
    """The tokenizer and the model of a checkpoint."""
    from transformers import AutoModelForCausalLM, AutoTokenizer

    hint = "give a directory that `save_pretrained` wrote, with config, weights and tokenizer"
    if not (model_dir / "config.json").is_file():
        raise SamplerError("no config.json", location=str(model_dir), hint=hint)
    try:
        tokenizer: Any = AutoTokenizer.from_pretrained(model_dir, local_files_only=True)
        loaded: Any = AutoModelForCausalLM.from_pretrained(
            model_dir, dtype=dtype, local_files_only=True, output_loading_info=True
        )
    except (OSError, ValueError, RuntimeError, KeyError, SafetensorError) as error:
        raise SamplerError(f"not a usable checkpoint: {error}", location=str(model_dir), hint=hint) from error
    model, info = loaded
    if info["missing_keys"]:
        missing = ", ".join(sorted(info["missing_keys"])[:3])
        raise SamplerError(f"the weights lack {missing}", location=str(model_dir), hint=hint)
    if not hasattr(model.config, "max_position_embeddings"):
        hint = "use an architecture whose config has max_position_embeddings"
        raise SamplerError("the context length is unknown", location=str(model_dir), hint=hint)
    if tokenizer.chat_template is None:
        hint = "set the chat template of the tokenizer and save it with the model"
        raise SamplerError("the tokenizer has no chat template", location=str(model_dir), hint=hint)
    return tokenizer, model.eval()


def _read_stop_ids(tokenizer: Any, model: Any) -> frozenset[int]:
    """Every token that ends a turn: chat models often have more than one."""
    stops = model.generation_config.eos_token_id
    return frozenset({tokenizer.eos_token_id, *(stops if isinstance(stops, list) else [stops])} - {None})
