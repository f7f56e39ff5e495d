import random
import tracemalloc
from pathlib import Path

import pytest

from mucode_core.problems.stored import StoredProblems
from tests.conftest import make_problem


def test_problems_are_found_by_id_in_their_order() -> None:
    problems = [make_problem(f"p{i}", split="test" if i % 2 else "train") for i in range(5)]
    stored = StoredProblems(problems)
    assert list(stored.values()) == problems
    assert [head.split for head in stored.heads.values()] == ["train", "test", "train", "test", "train"]
    assert ("p4" in stored, "p5" in stored, len(stored)) == (True, False, 5)
    with pytest.raises(KeyError):
        stored["p5"]


def test_a_time_limit_holds_from_then_on() -> None:
    stored = StoredProblems([make_problem("a"), make_problem("b")])
    assert stored["a"].time_limit_s is None
    stored.limit_time("a", 4.0)
    assert [problem.time_limit_s for problem in stored.values()] == [4.0, None]


def test_memory_is_bounded_and_problems_return_whole(tmp_path: Path) -> None:
    """300 MB of problems that do not compress, of which 64 MB are in memory."""
    draw, size, count = random.Random(0), 3_000_000, 100
    tests = [draw.randbytes(size // 2).hex() for _ in range(4)]

    def made(index: int) -> object:
        return make_problem(str(index), private_tests=(f"{index}{tests[index % 4]}",))

    tracemalloc.start()
    stored = StoredProblems((made(i) for i in range(count)), tmp_path)  # type: ignore[misc]
    for index in (0, 99, 50, *range(count)):
        assert stored[str(index)] == made(index)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 200e6
    assert not list(tmp_path.iterdir())  # the file has no name
