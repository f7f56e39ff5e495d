"""The image of the container sandbox: an interpreter, packages, and the guest's few files. Built without any registry.

Two ways: from the interpreter that runs this (its files, imported as an image), or on top of a base image that has
Python 3.11 or later.
"""

from __future__ import annotations

import ast
import contextlib
import functools
import hashlib
import io
import json
import os
import platform
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from mucode_core.errors import SandboxError
from mucode_core.sandbox.guest.gate import PACKAGES, PYTHON, ROOT, SCRATCHES, SOCKETS
from mucode_core.sandbox.guest.packages import Packages

if TYPE_CHECKING:
    from docker import DockerClient

_REPOSITORY = "mucode-sandbox"
_SANDBOX = Path(__file__).resolve().parents[1]
_PACKAGE = "mucode_core.sandbox"
_LOCKDOWN = "guest/lockdown.c"
_GUEST = f"{ROOT}/mucode_core/sandbox"
_LEFT_OUT = {"site-packages", "dist-packages", "test", "tests", "idlelib", "tkinter", "turtledemo", "ensurepip"}
_SYSTEM_TREES = ("/usr/share/zoneinfo", "/usr/lib/locale/C.utf8", "/usr/lib/locale/C.UTF-8")
"""Time zones, and the locale that `helper_environment` names."""
_EMPTY_DIRECTORIES = ("dev", "proc", "sys", "tmp", SCRATCHES, SOCKETS)
_DOCKERFILE = f"""
ARG BASE
FROM ${{BASE}}
ARG PACKAGES
RUN test -z "$PACKAGES" || python3 -m pip install --no-cache-dir $PACKAGES
COPY guest/ {_GUEST}/
RUN ln -s "$(python3 -c 'import os, sys; print(os.path.realpath(sys.executable))')" {PYTHON} && \\
    python3 {_GUEST}/guest/packages.py $PACKAGES > {PACKAGES} && \\
    mkdir -p {SCRATCHES} {SOCKETS}
"""


@functools.cache
def guest_files() -> tuple[str, ...]:
    """All that an image holds of this package: the guest's modules, and what they import, as paths in it."""
    found = sorted(f"guest/{path.name}" for path in _SANDBOX.glob("guest/[!_]*.py"))
    for name in found:
        for node in ast.walk(ast.parse((_SANDBOX / name).read_text("utf-8"))):
            if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith(_PACKAGE):
                imported = node.module.removeprefix(_PACKAGE).strip(".")
                shared = [f"{one}.py" for one in ([imported] if imported else [alias.name for alias in node.names])]
                found += [one for one in shared if one not in found and (_SANDBOX / one).exists()]
    return tuple(found)


def image_name(packages: Packages) -> str:
    """Name and tag of the image for this version of the guest's files, these packages, and this interpreter.

    Environments of several versions of Python share a daemon, and each must find its own: even the same program's
    syntax error has another text elsewhere.
    """
    python = f"{platform.python_implementation()} {platform.python_version()}"
    contents = json.dumps([python, sorted(packages.versions.items()), packages.preloaded]).encode()
    return f"{_REPOSITORY}:{_guest_digest()}-{hashlib.sha256(contents).hexdigest()[:8]}"


def _guest_digest() -> str:
    digest = hashlib.sha256(_DOCKERFILE.encode())
    for name in (*guest_files(), _LOCKDOWN, "host/image.py"):
        digest.update((_SANDBOX / name).read_bytes())
    return digest.hexdigest()[:12]


def build_image(client: DockerClient, packages: Packages, base: str | None = None) -> str:
    """Builds the image and returns its name.

    Args:
        client: A connection to the daemon.
        packages: What programs may import; on a base image the same versions are installed by pip.
        base: An image with Python 3.11 or later, and pip; None takes the running interpreter.

    Raises:
        SandboxError: The daemon refuses, or the interpreter's files are not what a Linux image can be made of.
    """
    from docker.errors import DockerException

    name = image_name(packages)
    repository, _, tag = name.partition(":")
    try:
        with tempfile.NamedTemporaryFile(suffix=".tar") as archive:
            with tarfile.open(fileobj=archive, mode="w", dereference=True) as tar:
                if base is None:
                    _add_interpreter(tar, packages)
                else:
                    _add_context(tar)
            archive.seek(0)
            if base is None:
                answer = client.api.import_image_from_file(archive.name, repository=repository, tag=tag)
                if "errorDetail" in str(answer):
                    raise DockerException(answer)
            else:
                pins = " ".join(f"{name}=={version}" for name, version in sorted(packages.versions.items()))
                arguments = {"BASE": base, "PACKAGES": pins}
                client.images.build(fileobj=archive, custom_context=True, tag=name, buildargs=arguments, rm=True)
    except DockerException as error:
        hint = "fix what the daemon says; a base image needs Python 3.11 or later, and pip"
        raise SandboxError(f"the image was not built: {error}", location=f"image {name}", hint=hint) from error
    _remove_others(client)
    return name


def _remove_others(client: DockerClient) -> None:
    """Images of earlier versions; those in use stay."""
    from docker.errors import APIError

    current = f"{_REPOSITORY}:{_guest_digest()}-"
    tags = [tag for image in client.images.list(name=_REPOSITORY) for tag in image.tags]
    for tag in [tag for tag in tags if not tag.startswith(current)]:
        with contextlib.suppress(APIError):
            client.images.remove(tag)


def _add_context(tar: tarfile.TarFile) -> None:
    """What a build on a base image needs."""
    _add(tar, "Dockerfile", _DOCKERFILE.encode())
    _add_guest(tar, "guest")


def _add_interpreter(tar: tarfile.TarFile, packages: Packages) -> None:
    """A root file system: the running interpreter at its own paths, its libraries, packages, and the guest."""
    python = Path(sys.executable).resolve()
    if sys.platform != "linux" or not shutil.which("ldd"):
        hint = "name a base image that has Python: --base python:3.12-slim"
        raise SandboxError("an image of the running interpreter needs Linux and ldd", location="image", hint=hint)
    _add(tar, "etc/passwd", b"root:x:0:0:root:/:/nologin\n")
    trees = [Path(os.__file__).parent, *map(Path, (*packages.paths, *_SYSTEM_TREES))]
    files = {python, *(file for tree in trees for file in ([tree] if tree.is_file() else _walk(tree)))}
    files |= _libraries_of(file for file in files if file == python or ".so" in file.name)
    needed = {str(parent).lstrip("/") for file in files for parent in file.parents if parent.name}
    for directory in sorted(needed.union(name.lstrip("/") for name in _EMPTY_DIRECTORIES)):
        _add(tar, directory, None)  # once each, as the daemon demands; open to all, whatever they are here
    for file in sorted(files):
        tar.add(file, str(file))
    _add_guest(tar, _GUEST)
    link = tarfile.TarInfo(PYTHON[1:])
    link.type, link.linkname = tarfile.SYMTYPE, str(python)
    tar.addfile(link)
    _add(tar, PACKAGES, packages.to_json().encode())


def _add_guest(tar: tarfile.TarFile, directory: str) -> None:
    for name in guest_files():
        tar.add(_SANDBOX / name, f"{directory}/{name}")
    compiler = shutil.which("cc")
    if compiler is None or sys.platform != "linux":
        return  # the guest then does the same steps in Python, which takes 0.3 ms longer a program
    with tempfile.TemporaryDirectory() as made:
        library = Path(made, "libmucode_lockdown.so")
        command = [compiler, "-O2", "-shared", "-fPIC", "-o", str(library), str(_SANDBOX / _LOCKDOWN)]
        if subprocess.run(command, capture_output=True, check=False).returncode == 0:
            tar.add(library, f"{directory}/guest/{library.name}")


def _add(tar: tarfile.TarFile, name: str, data: bytes | None) -> None:
    """Adds a file, or a directory where there are no data."""
    entry = tarfile.TarInfo(name.lstrip("/"))
    entry.type, entry.mode = (tarfile.DIRTYPE, 0o755) if data is None else (tarfile.REGTYPE, 0o644)
    entry.size = len(data or b"")
    tar.addfile(entry, io.BytesIO(data or b""))


def _walk(tree: Path) -> Iterator[Path]:
    for folder, directories, names in os.walk(tree):
        directories[:] = [name for name in directories if name not in _LEFT_OUT and not name.startswith("config-")]
        yield from (path for name in names if (path := Path(folder, name)).is_file() and "tkinter" not in name)


def _libraries_of(binaries: Iterable[Path]) -> set[Path]:
    """The shared libraries that programs and libraries load, as the dynamic linker finds them."""
    listing = subprocess.run(["ldd", *map(str, binaries)], capture_output=True, text=True, check=False)
    words = (word for line in listing.stdout.splitlines() for word in line.split() if not line.endswith(":"))
    paths = (os.path.realpath(word) if ".." in word else word for word in words if word.startswith("/"))
    return {Path(path) for path in paths if Path(path).is_file()}
