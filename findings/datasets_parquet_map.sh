#!/usr/bin/env bash
# `datasets` cannot load a Parquet file that has a map column, although pyarrow writes and reads it.
#
# datasets 5.2.0 with pyarrow 26.0.1. Per-test counts or costs by name are naturally a map<string, double>; the file
# is valid (pyarrow returns the pairs), and one column that nobody asked for makes every other column unreachable:
# selecting columns does not help.
# Seen: pyarrow reads 2 rows; datasets raises ValueError (map<string, double ('costs')> has no datasets dtype), also with
# `columns=["problem_id"]`.
set -euo pipefail
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
python3 -m venv "$tmp/venv"
"$tmp/venv/bin/python" -m pip install --quiet datasets==5.2.0 pyarrow==26.0.1
export HF_HOME=$tmp/hf HF_HUB_OFFLINE=1 HF_DATASETS_OFFLINE=1
"$tmp/venv/bin/python" - "$tmp" <<'PY' 2>&1 | tee "$tmp/out"
import sys
import pyarrow as pa
import pyarrow.parquet as pq
from datasets import load_dataset

path = f"{sys.argv[1]}/rows.parquet"
costs = pa.array([[("parse", 0.5), ("run", 1.5)], [("run", 2.0)]], pa.map_(pa.string(), pa.float64()))
pq.write_table(pa.table({"problem_id": ["a", "b"], "costs": costs}), path)
print("pyarrow rows:", pq.read_table(path).num_rows)
for more in ({}, {"columns": ["problem_id"]}):
    try:
        rows = load_dataset("parquet", data_files=path, split="train", **more)
        print("datasets", sorted(more), "rows:", rows.num_rows)
    except Exception as error:
        cause = error
        while cause.__cause__ is not None:
            cause = cause.__cause__
        print("datasets", sorted(more), type(cause).__name__, str(cause)[:120].replace("\n", " "))
PY
grep -qx "pyarrow rows: 2" "$tmp/out"
grep -q "^datasets \[\] ValueError Arrow type map<string, double" "$tmp/out"
grep -q "^datasets \['columns'\] ValueError Arrow type map<string, double" "$tmp/out"
echo "as described"
