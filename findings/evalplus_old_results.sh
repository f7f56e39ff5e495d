#!/usr/bin/env bash
# evalplus 0.3.1 reports the scores of samples that are no longer there.
#
# evalplus.evaluate writes SAMPLES_eval_results.json beside the samples and, where that file exists, loads it. One would
# guess that it compares the two first, since the file names the solutions it judged: but the samples are not read
# at all then, so that a second model's samples under the same name get the first one's scores, without a warning.
# Seen: "right samples: pass@1 1.000", "wrong samples: pass@1 1.000", "wrong samples, results removed: pass@1 0.000".
set -euo pipefail
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
python3 -m venv "$tmp/venv"
"$tmp/venv/bin/python" -m pip install --quiet datasets==5.2.0 appdirs==1.4.4 tempdir==0.7.1 wget==3.2 \
    multipledispatch==1.0.0 numpy==2.2.6 fire==0.7.1 tqdm==4.67.1 termcolor==3.1.0 psutil==7.1.0 tree-sitter==0.25.2 \
    tree-sitter-python==0.25.0 rich==14.2.0
"$tmp/venv/bin/python" -m pip install --quiet --no-deps evalplus==0.3.1 # the others generate programs
cat >"$tmp/make.py" <<'PY'
import json
import sys

folder = sys.argv[1]
task = {
    "task_id": "HumanEval/0",
    "entry_point": "double",
    "prompt": 'def double(x):\n    """Returns twice x."""\n',
    "canonical_solution": "    return 2 * x\n",
    "base_input": [[1], [2]],
    "plus_input": [[3]],
    "contract": "",
    "atol": 0,
    "test": "",
}
for name, body in (("right", "return 2 * x"), ("wrong", "return 3 * x")):
    with open(f"{folder}/{name}.jsonl", "w") as file:
        file.write(json.dumps({"task_id": "HumanEval/0", "solution": f"def double(x):\n    {body}\n"}) + "\n")
with open(f"{folder}/tasks.jsonl", "w") as file:
    file.write(json.dumps(task) + "\n")
PY
"$tmp/venv/bin/python" "$tmp/make.py" "$tmp"
export HUMANEVAL_OVERRIDE_PATH="$tmp/tasks.jsonl" XDG_CACHE_HOME="$tmp/cache"
evaluate() {
    cp "$tmp/$1.jsonl" "$tmp/samples.jsonl"
    "$tmp/venv/bin/python" -m evalplus.evaluate --dataset humaneval --samples "$tmp/samples.jsonl" --parallel 1 \
        >"$tmp/log" 2>&1 || { tail -5 "$tmp/log"; exit 1; }
    score=$(sed -n 's/.*pass@1:[^0-9]*\([0-9.]*\).*/\1/p' "$tmp/log" | head -1)
    echo "$2: pass@1 $score" | tee -a "$tmp/out"
}
evaluate right "right samples"
evaluate wrong "wrong samples"
rm "$tmp"/samples*eval_results.json
evaluate wrong "wrong samples, results removed"
grep -qx "right samples: pass@1 1.000" "$tmp/out"
grep -qx "wrong samples: pass@1 1.000" "$tmp/out"
grep -qx "wrong samples, results removed: pass@1 0.000" "$tmp/out"
echo "as described"
