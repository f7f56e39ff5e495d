#!/usr/bin/env bash
# A table with more than 2 GiB of text in one column can be written, read and filtered, but not sorted or taken from.
#
# pyarrow 26.0.1. `string` has 32-bit offsets, so one array holds at most 2 GiB; a column is chunked and so has no such
# bound: Parquet writing and reading, `filter` and `slice` work. `sort_by` and `take` first put the column into one
# chunk, also when it is the integer column that is sorted by, and raise. Rollouts with their prompts get there at about
# a million rows: one would expect a table that loads to be sortable. (Needs about 8 GB of memory.)
# Seen: filter 2190, take and sort_by ArrowInvalid "offset overflow while concatenating arrays".
set -euo pipefail
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
python3 -m venv "$tmp/venv"
"$tmp/venv/bin/python" -m pip install --quiet pyarrow==26.0.1
"$tmp/venv/bin/python" - "$tmp/rows.parquet" <<'PY' | tee "$tmp/out"
import sys
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

half = pa.array(["x" * (1 << 20)] * 1100)
pq.write_table(pa.table({"row": range(2200), "text": pa.chunked_array([half, half])}), sys.argv[1], compression="zstd")
table = pq.read_table(sys.argv[1])
print("read:", table.num_rows)
operations = {
    "filter": lambda: table.filter(pc.field("row") < 2190),
    "take": lambda: table.take(list(range(2200))),
    "sort_by": lambda: table.sort_by([("row", "descending")]),
}
for name, operation in operations.items():
    try:
        print(f"{name}:", operation().num_rows)
    except pa.ArrowInvalid as error:
        print(f"{name}:", str(error).split(",")[0])
PY
diff - "$tmp/out" <<'SEEN'
read: 2200
filter: 2190
take: offset overflow while concatenating arrays
sort_by: offset overflow while concatenating arrays
SEEN
echo "as described"
