"""The third-party packages that programs may import: the named ones and what these need, nothing else. Stdlib only."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import sys
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from importlib import import_module
from importlib.machinery import EXTENSION_SUFFIXES, ModuleSpec
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from importlib import metadata  # loads sixty modules, which every child of a zygote would pay for

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


@dataclass
class Packages:
    """Packages as they are installed."""

    versions: dict[str, str] = field(default_factory=dict[str, str])
    """Of the named ones and of all that these need, by name."""
    preloaded: list[str] = field(default_factory=list[str])
    """Modules of the named ones."""
    modules: dict[str, str] = field(default_factory=dict[str, str])
    """Where each top-level module is."""
    paths: list[str] = field(default_factory=list[str])
    """All files and directories that belong to them."""

    def to_json(self) -> str:
        return json.dumps(asdict(self))

    @staticmethod
    def from_json(text: str) -> Packages:
        return Packages(**json.loads(text)) if text else Packages()


def find_packages(names: Iterable[str]) -> Packages:
    """The packages of these names ("pandas", "pandas==2.2.1", or the name of a module) and all that they need.

    Raises:
        LookupError: One is not installed, or in another version.
    """
    found = Packages()
    for name in sorted(set(names)):
        wanted, _, version = name.partition("==")
        distribution = _find(wanted.strip())
        if distribution is None:
            raise LookupError(f"{wanted!r} is not installed")
        if version and distribution.version != version.strip():
            raise LookupError(f"{wanted!r} is installed as {distribution.version}, not {version.strip()}")
        found.preloaded += [m for m in _add(found, distribution) if m.isidentifier() and not m.startswith("_")]
    found.paths = sorted(set(found.paths))
    return found


def _find(name: str) -> metadata.Distribution | None:
    from importlib import metadata

    try:
        return metadata.distribution(name)
    except (metadata.PackageNotFoundError, ValueError):
        owners = metadata.packages_distributions().get(name, [])
        return metadata.distribution(owners[0]) if owners else None


def _add(found: Packages, distribution: metadata.Distribution) -> list[str]:
    """Adds one with all that it needs; the names of its own modules."""
    name = re.sub(r"[-_.]+", "-", distribution.metadata["Name"]).lower()
    places = _places_of(distribution)
    modules = _modules_of(places)
    if name in found.versions:
        return list(modules)
    found.versions[name] = distribution.version
    found.modules.update(modules)
    found.paths += map(str, places)
    for requirement in distribution.requires or ():
        needed = _NAME.match(requirement)
        if needed and "extra ==" not in requirement:
            other = _find(needed[0])
            if other is not None:  # a marker may exclude it
                _add(found, other)
    return list(modules)


def _places_of(distribution: metadata.Distribution) -> list[Path]:
    """What a distribution has in the directory of packages, top level only."""
    tops = {file.parts[0] for file in distribution.files or () if file.parts[0] not in ("..", "__pycache__")}
    places = [Path(os.path.abspath(str(distribution.locate_file(top)))) for top in sorted(tops)]  # noqa: PTH100
    return [place for place in places if place.exists() and place.suffix != ".pth"]


def _modules_of(places: Iterable[Path]) -> dict[str, str]:
    modules: dict[str, str] = {}
    for place in places:
        if place.is_dir() and (place / "__init__.py").exists():
            modules[place.name] = str(place / "__init__.py")
        elif place.suffix == ".py" or place.name.endswith(tuple(EXTENSION_SUFFIXES)):
            modules[place.name.partition(".")[0]] = str(place)
    return modules


class _Finder:
    """Finds the top-level modules it was given; what is inside a package the interpreter finds by itself."""

    def __init__(self, packages: Packages) -> None:
        self._modules = packages.modules
        self._notes = [path for path in packages.paths if path.endswith(".dist-info")]

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        place = self._modules.get(fullname)
        if place is None or path is not None:
            return None
        inside = [str(Path(place).parent)] if Path(place).name == "__init__.py" else None
        return importlib.util.spec_from_file_location(fullname, place, submodule_search_locations=inside)

    def find_distributions(self, context: Any) -> Iterable[metadata.Distribution]:
        """What `importlib.metadata` looks for, in all of which the name is that of `context`."""
        from importlib import metadata

        found = [metadata.PathDistribution(Path(note)) for note in self._notes]
        return [one for one in found if context.name is None or _alike(one.metadata["Name"], context.name)]


def _alike(first: str, second: str) -> bool:
    return re.sub(r"[-_.]+", "-", first).lower() == re.sub(r"[-_.]+", "-", second).lower()


def offer_packages(packages: Packages, preloaded: Iterable[str]) -> None:
    """Makes packages importable, and imports some; one that cannot be imported is left to the programs."""
    sys.meta_path.append(_Finder(packages))
    for name in preloaded:
        try:
            import_module(name)
        except Exception as error:  # noqa: BLE001 - a package's own code
            print(f"{name} cannot be imported: {error!r}", file=sys.stderr)


if __name__ == "__main__":  # while an image is built: names in, a description out
    print(find_packages(sys.argv[1:]).to_json())
