"""Our own checkers for contest problems with several right answers whose rows bring no checker.

Each is written from the problem's statement. A problem is found by its number at Codeforces, which data sets write as
`1041_E. Tree Reconstruction`, `1041_E` or `1041/E`.
"""

from __future__ import annotations

import inspect
import re
from functools import cache
from types import ModuleType

from mucode_core.problems.checkers import geometry, graphs, numbers, reading, routes, sequences, trees

_NUMBER = re.compile(r"(\d+)[_/]?([A-Z]\d?)(?=\. |$)")
_IMPORT = re.compile(r"^from mucode_core\.problems\.checkers\.reading import .*\n", re.MULTILINE)
_FUTURE = "from __future__ import annotations\n"
_THEMES = (trees, graphs, routes, geometry, sequences, numbers)


def find_checker(name: str) -> str | None:
    """The source of the checker program of a Codeforces problem (see `Problem.checker`); None if there is none.

    Args:
        name: The problem's number, perhaps followed by its title.
    """
    match = _NUMBER.match(name)
    if match is None:
        return None
    number = f"{match[1]}_{match[2]}"
    theme = next((theme for theme in _THEMES if number in theme.CHECKERS), None)
    return None if theme is None else f'{_sources(theme)}\n\njudge(CHECKERS["{number}"])\n'


@cache
def _sources(theme: ModuleType) -> str:
    """A theme's functions behind those that it imports: a program needs nothing of this package."""
    own = _IMPORT.sub("", inspect.getsource(theme)).replace(_FUTURE, "")
    return inspect.getsource(reading) + own
