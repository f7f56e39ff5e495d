#!/usr/bin/env bash
# `Dataset.map` returns the results of a grader's old code after the grader was changed, if the grader is imported.
#
# datasets 5.2.0 with dill 0.4.1. The cache of `map` is keyed by a hash of the function with the globals that it uses,
# and one would guess that a changed function runs again. That holds for functions of the script itself. One that is
# imported from a module is hashed by its name alone, whether it is mapped itself or called by what is mapped: once a
# bug of the grader is fixed, the next run reports the old rewards, without a warning and without a call of the new
# code.
# Seen: after the change, the script's own function gives 10 20, the imported one and the one that calls it still 1 2.
set -euo pipefail
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
python3 -m venv "$tmp/venv"
"$tmp/venv/bin/python" -m pip install --quiet datasets==5.2.0 dill==0.4.1
export HF_HOME=$tmp/hf HF_HUB_OFFLINE=1 HF_DATASETS_OFFLINE=1 PYTHONDONTWRITEBYTECODE=1
cd "$tmp"
printf '{"id": 1}\n{"id": 2}\n' >rows.jsonl
for factor in 1 10; do
    printf 'def grade(row):\n    return {"reward": row["id"] * %s}\n' "$factor" >grading.py
    cat >run.py <<PY
import grading
from datasets import load_dataset

def grade(row):
    return {"reward": row["id"] * $factor}

def call(row):
    return grading.grade(row)

rows = load_dataset("json", data_files="rows.jsonl", split="train")
print("own:", *rows.map(grade)["reward"])
print("imported:", *rows.map(grading.grade)["reward"])
print("calls imported:", *rows.map(call)["reward"])
print("without cache:", *rows.map(call, load_from_cache_file=False)["reward"])
PY
    "$tmp/venv/bin/python" run.py 2>errors
done | tee out
diff - out <<'SEEN'
own: 1 2
imported: 1 2
calls imported: 1 2
without cache: 1 2
own: 10 20
imported: 1 2
calls imported: 1 2
without cache: 10 20
SEEN
echo "as described"
