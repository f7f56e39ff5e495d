"""Every attack stays beaten, quickly, without a trace, and without harm to the next program."""

# ruff: noqa: E501 - programs are easier to read on one line
from __future__ import annotations

import itertools
from dataclasses import replace
from typing import Any

import pytest

from mucode_core.sandbox import Limits, Sandbox
from mucode_core.sandbox.base import Execution
from tests.conftest import REPO
from tests.sandbox.attacks import ANSWER, Attack, honest_job
from tests.sandbox.attacks.groups import GROUPS, counted
from tests.sandbox.attacks.protocols import CLAIMS, OWN_WORD
from tests.sandbox.attacks.raised import RAISED
from tests.sandbox.attacks.words import COUNTED
from tests.sandbox.sandbox_jobs import make_job, run_jobs
from tests.sandbox.traces import traces

CASES = [
    pytest.param(attack, id=f"{group}: {name}", marks=[pytest.mark.slow] if attack.slow else [])
    for group, rows in GROUPS.items()
    for name, attack in rows.items()
]
_serial = itertools.count()


@pytest.mark.timeout(60)
@pytest.mark.parametrize("attack", CASES)
def test_attack_fails_and_harms_nothing(attack: Attack, lone_sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MUCODE_SECRET", "1")
    next_ones = [
        honest_job(next(_serial), with_numpy) for with_numpy in ([False, True] if "numpy" in attack.code else [False])
    ]
    verdict, *others = run_jobs(lone_sandbox, [attack.job(), *next_ones])
    assert verdict.passed is attack.passes, verdict
    assert attack.passes or verdict.num_passed == 0 or len(attack.tests) > 1, "the one test failed"
    assert bool(verdict.feedback) is not attack.passes
    assert "0x7" not in verdict.feedback and "mucode-sandbox" not in verdict.feedback, (
        "no addresses, no paths of this machine"
    )
    assert [other.feedback for other in others if not other.passed] == [], "the next program is unharmed"
    assert traces() == [], "nothing runs or lies about any more"


def test_the_documentation_counts_the_attacks() -> None:
    text = (REPO / "docs" / "sandbox.md").read_text("utf-8")
    assert text.partition("<!-- attacks: begin -->\n")[2].partition("\n<!-- attacks: end -->")[0] == counted()


def test_ten_megabytes_of_source(lone_sandbox: Sandbox) -> None:
    code = "def f(x): return 5\n" + "# padding\n" * 1_000_000
    (verdict,) = run_jobs(lone_sandbox, [make_job(code, "assert f(3) == 4")])
    assert verdict.status == "failed"


def test_sleeping_ends_by_the_wall_limit(lone_sandbox: Sandbox) -> None:
    job = make_job("import time\ndef f(x): time.sleep(60)", "assert f(3) == 4", limits=Limits(cpu_s=0.1))
    (verdict,) = run_jobs(lone_sandbox, [job])
    assert (verdict.status, verdict.feedback.splitlines()[-1]) == (
        "timeout",
        "TimeoutError: the program took longer than 0.1 s",
    )


def test_nothing_is_left_for_the_next_program(lone_sandbox: Sandbox) -> None:
    write = "import os\nopen('left', 'w').write('4')\nos.mkdir('d')\nopen('d/e', 'w')\ndef f(x): return 5"
    read = "import os\nfound = os.listdir('.')\ndef f(x): return 4 if found else 5"
    verdicts = list(run_jobs(lone_sandbox, [make_job(code, "assert f(3) == 4") for code in (write, read)]))
    assert [verdict.status for verdict in verdicts] == ["failed", "failed"]


def test_an_object_that_raises_when_shown_is_only_a_wrong_key(lone_sandbox: Sandbox) -> None:
    code = "class E:\n    def __repr__(s): raise ValueError\ndef f(x): return E()"
    (verdict,) = run_jobs(lone_sandbox, [make_job(code, "assert {1: 2}[f(3)] == 2")])
    assert verdict.status == "error"


@pytest.mark.parametrize("name", [name for name in RAISED if name.startswith("printing: ") and "slow" not in name])
def test_an_ending_that_is_made_up_is_exit_code_one(name: str, lone_sandbox: Sandbox) -> None:
    found: Any
    (found,) = lone_sandbox.run([replace(RAISED[name].job(), prints=True)])
    assert isinstance(found, Execution)
    assert (found.exit_code, found.printed) == (1, f"{ANSWER + 1}\n")


@pytest.mark.parametrize("attack", (OWN_WORD | CLAIMS | COUNTED).values(), ids=(OWN_WORD | CLAIMS | COUNTED).keys())
def test_a_pass_on_the_word_of_the_program_is_counted(attack: Attack, lone_sandbox: Sandbox) -> None:
    (verdict,) = run_jobs(lone_sandbox, [attack.job()])
    assert not verdict.passed or verdict.num_delegated > 0


_FUZZ = """
import random, os, struct, json
draw = random.Random({seed})
tags = ["list", "tuple", "set", "dict", "int", "range", "ref", "iterator", "function", "type", "ndarray", "counter", "object",
        "class", "callable", "generator", "instance", "exception", "apart", "sync", "known", "deque", "defaultdict"]
def form(depth=0):
    kind = draw.randrange(9)
    if kind > 3 and depth < 4:
        return [draw.choice(tags), *(form(depth + 1) for _ in range(draw.randrange(4)))]
    return draw.choice([None, True, 4.5, 1, -1, "a", "0x9", [], {{}}, [[]]])
def send(message):
    data = json.dumps(message).encode()
    os.write(3, struct.pack("<I", len(data)) + data)
def f(x):
    for _ in range(20):
        send([draw.choice(["value", "value", "items", "error", "ready"]), *(form() for _ in range(draw.randrange(1, 5)))])
"""


def test_random_answers_never_pass_nor_break_the_judge(lone_sandbox: Sandbox) -> None:
    tests = ["assert f(3) == 40", "assert list(f(4)) == [41]", "assert f(5)[0].x(1) == 42", "assert str(f(1)) == 'q'"]
    jobs = [make_job(_FUZZ.format(seed=seed), *tests, limits=Limits(cpu_s=0.5)) for seed in range(150)]
    verdicts = list(run_jobs(lone_sandbox, jobs))
    assert len({verdict.feedback for verdict in verdicts}) > 5
    assert not any(verdict.num_passed for verdict in verdicts)
