#!/usr/bin/env bash
# polars reads a JSON Lines file without the keys that first occur after row 100, and reports nothing.
#
# polars 2.1.0, with duckdb 2.0.1 to compare. Logs of evaluation have keys that few rows bear: an error, a timeout, a
# second attempt. One would guess that the schema is the union of all rows, or that a key outside of it is an error, as
# a value of another type is one. `read_ndjson`, `scan_ndjson` and `DataFrame(rows)` take the keys of the first 100 rows
# and drop every later one: a table of results says that no row failed by an error. The same rows in another order keep
# the column; `infer_schema_length=None` reads all. DuckDB looks at 20,480 rows; beyond them its SQL raises, as one
# would expect, but its Python function `read_json` drops the key as polars does.
# Seen: with the key in row 101, polars has no column error; in row 100, or with infer_schema_length=None, it has it.
# With the key in row 30001, DuckDB's SQL raises and its read_json returns rows without it.
set -euo pipefail
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
python3 -m venv "$tmp/venv"
"$tmp/venv/bin/python" -m pip install --quiet polars==2.1.0 duckdb==2.0.1
"$tmp/venv/bin/python" - "$tmp/rows.jsonl" <<'PY' | tee "$tmp/out"
import json
import sys

import duckdb
import polars

def show(name, table):
    print(f"{name}:", *table.columns, "rows:", table.height)

def write(number):
    rows = [{"id": i, "passed": True} for i in range(1, number)] + [{"id": number, "passed": False, "error": "timeout"}]
    with open(sys.argv[1], "w") as file:
        file.writelines(json.dumps(row) + "\n" for row in rows)
    return rows

for number in (100, 101):
    rows = write(number)
    show(f"row {number}, read_ndjson", polars.read_ndjson(sys.argv[1]))
    show(f"row {number}, scan_ndjson", polars.scan_ndjson(sys.argv[1]).collect())
    show(f"row {number}, DataFrame", polars.DataFrame(rows))
    show(f"row {number}, all rows", polars.read_ndjson(sys.argv[1], infer_schema_length=None))
for number in (101, 30001):
    write(number)
    table = duckdb.read_json(sys.argv[1])
    print(f"row {number}, duckdb.read_json:", *table.columns, "rows:", len(table.fetchall()))
    try:
        rows = duckdb.sql(f"SELECT * FROM '{sys.argv[1]}'").fetchall()
        print(f"row {number}, duckdb.sql rows:", len(rows))
    except duckdb.InvalidInputException as error:
        print(f"row {number}, duckdb.sql:", *(["unknown key"] if 'has unknown key "error"' in str(error) else [error]))
PY
diff - "$tmp/out" <<'SEEN'
row 100, read_ndjson: id passed error rows: 100
row 100, scan_ndjson: id passed error rows: 100
row 100, DataFrame: id passed error rows: 100
row 100, all rows: id passed error rows: 100
row 101, read_ndjson: id passed rows: 101
row 101, scan_ndjson: id passed rows: 101
row 101, DataFrame: id passed rows: 101
row 101, all rows: id passed error rows: 101
row 101, duckdb.read_json: id passed error rows: 101
row 101, duckdb.sql rows: 101
row 30001, duckdb.read_json: id passed rows: 30001
row 30001, duckdb.sql: unknown key
SEEN
echo "as described"
