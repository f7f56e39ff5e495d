#!/usr/bin/env bash
# Text that looks like a date in every row of a JSON Lines file is read as timestamps, and written back as other text.
#
# datasets 5.2.0 with pyarrow 26.0.1. A problem's input or answer may well be "2024-08-01" in all rows of a small file
# or shard; the column becomes timestamp[s], rows hold datetime objects, and exporting them again gives another text: the
# expected output of a test is lost. One row of any other form keeps the column text, so it depends on the neighbours.
# Seen: "2024-08-01" comes back as datetime(2024, 8, 1); to_json writes milliseconds; with a row "none" it stays text.
set -euo pipefail
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
python3 -m venv "$tmp/venv"
"$tmp/venv/bin/python" -m pip install --quiet datasets==5.2.0 pyarrow==26.0.1
export HF_HOME=$tmp/hf HF_HUB_OFFLINE=1 HF_DATASETS_OFFLINE=1
"$tmp/venv/bin/python" - "$tmp" <<'PY' | tee "$tmp/out"
import json
import sys
from pathlib import Path

from datasets import disable_progress_bars, load_dataset

disable_progress_bars()
for name, outputs in {"dates": ["2024-08-01", "2024-08-02"], "mixed": ["2024-08-01", "none"]}.items():
    path = Path(sys.argv[1]) / f"{name}.jsonl"
    path.write_text("".join(json.dumps({"output": text}) + "\n" for text in outputs))
    rows = load_dataset("json", data_files=str(path), split="train")
    print(name, rows.features["output"].dtype, repr(rows[0]["output"]))
    rows.to_json(f"{sys.argv[1]}/{name}.out.jsonl")
    print(name, "written:", Path(f"{sys.argv[1]}/{name}.out.jsonl").read_text().splitlines()[0])
PY
printf '%s\n' "dates timestamp[s] datetime.datetime(2024, 8, 1, 0, 0)" 'dates written: {"output":1722470400000}' \
    "mixed string '2024-08-01'" 'mixed written: {"output":"2024-08-01"}' | diff - "$tmp/out"
echo "as described"
