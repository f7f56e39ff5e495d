"""Checkers decide where several outputs are right; no output, and no program, harms one."""

from __future__ import annotations

import pytest

from mucode_core.sandbox import Sandbox
from mucode_core.types import Comparison, StdinTest
from tests.sandbox.attacks import honest_job
from tests.sandbox.sandbox_jobs import make_job, run_jobs
from tests.sandbox.traces import traces

SUM = """
import sys
given, output, answer = (open(path).read() for path in sys.argv[1:])
assert len(answer.split()) == 2
try:
    first, second = map(int, output.split())
except ValueError:
    print("two integers, please")
    sys.exit(2)
if first + second != int(given):
    print("the sum is", first + second)
    sys.exit(1)
"""
TESTS = (StdinTest("5\n", "2 3\n"), StdinTest("7\n", "3 4\n"))
RIGHT = "print(1, int(input()) - 1)"


def judge(sandbox: Sandbox, code: str, checker: str = SUM, tests: tuple[StdinTest, ...] = TESTS):
    (verdict,) = run_jobs(sandbox, [make_job(code, *tests, kind="stdin", checker=checker)])
    return verdict


def test_any_right_output_passes_and_the_comment_is_shown(sandbox: Sandbox) -> None:
    assert judge(sandbox, RIGHT).passed
    wrong = judge(sandbox, "print(2, 3)")
    assert (wrong.status, wrong.num_passed) == ("failed", 1)
    assert wrong.feedback == (
        "Input:\n7\nAssertionError: got 2 3, expected an answer such as 3 4\nChecker: the sum is 5"
    )
    assert judge(sandbox, "print('x')").feedback.endswith("Checker: two integers, please")


@pytest.mark.parametrize(
    ("checker", "status"),
    [
        ("print(1)", "passed"),
        ("print('1.0')", "passed"),
        ("print('5 numbers')", "passed"),
        ("print(0)", "failed"),
        ("print(0.5)", "failed"),
        ("raise SystemExit(1)", "failed"),
        ("raise SystemExit('wrong')", "failed"),
        ("raise SystemExit(4)", "failed"),
        ("import os; os._exit(8)", "failed"),
        ("raise SystemExit(3)", "not_judged"),
        ("raise SystemExit(42)", "not_judged"),
        ("1 / 0", "not_judged"),
        ("def (", "not_judged"),
        ("import nothing_like_this", "not_judged"),
        ("x = [0] * 10**10", "not_judged"),
        ("import os; os.kill(os.getpid(), 9)", "not_judged"),
    ],
)
def test_exit_codes_and_scores(sandbox: Sandbox, checker: str, status: str) -> None:
    assert judge(sandbox, RIGHT, checker).status == status


@pytest.mark.slow
def test_a_checker_that_hangs_is_the_problems_fault(sandbox: Sandbox) -> None:
    verdict = judge(sandbox, RIGHT, "while True: pass")
    assert (verdict.status, "took too long" in verdict.feedback) == ("not_judged", True)


def test_an_output_that_a_sound_checker_cannot_read_is_wrong(sandbox: Sandbox) -> None:
    checker = "import sys\nint(open(sys.argv[2]).read().split()[0])"
    assert judge(sandbox, "print('x')", checker).status == "failed"
    assert judge(sandbox, "print('x')", checker, (StdinTest("", "y"),)).status == "not_judged"


ATTACKS = {
    "names": "open('checker.py', 'w').write('x'); open('output.txt', 'w').write('2 3'); print('x')",
    "modules": "open('sys.py', 'w').write('import os; os._exit(0)'); open('int.py', 'w').write(''); print('x')",
    "links": "import os\nos.symlink('/dev/null', 'answer.txt'); os.mkdir('input.txt'); print('x')",
    "huge": "print('1 ' * (14 << 20))",
    "binary": "import sys; sys.stdout.buffer.write(bytes(range(256)) * 100)",
    "paths": "print('../../etc/passwd', '/dev/stdin')",
    "code": "print('__import__(\"os\")._exit(0)', 'exit()')",
    "answer": "print(open('answer.txt').read())",
    "nothing": "",
    "thread": "import threading, time\nthreading.Thread(target=time.sleep, args=(9,), daemon=True).start()\nprint('x')",
}


@pytest.mark.parametrize("name", ATTACKS)
def test_no_output_fools_or_harms_a_checker(lone_sandbox: Sandbox, name: str) -> None:
    jobs = [
        make_job(ATTACKS[name], *TESTS, kind="stdin", checker=SUM),
        make_job(RIGHT, *TESTS, kind="stdin", checker=SUM + f"# {name}"),
        honest_job(len(name), False),
    ]
    attack, right, honest = run_jobs(lone_sandbox, jobs)
    assert attack.status in ("failed", "error", "output_exceeded"), attack
    assert (right.status, honest.status) == ("passed", "passed"), right.feedback + honest.feedback
    assert traces() == []


def test_a_checker_that_runs_the_output_harms_nothing_else(lone_sandbox: Sandbox) -> None:
    checker = "import sys\nexec(open(sys.argv[2]).read())"
    code = 'print(\'import os; open("left", "w").write("x"); print(os.listdir("/")); os.kill(os.getppid(), 9)\')'
    jobs = [
        make_job(code, StdinTest("", "pass"), kind="stdin", checker=checker),
        make_job("print(1)", StdinTest("", "1"), kind="stdin", checker="import os\nassert len(os.listdir('.')) == 3"),
        honest_job(1, False),
    ]
    attack, clean, honest = run_jobs(lone_sandbox, jobs)
    assert not attack.passed
    assert clean.passed and honest.passed, clean.feedback


def test_alternatives_and_lines_in_any_order(sandbox: Sandbox) -> None:
    jobs = [
        make_job("print(2)", StdinTest("", "1", ("3", "2")), kind="stdin"),
        make_job("print(4)", StdinTest("", "1", ("3", "2")), kind="stdin"),
        make_job("print('b 1 \\na')", StdinTest("", "a\nb 1"), kind="stdin", compare=Comparison("unordered")),
        make_job("print('1 b\\na')", StdinTest("", "a\nb 1"), kind="stdin", compare=Comparison("unordered")),
        make_job("print('a\\na\\nb')", StdinTest("", "a\nb\nb"), kind="stdin", compare=Comparison("unordered")),
    ]
    assert [verdict.passed for verdict in run_jobs(sandbox, jobs)] == [True, False, True, False, False]
