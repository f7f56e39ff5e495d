#!/usr/bin/env bash
# A Prefect flow whose submitted task fails is COMPLETED all the same, as long as nobody asks for the task's result.
#
# Prefect 3.7.7, Python 3.11. One would guess that a flow cannot succeed while one of its own task runs has failed:
# a plain call of the same task does fail the flow. With `submit`, the failure stays in the future; if the flow
# returns a value of its own, its final state comes from that value alone, and the exit status is 0.
# Seen: "submitted: COMPLETED", "called: FAILED".
set -euo pipefail
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
python3 -m venv "$tmp/venv"
"$tmp/venv/bin/python" -m pip install --quiet prefect==3.7.7 'fastapi<0.137'
export PREFECT_HOME=$tmp/home PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS=120 PREFECT_LOGGING_LEVEL=CRITICAL
export PREFECT_SERVER_ANALYTICS_ENABLED=false DO_NOT_TRACK=1
"$tmp/venv/bin/python" - <<'PY' | tee "$tmp/out"
from prefect import flow, task

@task
def write_rows():
    raise OSError("no space left on device")

@flow
def submitted():
    write_rows.submit()
    return "done"

@flow
def called():
    write_rows()
    return "done"

for example in (submitted, called):
    state = example(return_state=True)
    print(f"{example.name}: {state.type.value}")
PY
grep -qx "submitted: COMPLETED" "$tmp/out"
grep -qx "called: FAILED" "$tmp/out"
echo "as described"
