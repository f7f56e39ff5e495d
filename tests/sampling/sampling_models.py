"""Random tiny checkpoints."""

from __future__ import annotations

import random
from pathlib import Path

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import AutoModelForCausalLM, LlamaConfig, PreTrainedTokenizerFast

from mucode_core.sampling.base import SampleRequest
from mucode_core.types import Message

CONTEXT = 96
TEMPLATE = (
    "{% for m in messages %}{{ '<|' + m['role'] + '|>' + m['content'] + '<|end|>' }}{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>{% endif %}"
)


def make_tokenizer() -> PreTrainedTokenizerFast:
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    special = ["<pad>", "<|user|>", "<|assistant|>", "<|end|>"]
    trainer = trainers.BpeTrainer(
        vocab_size=300, special_tokens=special, initial_alphabet=alphabet, show_progress=False
    )
    tokenizer.train_from_iterator(["write a function to reverse the list and return the sum of it"] * 4, trainer)
    fast = PreTrainedTokenizerFast(tokenizer_object=tokenizer, pad_token="<pad>", eos_token="<|end|>")
    fast.chat_template = TEMPLATE
    return fast


def llama_config(**changes) -> LlamaConfig:
    # Wide initial weights: logits far apart, so that rounding never decides.
    standard = {
        "vocab_size": 300,
        "hidden_size": 32,
        "intermediate_size": 56,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "max_position_embeddings": CONTEXT,
        "initializer_range": 0.2,
        "tie_word_embeddings": True,
        "pad_token_id": 0,
        "bos_token_id": 3,
        "eos_token_id": 3,
    }
    return LlamaConfig(**{**standard, **changes})


def save_checkpoint(directory: Path, config, stops: list[int] | int = 3) -> Path:
    torch.manual_seed(0)
    model = AutoModelForCausalLM.from_config(config, dtype=torch.float32)
    for name, parameter in model.named_parameters():
        if "norm" in name or "ln_" in name:  # ones would hide a forgotten norm weight
            torch.nn.init.uniform_(parameter, 0.5, 1.5)
    model.generation_config.eos_token_id = stops
    model.save_pretrained(directory)
    make_tokenizer().save_pretrained(directory)
    return directory


def make_requests(num: int, seed: int = 0) -> list[SampleRequest]:
    """States of many lengths, each asked for one to three times."""
    rng = random.Random(seed)
    requests = []
    for i in range(num):
        words = " ".join(rng.choices(["reverse", "the", "list", "sum", "q1", "[3, 4]"], k=rng.randint(1, 12)))
        for j in range(rng.randint(1, 3)):
            requests.append(SampleRequest(f"p{i}", j, 0, (Message("user", words),), 1000 * seed + 10 * i + j))
    rng.shuffle(requests)
    return requests
