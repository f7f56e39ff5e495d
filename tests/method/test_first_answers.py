"""A base that cannot start the method is named at its first answers."""

from __future__ import annotations

import pytest

from mucode_core.errors import DataError
from mucode_core.method.first_answers import describe_no_success, require_programs
from mucode_core.types import Completion
from tests.conftest import make_rollout

PROSE = [Completion(f"I would add {i} numbers.", None, "stop", 5) for i in range(8)]


def test_answers_without_programs_are_refused_with_three_of_them() -> None:
    with pytest.raises(DataError, match=r"no program in 8 answers") as caught:
        require_programs(PROSE)
    message = str(caught.value)
    assert [f"add {i} numbers" in message for i in range(4)] == [True, True, True, False]
    assert "max_new_tokens" not in message


def test_answers_that_were_cut_need_room() -> None:
    with pytest.raises(DataError, match=r"raise generator.max_new_tokens, which cut 1 of them"):
        require_programs([*PROSE, Completion("def f(", None, "length", 96)])


def test_few_answers_or_one_program_prove_nothing() -> None:
    require_programs(PROSE[:7])
    require_programs([*PROSE, Completion("```python\nx\n```", "x", "stop", 5)])


def test_a_shard_without_a_correct_rollout_is_remarked_on() -> None:
    wrong = [make_rollout(f"r{i}", "a", ("a0", False, False)) for i in range(8)]
    assert "none of the first 8 rollouts is correct" in describe_no_success(wrong)
    assert describe_no_success(wrong[:7]) == ""
    assert describe_no_success([*wrong, make_rollout("r9", "a", ("a1", True, True))]) == ""
