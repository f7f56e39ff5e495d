"""The process sandbox as a user sees it: verdicts, feedback, order, retries, and what it leaves behind."""

# ruff: noqa: E501 - programs are easier to read on one line
from __future__ import annotations

import threading
from collections.abc import Callable, Iterator

import pytest

from mucode_core.config import SandboxConfig
from mucode_core.errors import SandboxError
from mucode_core.sandbox import Job, Limits, ProcessSandbox, open_sandbox
from mucode_core.types import StdinTest, Verdict
from tests.sandbox.sandbox_jobs import make_job, run_jobs

Judge = Callable[..., Verdict]
NODE = "class Node:\n    def __init__(self, v): self.v, self.left = v, None\n"

PASSING: dict[str, tuple[str, str]] = {
    "generator": ("def f(n):\n    yield from range(n)", "assert list(f(5)) == [0, 1, 2, 3, 4]"),
    "long generator": ("def f(n): return (i for i in range(n))", "assert sum(f(10_000)) == 49_995_000"),
    "endless generator": ("import itertools\ndef f(n): return itertools.count(n)", "assert next(f(5)) == 5"),
    "map": ("def f(n): return map(str, range(n))", "assert list(f(2)) == ['0', '1']"),
    "set of call": ("def f(n): return [n, n, 1]", "assert set(f(3)) == {1, 3}"),
    "class": ("class f:\n    def __init__(self): self.n = 0\n    def add(self, x):\n        self.n += x\n        return self",
              "assert f().add(2).add(3).n == 5"),
    "object back in": ("class P:\n    def __init__(self, x): self.x = x\ndef f(ps): return sum(p.x for p in ps)",
                       "assert f([P(1), P(2)]) == 3"),
    "item and length": ("class f:\n    def __getitem__(self, i): return i\n    def __len__(self): return 3",
                        "x = f()\nassert x[7] == 7 and len(x) == 3"),
    "iterable object": ("class f:\n    def __iter__(self): return iter([1, 2])", "assert [*f()] == [1, 2]"),
    "text": ("class f:\n    def __str__(self): return 'me'", "assert str(f()) == 'me'"),
    "exception": ("def f(x): raise ValueError('no')", "try:\n    f(1)\nexcept ValueError as e:\n    assert str(e) == 'no'"),
    "own exception": ("class E(KeyError): pass\ndef f(x): raise E(x)",
                      "try:\n    f(1)\n    assert False\nexcept KeyError as e:\n    assert e.args == (1,)"),
    "check suite": ("def f(x): return x + 1", "def check(candidate):\n    assert candidate(1) == 2\n    assert candidate(2) == 3"),
    "check called": ("def f(x): return x + 1", "def check(g):\n    assert g(1) == 2\ncheck(f)"),
    "data name": ("LIMIT = [1, 2]\ndef f(x): return x", "assert f(1) in LIMIT"),
    "keyword": ("def f(x, *, y): return x - y", "assert f(5, y=2) == 3"),
    "named tuple": ("from collections import namedtuple\nP = namedtuple('P', 'a b')\ndef f(x): return P(x, x)",
                    "assert f(1) == (1, 1)"),
    "in place": ("def f(x): x.sort()", "x = [3, 1, 2]\nf(x)\nassert x == [1, 2, 3]"),
    "defaultdict in place": ("def f(d): d['a'] = 1", "import collections\nd = collections.defaultdict(int)\nf(d)\nassert d == {'a': 1}"),
    "arguments are shared": ("def f(x):\n    x.clear()\n    return 0", "x = [1]\nassert f(x) == 0\nassert x == []"),
    "None": ("def f(x): return None", "assert f(1) is None"),
    "tolerance": ("def f(x): return x / 3", "import math\nassert math.isclose(f(1), 0.3333333333333)"),
    "function argument": ("def f(g, x): return g(x)", "assert f(len, 'abc') == 3 and f(int, '7') == 7"),
    "big integer": ("def f(x): return 7 ** x", "assert f(3000) == 7 ** 3000"),
    "numpy": ("import numpy as np\ndef f(x): return np.arange(x).reshape(2, -1)", "assert f(4).tolist() == [[0, 1], [2, 3]]"),
    "main block": ("def f(x): return x\nif __name__ == '__main__':\n    print(f(2))", "assert f(1) == 1"),
    "threads": ("import threading\ndef f(x):\n    r = []\n    t = threading.Thread(target=r.append, args=(x,))\n"
                "    t.start()\n    t.join()\n    return r", "assert f(1) == [1]"),
    "deep recursion": ("import sys\nsys.setrecursionlimit(20_000)\ndef f(x): return x and 1 + f(x - 1)", "assert f(9_000) == 9_000"),
    "late import": ("def f(x):\n    import calendar, zoneinfo, sqlite3\n    return calendar.isleap(x)", "assert f(2000) is True"),
    "shadowed name": ("def sorted_(x): return x\ndef f(x): return x", "assert sorted(f([2, 1])) == [1, 2]"),
    "preloaded": ("def f(x: List[int]) -> int: return math.prod(x)", "assert f([2, 3]) == 6"),
    "scratch": ("def f(x):\n    open('a', 'w').write(x)\n    return open('a').read()", "assert f('b') == 'b'"),
}  # fmt: skip


@pytest.mark.parametrize("name", PASSING)
def test_honest_programs_pass(name: str, judge_one: Judge) -> None:
    verdict = judge_one(*PASSING[name])
    assert verdict == Verdict("passed", 1, 1, "", 0.0)


FEEDBACK: dict[str, tuple[str, str, str, str]] = {
    "wrong value": ("def f(x): return 'a'", "failed",
        "assert f(1) == 2\nAssertionError: got 'a', expected 2", "AssertionError: got 'a', expected 2"),
    "exception": ("def g(x):\n    return 1 / x\n\ndef f(x):\n    return g(0)", "error",
        'assert f(1) == 2\nTraceback (most recent call last):\n  File "solution.py", line 5, in f\n    return g(0)\n'
        '  File "solution.py", line 2, in g\n    return 1 / x\nZeroDivisionError: division by zero',
        "ZeroDivisionError: division by zero"),
    "no name": ("def g(x): return 2", "error",
        "assert f(1) == 2\nNameError: name 'f' is not defined", "NameError: name 'f' is not defined"),
    "syntax": ("def f(x) return 2", "error",
        'Traceback (most recent call last):\n  File "solution.py", line 1, in <module>\n    def f(x) return 2\n'
        "SyntaxError: expected ':' (solution.py, line 1)", "SyntaxError: expected ':' (solution.py, line 1)"),
    "own exception": ("class Bad(Exception): pass\ndef f(x):\n    raise Bad", "error",
        'assert f(1) == 2\nTraceback (most recent call last):\n  File "solution.py", line 3, in f\n    raise Bad\nBad', "Bad"),
    "address": ("class A: pass\ndef f(x): raise ValueError(object())", "error",
        'assert f(1) == 2\nTraceback (most recent call last):\n  File "solution.py", line 2, in f\n'
        "    def f(x): raise ValueError(object())\nValueError: <object object at 0x...>", "ValueError: <object object at 0x...>"),
    "object": ("class A: pass\ndef f(x): return A()", "failed",
        "assert f(1) == 2\nAssertionError: got <A object>, expected 2", "AssertionError: got <A object>, expected 2"),
    "set": ("def f(x): return {'b', 'c', 'a', 3}", "failed",
        "assert f(1) == 2\nAssertionError: got {'a', 'b', 'c', 3}, expected 2",
        "AssertionError: got {'a', 'b', 'c', 3}, expected 2"),
    "exit": ("def f(x):\n    exit(3)", "error",
        "assert f(1) == 2\nTraceback (most recent call last):\n  File \"solution.py\", line 2, in f\n    exit(3)\n"
        "SystemExit: 3", "SystemExit: 3"),
    "gone": ("import os\ndef f(x): os._exit(0)", "error",
        "assert f(1) == 2\nRuntimeError: the program ended before its tests did",
        "RuntimeError: the program ended before its tests did"),
    "time": ("def f(x):\n    while True: pass", "timeout",
        "assert f(1) == 2\nTimeoutError: the program took longer than 0.2 s",
        "TimeoutError: the program took longer than 0.2 s"),
    "path": ("from collections import nothing", "error",
        'Traceback (most recent call last):\n  File "solution.py", line 1, in <module>\n    from collections import nothing\n'
        "ImportError: cannot import name 'nothing' from 'collections' (__init__.py)",
        "ImportError: cannot import name 'no...' from 'collections' (__init__.py)"),
}  # fmt: skip


@pytest.mark.parametrize("name", FEEDBACK)
def test_feedback_is_exact(name: str, judge_one: Judge) -> None:
    code, status, full, brief = FEEDBACK[name]
    limits, test = Limits(cpu_s=0.2), "assert f(1) == 2"
    assert judge_one(code, test, limits=limits) == Verdict(status, 0, 1, full, 0.0)  # type: ignore[arg-type]
    if name != "path":
        assert judge_one(code, test, limits=limits, feedback="brief").feedback == brief


def test_feedback_of_a_suite_shows_the_failing_assert(judge_one: Judge) -> None:
    lines = "".join(f"    assert candidate({i}) == {i + 1}\n" for i in range(9))
    verdict = judge_one("def f(x): return x + 1 if x < 7 else 0", "def check(candidate):\n" + lines)
    assert verdict.feedback == "assert candidate(7) == 8\nAssertionError: got 0, expected 8"


def test_tests_are_counted_and_the_first_failure_told(judge_one: Judge) -> None:
    tests = [f"assert f({i}) == {i}" for i in range(5)]
    verdict = judge_one("def f(x): return 9 if x in (1, 3) else x", *tests)
    assert (verdict.status, verdict.num_passed, verdict.num_tests) == ("failed", 3, 5)
    assert verdict.feedback == "assert f(1) == 1\nAssertionError: got 9, expected 1"


def test_nothing_runs_after_a_timeout(judge_one: Judge) -> None:
    code = "def f(x):\n    while x == 1: pass\n    return x"
    verdict = judge_one(code, *[f"assert f({i}) == {i}" for i in range(3)], limits=Limits(cpu_s=0.2))
    assert (verdict.status, verdict.num_passed) == ("timeout", 1)
    assert 0.15 < verdict.cpu_s < 1


def test_setup_runs_after_the_program_and_before_the_tests(judge_one: Judge) -> None:
    code = NODE + "def f(node): return node.left.v"
    setup = "root = Node(1)\nroot.left = Node(2)"
    assert judge_one(code, "assert f(root) == 2", setup=setup).passed
    verdict = judge_one("def f(node): return 2", "assert f(root) == 2", setup=setup)
    assert (verdict.status, verdict.feedback) == ("error", "NameError: name 'Node' is not defined")


def test_a_memory_hog_is_told_apart(judge_one: Judge) -> None:
    verdict = judge_one("def f(x): return len([0] * (1 << 30))", "assert f(1) == 1", limits=Limits(memory_mb=64))
    assert (verdict.status, verdict.feedback.splitlines()[-1]) == ("memory_exceeded", "MemoryError")


def test_too_large_an_answer_is_told_apart(judge_one: Judge) -> None:
    verdict = judge_one("def f(x): return 'x' * (3 << 20)", "assert f(1) == 1", limits=Limits(output_mb=2))
    assert (verdict.status, verdict.feedback.splitlines()[-1]) == (
        "output_exceeded",
        "RuntimeError: the answer is too large",
    )


@pytest.mark.parametrize("tests", [(), ("pass",), ("assert 1 == 1",)], ids=str)
def test_tests_that_try_nothing_are_not_passed(judge_one: Judge, tests: tuple[str, ...]) -> None:
    verdict = judge_one("def f(x): return x", *tests)
    assert verdict.status == "error"
    assert verdict.feedback


@pytest.mark.parametrize("test", ["assert f(1) ==", "import threading\nassert f(threading.Lock()) == 1"])
def test_broken_test_code_is_a_finding_about_the_problem(judge_one: Judge, test: str) -> None:
    assert judge_one("def f(x): return 1", test).status == "not_judged"
    assert judge_one("def f(x): return 1", "assert f(1) == 1").passed


def test_a_comparison_that_never_ends_is_the_programs_fault(judge_one: Judge) -> None:
    test = "assert len(str(10 ** f(1))) == 3"
    verdict = judge_one("def f(x): return 10 ** 9", test, limits=Limits(cpu_s=0.1))
    assert verdict.status == "timeout"
    assert verdict.feedback.endswith("TimeoutError: checking the answer took too long")


def test_brief_limit_does_not_count_time_asleep(judge_one: Judge) -> None:
    verdict = judge_one(
        "import time\ndef f(x):\n    time.sleep(0.5)\n    return x", "assert f(1) == 1", limits=Limits(cpu_s=0.1)
    )
    assert verdict.passed


STDIN: dict[str, tuple[str, str, str, str]] = {
    "input": ("n = int(input())\nprint(n + 1)", "4\n", "5\n", "passed"),
    "buffer": ("import sys\nprint(sum(map(int, sys.stdin.buffer.read().split())))", "1 2\n3", "6", "passed"),
    "open(0)": ("print(len(open(0).read()))", "abc", "3", "passed"),
    "main": ("def main():\n    print(input()[::-1])\nif __name__ == '__main__':\n    main()", "ab", "ba", "passed"),
    "exit": ("import sys\nprint(1)\nsys.exit()", "", "1", "passed"),
    "exit 0": ("import sys\nprint(1)\nsys.exit(0)", "", "1", "passed"),
    "os._exit": ("import os\nprint(1, flush=True)\nos._exit(0)", "", "1", "passed"),
    "exit 1": ("import sys\nprint(1)\nsys.exit(1)", "", "1", "error"),
    "blanks": ("print('1  2 ')\nprint()", "", "1 2\n", "passed"),
    "float": ("print(0.33333334)", "", "0.3333333333", "passed"),
    "integer": ("print(3.001)", "", "3", "failed"),
    "decimal integer": ("print(3.0)", "", "3", "passed"),
    "case": ("print('yes')", "", "YES", "passed"),
    "exit without sys": ("print(1)\nexit()\nprint(2)", "", "1", "passed"),
    "wrong": ("print(2)", "", "3", "failed"),
    "nothing": ("pass", "", "3", "failed"),
    "error": ("print(1)\n1 / 0", "", "1", "error"),
    "loop": ("while True: pass", "", "1", "timeout"),
    "flood": ("while True: print('x' * 9999)", "", "1", "output_exceeded"),
    "forged": ("import os\nos.write(3, b'\\x00\\x00\\x00\\x00')", "", "1", "error"),
    "read answer": ("import os\nfor i in range(4, 20):\n    try: print(os.read(i, 99))\n    except OSError: pass", "", "1", "failed"),
}  # fmt: skip


@pytest.mark.parametrize("name", STDIN)
def test_programs_that_read_and_print(name: str, judge_one: Judge) -> None:
    code, given, expected, status = STDIN[name]
    limits = Limits(cpu_s=0.3, output_mb=1)
    test = StdinTest(given, expected)
    verdict = judge_one(code, test, kind="stdin", entry_point="", limits=limits)
    assert verdict.status == status
    assert bool(verdict.feedback) is (status != "passed")


def test_feedback_of_a_wrong_output(judge_one: Judge) -> None:
    tests = [StdinTest("1\n", "1"), StdinTest("2\n", "4\n")]
    verdict = judge_one("print(input())", *tests, kind="stdin", entry_point="")
    assert verdict == Verdict("failed", 1, 2, "Input:\n2\nAssertionError: got 2, expected 4", 0.0)


def test_verdicts_come_in_order_and_jobs_are_taken_as_needed(sandbox: ProcessSandbox) -> None:
    taken = 0

    def jobs() -> Iterator[Job]:
        nonlocal taken
        for i in range(500):
            taken += 1
            yield make_job(f"def f(x): return x + {i % 2}", f"assert f({i}) == {i}")

    verdicts = run_jobs(sandbox, jobs())
    assert [next(verdicts).passed for _ in range(6)] == [True, False] * 3
    assert taken < 100
    verdicts.close()  # type: ignore[attr-defined]
    assert taken < 100


def test_threads_share_the_workers(sandbox: ProcessSandbox) -> None:
    found: dict[int, list[bool]] = {}

    def grade(offset: int) -> None:
        jobs = (make_job("def f(x): return x % 7", f"assert f({i + offset * 1000}) == {i % 7}") for i in range(40))
        found[offset] = [verdict.passed for verdict in run_jobs(sandbox, jobs)]

    threads = [threading.Thread(target=grade, args=(offset,)) for offset in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert found == {offset: [offset * 1000 % 7 == 0] * 40 for offset in range(6)}


def test_two_sandboxes_say_the_same() -> None:
    code = "import random\ndef f(x): return [random.random(), {str(i) for i in range(9)}, list({'a', 'b', 'c'}), hash('a')]"
    jobs = [
        make_job(code, "assert f(1) == 2"),
        make_job("import random\ndef f(x): return random.choice", "assert f(1) == 2"),
    ]
    texts: list[list[str]] = []
    for num_workers in (1, 2):
        with ProcessSandbox(num_workers) as sandbox:
            texts.append([verdict.feedback for verdict in run_jobs(sandbox, jobs)])
    assert texts[0] == texts[1]


def test_open_sandbox_describes_itself() -> None:
    with open_sandbox(SandboxConfig(num_workers=1, backend="process")) as sandbox:
        assert sandbox.isolation.startswith("process sandbox: own process, resource limits")
        assert "not isolated" in sandbox.isolation


def test_a_closed_sandbox_says_so() -> None:
    sandbox = ProcessSandbox(1)
    sandbox.close()
    sandbox.close()
    with pytest.raises(SandboxError, match="closed"):
        list(run_jobs(sandbox, [make_job("def f(x): return x", "assert f(1) == 1")]))


PRIVATE = ("assert f(5) == 6", "assert f(0) == 1")


@pytest.mark.parametrize(
    ("code", "public", "private"),
    [
        ("def f(x): return x + 1", ("passed", 1), ("passed", 2)),
        ("def f(x): return 2 if x == 1 else 0", ("passed", 1), ("failed", 0)),
        ("def f(x): return 0 if x == 1 else x + 1", ("failed", 0), ("passed", 2)),
        ("def f(x): return 1 / x + 1", ("passed", 1), ("failed", 0)),
        ("import os\ndef f(x): return x + 1 if x != 5 else os._exit(0)", ("passed", 1), ("error", 0)),
        ("import os\nos._exit(0)", ("error", 0), ("error", 0)),
        ("def f(x):\n    while x: pass\n    return 1", ("timeout", 0), ("timeout", 0)),
        ("def f(x):\n    while x == 5: pass\n    return x + 1", ("passed", 1), ("timeout", 0)),
        ("syntax error", ("error", 0), ("error", 0)),
        ("g = 1", ("error", 0), ("error", 0)),
    ],
)
def test_public_and_private_tests_are_judged_apart(
    sandbox: ProcessSandbox, code: str, public: tuple[str, int], private: tuple[str, int]
) -> None:
    job = make_job(code, "assert f(1) == 2", private_tests=PRIVATE, limits=Limits(cpu_s=0.3))
    ((first, second),) = sandbox.run([job])
    assert (first.status, first.num_passed, first.num_tests) == (*public, 1)
    assert (second.status, second.num_passed, second.num_tests) == (*private, 2)
    assert "f(5)" not in first.feedback and "f(0)" not in first.feedback, "private tests stay out of public feedback"
