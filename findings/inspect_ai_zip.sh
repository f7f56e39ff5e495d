#!/usr/bin/env bash
# A log of inspect_ai 0.3.285 is a zip file that Python's own zipfile cannot read.
#
# The .eval format is a zip of JSON files, and one would guess that the standard library opens it. Members are
# compressed with Zstandard (method 93), which zipfile knows from Python 3.14 on. inspect_ai patches zipfile when it is
# imported, so the same lines work in a process that has imported it, and fail in the next that has not.
# Seen with Python 3.11: "method 93", "plain: NotImplementedError", "after the import: version 2".
set -euo pipefail
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
python3 -m venv "$tmp/venv"
"$tmp/venv/bin/python" -m pip install --quiet inspect_ai==0.3.285
cat >"$tmp/write.py" <<'PY'
from inspect_ai import Task, eval
from inspect_ai.dataset import Sample
from inspect_ai.model import ModelOutput, ModelUsage, get_model
from inspect_ai.scorer import exact

output = ModelOutput.from_content("mockllm/model", "4")
output.usage = ModelUsage(input_tokens=1, output_tokens=1, total_tokens=2)
task = Task(dataset=[Sample(input="2 + 2 = ?", target="4")], scorer=exact())
(log,) = eval(task, model=get_model("mockllm/model", custom_outputs=[output]), log_dir="logs", display="none")
assert log.status == "success"
PY
cat >"$tmp/read.py" <<'PY'
import glob
import json
import zipfile


def read():
    with zipfile.ZipFile(glob.glob("logs/*.eval")[0]) as log:
        return log.infolist()[0].compress_type, f"version {json.loads(log.read('header.json'))['version']}"


try:
    read()
except Exception as error:
    print("plain:", type(error).__name__)
import inspect_ai.log

print("method", read()[0])
print("after the import:", read()[1])
PY
cd "$tmp"
venv/bin/python write.py
venv/bin/python read.py | tee out
grep -qx "plain: NotImplementedError" out
grep -qx "method 93" out
grep -qx "after the import: version 2" out
echo "as described"
