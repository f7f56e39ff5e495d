"""The page of the server, in a real browser."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from mucode_core.sandbox import ProcessSandbox
from mucode_core.solving import Solver, make_problem, write_trace
from mucode_core.solving.service import make_app
from tests.support.search_server import OTHER, RIGHT, WRONG, ScriptedSampler, prefer_long, serve_app
from tests.support.webdriver import Browser, has_browser, open_browser

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not has_browser(), reason="chromium or chromedriver is not installed"),
]
HOSTILE = "</script><img src=x onerror=\"document.title='taken'\">"
STATEMENT, TESTS = f"Add two numbers. {HOSTILE}", "assert add(1, 2) == 3\nassert add(2, 2) == 4"
ENDED = "return !document.querySelector('#go').disabled"


@pytest.fixture(scope="module")
def solver() -> Iterator[Solver]:
    sampler = ScriptedSampler([WRONG, OTHER, None], [f"{RIGHT}  # {HOSTILE}", WRONG])
    with ProcessSandbox(1) as sandbox, Solver(sampler, sandbox, prefer_long) as opened:
        yield opened


@pytest.fixture(scope="module")
def url(solver: Solver) -> Iterator[str]:
    with serve_app(make_app(solver, "mucode")) as address:
        yield address


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with open_browser(tmp_path_factory.mktemp("profile")) as browser:
        yield browser


def fill(page: Browser, **values: str) -> None:
    for name, value in values.items():
        page.run("document.getElementById(arguments[0]).value = arguments[1]", name, value)


def search(page: Browser) -> None:
    page.run("document.getElementById('form').requestSubmit()")
    page.wait(ENDED)


def shown(page: Browser, selector: str) -> str:
    return page.run("return document.querySelector(arguments[0])?.textContent ?? ''", selector)


def open_page(page: Browser, url: str) -> None:
    page.visit("about:blank")
    page.visit(url)
    page.wait("return document.querySelectorAll('#model option').length === 2")


def test_a_search_is_drawn_turn_by_turn(page: Browser, url: str) -> None:
    open_page(page, url)
    fill(page, statement=STATEMENT, tests=TESTS)
    search(page)
    assert shown(page, "#program") == f"{RIGHT}  # {HOSTILE}"
    assert "The tests pass." in shown(page, "#answer")
    assert page.run("return document.querySelectorAll('.turn').length") == 2
    assert "Turn 1: 5 samples" in shown(page, ".turn h3")
    assert "got" in shown(page, ".turn .feedback")
    assert "+ def add" in shown(page, ".turn:last-child .diff") or "+     return a + b" in shown(page, ".diff")
    assert page.run("return document.title") == "µCode" and page.log() == []


def test_a_link_fills_the_form_and_gives_the_same_program(page: Browser, url: str) -> None:
    open_page(page, url)
    fill(page, statement=STATEMENT, tests=TESTS, seed="3", n="2", turns="4", model="mucode")
    search(page)
    program, link = shown(page, "#program"), page.run("return makeLink()")
    open_page(page, link)
    page.wait("return document.getElementById('statement').value !== ''")
    assert page.run("return [field('seed').value, field('n').value, field('turns').value]") == ["3", "2", "4"]
    search(page)
    assert shown(page, "#program") == program


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"tests": "assert ("}, "tests: "),
        ({"tests": "", "examples": "{"}, "Examples: "),
        ({"tests": "assert add(1, 2) is None"}, "does nothing"),
    ],
)
def test_errors_are_shown(page: Browser, url: str, values: dict[str, str], message: str) -> None:
    open_page(page, url)
    fill(page, statement="Add.", **values)
    search(page)
    assert message in shown(page, "#status.failed")


@pytest.mark.parametrize("width", [360, 1400])
def test_nothing_is_wider_than_the_window(page: Browser, url: str, width: int, tmp_path: Path) -> None:
    page.emulate_width(width)
    open_page(page, url)
    fill(page, statement=STATEMENT, tests=TESTS)
    search(page)
    assert page.run("return document.documentElement.scrollWidth <= window.innerWidth"), width
    assert page.run("return window.innerWidth") == width
    page.screenshot(tmp_path / "page.png")


def test_every_control_has_a_name_and_is_reached_by_the_keyboard(page: Browser, url: str) -> None:
    open_page(page, url)
    unnamed = (
        "return [...document.querySelectorAll('textarea, input, select')].filter((one) => !one.labels.length).length"
    )
    assert page.run(unnamed) == 0
    assert page.run("return document.querySelectorAll('[tabindex]:not([tabindex=\"0\"])').length") == 0


def test_a_key_is_asked_for(page: Browser, solver: Solver) -> None:
    with serve_app(make_app(solver, "mucode", token="0123456789abcdef")) as guarded:
        page.visit(guarded)
        page.wait("return !document.getElementById('key-field').hidden")
        fill(page, key="0123456789abcdef")
        page.run("document.getElementById('key').dispatchEvent(new Event('change'))")
        page.wait("return document.querySelectorAll('#model option').length === 2")


def test_a_trace_shows_the_search(page: Browser, solver: Solver, tmp_path: Path) -> None:
    problem = make_problem(STATEMENT, TESTS)
    solution = solver.solve(problem)
    write_trace(problem, solution, tmp_path / "trace.html")
    page.log()
    page.visit((tmp_path / "trace.html").as_uri())
    assert shown(page, "#program") == solution.program
    assert page.run("return document.querySelectorAll('.turn').length") == len(solution.turns)
    assert (page.run("return document.title"), page.log()) == ("µCode search", [])
