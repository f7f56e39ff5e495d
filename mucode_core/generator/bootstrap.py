"""The demo's base model: a tiny Llama and its tokenizer, trained from scratch on dialogues."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import torch
from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from mucode_core.config import BootstrapConfig, OptimizerConfig
from mucode_core.errors import TrainingError
from mucode_core.models.chat_encoding import encode_dialogues
from mucode_core.progress import Progress, ignore
from mucode_core.prompts import render_code, render_prompt
from mucode_core.training.causal_lm import fit_causal_lm
from mucode_core.training.reports import BootstrapReport
from mucode_core.types import Message, Problem

PAD, USER, ASSISTANT, END = "<|pad|>", "<|user|>", "<|assistant|>", "<|end|>"

_TEMPLATE = (
    "{% for message in messages %}{{ '<|' + message['role'] + '|>' + message['content'] + '<|end|>' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|assistant|>' }}{% endif %}"
)
_PIECES = r"\d|, |[\n\[\](),.:]|[^\d\n\[\](),.:]+"
"""Splits off digits, brackets and line ends; phrases stay whole, so that merges may cross their spaces."""
_TOKENIZER_DIALOGUES = 3000


def dialogues_from_solutions(problems: Sequence[Problem]) -> list[tuple[Message, ...]]:
    """Each problem with its reference solution as the answer; problems without one are excluded."""
    return [
        (
            Message("user", render_prompt(problem.prompt, problem.shown_tests)),
            Message("assistant", render_code(problem.reference_solution)),
        )
        for problem in problems
        if problem.reference_solution is not None
    ]


def build_tokenizer(texts: Iterable[str], vocab_size: int) -> PreTrainedTokenizerFast:
    """A byte-level BPE tokenizer with a chat template; padding and end tokens differ, so that ends are learnt."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(  # pyright: ignore[reportAttributeAccessIssue]
        [
            pre_tokenizers.Split(Regex(_PIECES), "isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()  # pyright: ignore[reportAttributeAccessIssue]
    trainer = trainers.BpeTrainer(
        vocab_size=vocab_size,
        special_tokens=[PAD, USER, ASSISTANT, END],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    fast = PreTrainedTokenizerFast(tokenizer_object=tokenizer, pad_token=PAD, eos_token=END, bos_token=None)
    fast.chat_template = _TEMPLATE
    return fast


def build_base(
    dialogues: Sequence[Sequence[Message]],
    out_dir: Path,
    config: BootstrapConfig,
    seed: int,
    progress: Progress = ignore,
) -> BootstrapReport:
    """Trains tokenizer and model; the loss is on every assistant turn.

    Args:
        dialogues: Training data.
        out_dir: Directory of the checkpoint.
        config: Sizes and optimisation.
        seed: Seed of initial weights and the order of the dialogues.
        progress: Called with tokens.

    Raises:
        TrainingError: No dialogue remains, or the loss diverges.
    """
    texts = [m.content for dialogue in dialogues[:_TOKENIZER_DIALOGUES] for m in dialogue]
    tokenizer = build_tokenizer(texts, config.vocab_size)
    encoded = encode_dialogues(tokenizer, dialogues)
    kept = [e for e in encoded if len(e.ids) <= config.context_length]
    if not kept:
        raise TrainingError(
            f"none of {len(encoded)} dialogues fits {config.context_length} tokens",
            location="generator.bootstrap.context_length",
            hint="raise it",
        )
    model = _make_model(tokenizer, config, seed)
    optimizer = OptimizerConfig(
        epochs=config.epochs,
        learning_rate=config.learning_rate,
        batch_tokens=config.batch_tokens,
        max_length=config.context_length,
    )
    report = fit_causal_lm(model, kept, optimizer, seed, progress)
    model.save_pretrained(out_dir)
    tokenizer.save_pretrained(out_dir)
    return BootstrapReport(
        num_dialogues=len(kept),
        num_too_long=len(encoded) - len(kept),
        num_steps=report.num_steps,
        num_tokens=report.num_tokens,
        num_parameters=sum(p.numel() for p in model.parameters()),
        loss=report.loss,
    )


def _make_model(tokenizer: PreTrainedTokenizerFast, config: BootstrapConfig, seed: int) -> LlamaForCausalLM:
    torch.manual_seed(seed)
    vocabulary = tokenizer.get_vocab()
    llama = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=config.hidden_size,
        intermediate_size=config.hidden_size * 11 // 4,
        num_hidden_layers=config.num_layers,
        num_attention_heads=config.num_heads,
        num_key_value_heads=config.num_heads // 2,
        max_position_embeddings=config.context_length,
        tie_word_embeddings=True,
        pad_token_id=vocabulary[PAD],
        bos_token_id=None,
        eos_token_id=vocabulary[END],
    )
    return LlamaForCausalLM(llama)
