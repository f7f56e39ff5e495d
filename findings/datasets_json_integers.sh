#!/usr/bin/env bash
# One large integer in a JSON Lines file turns every integer of its column into a rounded float.
#
# datasets 5.2.0 with pyarrow 26.0.1. Answers of contest problems are exact integers, and some exceed 64 bits. pyarrow's
# JSON reader then takes the whole column as double: no error, no warning, and *other* rows change too, since a double
# has 53 bits. A decimal number in the column does the same. Python's json keeps all of them.
# Seen: 9007199254740993 is read as 9007199254740992.0 once another row holds 10^22 + 3 (or 0.5).
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
first = 9007199254740993
for name, other in {"alone": 1, "large": 10**22 + 3, "decimal": 0.5}.items():
    path = Path(sys.argv[1]) / f"{name}.jsonl"
    path.write_text("".join(json.dumps({"expected": value}) + "\n" for value in (first, other)))
    assert json.loads(path.read_text().splitlines()[0])["expected"] == first
    rows = load_dataset("json", data_files=str(path), split="train")
    print(name, rows.features["expected"].dtype, rows[0]["expected"])
PY
printf '%s\n' "alone int64 9007199254740993" "large float64 9007199254740992.0" "decimal float64 9007199254740992.0" |
    diff - "$tmp/out"
echo "as described"
