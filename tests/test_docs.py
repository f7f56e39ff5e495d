"""The site is built strictly: a link, an anchor or a public name that is not there is an error."""

import re
import shutil
import subprocess
import sys
import tomllib

import pytest

import mucode_core
from tests.conftest import REPO


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    out = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(out)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=REPO, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return out


@pytest.mark.slow
def test_every_public_name_has_its_docstring_on_the_page(site):
    page = (site / "api" / "index.html").read_text()
    names = [line.split()[1] for line in (REPO / "docs/api.md").read_text().splitlines() if line.startswith(":::")]
    assert len(names) > 30
    for name in names:
        assert f'id="{name}"' in page


@pytest.mark.slow
def test_every_decision_is_listed(site):
    pages = {path.name for path in (REPO / "docs/decisions").glob("[0-9]*.md")}
    index = (REPO / "docs/decisions/index.md").read_text()
    assert all(f"({name})" in index for name in pages)


@pytest.mark.skipif(shutil.which("make") is None, reason="there is no make")
def test_the_targets_are_listed_in_columns():
    listed = subprocess.run(
        ["make", "--no-print-directory", "help"], capture_output=True, text=True, cwd=REPO, check=True
    ).stdout.splitlines()
    assert len(listed) > 20
    assert {re.match(r"  make \S+ +", line).end() for line in listed} == {len("  make sandbox-image ")}  # the longest


def test_the_version_stands_in_one_place():
    project = tomllib.loads((REPO / "pyproject.toml").read_text())
    assert project["project"]["dynamic"] == ["version"]
    assert f"ARG VERSION={mucode_core.__version__}\n" in (REPO / "Dockerfile").read_text()
    assert mucode_core.__version__ in (REPO / "CHANGELOG.md").read_text()
