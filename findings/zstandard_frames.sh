#!/usr/bin/env bash
# `ZstdDecompressor().decompress` returns the first frame of a file and drops the rest without a word.
#
# zstandard 0.25.0. Shards that were compressed in pieces (`pzstd`, `zstd -c part >> all.zst`, one frame a batch) are
# ordinary .jsonl.zst files, and gzip's counterpart returns all of them. `decompress` and `decompressobj` stop after the
# first frame; what is lost are whole rows, so nothing looks broken. `stream_reader` and `zstandard.open` read on.
# Seen: of two frames with a row each, decompress and decompressobj give 1 row; stream_reader, open and gzip give 2.
set -euo pipefail
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
python3 -m venv "$tmp/venv"
"$tmp/venv/bin/python" -m pip install --quiet zstandard==0.25.0
"$tmp/venv/bin/python" - "$tmp/rows.jsonl.zst" <<'PY' | tee "$tmp/out"
import gzip
import io
import sys
from pathlib import Path

import zstandard

rows = [b'{"id": 1}\n', b'{"id": 2}\n']
path = Path(sys.argv[1])
path.write_bytes(b"".join(zstandard.ZstdCompressor().compress(row) for row in rows))
data = path.read_bytes()
print("decompress:", len(zstandard.ZstdDecompressor().decompress(data).splitlines()))
print("decompressobj:", len(zstandard.ZstdDecompressor().decompressobj().decompress(data).splitlines()))
print("stream_reader:", len(zstandard.ZstdDecompressor().stream_reader(io.BytesIO(data)).read().splitlines()))
with zstandard.open(path, "rb") as file:
    print("open:", len(file.read().splitlines()))
print("gzip:", len(gzip.decompress(b"".join(map(gzip.compress, rows))).splitlines()))
PY
printf '%s\n' "decompress: 1" "decompressobj: 1" "stream_reader: 2" "open: 2" "gzip: 2" | diff - "$tmp/out"
echo "as described"
