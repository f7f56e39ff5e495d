# ruff: noqa: E501 - programs, one a line
"""Packages that programs may import: the named ones, what they need, and nothing else."""

from __future__ import annotations

import importlib.metadata
import importlib.util

import pytest

from mucode_core.config import SandboxConfig
from mucode_core.errors import SandboxError
from mucode_core.sandbox import ProcessSandbox, pin_packages
from mucode_core.sandbox.guest.packages import find_packages
from tests.sandbox.sandbox_jobs import make_job, run_jobs

TEST = "assert f() == 1"


def test_a_package_brings_what_it_needs_and_its_version() -> None:
    found = find_packages(["requests"])
    assert {"requests", "urllib3", "certifi", "idna"} <= set(found.versions)
    assert found.preloaded == ["requests"]
    assert not {"pytest", "numpy", "mucode"} & set(found.versions)
    assert all("site-packages" in path for path in found.modules.values())


def test_names_of_modules_and_versions_are_taken() -> None:
    version = importlib.metadata.version("numpy")
    assert find_packages([f"numpy=={version}"]).versions == {"numpy": version}
    assert "attrs" in find_packages(["attr"]).versions
    assert pin_packages(SandboxConfig()).packages == [f"numpy=={version}"]


@pytest.mark.parametrize("name", ["no-such-package", "numpy==0.1", ""])
def test_what_is_not_installed_is_an_error(name: str) -> None:
    with pytest.raises(SandboxError, match=r"sandbox\.packages"):
        ProcessSandbox(1, packages=[name])


def test_only_named_packages_can_be_imported() -> None:
    with ProcessSandbox(1, packages=["requests"]) as sandbox:
        programs = {
            "passed": "import requests, urllib3\ndef f(): return int(hasattr(requests, 'get'))",
            "missing_module": "import numpy\ndef f(): return 1",
            "error": "import os.nothing\ndef f(): return 1",
        }
        verdicts = list(run_jobs(sandbox, [make_job(code, TEST) for code in programs.values()]))
    assert [verdict.status for verdict in verdicts] == list(programs)
    assert "No module named 'numpy'" in verdicts[1].feedback


def test_numpy_is_there_however_it_is_imported() -> None:
    codes = [
        "import importlib\nm = importlib.import_module('num' + 'py')\ndef f(): return int(m.array([1]).sum())",
        "def f():\n    m = __import__('num' 'py')\n    return int(m.ones(1)[0])",
        "import numpy\ndef f(): return int(numpy.ones(1)[0])",
        "try:\n    import pytest\nexcept ImportError:\n    pytest = 1\ndef f(): return pytest",
    ]
    with ProcessSandbox(1) as sandbox:
        verdicts = list(run_jobs(sandbox, [make_job(code, TEST) for code in codes]))
    assert [verdict.status for verdict in verdicts] == ["passed"] * len(codes)


@pytest.mark.parametrize(
    ("name", "module", "code"),
    [
        ("pandas", "pandas", "import pandas as pd\ndef f(): return int(pd.Series([0, 1]).sum())"),
        ("scipy", "scipy", "from scipy.special import comb\ndef f(): return int(comb(1, 1, exact=True))"),
        ("sympy", "sympy", "import sympy\ndef f(): return int(sympy.Integer(1))"),
        ("networkx", "networkx", "import networkx as nx\ndef f(): return nx.path_graph(2).number_of_edges()"),
        ("sortedcontainers", "sortedcontainers", "from sortedcontainers import SortedList as S\ndef f(): return S([2, 1])[0]"),
        ("scikit-learn", "sklearn", "from sklearn.cluster import KMeans\ndef f(): return KMeans(1).n_clusters"),
    ],
)  # fmt: skip
def test_packages_of_one_s_choice(name: str, module: str, code: str) -> None:
    if importlib.util.find_spec(module) is None:
        pytest.skip(f"{name} is not installed")
    with ProcessSandbox(1, packages=["numpy", name]) as sandbox:
        (verdict,) = run_jobs(sandbox, [make_job(code, TEST)])
    assert (verdict.status, verdict.feedback) == ("passed", "")
