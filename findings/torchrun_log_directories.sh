#!/usr/bin/env bash
# Every torchrun leaves a directory in the temporary directory, although its processes write to the terminal.
#
# torch 2.13.0. `--redirects` and `--tee` are off by default, so nothing is logged to files, and the launcher's help calls
# `--log-dir` the directory for log files. Still each launch makes `torchelastic_*`, with an empty directory for each
# attempt and process inside, and removes none of it when the program has ended well. A machine that trains often
# collects thousands; where the temporary directory is in memory they stay until a restart. TMPDIR or `--log-dir` moves
# them, so that the caller can remove them.
# Seen: after two launches that end with 0, two directories, each with a directory for process 0 and no file; after a
# third with TMPDIR elsewhere, none more.
set -euo pipefail
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
python3 -m venv "$tmp/venv"
"$tmp/venv/bin/python" -m pip install --quiet torch==2.13.0 numpy
mkdir "$tmp/usual" "$tmp/other"
echo 'import os; print("process", os.environ["RANK"], "of", os.environ["WORLD_SIZE"])' >"$tmp/train.py"
launch() { TMPDIR=$1 "$tmp/venv/bin/torchrun" --standalone --nproc-per-node 1 "$tmp/train.py" 2>/dev/null; }
{
    launch "$tmp/usual"
    launch "$tmp/usual"
    echo "left: $(find "$tmp/usual" -maxdepth 1 -name 'torchelastic_*' | wc -l) directories"
    echo "inside: $(find "$tmp/usual" -type d -name 0 | wc -l) for process 0, $(find "$tmp/usual" -type f | wc -l) files"
    launch "$tmp/other"
    echo "then: $(find "$tmp/usual" -maxdepth 1 -name 'torchelastic_*' | wc -l)"
} | tee "$tmp/out"
printf '%s\n' "process 0 of 1" "process 0 of 1" "left: 2 directories" "inside: 2 for process 0, 0 files" "process 0 of 1" \
    "then: 2" | diff - "$tmp/out"
echo "as described"
