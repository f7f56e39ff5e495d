"""Every command of the tutorial, run in order in an empty directory."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import REPO

BLOCKS = re.findall(r"^```sh\n(.*?)^```", (REPO / "docs" / "tutorial.md").read_text(), re.MULTILINE | re.DOTALL)


@pytest.mark.slow
def test_the_commands_of_the_tutorial_work(tmp_path):
    environment = os.environ | {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    for block in BLOCKS:
        done = subprocess.run(
            ["bash", "-e", "-c", block], capture_output=True, text=True, check=False, cwd=tmp_path, env=environment
        )
        assert done.returncode == 0, f"{block}\n{done.stderr}"
    assert (tmp_path / "runs" / "own" / "report.html").is_file()
    assert len((tmp_path / "programs.jsonl").read_text().splitlines()) == 3
