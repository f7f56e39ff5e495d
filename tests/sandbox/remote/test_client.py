"""The client of the sandbox's servers: a `Sandbox` like those of this machine."""

from __future__ import annotations

import gzip
import itertools
import json
import os
import random
import signal
from collections.abc import Iterator, Sequence
from threading import Thread

import pytest

from mucode_core.errors import SandboxError
from mucode_core.problems import load_problems
from mucode_core.sandbox import Job, Limits, ProcessSandbox
from mucode_core.sandbox.grading import grade_programs
from mucode_core.sandbox.remote.client import HttpSandbox
from mucode_core.sandbox.remote.identity import Identity, identify
from mucode_core.types import CallTest, Comparison, StdinTest
from tests.conftest import real_data
from tests.sandbox.attacks import Attack
from tests.sandbox.attacks.groups import GROUPS
from tests.sandbox.remote.served import Served, serve
from tests.sandbox.sandbox_jobs import make_job

TESTS = ("assert f(3) == 4", "assert f(5) == 6")
RIGHT = "def f(x): return x + 1"
PROGRAMS = (RIGHT, "def f(x): return 4", "def f(x): return y", "def f(:", "def f(x): return '\ud800'")
LARGE = "x" * 100_000
JOBS = [
    *(make_job(code, TESTS[0], private_tests=TESTS[1:]) for code in PROGRAMS),
    make_job("print(input())", StdinTest("1", "1"), StdinTest(LARGE, LARGE), kind="stdin"),
    make_job("print(1.1)", StdinTest("", "1.0", ("1.1",)), kind="stdin", compare=Comparison("floats", 0, 0.01)),
    make_job("def f(x): return (x, [x])", CallTest("[1]", "[1, [1]]"), kind="call"),
    make_job("def f(x): return (x, [x])", CallTest(json.dumps([LARGE]), "1"), kind="call", feedback="brief"),
    make_job("def f(x): return 1", "assert f(1 == 1"),
    make_job("def f(x): return g(x)", "assert f(h) == 2", setup="h = 1", prelude="def g(x): return x + 1"),
]


def test_verdicts_are_those_of_this_machine_in_order(remote: HttpSandbox, sandbox: ProcessSandbox) -> None:
    jobs = [*JOBS, *reversed(JOBS)]
    assert list(remote.run(iter(jobs))) == list(sandbox.run(jobs))


def test_outputs_are_those_of_this_machine(remote: HttpSandbox, sandbox: ProcessSandbox) -> None:
    jobs = [
        make_job(f"print(int(input()) * {n})", StdinTest("1", ""), StdinTest("x", ""), kind="stdin", records=True)
        for n in range(3)
    ]
    assert list(remote.observe(jobs)) == list(sandbox.observe(jobs))


def test_every_group_of_attacks_has_the_same_verdict_over_the_wire(
    remote: HttpSandbox, sandbox: ProcessSandbox
) -> None:
    quick: list[Attack] = [next(one for one in rows.values() if not one.slow) for rows in GROUPS.values()]
    jobs = [attack.job() for attack in quick]
    verdicts = [public for public, _ in remote.run(jobs)]
    assert [verdict.passed for verdict in verdicts] == [attack.passes for attack in quick]
    assert verdicts == [public for public, _ in sandbox.run(jobs)]


@pytest.mark.slow
def test_all_attacks_have_the_same_verdict_over_the_wire() -> None:
    attacks = [attack for rows in GROUPS.values() for attack in rows.values() if not attack.slow]
    with serve("--workers", "2") as server, HttpSandbox([server.url]) as remote:
        verdicts = [public for public, _ in remote.run(attack.job() for attack in attacks)]
    wrong = [a.code for a, verdict in zip(attacks, verdicts, strict=True) if verdict.passed is not a.passes]
    assert wrong == []


def test_jobs_are_taken_a_bounded_window_ahead(remote: HttpSandbox) -> None:
    taken = 0

    def endless() -> Iterator[Job]:
        nonlocal taken
        for number in itertools.count():
            taken += 1
            yield make_job(f"def f(x): return x + {number}", TESTS[0])

    verdicts = remote.run(endless())
    assert [next(verdicts)[0].passed for _ in range(3)] == [False, True, False]
    verdicts.close()  # pyright: ignore
    assert taken <= 100


def test_several_threads_share_a_client(remote: HttpSandbox) -> None:
    found: dict[int, list[bool]] = {}

    def run(number: int) -> None:
        jobs = [make_job(f"def f(x): return x + {n}  # {number}", TESTS[0]) for n in range(10)]
        found[number] = [public.passed for public, _ in remote.run(jobs)]

    threads = [Thread(target=run, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == {number: [False, True, *[False] * 8] for number in range(4)}


def test_isolation_names_the_server(remote: HttpSandbox, served: Served) -> None:
    assert remote.isolation.startswith(f"{served.url}: process sandbox")


def test_no_server_is_an_error_with_a_hint() -> None:
    with pytest.raises(SandboxError, match=r"127\.0\.0\.1:9 does not answer(.|\n)*hint: start `mucode sandbox serve`"):
        HttpSandbox(["http://127.0.0.1:9"])


def test_one_of_two_servers_is_enough(served: Served) -> None:
    with HttpSandbox(["http://127.0.0.1:9", served.url]) as sandbox:
        assert [public.passed for public, _ in sandbox.run([make_job(RIGHT, *TESTS)])] == [True]


def test_a_server_of_another_version_is_an_error() -> None:
    code = "from mucode_core.sandbox.remote import identity\nidentity._digest_files = lambda: 'another'"
    message = "is of another version: code 'another' instead of"
    with serve("--workers", "1", code=code) as other, pytest.raises(SandboxError, match=message):
        HttpSandbox([other.url])


def test_a_server_with_other_packages_is_an_error(served: Served) -> None:
    with pytest.raises(SandboxError, match=r"packages .* instead of \{\}"):
        HttpSandbox([served.url], [])


def test_an_identity_depends_on_code_interpreter_and_packages() -> None:
    own = identify({"numpy": "2.0"})
    assert own.differences(own.__dict__) == ""
    versions = {
        own.version,
        Identity("other", own.python, own.packages).version,
        Identity(own.code, "3.9", own.packages).version,
        identify({"numpy": "2.1"}).version,
    }
    assert len(versions) == 4


def test_a_wrong_token_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    code = "import os; os.environ['MUCODE_SANDBOX_TOKEN'] = 'the-token-of-the-server'"
    with serve("--workers", "1", code=code) as server:
        monkeypatch.setenv("MUCODE_SANDBOX_TOKEN", "another-token-entirely")
        with HttpSandbox([server.url]) as sandbox, pytest.raises(SandboxError, match=r"401(.|\n)*MUCODE_SANDBOX_TOKEN"):
            list(sandbox.run([make_job(RIGHT, *TESTS)]))
        monkeypatch.setenv("MUCODE_SANDBOX_TOKEN", "the-token-of-the-server")
        with HttpSandbox([server.url]) as sandbox:
            assert next(sandbox.run([make_job(RIGHT, *TESTS)]))[0].passed


def test_a_full_queue_only_delays() -> None:
    with serve("--workers", "1", "--max-queue", "8") as server, HttpSandbox([server.url]) as sandbox:
        jobs = [make_job(f"def f(x): return x + {n}", TESTS[0]) for n in range(60)]
        assert [public.passed for public, _ in sandbox.run(jobs)] == [n == 1 for n in range(60)]


def test_requests_that_are_too_large_are_divided(remote: HttpSandbox) -> None:
    padding = "# " + "x" * 300_000  # the server takes 1 MiB
    jobs = [make_job(f"def f(x): return x + {n}\n{padding}", TESTS[0]) for n in range(8)]
    assert [public.passed for public, _ in remote.run(jobs)] == [n == 1 for n in range(8)]


def test_a_program_that_is_too_large_is_an_error(remote: HttpSandbox) -> None:
    with pytest.raises(SandboxError, match="413(.|\n)*--max-body"):  # noqa: RUF043
        list(remote.run([make_job("# " + "x" * (1 << 20), TESTS[0])]))


def test_a_closed_client_is_an_error(served: Served) -> None:
    sandbox = HttpSandbox([served.url])
    sandbox.close()
    with pytest.raises(SandboxError, match="is closed"):
        list(sandbox.run([make_job(RIGHT, *TESTS)]))


def test_what_failed_at_one_server_is_judged_by_another(served: Served) -> None:
    code = (
        "from mucode_core.sandbox.host import judge_process as p\n"
        "def ask(self, job, message): raise p.JudgeCrashedError('it is gone')\n"
        "p.JudgeProcess.ask = ask"
    )
    with serve("--workers", "1", code=code) as broken, HttpSandbox([broken.url, served.url]) as sandbox:
        jobs = [make_job(f"def f(x): return x + {n}  # both", TESTS[0]) for n in range(30)]
        assert [public.passed for public, _ in sandbox.run(jobs)] == [n == 1 for n in range(30)]


def _programs(count: int) -> Sequence[Job]:
    codes = [f"def f(x): return x + {n % 3}  # {n}" for n in range(count)]
    hostile = "import os, signal\nos.kill(os.getppid(), 9)\ndef f(x): return 4"
    limits = Limits(cpu_s=0.2)
    return [make_job(hostile if n % 5 == 0 else code, *TESTS, limits=limits) for n, code in enumerate(codes)]


@pytest.mark.slow
def test_a_server_that_is_killed_changes_no_verdict(sandbox: ProcessSandbox) -> None:
    jobs = _programs(1500)
    quiet = list(sandbox.run(jobs))
    with (
        serve("--workers", "1") as first,
        serve("--workers", "1") as second,
        HttpSandbox([first.url, second.url]) as remote,
    ):
        verdicts = remote.run(jobs)
        found = [next(verdicts) for _ in range(200)]
        os.kill(first.process.pid, signal.SIGKILL)
        found += [next(verdicts) for _ in range(400)]
        with serve("--workers", "1", port=int(first.url.rpartition(":")[2])) as again:
            found += list(verdicts)
        assert any('"/v1/verdicts"' in line for line in again.log), "the server is used again"
    assert found == quiet


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_recorded_programs_have_the_same_verdicts_over_the_wire(sandbox: ProcessSandbox) -> None:
    problems = {p.problem_id: p for p in load_problems("mbpp", real_data("mbpp.jsonl"))}
    with gzip.open(real_data("mbpp_samples_multi.jsonl.gz"), "rt") as file:
        rows = random.Random(0).sample([json.loads(line) for line in file], 1500)  # the oracle judges all of them
    limits = Limits(cpu_s=20.0)  # no program ends near it: two take 2 to 5 s, by the machine
    asked = [(problems[f"mbpp/{row['task_id']}"], row["code"]) for row in rows]
    local = list(grade_programs(sandbox, asked, limits=limits, feedback="full"))
    with serve("--workers", "2") as server, HttpSandbox([server.url]) as remote:
        found = list(grade_programs(remote, asked, limits=limits, feedback="full"))
    assert len(found) == 1500
    different = [(row["task_id"], pair) for row, *pair in zip(rows, local, found, strict=True) if pair[0] != pair[1]]
    assert different == []
