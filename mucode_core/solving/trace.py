"""A search as a page of its own: every turn, with its programs, verdicts and scores."""

from __future__ import annotations

import json
from importlib.resources import files
from pathlib import Path

from jinja2 import Environment, StrictUndefined

from mucode_core.solving.solution import Solution
from mucode_core.solving.statement import show_test
from mucode_core.system.atomic_files import replacing
from mucode_core.types import Problem

PAGE_FILES = files("mucode_core.solving") / "page"


def write_trace(problem: Problem, solution: Solution, out: Path) -> None:
    """Writes a search as one HTML file, whole or not at all.

    Raises:
        DataError: The file cannot be written.
    """
    texts = {name: (PAGE_FILES / name).read_text("utf-8") for name in ("trace.html", "search.css", "search.js")}
    template = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True).from_string(
        texts["trace.html"]
    )
    page = template.render(
        statement=problem.prompt,
        tests=[show_test(test) for test in problem.public_tests],
        solution=json.dumps(solution.to_json()).replace("<", "\\u003c"),  # nothing in it can end the script element
        css=texts["search.css"],
        js=texts["search.js"],
    )
    with replacing(out) as partial:
        partial.write_text(page, "utf-8")
