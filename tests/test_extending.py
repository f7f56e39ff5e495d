"""The three changes that docs/extending.md describes, made in a copy of the sources and run there."""

import os
import re
import shutil
import subprocess
import sys
import textwrap

import pytest

from tests.conftest import REPO
from tests.test_imports import WIDEST_FOLDER


@pytest.fixture
def copy(tmp_path):
    shutil.copytree(REPO / "mucode_core", tmp_path / "mucode_core", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(REPO / "tasks", tmp_path / "mucode_tasks", ignore=shutil.ignore_patterns("__pycache__"))
    return tmp_path


def change(path, old, new):
    text = path.read_text()
    assert text.count(old) == 1, f"{old} in {path}"
    path.write_text(text.replace(old, new))


def run(copy, script):
    environment = os.environ | {"PYTHONPATH": str(copy)}
    command = [sys.executable, "-c", textwrap.dedent(script)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=copy, env=environment, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def require_room(folder):
    """The file that was added fits into its folder."""
    assert len([*folder.glob("*.py")]) <= WIDEST_FOLDER, folder


def test_a_data_set_takes_a_module_and_its_name_in_the_register(copy):
    (copy / "mucode_core/problems/readers/mine.py").write_text(
        textwrap.dedent("""
        from mucode_core.problems.dataset import Dataset, by_fields
        from mucode_core.problems.rows import Row
        from mucode_core.types import Problem


        def make_mine(row: Row, location: str) -> Problem:
            tests = tuple(row["checks"])
            return Problem(
                row["name"], "mine", "test", row["text"], row["name"], "assert", "", tests[:1], tests[1:], None, None
            )


        DATASETS = {"mine": Dataset(make_mine, by_fields("name", "text", "checks"))}
        """)
    )
    require_room(copy / "mucode_core/problems/readers")
    register = copy / "mucode_core/problems/registry.py"
    change(register, "\n_FAMILIES = (", "\nfrom mucode_core.problems.readers import mine\n_FAMILIES = (mine, ")
    (copy / "rows.jsonl").write_text('{"name": "f", "text": "Write f.", "checks": ["assert f()", "assert not f(0)"]}\n')
    said = run(
        copy,
        """
        from pathlib import Path
        from mucode_core.config import ProblemsConfig
        from mucode_core.problems import load_split

        settings = ProblemsConfig(dataset="auto", data="rows.jsonl")
        (problem,) = load_split(settings, "test", data=Path(settings.data), keep=None, seed=0)
        print(problem.problem_id, problem.private_tests)
        """,
    )
    assert said == "f ('assert not f(0)',)\n"


def test_a_selection_strategy_takes_two_files(copy):
    change(
        copy / "mucode_core/config/base.py",
        'PublicSelection = Literal["random"',
        'PublicSelection = Literal["briefest", "random"',
    )
    change(
        copy / "mucode_core/method/search.py",
        "_KEYS: dict[Selection, Callable[[Candidate, Votes], tuple[float, ...]]] = {",
        "_KEYS: dict[Selection, Callable[[Candidate, Votes], tuple[float, ...]]] = {\n"
        '    "briefest": lambda c, votes: (-len(c.completion.code) if c.completion.code else float("-inf"),),',
    )
    said = run(
        copy,
        """
        from mucode_core.config import make_config
        from mucode_core.method.search import Candidate, rank
        from mucode_core.prompts import make_completion
        from mucode_core.reports import plots
        from mucode_core.solving.trace import render_search_page
        from mucode_core.types import Verdict

        passed = Verdict("passed", 1, 1, "", 0.0)
        make_config({"evaluation": {"selections": ["briefest"]}})
        texts = ["none", *(f"```python\\nx = {digits}\\n```" for digits in ("111", "1", "11"))]
        drawn = [Candidate(make_completion(text, "stop", 3), passed, passed, None, 0.5) for text in texts]
        assert "<option>briefest</option>" in render_search_page()
        print([c.completion.code for c in rank(drawn, "briefest", 4)], plots.assign_styles(["random", "briefest"]))
        """,
    )
    assert said.startswith("['x = 1', 'x = 11', 'x = 111', None] {'random': ")
    assert "'briefest': Style(" in said


def read_examples():
    """The files of the stage in docs/extending.md: the core's function, the stage, and the lines of its flow."""
    text = (REPO / "docs/extending.md").read_text("utf-8").partition("\n## A pipeline stage\n")[2].partition("\n## ")[0]
    return [textwrap.dedent(block) for block in re.findall(r"^ {8}\S.*\n(?:\n* {8}.*\n)*", text, re.MULTILINE)]


def test_a_stage_takes_a_function_with_its_rows_a_task_and_its_flow(copy):
    core, task, flow = read_examples()
    (copy / "mucode_core/evaluation/counting.py").write_text(core)
    (copy / "mucode_tasks/counting.py").write_text(task)
    (copy / "flow.py").write_text(flow)
    require_room(copy / "mucode_core/evaluation")
    require_room(copy / "mucode_tasks")
    said = run(
        copy,
        """
        from pathlib import Path
        from types import SimpleNamespace
        from mucode_core.evaluation.counting import NumTests
        from mucode_core.problems import make_problems
        from mucode_core.store.artifacts import ArtifactStore
        from mucode_core.store.recipe import Recipe
        from mucode_core.types import Problem
        from mucode_tasks.counting import count_tests
        from mucode_tasks.engine.stage import Stage

        store = ArtifactStore(Path("store"))
        problems, counts = Recipe("problems", 1, {}, {}), Recipe(count_tests.kind, count_tests.version, {}, {})
        with store.build(problems) as draft:
            draft.write_rows(make_problems("test", 2, seed=0), Problem)

        def build(stage, runtime, name, **inputs):
            with store.build(counts) as draft:
                stage.build(runtime, draft, name.caption, **inputs)
            print(name.caption)

        Stage.submit = build  # without a flow
        names = {"runtime": SimpleNamespace(store=store), "data": SimpleNamespace(train=store.ref(problems))}
        exec(Path("flow.py").read_text(), names)
        rows = store.read_rows(store.ref(counts), NumTests)
        print([(type(row).__name__, row.num_tests > 1) for row in rows])
        """,
    )
    assert said == "problems · count tests\n[('NumTests', True), ('NumTests', True)]\n"
