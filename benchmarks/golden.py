"""The reference solutions of every data set against its tests, as the table of docs/problems.md.

    python -m benchmarks.golden --data DIR

DIR holds the published files: under the name of the data set (apps.jsonl.gz, taco.parquet, a directory), or under one
of the names below. Data sets without a file there have no line in the table.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence
from pathlib import Path

from mucode_core.config import SandboxConfig
from mucode_core.evaluation.check_problems import FailedReference, ProblemsCheck, check_problems
from mucode_core.problems.registry import DATASETS
from mucode_core.problems.selection import Selection
from mucode_core.progress import ignore

REPO = Path(__file__).parent.parent
DATA = Path(os.environ.get("MUCODE_TEST_DATA", REPO / ".." / "shared" / "data"))
BEGIN, END = "<!-- begin of the table that `make golden` writes -->", "<!-- end of the table -->"
FILES = {
    "mbpp": "mbpp.jsonl",
    "mbppplus": "mbppplus_originfmt.jsonl.gz",
    "humanevalpack": "humanevalpack_python.jsonl",
    "humanevalplus": "humanevalplus_originfmt.jsonl.gz",
    "code_contests": "codecontests_train300.jsonl",
}
"""Names of files besides the data set's own."""
_ENDINGS = ("", ".jsonl", ".jsonl.gz", ".jsonl.zst", ".parquet")
_EXCLUDED = "excluded: "
_REASON = 100
"""Characters of a reason."""
_MEMORY_MB = 3072


def find_files(folder: Path) -> dict[str, Path]:
    """The data sets that have a file in a directory, in the order in which they are known."""
    found: dict[str, Path] = {}
    for name in DATASETS:
        candidates = [*(f"{name}{ending}" for ending in _ENDINGS), *([FILES[name]] if name in FILES else [])]
        paths = [folder / candidate for candidate in candidates if (folder / candidate).exists()]
        if paths:
            found[name] = paths[0]
    return found


def describe(name: str, path: Path, check: ProblemsCheck) -> tuple[str, list[str]]:
    """A data set's line of the table, and a list entry for each problem that does not pass."""
    excluded = [one for one in check.findings if one.text.startswith(_EXCLUDED)]
    num_rows = check.num_checked + len(check.without_reference) + len(check.bad_rows) + len(excluded)
    num_passed = check.num_checked - len(check.failures)
    cells = (num_rows, len(excluded), len(check.bad_rows), len(check.without_reference), check.num_checked, num_passed)
    line = f"| `{name}` ({path.name}) | {' | '.join(map(str, cells))} |"
    notes = {one.problem_id: one.text for one in check.findings}
    return line, [f"- {one.problem_id}: {_reason(one, notes.get(one.problem_id, ''))}" for one in check.failures]


def _reason(failure: FailedReference, note: str) -> str:
    """The last line of what the tests said, which names the error, and what is known about the problem."""
    lines = [line.strip() for line in failure.feedback.splitlines() if line.strip()]
    said = " ".join([failure.status, *([f"`{lines[-1][:_REASON].replace('`', '')}`"] if lines else [])])
    return f"{said}; {note}" if note else said


def write_table(document: Path, lines: Sequence[str], failures: Sequence[str]) -> None:
    """Replaces the table between its two marks."""
    text = document.read_text("utf-8")
    before, after = text[: text.index(BEGIN)], text[text.index(END) :]
    header = "| data set | rows | excluded | no problem | no reference | references | pass |"
    table = [BEGIN, "", header, f"|{'---|' * 7}", *lines, ""]
    table += ["Those that do not pass:", "", *failures, ""] if failures else []
    document.write_text(before + "\n".join(table) + "\n" + after, "utf-8")


def main() -> None:
    """Checks every data set that has a file, and writes the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=DATA, help="directory of published files")
    parser.add_argument("--out", type=Path, default=REPO / "docs" / "problems.md", help="document with the table")
    parser.add_argument("--only", nargs="*", help="names of data sets; default: all that have a file")
    arguments = parser.parse_args()
    settings = SandboxConfig(num_workers=len(os.sched_getaffinity(0)), memory_mb=_MEMORY_MB, packages=["numpy"])
    lines: list[str] = []
    failures: list[str] = []
    for name, path in find_files(arguments.data).items():
        if arguments.only and name not in arguments.only:
            continue
        found = check_problems(name, str(path), settings, Selection(), progress=ignore, say=lambda _: None)
        line, reasons = describe(name, path, found)
        print(line, *reasons, sep="\n", flush=True)
        lines.append(line)
        failures += reasons
    if not lines:
        parser.error(f"{arguments.data} holds no file of a data set")
    write_table(arguments.out, lines, failures)


if __name__ == "__main__":
    main()
