"""BigCodeBench (arXiv 2406.15877): functions that use many libraries, tested by a `unittest.TestCase`."""

from __future__ import annotations

from mucode_core.problems.dataset import Dataset, Hub, by_fields
from mucode_core.problems.forms.shared import first_public
from mucode_core.problems.forms.statements import Source
from mucode_core.problems.forms.test_modules import split_tests
from mucode_core.problems.rows import PublishedRow, Row, parse_row
from mucode_core.types import Problem


class _BigRow(PublishedRow):
    task_id: str
    complete_prompt: str
    instruct_prompt: str
    canonical_solution: Source
    code_prompt: str = ""
    test: str
    entry_point: str


def make_bigcodebench(row: Row, location: str) -> Problem:
    """A row of BigCodeBench with its instruction as the prompt; the first test method is public.

    Raises:
        DataError: A field is missing or wrong, or there is no test.
    """
    return _make(row, location, "bigcodebench")


def make_bigcodebench_complete(row: Row, location: str) -> Problem:
    """A row of BigCodeBench with the declaration to be completed as the prompt; see `make_bigcodebench`."""
    return _make(row, location, "bigcodebench_complete")


def _make(row: Row, location: str, dataset: str) -> Problem:
    fields = parse_row(_BigRow, row, location)
    public, private = first_public((), split_tests(fields.test, "solution", "test", location))
    asked = fields.instruct_prompt
    if dataset == "bigcodebench_complete":
        asked = f"Complete this Python function:\n```python\n{fields.complete_prompt.rstrip()}\n```"
    return Problem(
        problem_id=f"{dataset}/{fields.task_id.rpartition('/')[2]}",
        dataset=dataset,
        split="test",
        prompt=asked.strip(),
        entry_point=fields.entry_point,
        kind="assert",
        setup="",
        public_tests=public,
        private_tests=private,
        reference_solution=(fields.code_prompt or fields.complete_prompt) + fields.canonical_solution,
        time_limit_s=None,
    )


def _declaration(row: Row) -> str:
    return str(row["complete_prompt"])


_FORM = Dataset(
    make_bigcodebench,
    by_fields("complete_prompt", "instruct_prompt", "canonical_solution", "test", "entry_point"),
    Hub("bigcode/bigcodebench", None, ("v0.1.4",)),
    splits=frozenset({"test"}),
)
DATASETS = {
    "bigcodebench": _FORM,
    "bigcodebench_complete": Dataset(
        make_bigcodebench_complete,
        hub=_FORM.hub,
        declaration=_declaration,
        splits=_FORM.splits,
        aliases=("bigcodebench",),
    ),
}
