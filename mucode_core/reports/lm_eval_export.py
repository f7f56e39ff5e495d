"""A task for lm-eval-harness whose answers are the run's programs and whose metric is the run's own verdict."""

from __future__ import annotations

import json
import re
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import yaml

from mucode_core.errors import DataError
from mucode_core.reports.final_programs import FinalProgram
from mucode_core.types import Problem

_FUNCTIONS = '''"""Takes each document's own programs as the answers, and the verdicts that they come with."""


def take_programs(resps, docs):
    return [doc["programs"] for doc in docs]


def take_verdicts(doc, results):
    return {"passed": sum(doc["passed"]) / len(doc["passed"])}
'''


def write_task(out: Path, programs: Sequence[FinalProgram], problems: Mapping[str, Problem]) -> str:
    """Writes a directory for `lm_eval --model dummy --include_path OUT --tasks mucode_NAME --log_samples`.

    NAME is the directory's, so that one call of lm-eval takes several exports of a run.

    lm-eval cannot read answers that it did not draw; its `dummy` model answers, and the task's filter replaces that
    answer by the programs. No program is run.

    Args:
        out: A directory that does not exist.
        programs: Of the run.
        problems: By id, for the prompts.

    Returns:
        The task's name.

    Raises:
        DataError: `out` exists, or cannot be written.
    """
    if out.exists():
        raise DataError("exists", location=str(out), hint="name a directory that does not exist by --out")
    out = out.resolve()
    task = f"mucode_{re.sub(r'[^0-9a-z]+', '_', out.name.casefold()).strip('_')}"
    try:
        with tempfile.TemporaryDirectory(dir=out.parent, prefix=f".{out.name}.") as folder:
            partial = Path(folder) / out.name
            partial.mkdir()
            (partial / "samples.jsonl").write_text(_documents(programs, problems), "utf-8")
            (partial / "programs.py").write_text(_FUNCTIONS, "utf-8")
            (partial / f"{task}.yaml").write_text(_describe(task, out / "samples.jsonl"), "utf-8")
            shutil.move(partial, out)
    except OSError as error:
        raise DataError(f"cannot be written: {error.strerror}", location=str(out), hint="name another --out") from error
    return task


def _documents(programs: Sequence[FinalProgram], problems: Mapping[str, Problem]) -> str:
    found: dict[str, list[FinalProgram]] = {}
    for one in programs:
        found.setdefault(one.problem_id, []).append(one)
    rows = [
        {
            "task_id": problem_id,
            "prompt": problems[problem_id].prompt if problem_id in problems else problem_id,
            "programs": [one.program or "" for one in attempts],
            "passed": [int(one.label) for one in attempts],
        }
        for problem_id, attempts in found.items()
    ]
    return "".join(json.dumps(row) + "\n" for row in rows)


def _describe(task: str, samples: Path) -> str:
    """The task's YAML; its functions are named by lm-eval's own tag, which no YAML library writes."""
    plain = {
        "task": task,
        "dataset_path": "json",
        "dataset_kwargs": {"data_files": {"test": str(samples)}},
        "test_split": "test",
        "output_type": "generate_until",
        "doc_to_text": "{{prompt}}",
        "doc_to_target": "",
        "generation_kwargs": {"until": ["\n\n"], "max_gen_toks": 1},
        "metric_list": [{"metric": "passed", "aggregation": "mean", "higher_is_better": True}],
        "metadata": {"version": 1.0},
    }
    functions = (
        "process_results: !function programs.take_verdicts\n"
        "filter_list:\n"
        "  - name: programs\n"
        "    filter:\n"
        "      - function: custom\n"
        "        filter_fn: !function programs.take_programs\n"
    )
    return yaml.safe_dump(plain, sort_keys=False) + functions
