"""HumanEval+ in the form of EvalPlus's own releases (Apache-2.0): inputs without outputs, which the reference computes.

The hub's form, whose rows bring a test suite, is `humanevalplus`. MBPP+ in this form does not say which of its lists
are tuples or sets, so it is refused.
"""

from __future__ import annotations

import ast
from typing import Any

from pydantic import Field

from mucode_core.errors import DataError
from mucode_core.problems.dataset import Dataset, by_fields
from mucode_core.problems.forms.statements import Source
from mucode_core.problems.readers.humaneval import INSTRUCTION, declaration_of, find_example
from mucode_core.problems.rows import PublishedRow, Row, parse_row
from mucode_core.problems.suites import helpers_of, parse_python
from mucode_core.types import Problem

_EXPECTED = "_expected"
_INPUTS = """\
import copy
import numpy as np
inf, nan = float("inf"), float("nan")
inputs = {inputs!r}
"""
_SUITE = """\
{reference}

def _is_floats(x):
    if isinstance(x, np.ndarray):
        return x.dtype in (np.float64, np.float32)
    return isinstance(x, float) or (isinstance(x, (list, tuple)) and all(isinstance(i, float) for i in x))

def _compare(out, exp, atol):
    if out == exp:
        return
    atol = 1e-6 if atol == 0 and _is_floats(exp) else atol
    assert atol != 0, f"got {{out!r}}, expected {{exp!r}}"
    assert np.shape(out) == np.shape(exp) and np.allclose(out, exp, rtol=1e-07, atol=atol)

def check(candidate):
    for arguments in inputs:
        given = copy.deepcopy(arguments)
        {comparison}
"""
_COMPARISON = f"_compare(candidate(*given), {_EXPECTED}(*copy.deepcopy(arguments)), {{atol!r}})"
_ORACLES = {"find_zero": "assert abs(poly(*arguments, candidate(*given))) <= {atol!r}"}
"""Functions whose result is not unique, with what EvalPlus asks of it; the prompt defines the helpers."""


class _Row(PublishedRow):
    task_id: str
    prompt: str
    entry_point: str
    canonical_solution: Source
    base_input: list[list[Any]] = Field(min_length=1)
    plus_input: list[list[Any]]
    atol: float


def make_evalplus(row: Row, location: str) -> Problem:
    """A row of HumanEvalPlus: the first example of the docstring is public, or else the suite's first input.

    Raises:
        DataError: A field is missing or wrong, the reference lacks the entry point, or the row is of MBPP+.
    """
    fields = parse_row(_Row, row, location)
    if fields.task_id.startswith("Mbpp/"):
        hint = "load mbppplus from the hub's evalplus/mbppplus, whose tests have the inputs as Python"
        raise DataError("base_input does not say what is a tuple or a set", location=location, hint=hint)
    suite = _SUITE.format(
        reference=_rename(fields.prompt + fields.canonical_solution, fields.entry_point, location),
        comparison=_ORACLES.get(fields.entry_point, _COMPARISON).format(atol=fields.atol),
    )
    example = find_example(fields.prompt, fields.entry_point, location)
    return Problem(
        problem_id=f"evalplus/{fields.task_id.rpartition('/')[2]}",
        dataset="evalplus",
        split="test",
        prompt=INSTRUCTION.format(text=f"Complete this function.\n```python\n{fields.prompt.strip()}\n```"),
        entry_point=fields.entry_point,
        kind="assert",
        setup=helpers_of(fields.prompt, fields.entry_point, "prompt", location),
        public_tests=(example or _INPUTS.format(inputs=fields.base_input[:1]) + suite,),
        private_tests=(_INPUTS.format(inputs=[*fields.base_input, *fields.plus_input]) + suite,),
        reference_solution=fields.prompt + fields.canonical_solution,
        time_limit_s=None,
    )


def _rename(reference: str, entry_point: str, location: str) -> str:
    """The reference solution under a name that the tests do not use for the candidate."""
    tree = parse_python(reference, "canonical_solution", location)
    found = False
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and node.id == entry_point:
            node.id = _EXPECTED
        if isinstance(node, ast.FunctionDef) and node.name == entry_point:
            node.name, found = _EXPECTED, True
    if not found:
        hint = "name the function that prompt and canonical_solution define"
        raise DataError(f"entry_point: no function {entry_point!r}", location=location, hint=hint)
    return ast.unparse(tree)


DATASETS = {
    "evalplus": Dataset(
        make_evalplus,
        by_fields("prompt", "canonical_solution", "entry_point", "base_input", "plus_input"),
        declaration=declaration_of,
        splits=frozenset({"test"}),
        aliases=("humaneval", "python"),
    ),
}
