#!/usr/bin/env bash
# `Dataset.to_json` rounds floats to ten decimals, so small probabilities become 0.0 and expected outputs change.
#
# datasets 5.2.0 with pandas 3.1.1 and pyarrow 26.0.1. One would guess that a float64 column comes back from JSON Lines
# as it was, as json.dumps and the Parquet export give it. The export goes through pandas, whose default is ten digits
# behind the point, also inside lists: a probability of 3e-12 is written as 0.0 (and its logarithm is gone), the
# expected output of a test that compares exactly differs from the right answer, and nothing is logged.
# `double_precision=15` keeps more, still not all.
# Seen: of 4 numbers 1 comes back equal by default (0.5), 2 with double_precision=15, 4 through json.dumps and Parquet.
set -euo pipefail
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
python3 -m venv "$tmp/venv"
"$tmp/venv/bin/python" -m pip install --quiet datasets==5.2.0 pandas==3.1.1 pyarrow==26.0.1
export HF_HOME=$tmp/hf HF_HUB_OFFLINE=1 HF_DATASETS_OFFLINE=1
"$tmp/venv/bin/python" - "$tmp" 2>"$tmp/errors" <<'PY' | tee "$tmp/out"
import json
import sys

import pyarrow.parquet as pq
from datasets import Dataset

values = [0.5, 3e-12, 0.12345678901234566, 1 / 3]
rows = Dataset.from_dict({"value": values, "list": [[value] for value in values]})
for name, settings in (("to_json", {}), ("to_json, double_precision=15", {"double_precision": 15})):
    rows.to_json(f"{sys.argv[1]}/rows.jsonl", **settings)
    with open(f"{sys.argv[1]}/rows.jsonl") as file:
        back = [json.loads(line) for line in file]
    assert all(row["list"] == [row["value"]] for row in back)
    print(f"{name}:", *(row["value"] for row in back))
print("json.dumps:", *json.loads(json.dumps(rows[:]))["value"])
rows.to_parquet(f"{sys.argv[1]}/rows.parquet")
print("to_parquet:", *pq.read_table(f"{sys.argv[1]}/rows.parquet")["value"].to_pylist())
PY
diff - "$tmp/out" <<'SEEN'
to_json: 0.5 0.0 0.123456789 0.3333333333
to_json, double_precision=15: 0.5 3e-12 0.123456789012346 0.333333333333333
json.dumps: 0.5 3e-12 0.12345678901234566 0.3333333333333333
to_parquet: 0.5 3e-12 0.12345678901234566 0.3333333333333333
SEEN
echo "as described"
