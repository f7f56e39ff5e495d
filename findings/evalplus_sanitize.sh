#!/usr/bin/env bash
# evalplus 0.3.1's sanitize breaks right programs: it drops decorated functions, and every statement that is no definition.
#
# evalplus.sanitize is what its docs advise for samples of chat models. One would guess that it cuts the prose around a
# program and what the entry point does not reach. It keeps imports, plain assignments and undecorated definitions
# only: a helper under @lru_cache is gone although the entry point calls it, and so are sys.setrecursionlimit(...)
# and a loop that fills a table.
# Seen: "before: (3, 16) [0, 1, 4, 9, 16] 4321"; "after: NameError: name 'depth' is not defined [0, 0, 0, 0, 0] 1000".
set -euo pipefail
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
python3 -m venv "$tmp/venv"
"$tmp/venv/bin/python" -m pip install --quiet datasets==5.2.0 appdirs==1.4.4 tempdir==0.7.1 wget==3.2 \
    multipledispatch==1.0.0 numpy==2.2.6 fire==0.7.1 tqdm==4.67.1 termcolor==3.1.0 psutil==7.1.0 tree-sitter==0.25.2 \
    tree-sitter-python==0.25.0 rich==14.2.0
"$tmp/venv/bin/python" -m pip install --quiet --no-deps evalplus==0.3.1 # the others generate programs
cat >"$tmp/look.py" <<'PY'
import sys

from evalplus.sanitize import sanitize

PROGRAM = """import sys
from functools import lru_cache

sys.setrecursionlimit(4321)
table = [0] * 5
for i in range(5):
    table[i] = i * i

@lru_cache(None)
def depth(n):
    return 0 if n == 0 else 1 + depth(n - 1)

def solve(n):
    return depth(n), table[4]
"""


def run(source):
    space = {}
    exec(source, space)
    try:
        return space, space["solve"](3)
    except Exception as error:
        return space, f"{type(error).__name__}: {error}"


space, result = run(PROGRAM)
print("before:", result, space["table"], sys.getrecursionlimit())
sys.setrecursionlimit(1000)
space, result = run(sanitize(PROGRAM, "solve"))
print("after:", result, space["table"], sys.getrecursionlimit())
PY
"$tmp/venv/bin/python" "$tmp/look.py" | tee "$tmp/out"
grep -qx "before: (3, 16) \[0, 1, 4, 9, 16\] 4321" "$tmp/out"
grep -qx "after: NameError: name 'depth' is not defined \[0, 0, 0, 0, 0\] 1000" "$tmp/out"
echo "as described"
