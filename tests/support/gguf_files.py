"""A tiny chat model as a GGUF file, with any of its parts changed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from transformers.convert_slow_tokenizer import bytes_to_unicode

HIDDEN, LAYERS, HEADS, KV_HEADS, WIDTH, CONTEXT = 64, 2, 2, 1, 96, 512
SPECIAL = ("<|endoftext|>", "<|im_start|>", "<|im_end|>", "<|pad|>")
ALPHABET = (*SPECIAL, *bytes_to_unicode().values(), "Ġ Ġ".replace(" ", ""))
TEMPLATE = (
    "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>\n' }}"
    "{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)


def tensors(seed: int = 0) -> dict[str, np.ndarray]:
    """Weights by the format's names, in the order of torch."""
    draw = np.random.default_rng(seed)
    head = HIDDEN // HEADS
    shapes = {"token_embd.weight": (len(ALPHABET), HIDDEN), "output_norm.weight": (HIDDEN,)}
    for layer in range(LAYERS):
        sizes = {
            **{"attn_q": (HIDDEN, HIDDEN), "attn_k": (KV_HEADS * head, HIDDEN), "attn_v": (KV_HEADS * head, HIDDEN)},
            **{"attn_output": (HIDDEN, HIDDEN), "attn_norm": (HIDDEN,), "ffn_norm": (HIDDEN,)},
            **{"ffn_gate": (WIDTH, HIDDEN), "ffn_up": (WIDTH, HIDDEN), "ffn_down": (HIDDEN, WIDTH)},
        }
        shapes |= {f"blk.{layer}.{name}.weight": size for name, size in sizes.items()}
    return {name: draw.normal(0, 0.1, shape).astype(np.float32) for name, shape in shapes.items()}


def write_gguf(path: Path, *, architecture: str = "llama", quantized: bool = False, **changes: Any) -> Path:
    """Writes the file.

    Args:
        path: Where.
        architecture: Its name in the file.
        quantized: Store matrices with 8 bits a weight.
        changes: `pre`, `eos`, `eot`, `pad`, `template`, `tokens` instead of the usual ones; None leaves one out.
    """
    from gguf import GGMLQuantizationType, GGUFWriter, quants

    given = {"pre": "smollm", "eos": 2, "eot": None, "pad": 2, "template": TEMPLATE, "tokens": ALPHABET} | changes
    file = GGUFWriter(path, architecture)
    file.add_name("tiny")
    file.add_license("mit")
    file.add_block_count(LAYERS)
    file.add_context_length(CONTEXT)
    file.add_embedding_length(HIDDEN)
    file.add_feed_forward_length(WIDTH)
    file.add_head_count(HEADS)
    file.add_head_count_kv(KV_HEADS)
    file.add_layer_norm_rms_eps(1e-5)
    file.add_rope_freq_base(10000.0)
    if given["tokens"] is not None:
        file.add_tokenizer_model("gpt2")
        file.add_token_list(given["tokens"])
        file.add_token_types([3] * len(SPECIAL) + [1] * (len(given["tokens"]) - len(SPECIAL)))
        file.add_token_merges(["Ġ Ġ"])
        file.add_bos_token_id(1)
    for value, add in (
        (given["pre"], file.add_tokenizer_pre),
        (given["eos"], file.add_eos_token_id),
        (given["eot"], file.add_eot_token_id),
        (given["pad"], file.add_pad_token_id),
        (given["template"], file.add_chat_template),
    ):
        if value is not None:
            add(value)
    for name, values in tensors().items():
        if quantized and values.ndim > 1:
            kind = GGMLQuantizationType.Q8_0
            file.add_tensor(name, quants.quantize(values, kind), raw_dtype=kind)
        else:
            file.add_tensor(name, values)
    file.write_header_to_file()
    file.write_kv_data_to_file()
    file.write_tensors_to_file()
    file.close()
    return path
