"""Mutation tests: changes the code a little, thousands of times, and lists the changes that no test notices.

    python -m tests.support.mutants [method | judge [NUMBER]]

It works in a copy of the tracked files, `mutants/TARGET`, where `mutmut show NAME` prints a survivor of `method`.

mutmut selects a mutant by a variable of the environment. The judge runs in a bare interpreter of its own, which has
neither the variable nor mutmut, and mutmut would count its functions as untested. So mutmut only makes the judge's
mutants; each is written into the copy, where the tests and their subprocesses import it.
"""

from __future__ import annotations

import contextlib
import difflib
import json
import random
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mutmut.mutation.file_mutation import Mutation, create_mutations, deep_replace

from tests.conftest import REPO


@dataclass(frozen=True)
class Target:
    """Files to change, and the tests that should notice."""

    files: tuple[str, ...]
    tests: tuple[str, ...]


TARGETS = {
    "method": Target(
        (
            "mucode_core/prompts.py",
            "mucode_core/method/rollout.py",
            "mucode_core/method/expert.py",
            "mucode_core/evaluation/metrics.py",
        ),
        (
            "tests/test_prompts.py",
            "tests/method/test_rollout.py",
            "tests/method/test_expert.py",
            "tests/evaluation/test_metrics.py",
            "tests/evaluation/test_compared_files.py",
        ),
    ),
    "judge": Target(
        ("mucode_core/sandbox/judge/*.py",),
        ("tests/sandbox/judge", "tests/sandbox/test_grading.py", "tests/sandbox/host/test_process.py"),
    ),
}


_TIMEOUT_S = 600
"""Of the tests on one mutant: many times what they take; some mutants never end."""


def main(name: str, number: str = "100") -> int:
    """Tests the mutants of a target and prints the survivors; for the judge, `number` mutants drawn at random."""
    target, copy = TARGETS[name], REPO / "mutants" / name
    shutil.rmtree(copy, ignore_errors=True)
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=REPO, capture_output=True, text=True, check=True).stdout
    for path in filter(None, listed.split("\0")):
        if (REPO / path).is_file():
            (copy / path).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(REPO / path, copy / path)
    _configure(target, copy)
    with contextlib.chdir(copy):
        return _run_mutmut() if name == "method" else _run_one_by_one(target, int(number))


def _configure(target: Target, copy: Path) -> None:
    settings = {
        "source_paths": ["mucode_core"],
        "only_mutate": target.files,
        "pytest_add_cli_args_test_selection": target.tests,
        "pytest_add_cli_args": ["-p", "no:cacheprovider"],
        "also_copy": ["tests", "tasks", "flows", "configs", "deployments", "pyproject.toml"],
    }
    with (copy / "pyproject.toml").open("a") as project:
        print("\n[tool.mutmut]", file=project)
        for key, value in settings.items():
            print(f"{key} = {json.dumps(value)}", file=project)


def _run_mutmut() -> int:
    mutmut = [sys.executable, "-m", "mutmut"]
    done = subprocess.run([*mutmut, "run"], check=False)
    subprocess.run([*mutmut, "results"], check=False)
    return done.returncode


def _run_one_by_one(target: Target, number: int) -> int:
    if not _tests_pass(target):
        print("the tests fail without any change", file=sys.stderr)
        return 1
    mutants = [found for pattern in target.files for path in sorted(Path().glob(pattern)) for found in _mutants(path)]
    drawn = random.Random(0).sample(mutants, min(number, len(mutants)))
    counts: Counter[str] = Counter()
    for path, module, mutation in drawn:
        source = path.read_text()
        mutated = deep_replace(module, mutation.original_node, mutation.mutated_node).code
        path.write_text(mutated)
        survived = _tests_pass(target)
        path.write_text(source)
        counts["survived" if survived else "killed"] += 1
        if survived:
            lines = source.splitlines(), mutated.splitlines()
            print("\n".join(difflib.unified_diff(*lines, str(path), str(path), n=1, lineterm="")), flush=True)
    print(f"{counts['killed']} of {len(drawn)} killed, of {len(mutants)} mutants in all")
    return 0


def _mutants(path: Path) -> Iterator[tuple[Path, Any, Mutation]]:
    """The changes of one file, with its syntax tree."""
    module, mutations, _, _ = create_mutations(str(path), path.read_text())
    return ((path, module, mutation) for mutation in mutations)


def _tests_pass(target: Target) -> bool:
    """Whether they pass in the copy; what does not end fails."""
    options = ["-x", "-q", "-p", "no:cacheprovider", "-m", "not slow and not docker"]
    command = [sys.executable, "-B", "-m", "pytest", *options, *target.tests]
    try:
        tested = subprocess.run(command, capture_output=True, check=False, timeout=_TIMEOUT_S)
    except subprocess.TimeoutExpired:
        return False
    return tested.returncode == 0


if __name__ == "__main__":
    sys.exit(main(*(sys.argv[1:] or ["method"])))
