"""Who may import whom: `.importlinter` refuses what it should, and what it cannot say is checked here."""

import ast
import pkgutil
import re
import shutil
import subprocess
import sys
import typing
from pathlib import Path

import pytest

from tests.conftest import REPO

FOLDERS = {
    "mucode_core": "mucode_core",
    "tasks": "mucode_tasks",
    "flows": "mucode_flows",
    "deployments": "mucode_deployments",
}
LINT = Path(sys.executable).parent / "lint-imports"
WIDEST_FOLDER = 20


@pytest.fixture(scope="module")
def copy(tmp_path_factory):
    root = tmp_path_factory.mktemp("copy")
    shutil.copy(REPO / ".importlinter", root)
    for folder, package in FOLDERS.items():
        shutil.copytree(REPO / folder, root / package, ignore=shutil.ignore_patterns("__pycache__"))
    return root


def lint(root):
    command = [LINT, "--no-logo", "--cache-dir", root / "cache"]
    return subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)


def test_the_project_keeps_its_contracts(copy):
    found = lint(copy)
    assert found.returncode == 0, found.stdout + found.stderr


@pytest.mark.parametrize(
    ("file", "line", "contract"),
    [
        ("mucode_core/types/rows.py", "import mucode_core.store.artifacts", "Packages of the core form layers"),
        ("mucode_core/method/expert.py", "import torch", "torch is imported only where tensors are"),
        ("mucode_core/reports/markdown.py", "import rich", "Only the command line draws on a terminal"),
        ("mucode_core/store/recipe.py", "import prefect", "The core knows no Prefect"),
        ("mucode_core/runs/listing.py", "import mucode_tasks.data", "The core knows no Prefect"),
        ("mucode_core/system/locks.py", "import docker", "Only the host side of the sandbox speaks to Docker"),
        ("mucode_core/sandbox/guest/jail.py", "import mucode_core.errors", "What runs beside untrusted programs"),
        ("mucode_core/store/recipe.py", "import mucode_core.store.artifacts", "No circle between packages or files"),
        ("mucode_tasks/engine/stage.py", "import mucode_tasks.data", "The engine of tasks knows no task"),
        ("mucode_flows/steps/problems.py", "import mucode_flows.stage", "Deployments and the command line"),
    ],
)
def test_a_forbidden_import_is_refused(copy, file, line, contract):
    path = copy / file
    before = path.read_text()
    try:
        path.write_text(f"{before}\n{line}\n")
        found = lint(copy)
    finally:
        path.write_text(before)
    assert found.returncode == 1, found.stdout
    flat = " ".join(found.stdout.split())
    start = flat.index(contract)
    assert " KEPT" not in flat[start : flat.index(" BROKEN", start)], found.stdout


def test_what_runs_beside_untrusted_programs_needs_nothing_installed():
    folder = REPO / "mucode_core" / "sandbox"
    for path in [*folder.glob("guest/*.py"), folder / "wire.py", folder / "protocol.py"]:
        for node in ast.walk(ast.parse(path.read_text())):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            # the wire rebuilds arrays on the judge's side, and asks there whether numpy is loaded
            known = {*sys.stdlib_module_names, "mucode_core", *(["numpy"] if path.name == "wire.py" else [])}
            assert {name.split(".")[0] for name in names} <= known, path


def functions_of_workers():
    """Named as "package.module:function", so that only workers import them."""
    names = set()
    for path in [*(REPO / "mucode_core").rglob("*.py"), *(REPO / "tasks").rglob("*.py")]:
        names |= set(re.findall(r'"(mucode_core\.[\w.]+:\w+)"', path.read_text()))
    return sorted(names)


def modules_in(hint):
    return {getattr(hint, "__module__", "builtins")}.union(*map(modules_in, typing.get_args(hint)))


def test_what_workers_return_is_read_without_loading_pytorch():
    """The flow imports the module of every class that it receives."""
    names = functions_of_workers()
    assert "mucode_core.generator.bootstrap:build_base" in names
    assert "mucode_core.generator.trainers:train" in names
    assert "mucode_core.verifier.trainers:train" in names
    returned = {name: typing.get_type_hints(pkgutil.resolve_name(name))["return"] for name in names}
    modules = sorted(module for hint in returned.values() for module in modules_in(hint))
    assert "mucode_core.training.reports" in modules
    code = f"import sys, importlib; [importlib.import_module(m) for m in {modules}]; print('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "False\n"


def test_no_folder_is_wider_than_a_screen():
    for folder in FOLDERS:
        for path in [REPO / folder, *(REPO / folder).rglob("*/")]:
            assert len([*path.glob("*.py")]) <= WIDEST_FOLDER, path
