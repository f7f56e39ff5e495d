#!/usr/bin/env bash
# inspect_ai 0.3.285's mock model needs the internet.
#
# mockllm/model answers with texts that the caller gives, for tests without a model; one would guess that it works
# offline. Where an output carries no usage it counts tokens with tiktoken, which downloads a vocabulary at its first
# use, and without a connection the evaluation ends in an error. ModelOutput.from_content sets no usage. With usage in the outputs
# nothing is downloaded.
# Seen, with a proxy that does not answer: "without usage: error", "ProxyError", "with usage: success".
set -euo pipefail
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
python3 -m venv "$tmp/venv"
"$tmp/venv/bin/python" -m pip install --quiet inspect_ai==0.3.285
cat >"$tmp/look.py" <<'PY'
from inspect_ai import Task, eval
from inspect_ai.dataset import Sample
from inspect_ai.model import ModelOutput, ModelUsage, get_model
from inspect_ai.scorer import exact

for name, usage in (("without usage", None), ("with usage", ModelUsage(input_tokens=1, output_tokens=1, total_tokens=2))):
    output = ModelOutput.from_content("mockllm/model", "4")
    output.usage = usage
    task = Task(dataset=[Sample(input="2 + 2 = ?", target="4")], scorer=exact())
    model = get_model("mockllm/model", custom_outputs=[output], memoize=False)
    (log,) = eval(task, model=model, log_dir="logs", display="none")
    print(f"{name}: {log.status}")
    if log.error:
        print(log.error.message.partition("(")[0])
PY
cd "$tmp"
closed=http://127.0.0.1:9
TIKTOKEN_CACHE_DIR="$tmp/none" HTTPS_PROXY=$closed https_proxy=$closed venv/bin/python look.py 2>log | tee out || { tail -5 log; exit 1; }
grep -qx "without usage: error" out
grep -qx "ProxyError" out
grep -qx "with usage: success" out
echo "as described"
