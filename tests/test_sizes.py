"""No function is longer than 50 lines, docstring included, no file longer than 400; no source folder is a heap."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FOLDERS = ("mucode_core", "tasks", "flows", "deployments", "configs", "benchmarks", "examples", "tests")
SOURCES = FOLDERS[:5]
FUNCTION, FILE, FOLDER = 50, 400, 20


def find_long(name: str, text: str) -> list[str]:
    """What is too long in a module, each with its location and length."""
    lines = len(text.splitlines())
    found = [f"{name}: {lines} lines"] if lines > FILE else []
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            length = (node.end_lineno or node.lineno) - node.lineno + 1
            if length > FUNCTION:
                found.append(f"{name}:{node.lineno}: {node.name} has {length} lines")
    return found


def test_functions_and_files_are_short():
    paths = [path for folder in FOLDERS for path in sorted((ROOT / folder).rglob("*.py"))]
    assert len(paths) > 300
    found = [one for path in paths for one in find_long(str(path.relative_to(ROOT)), path.read_text("utf-8"))]
    assert not found, "\n" + "\n".join(found)


def test_a_source_folder_has_few_modules():
    folders = [path.parent for folder in SOURCES for path in (ROOT / folder).rglob("__init__.py")]
    counts = {str(one.relative_to(ROOT)): len(list(one.glob("[!_]*.py"))) for one in folders}
    assert len(counts) > 30
    assert {name: count for name, count in counts.items() if count > FOLDER} == {}


@pytest.mark.parametrize("keyword", ["def", "async def"])
def test_a_long_function_is_found_wherever_it_is(keyword):
    body = "        x = 1\n" * (FUNCTION - 1)
    text = f"class A:\n    {keyword} f(self):\n{body}"
    assert find_long("a.py", text) == []
    assert find_long("a.py", text + "        y = 2\n") == ["a.py:2: f has 51 lines"]


def test_a_long_file_is_found():
    assert find_long("a.py", "x = 1\n" * FILE) == []
    assert find_long("a.py", "x = 1\n" * (FILE + 1)) == ["a.py: 401 lines"]
