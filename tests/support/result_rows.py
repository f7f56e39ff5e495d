"""Small result files in the forms in which other tools write them."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from mucode_core.errors import DataError
from mucode_core.evaluation.result_files.rows import SampleRow


def write_lines(path: Path, rows: Iterable[dict[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def write_json(path: Path, data: Any) -> Path:
    path.write_text(json.dumps(data))
    return path


def evalplus_results(path: Path, statuses: dict[str, list[tuple[str, str | None]]]) -> Path:
    """By task, the base and plus status of each sample."""
    return write_json(
        path,
        {
            "date": "2026-01-01 00:00",
            "hash": "0",
            "eval": {
                task: [
                    {
                        "task_id": task,
                        "solution": f"def f(): return {i}",
                        "base_status": base,
                        "plus_status": plus,
                        "base_fail_tests": [] if base == "pass" else [[1, 2]],
                        "plus_fail_tests": [],
                    }
                    for i, (base, plus) in enumerate(samples)
                ]
                for task, samples in statuses.items()
            },
        },
    )


def lm_eval_row(number: int, text: str, *, name: str = "create_test", **scores: float) -> dict[str, Any]:
    return {
        "doc_id": number,
        "doc": {"task_id": f"own/{number}", "prompt": "def f(x):\n"},
        "target": "f",
        "arguments": {"gen_args_0": {"arg_0": "def f(x):\n", "arg_1": {"until": []}}},
        "resps": [[text]],
        "filtered_resps": [[text]],
        "filter": name,
        "metrics": list(scores),
        "doc_hash": "0",
        **scores,
    }


def verl_row(prompt: str, output: str, score: float) -> dict[str, Any]:
    return {"input": prompt, "output": output, "gts": "{}", "score": score, "step": 3, "acc": score > 0}


def verifiers_row(number: int, prompt: str, answer: str, reward: float, **info: Any) -> dict[str, Any]:
    messages = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": prompt}]
    return {
        "example_id": number,
        "prompt": messages,
        "completion": [{"role": "assistant", "content": "draft"}, {"role": "assistant", "content": answer}],
        "answer": "",
        "task": "default",
        "info": info,
        "reward": reward,
        "metrics": {},
        "timing": {},
        "error": None,
    }


def samples_of(rows: Iterable[SampleRow | DataError]) -> list[SampleRow]:
    """The rows of a file without errors."""
    found = list(rows)
    assert not [row for row in found if isinstance(row, DataError)]
    return [row for row in found if isinstance(row, SampleRow)]


def error_of(rows: Iterable[SampleRow | DataError]) -> DataError:
    """The one error among the rows of a file."""
    (error,) = [row for row in rows if isinstance(row, DataError)]
    return error
