"""Problem and turns to chat messages, and the model's text back to a program.

Nothing here takes a `Problem` or a `Turn`: private tests and private verdicts cannot enter a prompt.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Sequence

from mucode_core.types import Completion, FinishReason, Message, PublicTurn, StdinTest, Test

_FENCE = re.compile(r"```[ \t]*([A-Za-z0-9_+-]*)[ \t]*\r?\n(.*?)(?:\n?```|\Z)", re.DOTALL)
_PYTHON = {"python", "py", "python3"}


def render_prompt(prompt: str, shown_tests: Sequence[Test]) -> str:
    """The first user message: the statement, then the tests that are shown."""
    return "\n".join([prompt, *(_render_test(t) for t in shown_tests)])


def _render_test(test: Test) -> str:
    if isinstance(test, StdinTest):
        return f"Example input:\n{test.input.rstrip()}\nExample output:\n{test.output.rstrip()}"
    return test.strip()


def render_code(code: str) -> str:
    """A program as the model is taught to write it."""
    return f"```python\n{code}\n```"


def render_feedback(feedback: str) -> str:
    """The user message that follows a failed program."""
    return f"Feedback: {feedback}"


def build_messages(prompt: str, shown_tests: Sequence[Test], turns: Sequence[PublicTurn] = ()) -> tuple[Message, ...]:
    """The state s_t as chat messages (paper section 3): the problem, then each turn's text and feedback."""
    messages = (Message("user", render_prompt(prompt, shown_tests)),)
    for turn in turns:
        messages = continue_messages(messages, turn)
    return messages


def continue_messages(messages: tuple[Message, ...], turn: PublicTurn) -> tuple[Message, ...]:
    """The state after one more turn."""
    return (*messages, Message("assistant", turn.text), Message("user", render_feedback(turn.feedback)))


def extract_code(text: str) -> str | None:
    """The program in a completion, or None where there is none.

    The first block fenced as Python wins, else the first fenced block (a block cut off by the token limit counts),
    else the whole text where it is Python that defines or runs something.
    """
    blocks = [(m.group(1).lower(), m.group(2)) for m in _FENCE.finditer(text)]
    if blocks:
        code = next((body for language, body in blocks if language in _PYTHON), blocks[0][1])
    else:
        code = text if _is_program(text) else ""
    return code.strip("\n") if code.strip() else None


def _is_program(text: str) -> bool:
    try:
        body = ast.parse(text).body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return any(not isinstance(node, ast.Expr) or isinstance(node.value, ast.Call) for node in body)


def make_completion(text: str, finish_reason: FinishReason, num_tokens: int) -> Completion:
    """A completion with its program extracted."""
    return Completion(text, extract_code(text), finish_reason, num_tokens)
