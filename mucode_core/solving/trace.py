"""Pages of searches: the one to search from, and a search as a page of its own."""

from __future__ import annotations

import json
from importlib.resources import files
from pathlib import Path
from typing import get_args

from jinja2 import Environment, StrictUndefined, Template

from mucode_core.config import PublicSelection
from mucode_core.solving.solution import Solution
from mucode_core.solving.statement import show_test
from mucode_core.system.atomic_files import replacing
from mucode_core.types import Problem

PAGE_FILES = files("mucode_core.solving") / "page"


def render_search_page() -> str:
    """The page to search from, with every selection strategy that a server accepts."""
    return _open_template("index.html").render(selections=get_args(PublicSelection))


def write_trace(problem: Problem, solution: Solution, out: Path) -> None:
    """Writes a search as one HTML file, whole or not at all.

    Raises:
        DataError: The file cannot be written.
    """
    page = _open_template("trace.html").render(
        statement=problem.prompt,
        tests=[show_test(test) for test in problem.public_tests],
        solution=json.dumps(solution.to_json()).replace("<", "\\u003c"),  # nothing in it can end the script element
        css=_read("search.css"),
        js=_read("search.js"),
    )
    with replacing(out) as partial:
        partial.write_text(page, "utf-8")


def _open_template(name: str) -> Template:
    return Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True).from_string(_read(name))


def _read(name: str) -> str:
    return (PAGE_FILES / name).read_text("utf-8")
