"""Time to the first verdict and memory of `mucode problems check` on a large generated file.

    python -m benchmarks.stream_problems --gigabytes 5 --problems 200000

The file is written, checked for as long as asked, and removed.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import resource
import tempfile
import time
from pathlib import Path

from mucode_core.config import SandboxConfig
from mucode_core.evaluation.check_problems import check_problems
from mucode_core.problems import read_problems
from mucode_core.problems.selection import Selection
from mucode_core.problems.where import parse_condition

_HARD = 1000
"""One problem in so many is hard."""


class _EnoughError(Exception):
    """Enough verdicts were seen."""


def write_file(path: Path, num_problems: int, size: int) -> None:
    """Rows of APPS' form, each with one long test, of `size` bytes together."""
    numbers = [str(i * 104729 % 1000) for i in range(max(1, (size // num_problems - 500) // 4))]
    tests = {"inputs": ["INDEX\n", " ".join(numbers) + "\n"], "outputs": ["INDEX\n", f"{sum(map(int, numbers))}\n"]}
    row = {
        "problem_id": "INDEX",
        "question": "Print the sum of the numbers, task INDEX.",
        "solutions": json.dumps(["print(sum(map(int, input().split())))  # INDEX"]),
        "input_output": json.dumps(tests),
        "difficulty": "LEVEL",
    }
    line = json.dumps(row) + "\n"
    with path.open("w", encoding="utf-8") as file:
        for index in range(num_problems):
            level = "hard" if index % _HARD == 0 else "easy"
            file.write(line.replace("LEVEL", level).replace("INDEX", str(index)))


def main() -> None:
    """Writes the file, measures, prints."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--gigabytes", type=float, default=1.0)
    parser.add_argument("--problems", type=int, default=40_000)
    parser.add_argument("--seconds", type=float, default=30.0, help="how long verdicts are taken")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "problems.jsonl"
        write_file(path, arguments.problems, int(arguments.gigabytes * 2**30))
        print(f"{path.stat().st_size / 2**30:.2f} GiB, {arguments.problems:,} problems")
        _check(path, arguments.seconds)
        started = time.monotonic()
        where = [parse_condition("difficulty=hard")]
        count = sum(1 for _ in read_problems("apps", path, where=where))
        print(f"{count} hard problems found in {time.monotonic() - started:.1f} s")
        print(f"largest resident size {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MiB")


def _check(path: Path, seconds: float) -> None:
    started, seen = time.monotonic(), 0

    def progress(done: int, total: int, unit: str) -> None:
        nonlocal seen
        if not seen:
            print(f"first verdict after {time.monotonic() - started:.1f} s")
        seen = done
        if time.monotonic() - started > seconds:
            raise _EnoughError

    with contextlib.suppress(_EnoughError):
        check_problems("auto", str(path), SandboxConfig(backend="process"), Selection(), progress=progress, say=print)
    print(f"{seen:,} verdicts in {time.monotonic() - started:.0f} s")


if __name__ == "__main__":
    main()
