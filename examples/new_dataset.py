"""Custom problems: a JSONL file, read as the data set `custom`.

    python examples/new_dataset.py

A run takes such a file by `problems.dataset=custom problems.data=FILE`; docs/problems.md describes every field.
"""

import json
import tempfile
from pathlib import Path

from mucode_core.answers import extract_program
from mucode_core.problems import load_problems
from mucode_core.prompts import build_messages

ROW = {
    "problem_id": "double",
    "prompt": "Write a function double(x) that returns twice x.",
    "entry_point": "double",
    "kind": "assert",
    "setup": "",
    "public_tests": ["assert double(2) == 4"],
    "private_tests": ["assert double(0) == 0", "assert double('ab') == 'abab'"],
    "reference_solution": "def double(x):\n    return 2 * x\n",
    "time_limit_s": None,
    "split": "train",
}


def main() -> None:
    """Writes a file, reads it, and prints what a model sees of its problem: never a private test."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "problems.jsonl"
        path.write_text(json.dumps(ROW) + "\n", "utf-8")
        (problem,) = load_problems("custom", path)

    (message,) = build_messages(problem.prompt, problem.shown_tests)
    print(message.content)
    print(f"({len(problem.private_tests)} private tests are not shown)")
    answer = f"Here it is:\n```python\n{ROW['reference_solution']}```"
    print(f"extracted from an answer: {extract_program(answer).code!r}")


if __name__ == "__main__":
    main()
