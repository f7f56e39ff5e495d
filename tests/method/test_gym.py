"""Environment: passes Gymnasium's checker, and follows the paper's decision process."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from mucode_core.errors import ConfigError
from mucode_core.sandbox import ProcessSandbox, Sandbox
from tests.conftest import make_problem

gymnasium = pytest.importorskip("gymnasium")

from gymnasium.utils.env_checker import check_env  # noqa: E402

from mucode_core.method.gym import RepairEnv  # noqa: E402

RIGHT, LUCKY, WRONG = "def f(x): return x + 1", "def f(x): return 2", "def f(x): return x"


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with ProcessSandbox(1) as opened:
        yield opened


@pytest.fixture
def env(sandbox: Sandbox) -> RepairEnv:
    return RepairEnv([make_problem("a"), make_problem("b", prompt="Write f 🙂")], sandbox, num_turns=2)


@pytest.mark.filterwarnings("error")
def test_gymnasiums_checker_passes(env: RepairEnv) -> None:
    check_env(env, skip_render_check=True)


def test_an_episode_ends_with_a_public_pass(env: RepairEnv) -> None:
    first, info = env.reset(options={"problem_id": "a"})
    assert first == "Write f for a.\nassert f(1) == 2"
    assert info == {"problem_id": "a", "turn_index": 0}
    message, reward, terminated, truncated, info = env.step(f"```python\n{WRONG}\n```")
    assert (reward, terminated, truncated) == (0, False, False)
    assert message.startswith("Feedback: ")
    assert "assert f(1) == 2" in message
    message, reward, terminated, truncated, info = env.step(f"```python\n{RIGHT}\n```")
    assert (message, reward, terminated, truncated) == ("", 1, True, False)
    assert info["label"] is True


def test_private_tests_affect_only_the_reward(env: RepairEnv) -> None:
    env.reset(options={"problem_id": "a"})
    message, reward, terminated, _, info = env.step(LUCKY)
    assert (message, reward, terminated) == ("", 0, True)
    assert (info["public_passed"], info["label"]) == (True, False)


def test_an_episode_is_truncated_after_its_turns(env: RepairEnv) -> None:
    env.reset(options={"problem_id": "a"})
    assert env.step("no program")[2:4] == (False, False)
    assert env.step(WRONG)[2:4] == (False, True)


def test_problems_are_drawn_by_the_seed(env: RepairEnv) -> None:
    def draw(seed: int) -> list[str]:
        return [env.reset(seed=seed)[1]["problem_id"], *(env.reset()[1]["problem_id"] for _ in range(20))]

    assert draw(1) == draw(1)
    assert set(draw(1)) == {"a", "b"}
    assert env.reset(options={"problem_id": "b"})[0].startswith("Write f \ufffd"), "outside the space's letters"


def test_invalid_arguments_are_refused(env: RepairEnv, sandbox: Sandbox) -> None:
    with pytest.raises(ConfigError, match="no problem 'c'"):
        env.reset(options={"problem_id": "c"})
    with pytest.raises(ConfigError, match="no problems"):
        RepairEnv([], sandbox)
