"""A fake training process for tests of the launcher.

    python fake_process.py JOB

`settings` of the job says how it ends: "end", "kill", "crash", "oom" (above a micro-batch of 2), "always oom",
"diverge", "hang".
"""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

job = json.loads(Path(sys.argv[1]).read_text())
scratch, how = Path(job["scratch"]), job["settings"]["how"]
print(f"micro-batch {job['micro_batch_size']} from {job['resume_from'] or 'the beginning'}", flush=True)
(scratch / "environment.json").write_text(json.dumps(dict(os.environ)))


def give_up(out_of_memory, problem):
    row = {"out_of_memory": out_of_memory, "problem": problem, "location": "step 2", "hint": "do this"}
    (scratch / "failure.json").write_text(json.dumps(row))
    sys.exit(1)


for step in (1, 2):
    with (scratch / "steps.jsonl").open("a") as log:
        log.write(json.dumps({"step": step, "loss": 1.0}) + "\n")
    checkpoint = scratch / "checkpoints" / f"checkpoint-{step}"
    checkpoint.mkdir(parents=True, exist_ok=True)
    if step == 1:
        (checkpoint / "complete").touch()
if how == "kill":
    os.kill(os.getpid(), signal.SIGKILL)
if how == "crash":
    sys.exit("Traceback: it does not work")
if how == "always oom" or (how == "oom" and job["micro_batch_size"] > 2):
    give_up(True, f"out of memory with {job['micro_batch_size']}")
if how == "diverge":
    give_up(False, "the loss became nan")
if how == "hang":
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(120)"], start_new_session=True)
    (scratch / "pids").write_text(f"{os.getpid()} {child.pid}")
    time.sleep(120)
