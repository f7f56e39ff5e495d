"""Renders a problem and its turns as chat messages.

No function takes a `Problem` or a `Turn`: private tests and private verdicts cannot enter a prompt.
"""

from __future__ import annotations

from collections.abc import Sequence

from mucode_core.answers import ANYTHING, Asked, extract_program
from mucode_core.types import Completion, FinishReason, Message, PublicTurn, ShownTest, StdinTest


def render_prompt(prompt: str, shown_tests: Sequence[ShownTest]) -> str:
    """The first user message: the statement, then the shown tests."""
    return "\n".join([prompt, *(_render_test(t) for t in shown_tests)])


def _render_test(test: ShownTest) -> str:
    if isinstance(test, StdinTest):
        return f"Example input:\n{test.input.rstrip()}\nExample output:\n{test.output.rstrip()}"
    return test.strip()


def render_code(code: str) -> str:
    """A program in the format that the model is trained to write."""
    return f"```python\n{code}\n```"


def render_feedback(feedback: str) -> str:
    """The user message that follows a failed program."""
    return f"Feedback: {feedback}"


def build_messages(
    prompt: str, shown_tests: Sequence[ShownTest], turns: Sequence[PublicTurn] = ()
) -> tuple[Message, ...]:
    """The state s_t as chat messages (paper section 3): the problem, then each turn's text and feedback."""
    messages = (Message("user", render_prompt(prompt, shown_tests)),)
    for turn in turns:
        messages = continue_messages(messages, turn)
    return messages


def continue_messages(messages: tuple[Message, ...], turn: PublicTurn) -> tuple[Message, ...]:
    """The state after one more turn."""
    return (*messages, Message("assistant", turn.text), Message("user", render_feedback(turn.feedback)))


def make_completion(text: str, finish_reason: FinishReason, num_tokens: int, asked: Asked = ANYTHING) -> Completion:
    """A completion with its program extracted."""
    found = extract_program(text, asked)
    return Completion(text, found.code, finish_reason, num_tokens, found.rule)
