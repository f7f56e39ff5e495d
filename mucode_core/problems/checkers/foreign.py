"""Checkers that rows bring: in Python for another calling convention, or in C++ for testlib."""

from __future__ import annotations

import re

from mucode_core.types import Comparison

_ADAPTER = '''\
import contextlib, io, sys
SOURCE = {source!r}


def is_right(output):
    """Whether the checker prints 1; its arguments are input, expected output, output."""
    sys.argv = ["checker.py", test, answer, output]
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed), contextlib.suppress(SystemExit):
        exec(compile(SOURCE, "checker.py", "exec"), {{"__name__": "__main__"}})
    return printed.getvalue().split()[-1:] in (["1"], ["1.0"])


test, output, answer = sys.argv[1:4]
try:
    right = is_right(output)
except Exception:
    right = False
if right:
    sys.exit(0)
if not is_right(answer):
    raise ValueError("it refuses the expected output")
sys.exit(1)
'''


def adapt_python(source: str) -> str:
    """A checker program (see `Problem.checker`) from one that is called with input, expected output and output.

    That is the convention of open-r1's codeforces: what is printed last is 1 for a right answer. A checker that also
    refuses the expected output, or cannot read it, is at fault: it ends with an exception.
    """
    return _ADAPTER.format(source=source)


_COMMENT = re.compile(r"//[^\n]*|/\*.*?\*/", re.DOTALL)
_NAME = re.compile(r"(?:std::)?([a-z]+cmp\d?|n?yesno)(?:\.cpp)?")
_EPS = re.compile(r"\bEPS\s*=\s*([0-9.]+(?:[eE][-+]?\d+)?)")
_RULES = {
    "wcmp": "tokens",
    "ncmp": "tokens",
    "icmp": "tokens",
    "hcmp": "tokens",
    "yesno": "tokens",
    "nyesno": "tokens",
    "lcmp": "lines",
    "fcmp": "lines",
}
"""The standard checkers that compare as a rule here does, or more strictly."""
_TOLERANCES = {"rcmp": 1.5e-6, "rcmp4": 1e-4, "rcmp6": 1e-6, "rcmp9": 1e-9, "dcmp": 1e-6}
"""Of those that compare real numbers, absolute or relative; rcmp's is absolute only."""
_TITLES = {
    "compare sequences of tokens": "wcmp",
    "compare ordered sequences of signed int": "ncmp",
    "compare two signed int": "icmp",
    "compare two signed huge integers": "hcmp",
    "compare files as sequence of tokens in lines": "lcmp",
    "compare files as sequence of lines": "fcmp",
    "yes or no (case insensitive)": "yesno",
    "multiple yes/no (case insensitive)": "nyesno",
    "compare two doubles, maximal absolute error": "rcmp",
    "compare two sequences of doubles, max absolute or relative error": "rcmp6",
    "compare two doubles, maximal absolute or relative error": "dcmp",
}
"""What testlib's checkers call themselves, in lower case."""


def standard_rule(checker: str) -> Comparison | None:
    """The rule of a testlib checker that is one of the standard ones.

    Args:
        checker: Its name (`wcmp`), or its C++ source. A source that looks at the test's input is none of them.
    """
    name = _NAME.fullmatch(checker.strip())
    tolerance: float | None = None
    if name:
        found = name[1]
    else:
        code = _COMMENT.sub("", checker)
        title = " ".join(re.findall(r"setName\s*\(([^;]*)\)\s*;", code)).lower()
        found = next((known for text, known in _TITLES.items() if text in title), "")
        if re.search(r"\binf\s*\.", code):
            return None
        eps = _EPS.search(code)
        tolerance = float(eps[1]) if eps else None
    if found in _TOLERANCES:
        tolerance = tolerance or _TOLERANCES[found]
        return Comparison("floats", rtol=0.0 if found == "rcmp" else tolerance, atol=tolerance)
    return Comparison("lines" if _RULES[found] == "lines" else "tokens") if found in _RULES else None
