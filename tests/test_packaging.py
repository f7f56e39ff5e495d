"""What is installed: every package, its data, and commands that work from another directory."""

import subprocess
import sys
import sysconfig
import tomllib
import venv
import zipfile

import pytest

from tests.conftest import REPO

SETUPTOOLS = tomllib.loads((REPO / "pyproject.toml").read_text())["tool"]["setuptools"]


def test_the_list_of_packages_is_that_of_the_folders():
    found = {
        ".".join([name, *path.parent.relative_to(REPO / folder).parts])
        for name, folder in SETUPTOOLS["package-dir"].items()
        for path in (REPO / folder).rglob("__init__.py")
    }
    assert set(SETUPTOOLS["packages"]) == found
    assert len(SETUPTOOLS["packages"]) == len(found)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    out = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "pip", "wheel", "--no-deps", "--no-build-isolation", "--quiet", "-w", out, REPO]
    subprocess.run(command, check=True)
    (found,) = out.glob("*.whl")
    return found


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory):
    """The scripts of an environment that has the wheel, and sees this one's other packages."""
    root = tmp_path_factory.mktemp("installed")
    venv.create(root, with_pip=False)
    site = next(root.glob("lib/python*/site-packages"))
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(site)
    (site / "others.pth").write_text(sysconfig.get_paths()["purelib"] + "\n")
    return root / "bin" / "python"


def run(installed, directory, *arguments):
    command = [installed, "-m", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=directory, timeout=300)


@pytest.mark.slow
def test_a_wheel_ships_types_and_recipes(wheel):
    names = set(zipfile.ZipFile(wheel).namelist())
    for package in ("mucode_core", "mucode_tasks", "mucode_flows", "mucode_deployments"):
        assert f"{package}/py.typed" in names
    assert {"mucode_configs/demo.yaml", "mucode_configs/ablations/verifier.yaml"} <= names


@pytest.mark.slow
def test_an_installed_wheel_works_from_another_directory(installed, tmp_path):
    for arguments in (["demo", "--help"], ["config"], ["recipes"], ["--version"]):
        done = run(installed, tmp_path, "mucode_flows.cli", *arguments)
        assert done.returncode == 0, done.stderr
    done = run(installed, tmp_path, "mucode_flows.cli", "train", "demo", "--set", "run.sed=1")
    assert done.returncode == 2
    assert "--set run.sed: unknown key" in done.stderr
    assert str(REPO) not in done.stderr
    done = run(installed, tmp_path, "mucode_deployments.recipes", "nowhere.yaml")
    assert (done.returncode, "Traceback" in done.stderr) == (2, False)
