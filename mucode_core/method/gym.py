"""The paper's decision process as a Gymnasium environment (extra `gym`)."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

import gymnasium
from gymnasium import spaces

from mucode_core.answers import asked_by, extract_program
from mucode_core.errors import ConfigError
from mucode_core.prompts import render_feedback, render_prompt
from mucode_core.sandbox import FeedbackStyle, Limits, Sandbox
from mucode_core.sandbox.grading import grade_programs
from mucode_core.types import Problem
from mucode_core.wording import count

_MAX_TEXT = 100_000
_REPLACEMENT = "\ufffd"


@cache
def _letters() -> frozenset[str]:
    """Unicode's first plane without surrogates; other characters are replaced."""
    return frozenset(chr(n) for n in range(0x10000) if not 0xD800 <= n < 0xE000)


class RepairEnv(gymnasium.Env[str, str]):
    """Multi-turn code generation (paper section 3): an action is an answer with a program, an observation a message.

    The first observation is the statement with its public tests, each later one the public tests' feedback: the user
    messages of a chat. The agent keeps the history. The reward is 1 for a program that passes public and
    private tests, else 0 (the paper's single-step reward). An episode terminates on a public pass, and is truncated
    after `num_turns`. `info` holds `problem_id`, `turn_index`, `status` of the public tests, `public_passed`, `label`.

    Args:
        problems: Drawn uniformly at each reset, or selected by `options={"problem_id": ...}`.
        sandbox: Runs the programs; the caller closes it.
        num_turns: T.
        limits: Budgets of a program whose problem has none.
        feedback: Style of the feedback.
    """

    metadata = {"render_modes": []}  # noqa: RUF012 - Gymnasium's own attribute

    def __init__(
        self,
        problems: Sequence[Problem],
        sandbox: Sandbox,
        *,
        num_turns: int = 3,
        limits: Limits | None = None,
        feedback: FeedbackStyle = "full",
    ) -> None:
        if not problems:
            raise ConfigError("no problems", location="RepairEnv", hint="give at least one")
        self.observation_space = spaces.Text(_MAX_TEXT, min_length=0, charset=_letters())
        self.action_space = spaces.Text(_MAX_TEXT, min_length=0, charset=_letters())
        self._problems = {problem.problem_id: problem for problem in problems}
        self._sandbox, self._num_turns = sandbox, num_turns
        self._feedback: FeedbackStyle = feedback
        self._limits = limits or Limits()
        self._problem = problems[0]
        self._turn = 0

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[str, dict[str, Any]]:
        """Begins an episode.

        Raises:
            ConfigError: `options` names an unknown problem.
        """
        super().reset(seed=seed)
        self._turn = 0
        self._problem = self._choose((options or {}).get("problem_id"))
        message = render_prompt(self._problem.prompt, self._problem.shown_tests)
        return _clean(message), {"problem_id": self._problem.problem_id, "turn_index": 0}

    def step(self, action: str) -> tuple[str, float, bool, bool, dict[str, Any]]:
        """Runs the program in an answer against all tests.

        Raises:
            SandboxError: The infrastructure failed; never because of a program.
        """
        asked = asked_by(self._problem.prompt, self._problem.entry_point)
        rows = [(self._problem, extract_program(action, asked).code)]
        ((public, private),) = grade_programs(self._sandbox, rows, limits=self._limits, feedback=self._feedback)
        self._turn += 1
        label = public.is_label and private.is_label
        truncated = not public.passed and self._turn >= self._num_turns
        info = {
            "problem_id": self._problem.problem_id,
            "turn_index": self._turn,
            "status": public.status,
            "public_passed": public.passed,
            "label": label,
        }
        message = "" if public.passed else render_feedback(public.feedback)
        return _clean(message), float(label), public.passed, truncated, info

    def _choose(self, problem_id: str | None) -> Problem:
        if problem_id is None:
            names = list(self._problems)
            return self._problems[names[int(self.np_random.integers(len(names)))]]
        if problem_id not in self._problems:
            hint = f"name one of the {count(len(self._problems), 'problem')} of this environment"
            raise ConfigError(f"no problem {problem_id!r}", location="reset(options=...)", hint=hint)
        return self._problems[problem_id]


def _clean(text: str) -> str:
    """Restricts text to the observation space: its characters and maximum length."""
    return "".join(letter if letter in _letters() else _REPLACEMENT for letter in text[:_MAX_TEXT])
