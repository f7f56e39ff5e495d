"""EvalPlus, lm-eval and inspect_ai themselves, in an environment beside the project's own."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import venv
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import pytest
from filelock import FileLock

LOCK = Path(__file__).parents[2] / "requirements-tools.lock"
_NO_INDEX = ("from versions: none", "NewConnectionError", "ConnectTimeoutError", "NameResolutionError", "ProxyError")
"""What pip writes where no package index can be reached."""
_OURS = "import os, site, sys; site.addsitedir(os.path.join(sys.prefix, *[os.pardir] * 2, {packages!r}))\n"
"""A `.pth` line: the project's own packages, behind the tools' own. Relative, so that a copied checkout has its own."""
_OFFLINE = {
    "HF_HUB_OFFLINE": "1",
    "HF_DATASETS_OFFLINE": "1",
    "TRANSFORMERS_OFFLINE": "1",
    "TOKENIZERS_PARALLELISM": "false",
}


@dataclass(frozen=True)
class Tools:
    """An environment that has the tools of `requirements-tools.lock` on top of the project's own packages."""

    python: Path

    def run(self, *words: str, cwd: Path, **variables: str) -> str:
        """Runs `python WORDS` without a network; its output, both streams together.

        Args:
            words: Arguments of the interpreter, such as `-m`, `lm_eval`.
            cwd: Working directory, which also takes the caches.
            variables: Of the environment.
        """
        environment = {**os.environ, **_OFFLINE, "XDG_CACHE_HOME": str(cwd / "cache"), "HF_HOME": str(cwd / "hub")}
        environment |= {"XDG_DATA_HOME": str(cwd / "data"), **variables}
        words = (str(self.python), *words)
        done = subprocess.run(words, cwd=cwd, env=environment, capture_output=True, text=True, timeout=300, check=False)
        assert done.returncode == 0, f"{words}\n{done.stdout}\n{done.stderr}"
        return done.stdout + done.stderr


def install_tools() -> Tools:
    """The environment, made once for each content of the lock file; skips the test where no index is reached."""
    digest = sha256(LOCK.read_bytes() + sys.version.encode()).hexdigest()[:16]
    home = Path(sys.prefix) / "tools" / digest
    home.parent.mkdir(exist_ok=True)
    tools = Tools(home / "bin" / "python")
    complete = home / "complete"
    with FileLock(f"{home}.lock"):
        if not complete.exists():
            shutil.rmtree(home, ignore_errors=True)
            _make(home, tools.python)
            complete.touch()
    return tools


def _make(home: Path, python: Path) -> None:
    venv.create(home, symlinks=True, with_pip=False)
    pip = (sys.executable, "-m", "pip", "--python", str(python), "install", "--quiet", "--no-deps")
    done = subprocess.run((*pip, "-r", str(LOCK)), capture_output=True, text=True, check=False)
    if done.returncode:
        if any(sign in done.stderr for sign in _NO_INDEX):
            pytest.skip(f"no package index has the tools of {LOCK.name}: {done.stderr.strip().splitlines()[-1]}")
        raise RuntimeError(done.stderr)
    (packages,) = home.glob("lib/python*/site-packages")
    (packages / "ours.pth").write_text(_OURS.format(packages=str(packages.relative_to(home))))
