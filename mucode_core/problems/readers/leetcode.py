"""Problems in LeetCode's form: a method of `Solution`, arguments by name, lists that stand for trees and linked lists.

LeetCodeDataset (arXiv 2504.14655) has asserts; greengerong/leetcode has only the examples in its statements.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Sequence
from typing import Any

from mucode_core.answers import Asked, extract_program
from mucode_core.answers.syntax import parse_expression, read_literal
from mucode_core.errors import DataError, show
from mucode_core.problems.dataset import Dataset, Facts, Hub, by_fields
from mucode_core.problems.forms.pairs import as_mapping
from mucode_core.problems.forms.shared import PRELUDE, as_split, first_public
from mucode_core.problems.forms.statements import Source, make_prompt, read_date, read_tags
from mucode_core.problems.json_values import dumps
from mucode_core.problems.rows import PublishedRow, Row, parse_row
from mucode_core.problems.suites import check_tests, parse_python
from mucode_core.problems.testless import TEST_SENTENCE
from mucode_core.types import CallTest, Problem

_ENTRY = re.compile(r"Solution\(\)\.(\w+)")
_LISTED = frozenset({"tree_node", "list_node"})
"""The prelude's functions that build a tree or a linked list from a list."""
_SAME = frozenset({"is_same_tree", "is_same_list"})


class _Meta(PublishedRow):
    lang_code: str = ""
    question_title: str = ""


class _LeetRow(PublishedRow):
    task_id: str | int
    prompt: str
    entry_point: str
    test: str
    completion: Source
    query: str = ""
    problem_description: str = ""
    starter_code: str = ""
    meta: _Meta = _Meta()
    split: str | None = None


def make_leetcode(row: Row, location: str) -> Problem:
    """A row of LeetCodeDataset; tests whose arguments stand in the statement are public.

    Its asserts become calls if all of them compare one call with a value that JSON holds.

    Raises:
        DataError: A field is missing or wrong, or there is no test.
    """
    fields = parse_row(_LeetRow, row, location)
    entry = _ENTRY.fullmatch(fields.entry_point)
    if entry is None:
        hint = "write it as Solution().name"
        raise DataError(f"entry_point: {show(fields.entry_point)} is not a method", location=location, hint=hint)
    entry_point = f"Solution.{entry[1]}"
    check_tests("prompt", fields.prompt, location)
    statement = fields.problem_description or fields.meta.question_title or fields.query
    starter = fields.starter_code or fields.meta.lang_code
    asserts = list(_asserts(fields.test, location))
    if not asserts:
        raise DataError("test: check(candidate) asserts nothing", location=location, hint="exclude the row")
    reference = f"{fields.prompt.rstrip()}\n\n\n{fields.completion.strip()}\n"
    parameters = _parameters(reference, entry[1], location)
    calls = [_as_call(one, parameters) for one in asserts]
    if all(calls):
        tests: Sequence[CallTest | str] = [call for call in calls if call]
    else:
        tests = [ast.unparse(_Called(fields.entry_point).visit(one)) for one in asserts]
    shown = [_stands_in(one, statement) for one in asserts]
    public, private = ([test for test, own in zip(tests, shown, strict=True) if own is side] for side in (True, False))
    public, private = first_public(public, private)
    return Problem(
        problem_id=f"leetcode/{fields.task_id}",
        dataset="leetcode",
        split=as_split(fields.split or as_mapping(row.get("meta")).get("split")),
        prompt=make_prompt(statement, entry_point, starter),
        entry_point=entry_point if all(calls) else "Solution",
        kind="call" if all(calls) else "assert",
        setup=fields.prompt,  # calls give it to programs
        prelude="" if all(calls) else fields.prompt,
        public_tests=public,
        private_tests=private,
        reference_solution=reference,
        time_limit_s=None,
    )


def _asserts(suite: str, location: str) -> Iterator[ast.Assert]:
    """The asserts of `check(candidate)`."""
    for node in parse_python(suite, "test", location).body:
        if isinstance(node, ast.FunctionDef) and node.name == "check":
            yield from (statement for statement in node.body if isinstance(statement, ast.Assert))


def _parameters(source: str, method: str, location: str) -> list[str]:
    """Names of the method's parameters, without self."""
    for node in ast.walk(parse_python(source, "completion", location)):
        if isinstance(node, ast.FunctionDef) and node.name == method:
            return [argument.arg for argument in node.args.args if argument.arg != "self"]
    raise DataError(f"completion: no method {method}", location=location, hint="exclude the row")


def _as_call(statement: ast.Assert, parameters: Sequence[str]) -> CallTest | None:
    """The assert as a call, if it is `candidate(...) == value` or `is_same_tree(candidate(...), tree_node([...]))`."""
    call, value = _sides(statement.test)
    if not isinstance(call, ast.Call) or ast.unparse(call.func) != "candidate" or value is None:
        return None
    given = dict(zip(parameters, call.args, strict=False)) | {one.arg or "": one.value for one in call.keywords}
    if list(given) != list(parameters)[: len(given)]:
        given = {name: given[name] for name in parameters if name in given}
    if len(given) != len(call.args) + len(call.keywords) or list(given) != list(parameters)[: len(given)]:
        return None
    try:
        return CallTest(dumps([_value(one) for one in given.values()]), dumps(_value(value)))
    except (ValueError, TypeError, SyntaxError, RecursionError):
        return None


def _sides(test: ast.expr) -> tuple[ast.expr | None, ast.expr | None]:
    if isinstance(test, ast.Compare) and len(test.ops) == 1 and isinstance(test.ops[0], ast.Eq):
        return test.left, test.comparators[0]
    if isinstance(test, ast.Call) and ast.unparse(test.func) in _SAME and len(test.args) == 2:
        return test.args[0], test.args[1]
    return None, None


def _value(node: ast.expr) -> Any:
    """A literal, or the list behind a tree or a linked list.

    Raises:
        ValueError: It is neither.
    """
    if isinstance(node, ast.Call) and ast.unparse(node.func) in _LISTED and len(node.args) == 1:
        node = node.args[0]
    return ast.literal_eval(node)


class _Called(ast.NodeTransformer):
    def __init__(self, entry_point: str) -> None:
        self._entry_point = entry_point

    def visit_Name(self, node: ast.Name) -> ast.expr:
        return parse_expression(self._entry_point).body if node.id == "candidate" else node


def _stands_in(statement: ast.Assert, text: str) -> bool:
    """Whether the arguments of the assert's call stand in the statement, as "nums = [1,2], k = 3"."""
    calls = [node for node in ast.walk(statement) if isinstance(node, ast.Call) and _is_candidate(node)]
    if not calls or not calls[0].keywords:
        return False
    given = ",".join(f"{one.arg}={ast.unparse(_bare(one.value))}" for one in calls[0].keywords)
    return _squeezed(given) in _squeezed(text)


def _is_candidate(call: ast.Call) -> bool:
    return isinstance(call.func, ast.Name) and call.func.id == "candidate"


def _bare(node: ast.expr) -> ast.expr:
    return node.args[0] if isinstance(node, ast.Call) and node.args else node


def _squeezed(text: str) -> str:
    """Without blanks, with the constants and quotes of Python."""
    plain = re.sub(r"\bnull\b", "None", re.sub(r"\btrue\b", "True", re.sub(r"\bfalse\b", "False", text)))
    return re.sub(r"\s", "", plain.replace('"', "'"))


class _StatementRow(PublishedRow):
    id: int | str
    slug: str
    title: str
    content: str
    python: str
    split: str | None = None


_EXAMPLE = re.compile(
    r"\*{0,2}Input:?\*{0,2}:?[ \t]*(?P<given>.+?)\s*\*{0,2}Output:?\*{0,2}:?[ \t]*(?P<value>[^\n]+)", re.DOTALL
)
_MARKUP = re.compile(r"`|\\(?=[][_*-])")
_ARGUMENT = re.compile(r"(?:^|,)\s*([A-Za-z_]\w*)\s*=\s*")


def make_leetcode_statements(row: Row, location: str) -> Problem:
    """A row of greengerong/leetcode, whose only tests are the examples in its statement.

    Raises:
        DataError: A field is missing or wrong, the solution is not Python, or no example has values for its call.
    """
    fields = parse_row(_StatementRow, row, location)
    reference = extract_program(fields.python, Asked()).code or ""
    name, function = _defined(reference, location)
    parameters = [argument.arg for argument in function.args.args if argument.arg != "self"]
    tests = [test for test in (_example(match, parameters) for match in _EXAMPLE.finditer(fields.content)) if test]
    if not tests:
        hint = "examples are read as **Input:** a = 1, b = 2 and **Output:** 3"
        raise DataError("content: no example that is a call", location=location, hint=hint)
    starter = f"{'class Solution:' if '.' in name else ''}\n"
    indent = "    " if "." in name else ""
    owned = ["self", *parameters] if "." in name else parameters
    starter = f"{starter}{indent}def {name.rpartition('.')[2]}({', '.join(owned)}):\n{indent}    ..."
    public, private = first_public((), tests)
    return Problem(
        problem_id=f"leetcode_statements/{fields.slug}",
        dataset="leetcode_statements",
        split=as_split(fields.split),
        prompt=make_prompt(f"{fields.title}\n{fields.content}", name, starter).removesuffix(TEST_SENTENCE).rstrip(),
        entry_point=name,
        kind="call",
        setup=PRELUDE,
        public_tests=public,
        private_tests=private,
        reference_solution=f"{PRELUDE}\n{reference}",
        time_limit_s=None,
        tests_shown=False,  # they stand in the statement
        in_place=not any(isinstance(node, ast.Return) and node.value for node in ast.walk(function)),
    )


def _defined(source: str, location: str) -> tuple[str, ast.FunctionDef]:
    """The entry point of a solution, a method of `Solution` or its first function, and its definition."""
    body = parse_python(source, "python", location).body
    for node in body:
        inner = node.body if isinstance(node, ast.ClassDef) and node.name == "Solution" else [node]
        for function in inner:
            if isinstance(function, ast.FunctionDef) and not function.name.startswith("_"):
                owner = "Solution." if inner is not body and isinstance(node, ast.ClassDef) else ""
                return f"{owner}{function.name}", function
    raise DataError("python: no function", location=location, hint="exclude the row")


def _example(match: re.Match[str], parameters: Sequence[str]) -> CallTest | None:
    """A call from an example; None if its text is not one value for each parameter."""
    given, value = (" ".join(_MARKUP.sub("", match[name]).split()) for name in ("given", "value"))
    marks = list(_ARGUMENT.finditer(given))
    ends = [*(mark.start() for mark in marks[1:]), len(given)]
    texts = {mark[1]: given[mark.end() : end] for mark, end in zip(marks, ends, strict=True)} if marks else {}
    if not texts and len(parameters) == 1:
        texts = {parameters[0]: given}
    if list(texts) != list(parameters):
        return None
    try:
        values = [read_literal(_as_python(text)) for text in texts.values()]
        return CallTest(dumps(values), dumps(read_literal(_as_python(value))))
    except (ValueError, TypeError, SyntaxError, RecursionError):
        return None


def _as_python(text: str) -> str:
    names = {"null": "None", "true": "True", "false": "False"}
    return re.sub(r"\b(null|true|false)\b", lambda match: names[match[1]], text).strip().rstrip(",")


def _facts(row: Row) -> Facts:
    meta = row.get("meta") or {}
    facts = {**(meta if isinstance(meta, dict) else {}), **row}
    return Facts(
        str(facts.get("difficulty") or ""), read_date(facts.get("estimated_date")), read_tags(facts.get("tags"))
    )


DATASETS = {
    "leetcode": Dataset(
        make_leetcode,
        by_fields("task_id", "prompt", "completion", "entry_point", "test"),
        Hub("newfacade/LeetCodeDataset", None, ("train", "test")),
        facts=_facts,
    ),
    "leetcode_statements": Dataset(
        make_leetcode_statements,
        by_fields("slug", "title", "content", "python"),
        Hub("greengerong/leetcode", None, ("train",)),
        facts=_facts,
    ),
}
