#!/usr/bin/env bash
# Loading a tied checkpoint with `tie_word_embeddings=False` gives a *random* output head, another one each time.
#
# transformers 5.19.0, torch 2.13.0. A model with tied embeddings is saved without `lm_head.weight`. Whoever unties it
# at loading (to train the head alone, to quantise it, because a trainer demands it) would expect the head to start as
# the copy of the embeddings that it was; it is newly initialised, with no error, only a row in a load report.
# Seen: the file holds the embeddings alone; logits differ from the saved model's, and between two loads.
set -euo pipefail
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
python3 -m venv "$tmp/venv"
"$tmp/venv/bin/python" -m pip install --quiet torch==2.13.0
"$tmp/venv/bin/python" -m pip install --quiet transformers==5.19.0
"$tmp/venv/bin/python" - "$tmp/model" 2>"$tmp/errors" <<'PY' | tee "$tmp/out"
import sys
import torch
from safetensors import safe_open
from transformers import LlamaConfig, LlamaForCausalLM

config = LlamaConfig(vocab_size=50, hidden_size=16, intermediate_size=16, num_hidden_layers=1, num_attention_heads=2,
                     tie_word_embeddings=True)
model = LlamaForCausalLM(config)
model.save_pretrained(sys.argv[1])
with safe_open(f"{sys.argv[1]}/model.safetensors", "pt") as file:
    print("saved:", *(name for name in file.keys() if "lm_head" in name or "embed" in name))
tokens = torch.arange(5)[None]
first, second = (LlamaForCausalLM.from_pretrained(sys.argv[1], tie_word_embeddings=False) for _ in range(2))
print("as saved:", torch.allclose(first(tokens).logits, model(tokens).logits))
print("two loads agree:", torch.allclose(first(tokens).logits, second(tokens).logits))
PY
diff - "$tmp/out" <<'SEEN'
saved: model.embed_tokens.weight
as saved: False
two loads agree: False
SEEN
echo "as described"
