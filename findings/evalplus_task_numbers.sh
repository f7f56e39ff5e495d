#!/usr/bin/env bash
# evalplus 0.3.1 changes the types of a task's arguments by the task's number, also where the tasks are your own.
#
# MBPP_OVERRIDE_PATH names a file of one's own tasks. JSON has no tuples, so the package keeps a list of the numbers of
# MBPP+'s tasks whose lists are meant as tuples, and applies it to whatever bears that number. One would guess that a
# file's inputs are used as they stand, or that the file says what is a tuple: two tasks that differ in nothing but
# "Mbpp/2" against "Mbpp/11" run on different inputs, and a right program that appends to its argument fails for one.
# Seen: "Mbpp/2: [1, 2] as tuple", "Mbpp/11: [1, 2] as list".
set -euo pipefail
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
python3 -m venv "$tmp/venv"
"$tmp/venv/bin/python" -m pip install --quiet datasets==5.2.0 appdirs==1.4.4 tempdir==0.7.1 wget==3.2 \
    multipledispatch==1.0.0 numpy==2.2.6
"$tmp/venv/bin/python" -m pip install --quiet --no-deps evalplus==0.3.1 # the others generate programs
cat >"$tmp/tasks.py" <<'PY'
import json
import sys

from evalplus.data import get_mbpp_plus

with open(sys.argv[1], "w") as file:
    for number in (2, 11):
        task = {
            "task_id": f"Mbpp/{number}",
            "entry_point": "f",
            "prompt": '"""\nWrite a function that returns its argument with 0 appended.\nassert f([1, 2]) == [1, 2, 0]\n"""\n',
            "canonical_solution": "def f(xs):\n    xs.append(0)\n    return xs\n",
            "base_input": [[[1, 2]]],
            "plus_input": [[[3]]],
            "contract": "",
            "atol": 0,
        }
        file.write(json.dumps(task) + "\n")
for name, task in get_mbpp_plus().items():
    print(f"{name}: " + ", ".join(f"{list(xs)} as {type(xs).__name__}" for (xs,) in task["base_input"]))
PY
MBPP_OVERRIDE_PATH="$tmp/tasks.jsonl" XDG_CACHE_HOME="$tmp/cache" "$tmp/venv/bin/python" "$tmp/tasks.py" "$tmp/tasks.jsonl" \
    | tee "$tmp/out"
grep -qx "Mbpp/2: \[1, 2\] as tuple" "$tmp/out"
grep -qx "Mbpp/11: \[1, 2\] as list" "$tmp/out"
echo "as described"
