"""Makes a plain checkpoint of a GGUF file: weights, configuration, decoding settings, tokenizer, chat template.

transformers de-quantises the weights, which it has to be asked for: otherwise the model may be run but not saved. What
it leaves is repaired: it drops some ways of splitting text, so that token ids differ from those of the file's own
engine; the token that ends a turn may be another than the one that ends a text; and the padding token may be either.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mucode_core.errors import DataError
from mucode_core.models.generation_settings import make_savable
from mucode_core.models.gguf_file import GgufHeader, read_header, require_memory

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

_DIGITS_APART = ("codeshell", "command-r", "exaone", "minerva-7b", "refact", "smollm", "starcoder")
"""Vocabularies whose digits are single tokens, whatever precedes them; else they split text as GPT-2 does."""
_AS_GPT2 = ("", "default", "gpt-2", "jina-v2-code", "mpt", "olmo", "phi-2", "roberta-bpe")
_PADDING = ("pad", "reserved", "unk", "endoftext")
"""What the name of a special token contains that can pad, most fitting first."""


@dataclass(frozen=True)
class GgufReport:
    """What a file held, and what was repaired."""

    model: str
    licence: str
    architecture: str
    tensor_types: str
    num_parameters: int
    context_length: int
    repairs: tuple[str, ...]


def convert_gguf(path: Path, out_dir: Path) -> GgufReport:
    """Writes a GGUF file's model as a plain checkpoint in float32, which holds every de-quantised value exactly.

    Args:
        path: The file.
        out_dir: Directory of the checkpoint.

    Raises:
        DataError: The file cannot be read, or its architecture, tokenizer or size is not supported.
    """
    header = read_header(path)
    require_memory(header)
    tokenizer, repairs = load_tokenizer(header)
    model = _load_model(header)
    model.generation_config.pad_token_id = model.config.pad_token_id = tokenizer.pad_token_id
    model.config.eos_token_id = tokenizer.eos_token_id
    ends = dict.fromkeys([tokenizer.eos_token_id, header.eos_token_id, header.eot_token_id])
    model.generation_config.eos_token_id = [end for end in ends if end is not None]
    make_savable(model).save_pretrained(out_dir)
    tokenizer.save_pretrained(out_dir)
    return GgufReport(
        model=header.name,
        licence=header.licence,
        architecture=header.architecture,
        tensor_types=", ".join(header.tensor_types),
        num_parameters=header.shape.num_parameters,
        context_length=header.shape.context_length,
        repairs=tuple(repairs),
    )


def _load_model(header: GgufHeader) -> Any:
    from transformers import AutoModelForCausalLM, GgufConfig

    quantization = GgufConfig(dequantize=True)
    try:
        model: Any = AutoModelForCausalLM.from_pretrained(
            header.path.parent, gguf_file=header.path.name, dtype="float32", quantization_config=quantization
        )
    except (KeyError, NotImplementedError, OSError, ValueError) as error:
        problem = f"{header.architecture} with {', '.join(header.tensor_types)} cannot be loaded: {error}"
        hint = "use a file of another architecture or quantisation, or the original checkpoint"
        raise DataError(problem, location=str(header.path), hint=hint) from error
    return model


def load_tokenizer(header: GgufHeader) -> tuple[PreTrainedTokenizerBase, list[str]]:
    """The tokenizer of a GGUF file, and what was repaired about it, in words.

    Raises:
        DataError: It cannot give the tokens of the file's own engine.
    """
    from transformers import AutoTokenizer

    location = str(header.path)
    try:
        tokenizer = AutoTokenizer.from_pretrained(header.path.parent, gguf_file=header.path.name)
    except (KeyError, OSError, TypeError, ValueError) as error:
        hint = "use the original checkpoint"
        raise DataError(f"its tokenizer cannot be read: {error}", location=location, hint=hint) from error
    repairs = [_split_as_engine(tokenizer, header), _end_as_template(tokenizer, header), _pad_apart(tokenizer, header)]
    return tokenizer, [repair for repair in repairs if repair]


def _split_as_engine(tokenizer: Any, header: GgufHeader) -> str:
    """Splits text before merges as llama.cpp does, where transformers does not know that way of splitting."""
    from tokenizers import pre_tokenizers
    from transformers.integrations.gguf.gguf_tokenizer_mapping import GGUF_PRE_TOKENIZER_SPLITS

    backend, name = tokenizer.backend_tokenizer, header.pre_tokenizer
    is_byte_level = isinstance(backend.pre_tokenizer, pre_tokenizers.ByteLevel)
    if not is_byte_level or name in _AS_GPT2 or name in GGUF_PRE_TOKENIZER_SPLITS:
        return ""
    if name not in _DIGITS_APART:
        problem = f"its pre-tokenizer {name!r} is unknown here: token ids would differ from those it was trained on"
        raise DataError(problem, location=str(header.path), hint="use the original checkpoint")
    digits = pre_tokenizers.Digits(individual_digits=True)
    backend.pre_tokenizer = pre_tokenizers.Sequence([digits, backend.pre_tokenizer])
    return f"pre-tokenizer {name}: digits are single tokens"


def _end_as_template(tokenizer: Any, header: GgufHeader) -> str:
    """Makes the token that the chat template ends turns with the end token."""
    if header.eot_token_id is None or header.eot_token_id == header.eos_token_id:
        return ""
    end = header.tokens[header.eot_token_id]
    dialogue = [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]
    if not tokenizer.apply_chat_template(dialogue, tokenize=False).rstrip().endswith(end):
        return ""
    tokenizer.eos_token = end
    return f"end token {end}, which ends the template's turns"


def _pad_apart(tokenizer: Any, header: GgufHeader) -> str:
    """Pads with another token than the end token, which has to be learnt."""
    if tokenizer.pad_token_id not in (None, tokenizer.eos_token_id):
        return ""
    special = [str(token) for _, token in sorted(tokenizer.added_tokens_decoder.items()) if token.special]
    others = [token for token in special if token not in (tokenizer.eos_token, tokenizer.bos_token)]
    fitting = [token for mark in _PADDING for token in others if mark in token.lower()]
    if not (fitting or others):
        hint = "use the original checkpoint, with a padding token of its own"
        raise DataError("has no special token to pad with", location=str(header.path), hint=hint)
    tokenizer.pad_token = (fitting or others)[0]
    return f"padding token {tokenizer.pad_token} instead of the end token"
