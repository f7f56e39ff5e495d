"""Programs with one mistake, made of right ones: what the warm-up of a base corrects.

A base that has seen only right first answers tends to repeat its answer whatever the feedback (docs/real.md). So it is
shown second turns as well: a program with a mistake, the feedback that the sandbox gives on it, and the right program.
"""

from __future__ import annotations

import ast
import random
from collections.abc import Callable, Iterator, Sequence
from copy import deepcopy

from mucode_core.answers.syntax import parse_module
from mucode_core.fingerprint import derive_seed
from mucode_core.prompts import build_messages, render_code
from mucode_core.sandbox.base import Verdicts
from mucode_core.types import Problem, PublicTurn, SftExample

Grade = Callable[[Sequence[tuple[Problem, str | None]]], list[Verdicts]]
"""Public and private verdicts of programs."""

_TRIES = 6
"""Changes per program: most are caught by the public tests."""

_OTHER_OPERATOR: dict[type[ast.AST], type[ast.AST]] = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Add,
    ast.Mod: ast.FloorDiv,
    ast.FloorDiv: ast.Mod,
    ast.And: ast.Or,
    ast.Or: ast.And,
}
_OTHER_FUNCTION = {"min": "max", "max": "min", "sum": "len", "len": "sum", "any": "all", "all": "any", "sorted": "list"}


def correct_mistakes(problems: Sequence[Problem], grade: Grade, seed: int) -> Iterator[SftExample]:
    """The second turn of a warm-up: a program with a mistake, its feedback, and the reference solution as the answer.

    At most one per problem; none where the reference solution is missing or cannot be parsed, or where every changed
    program that was tried passes the public tests, since the dialogue would have ended there.

    Args:
        problems: With reference solutions.
        grade: Runs programs as rollouts do.
        seed: Draws the mistakes.
    """
    tried = [
        (problem, program)
        for problem in problems
        if problem.reference_solution is not None
        for program in make_mistakes(
            problem.reference_solution, _TRIES, derive_seed(seed, "mistakes", problem.problem_id)
        )
    ]
    done: set[str] = set()
    for (problem, program), (public, _) in zip(tried, grade(tried), strict=True):
        if public.passed or problem.problem_id in done:
            continue
        done.add(problem.problem_id)
        assert problem.reference_solution is not None
        shown = PublicTurn(render_code(program), public.feedback)
        state = build_messages(problem.prompt, problem.shown_tests, [shown])
        yield SftExample(problem.problem_id, "mistake", 1, state, render_code(problem.reference_solution))


def make_mistakes(program: str, count: int, seed: int) -> list[str]:
    """Up to `count` distinct programs that each differ from `program` in one place, in random order.

    The change is another operator, function, constant or end of a sequence, or a missing statement. The text is
    Python's own rendering of the syntax tree, without comments. A change may happen to keep the program right.
    """
    try:
        tree = parse_module(program)
    except (SyntaxError, ValueError):
        return []
    rng = random.Random(seed)
    places = [index for index, node in enumerate(ast.walk(tree)) if isinstance(node, _CHANGED)]
    rng.shuffle(places)
    made: dict[str, None] = {}
    for place in places:
        if len(made) == count:
            break
        copy = deepcopy(tree)
        if _change(list(ast.walk(copy))[place], rng):
            made[ast.unparse(ast.fix_missing_locations(copy))] = None
    return list(made)


_CHANGED = (
    ast.FunctionDef,
    ast.For,
    ast.While,
    ast.If,
    ast.Compare,
    ast.BinOp,
    ast.BoolOp,
    ast.Call,
    ast.Slice,
    ast.Constant,
)


def _change(node: ast.AST, rng: random.Random) -> bool:
    """Changes the node in place; false where there is nothing to change."""
    match node:
        case ast.FunctionDef(body=body) | ast.For(body=body) | ast.While(body=body) | ast.If(body=body):
            steps = [one for one in body if isinstance(one, ast.Assign | ast.AugAssign | ast.Expr)]
            if not steps or len(body) == 1:
                return False
            body.remove(rng.choice(steps))
        case ast.Compare(ops=[operator]) if type(operator) in _OTHER_OPERATOR:
            node.ops = [_OTHER_OPERATOR[type(operator)]()]  # pyright: ignore[reportAttributeAccessIssue]
        case ast.BinOp(op=operator) | ast.BoolOp(op=operator) if type(operator) in _OTHER_OPERATOR:
            node.op = _OTHER_OPERATOR[type(operator)]()  # pyright: ignore[reportAttributeAccessIssue]
        case ast.Call(func=ast.Name(id=name) as function) if name in _OTHER_FUNCTION:
            function.id = _OTHER_FUNCTION[name]
        case ast.Slice(lower=lower, upper=upper) if (lower is None) != (upper is None):
            node.lower, node.upper = _negate(upper), _negate(lower)
        case ast.Constant(value=int(value)) if not isinstance(value, bool):
            node.value = value + 1
        case _:
            return False
    return True


def _negate(index: ast.expr | None) -> ast.expr | None:
    """The same distance from the other end of a sequence."""
    if index is None:
        return None
    if isinstance(index, ast.UnaryOp) and isinstance(index.op, ast.USub):
        return index.operand
    return ast.UnaryOp(ast.USub(), index)
