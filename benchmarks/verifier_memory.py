"""Peak memory of fitting the likelihood score and the answer's, against the scalar head's, on a pair of long programs.

    python -m benchmarks.verifier_memory [--tokens 2048] [--vocabulary 128000] [--hidden 512] [--layers 8] [--rounds 1]

Each fit is a process of its own: a causal language model (or a classifier) of the same shape in float32, gradient
checkpointing, AdamW with its moments there, one step on a pair of programs of `--tokens` tokens each, all of them
labelled. What is compared is the most that a process held beyond Python and its libraries. The fits of a round follow
each other; ratios are medians over rounds. `all logits` is the likelihood as transformers computes it.
"""

from __future__ import annotations

import argparse
import json
import resource
import statistics
import subprocess
import sys
from typing import Any

import torch
from transformers import LlamaConfig, LlamaForCausalLM, LlamaForSequenceClassification

from mucode_core.verifier.model import pair_loss
from mucode_core.verifier.score_forward import score_by_answer, score_by_likelihood

KINDS = ("head", "likelihood", "token", "all logits")
_MIB = 2**20


def make_model(kind: str, args: argparse.Namespace) -> Any:
    config = LlamaConfig(
        vocab_size=args.vocabulary,
        hidden_size=args.hidden,
        intermediate_size=3 * args.hidden,
        num_hidden_layers=args.layers,
        num_attention_heads=args.hidden // 64,
        max_position_embeddings=args.tokens,
        tie_word_embeddings=True,
        pad_token_id=0,
    )
    config.num_labels = 1
    model: Any = LlamaForSequenceClassification(config) if kind == "head" else LlamaForCausalLM(config)
    if kind == "likelihood":
        score_by_likelihood(model)
    elif kind == "token":
        score_by_answer(model, 1, 2)
    model.gradient_checkpointing_enable({"use_reentrant": False})
    return model.train()


def score(model: Any, kind: str, ids: torch.Tensor) -> torch.Tensor:
    if kind == "head":
        return model(input_ids=ids, use_cache=False).logits[:, 0]
    if kind != "all logits":
        return model(input_ids=ids, labels=ids, attention_mask=torch.ones_like(ids))
    logs = model(input_ids=ids, use_cache=False).logits[:, :-1].float().log_softmax(2)
    return logs.gather(2, ids[:, 1:, None])[..., 0].sum(1)


def measure(kind: str, args: argparse.Namespace) -> float:
    """Peak memory of this process, MiB, without what Python and its libraries take."""
    before = _peak_mib()
    torch.manual_seed(0)
    model = make_model(kind, args)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-5)
    ids = torch.randint(1, args.vocabulary, (2, args.tokens))
    for parameter in model.parameters():
        parameter.grad = torch.zeros_like(parameter)
    optimizer.step()  # makes the moments
    optimizer.zero_grad()
    right, wrong = score(model, kind, ids).chunk(2)
    pair_loss(right, wrong, "bt", score_l2=0.0).backward()
    optimizer.step()
    return _peak_mib() - before


def _peak_mib() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / _MIB


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    for name, default in (("tokens", 2048), ("vocabulary", 128_000), ("hidden", 512), ("layers", 8), ("rounds", 1)):
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--only", choices=KINDS, help="measure one kind in this process")
    args = parser.parse_args()
    if args.only:
        print(measure(args.only, args))
        return
    found: dict[str, list[float]] = {kind: [] for kind in KINDS}
    for _ in range(args.rounds):
        for kind in KINDS:
            command = [sys.executable, "-m", "benchmarks.verifier_memory", *sys.argv[1:], "--only", kind]
            found[kind].append(float(subprocess.run(command, check=True, capture_output=True, text=True).stdout))
    ratios = {
        kind: round(statistics.median(a / b for a, b in zip(found[kind], found["head"], strict=True)), 3)
        for kind in KINDS
    }
    print(json.dumps({"peak_mib": {kind: round(statistics.median(v)) for kind, v in found.items()}, "ratio": ratios}))


if __name__ == "__main__":
    main()
