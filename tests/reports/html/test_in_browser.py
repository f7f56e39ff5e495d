"""The page in a real browser: find, open, expand."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from mucode_core.reports.html import write_html
from mucode_core.types import SftExample, VerifierScore
from tests.conftest import make_problem, make_rollout
from tests.support.report_runs import choice_of, write_run
from tests.support.webdriver import Browser, has_browser, open_browser

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not has_browser(), reason="chromium or chromedriver is not installed"),
]
HOSTILE = "x = '</script><img src=x onerror=\"document.title=1\">'"


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    location = tmp_path_factory.mktemp("page")
    problems = [make_problem(f"p{i:03}", prompt=f"Write f number {i}{' twice' * (i == 7)}.") for i in range(40)]
    rollouts = [
        make_rollout(
            f"{p.problem_id}/{k}",
            p.problem_id,
            (HOSTILE, False, False),
            (f"def f(x):\n    return x + {k}", k == 1, k == 1),
        )
        for p in problems
        for k in range(1 + int(p.problem_id[1:]) % 2, 3)
    ]
    preferred = {("p004/1", 0): 4.0}  # a wrong program of a problem with a correct one
    scores = [
        VerifierScore(r.rollout_id, t.turn_index, "v", preferred.get((r.rollout_id, t.turn_index), 0.25))
        for r in rollouts
        for t in r.turns
    ]
    first = rollouts[0]
    examples = [SftExample(first.problem_id, first.rollout_id, 1, (), "x")]
    write_run(location / "run", problems, rollouts, scores, [choice_of(first, 1, 0.25)], examples)
    with open_browser(location / "profile") as browser:
        browser.open(write_html(location / "run", location / "report.html").path)
        yield browser


def choose(page: Browser, field: str, value: str) -> None:
    page.run(
        "const f = document.getElementById(arguments[0]); f.value = arguments[1]; f.dispatchEvent(new Event('input'))",
        field,
        value,
    )


def listed(page: Browser) -> int:
    return page.run("return document.querySelectorAll('#list button').length")


@pytest.fixture(autouse=True)
def fresh(page: Browser) -> None:
    choose(page, "text", "")
    choose(page, "outcome", "any")


def test_problems_are_found_by_words_and_by_outcome(page: Browser) -> None:
    assert listed(page) == 40
    choose(page, "text", "TWICE write")
    assert listed(page) == 1
    assert page.run("return document.querySelector('#list button').dataset.id") == "p007"
    choose(page, "text", "")
    choose(page, "outcome", "solved")
    assert listed(page) == 20
    choose(page, "outcome", "unsolved")
    assert listed(page) == 20
    choose(page, "outcome", "fixed")
    assert listed(page) == 20
    choose(page, "outcome", "misordered")
    assert listed(page) == 1
    assert page.run("return document.querySelector('#list button').dataset.id") == "p004"
    choose(page, "outcome", "public")
    assert listed(page) == 0
    assert page.run("return document.getElementById('count').textContent") == "0 of 40 problems"


def test_a_problem_opens_with_its_turns_and_the_experts_choice(page: Browser) -> None:
    page.run("document.querySelector('#list button').click()")
    page.wait("return document.querySelectorAll('.rollout').length === 2")
    text = page.run("return document.getElementById('problem').textContent")
    assert "The expert chose turn 2 of p000/1: correct, score 0.25" in text
    page.run("document.querySelector('.rollout').open = true")
    page.wait("return document.querySelectorAll('.turn').length === 2")
    shown = page.run("return document.querySelector('.rollout').textContent")
    for expected in ("AssertionError: got 1, expected 2", "score 0.25", "state relabelled", "chosen by the expert"):
        assert expected in shown
    prompts = page.run("return [...document.querySelectorAll('.turn details pre')].map((p) => p.textContent)")
    assert prompts[1].endswith("user:\nFeedback: AssertionError: got 1, expected 2")
    code = page.run("return document.querySelectorAll('.turn > pre')[2].innerHTML")
    assert '<span class="k">def</span>' in code


def test_what_a_model_wrote_stays_text(page: Browser) -> None:
    page.run("document.querySelector('#list button').click()")
    page.wait("return document.querySelectorAll('.rollout').length === 2")
    page.run("document.querySelector('.rollout').open = true")
    page.wait("return document.querySelectorAll('.turn').length === 2")
    assert page.run("return document.querySelector('.turn > pre').textContent") == HOSTILE
    assert page.run("return document.querySelectorAll('#problem img').length") == 0
    assert page.run("return document.title") == "recorded · seed 4"
    assert page.log() == []


def test_nothing_is_wider_than_the_window(page: Browser) -> None:
    assert page.run("return document.documentElement.scrollWidth <= window.innerWidth")
