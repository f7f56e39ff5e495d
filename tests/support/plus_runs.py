"""Searches on small problems in the forms of HumanEval+ and MBPP+, with the files that judge their programs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from mucode_core.evaluation.run_record import StageGroup, best_of
from mucode_core.problems.registry import find_dataset
from mucode_core.types import SearchRow
from tests.support.report_runs import write_run
from tests.support.result_rows import write_lines

NUMBERS = range(11, 19)  # EvalPlus turns the arguments of some other numbers into tuples
RIGHT, PUBLIC_ONLY = "def f{0}(x):\n    return x + {0}", "def f{0}(x):\n    return abs(x) + {0}"
ENDS = {"lv": [RIGHT] * 7 + [PUBLIC_ONLY], "pt": [RIGHT] * 2 + [PUBLIC_ONLY] * 4 + [None, RIGHT]}
"""By selection strategy, what each problem's search ends with."""


def suite(number: int, name: str) -> str:
    rows = f"inputs = [[1], [-1]]\nresults = [{1 + number}, {number - 1}]\n"
    return f"{rows}for inp, exp in zip(inputs, results):\n    assert {name}(*inp) == exp\n"


def humaneval(number: int) -> dict[str, Any]:
    """A row of the hub: a public example and a suite whose second input is negative."""
    prompt = f'def f{number}(x):\n    """Adds {number}.\n    >>> f{number}(1)\n    {1 + number}\n    """\n'
    check = "def check(candidate):\n    " + suite(number, "candidate").replace("\n", "\n    ")
    named = {"task_id": f"HumanEval/{number}", "entry_point": f"f{number}", "prompt": prompt}
    return named | {"canonical_solution": f"    return x + {number}\n", "test": check}


def mbpp(number: int) -> dict[str, Any]:
    shown = [f"assert f{number}(1) == {1 + number}"]
    code, test = RIGHT.format(number), suite(number, f"f{number}")
    named = {"task_id": number, "prompt": f"Write a function to add {number}.", "code": code}
    return named | {"test_imports": [], "test_list": shown, "test": test}


def evalplus_form(row: dict[str, Any], prefix: str, number: int) -> dict[str, Any]:
    """The same task in the file that EvalPlus runs."""
    solution = row.get("canonical_solution") or row["code"]
    named = {"task_id": f"{prefix}/{number}", "entry_point": f"f{number}", "prompt": row["prompt"]}
    inputs = {"base_input": [[1]], "plus_input": [[-1]], "contract": "", "atol": 0}
    prompt = row["prompt"] if prefix == "HumanEval" else f'"""\n{row["prompt"]}\n{row["test_list"][0]}\n"""\n'
    return named | inputs | {"canonical_solution": solution, "prompt": prompt}


def make_run(name: str, folder: Path) -> Path:
    """The run, the hub's rows `data.jsonl`, EvalPlus's `tasks.jsonl`; the last task is not searched."""
    make, prefix = (humaneval, "HumanEval") if name == "humanevalplus" else (mbpp, "Mbpp")
    rows = [make(number) for number in NUMBERS]
    data = write_lines(folder / "data.jsonl", rows)
    write_lines(folder / "tasks.jsonl", [evalplus_form(row, prefix, n) for row, n in zip(rows, NUMBERS, strict=True)])
    problems = [find_dataset(name).make(row, f"{data}:{i}") for i, row in enumerate(rows, 1)]
    search = [
        SearchRow(p.problem_id, key, 0, 5, 0, text and text.format(n), bool(text), text == RIGHT, None, True, 5, 1, 9)
        for key, texts in ENDS.items()
        for p, n, text in zip(problems[:-1], NUMBERS, texts, strict=False)
    ]
    run = write_run(folder / "run", problems, [], [], [], searches={StageGroup("final").stage(best_of([5])): search})
    text = (run / "config.yaml").read_text()
    text = text.replace("dataset: synthetic", f"dataset: {name}").replace("corpus: teacher", "corpus: solutions")
    (run / "config.yaml").write_text(text)
    return run
