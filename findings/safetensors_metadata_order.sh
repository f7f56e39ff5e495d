#!/usr/bin/env bash
# The same tensors with the same metadata are another file each time: `safetensors` orders metadata keys at random.
#
# safetensors 0.8.0. The header is JSON, and the keys of `__metadata__` keep neither the caller's order nor any other, so
# whoever names checkpoints by a digest of their bytes, or compares two runs byte by byte, sees a difference where there
# is none. With one key, as transformers writes ({"format": "pt"}), files are equal.
# Seen: 8 processes save one tensor with six metadata keys: several digests; with one key: one digest.
set -euo pipefail
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
python3 -m venv "$tmp/venv"
"$tmp/venv/bin/python" -m pip install --quiet safetensors==0.8.0 numpy==2.3.5
cat >"$tmp/save.py" <<'PY'
import hashlib
import sys

import numpy
from safetensors.numpy import load, save

settings = {"format": "pt", "step": "100", "seed": "0", "base": "tiny", "rank": "8", "alpha": "16"}
if sys.argv[1] == "one":
    settings = {"format": "pt"}
data = save({"weight": numpy.zeros(4, dtype="float32")}, metadata=settings)
assert list(load(data)) == ["weight"]
print(hashlib.sha256(data).hexdigest())
PY
for many in one six; do
    for _ in 1 2 3 4 5 6 7 8; do PYTHONHASHSEED=0 "$tmp/venv/bin/python" "$tmp/save.py" "$many"; done >"$tmp/$many"
    echo "$many: $(sort -u "$tmp/$many" | wc -l) different files of 8" | sed -E 's/^six: [2-8] /six: several /' | tee -a "$tmp/out"
done
grep -qx "one: 1 different files of 8" "$tmp/out"
grep -qx "six: several different files of 8" "$tmp/out"
echo "as described"
