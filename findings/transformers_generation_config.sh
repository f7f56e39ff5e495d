#!/usr/bin/env bash
# A checkpoint that transformers loads cannot be saved again: `save_pretrained` validates what loading only warned about.
#
# transformers 5.19.0, torch 2.13.0. Published models often name temperature and top_p in generation_config.json without
# `do_sample`. Loading them logs a warning; training works; the first save raises ValueError, hours later, and leaves a
# directory with config.json and no weights.
# Seen: from_pretrained succeeds, save_pretrained raises ValueError, the target holds config.json only; with
# `do_sample = True` it saves.
set -euo pipefail
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
python3 -m venv "$tmp/venv"
"$tmp/venv/bin/python" -m pip install --quiet torch==2.13.0
"$tmp/venv/bin/python" -m pip install --quiet transformers==5.19.0
"$tmp/venv/bin/python" - "$tmp" 2>"$tmp/errors" <<'PY' | tee "$tmp/out"
import json
import sys
from pathlib import Path

from transformers import LlamaConfig, LlamaForCausalLM

root = Path(sys.argv[1])
shape = LlamaConfig(vocab_size=50, hidden_size=16, intermediate_size=16, num_hidden_layers=1, num_attention_heads=2)
LlamaForCausalLM(shape).save_pretrained(root / "published")
settings = {"temperature": 0.6, "top_p": 0.9, "eos_token_id": 2}
(root / "published" / "generation_config.json").write_text(json.dumps(settings))
model = LlamaForCausalLM.from_pretrained(root / "published")
print("loaded")
try:
    model.save_pretrained(root / "trained")
    print("saved")
except ValueError as error:
    print("ValueError:", str(error).split(":")[0].strip())
print("files:", *sorted(path.name for path in (root / "trained").iterdir()))
model.generation_config.do_sample = True
model.save_pretrained(root / "trained")
print("with do_sample:", (root / "trained" / "model.safetensors").exists())
PY
printf '%s\n' "loaded" "ValueError: GenerationConfig is invalid" "files: config.json" "with do_sample: True" |
    diff - "$tmp/out"
echo "as described"
