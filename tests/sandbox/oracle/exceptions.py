"""Where the sandbox may judge otherwise than a plain interpreter, and why; the rest are faults."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from tests.sandbox.oracle.interpreter import Case


@dataclass(frozen=True)
class Exempt:
    """A documented difference."""

    reason: str
    applies: Callable[[Case], bool]


def _mentions(pattern: str) -> Callable[[Case], bool]:
    found = re.compile(pattern)
    return lambda case: any(found.search(source) for source in (case.code, case.setup, *case.tests))


def _tests_mention(pattern: str) -> Callable[[Case], bool]:
    found = re.compile(pattern)
    return lambda case: case.input is None and any(found.search(source) for source in case.tests)


_MAY_BE_FALSE = re.compile(
    r"def __(bool|len)__|class \w+\("
    r"(list|dict|int|float|str|bytes|tuple|set|frozenset|collections\.|enum\.|typing\.Named)"
)
_NO_ANSWER = re.compile(r"assert not \(*[\w.]+(\(| [-+*/%@&|^]{1,2} [\w.]+\)*$)", re.MULTILINE)

_FIXED = re.compile(r"^[xy] = (slice|range|frozenset|datetime|decimal|fractions|float|[-\d'(]|b')", re.MULTILINE)
"""A value that cannot change, in a test."""
_FIXED_FIELD = re.compile(r"\bb=[-\d'(]")
"""The same in a field of an object that a test makes."""

EXEMPT: dict[str, Exempt] = {
    "exits": Exempt(
        "KeyboardInterrupt and its like must not be raised in the judge: there they arrive as a RuntimeError",
        _mentions(r"raise (KeyboardInterrupt|GeneratorExit|SystemExit)"),
    ),
    "an end of iteration out of a call": Exempt(
        "a StopIteration out of a call would end a loop of the test without a failure: it arrives as a RuntimeError",
        lambda case: (
            "raise StopIteration(" in case.code
            or ("return next(iter(" in case.code and any("StopIteration" in test for test in case.tests))
        ),
    ),
    "identity of values that cannot change": Exempt(
        "texts, numbers, tuples, ranges, slices and dates come as values: whether two equal ones are one is not known",
        lambda case: (
            (
                re.search(r"return (str\(|'any')", case.code) is not None
                and any(re.search(r"f\(.*\) is f\(", test) for test in case.tests)
            )
            or any(_FIXED.search(test) and re.search(r"\] is (not )?[xy]\b", test) for test in case.tests)
            or (
                "copy.deepcopy(" in case.code
                and any(_FIXED.search(test) and re.search(r"\br is (not )?[xy]\b", test) for test in case.tests)
            )
            or (
                any("K.m = lambda self, v=1: '" in test for test in case.tests)
                and any(re.search(r"\.m\(\) is (not )?\w+\.m\(\)", test) for test in case.tests)
            )
            or any(_FIXED_FIELD.search(test) and re.search(r"\.b is (not )?\w+\.b\b", test) for test in case.tests)
        ),
    ),
    "causes, contexts and notes": Exempt(
        "an exception comes with its class, its arguments and its own attributes, not with how it came about",
        _tests_mention(r"__(cause|context|notes)__"),
    ),
    "globals that tests read": Exempt(
        "a name that the program binds again stays in the tests what it was when the program had run",
        lambda case: "global count" in case.code and any(re.search(r"(?<![.\w])count\b", test) for test in case.tests),
    ),
    "settings of the tests' own process": Exempt(
        "what a test does to `random`, `sys.argv`, the environment or the clock does not reach the program",
        _tests_mention(r"random\.seed\(|sys\.argv = |patch\.dict\(os\.environ|patch\('time\.time'"),
    ),
    "objects that are false": Exempt(
        "an object of the program that is false is no answer to `assert not f(x)` or `assert not x * 2`",
        lambda case: (
            _MAY_BE_FALSE.search(case.code) is not None and any(_NO_ANSWER.search(test) for test in case.tests)
        ),
    ),
    "groups of exceptions": Exempt(
        "a group insists on exceptions as arguments: it arrives as an Exception", _mentions(r"ExceptionGroup")
    ),
    "standard input opened by its path": Exempt(
        "`/dev/stdin` reads on from where the program is, as from a pipe; a file would be opened at its start",
        lambda case: case.input is not None and "/dev/stdin" in case.code and "input()" in case.code,
    ),
    "files of tests that could be run": Exempt(
        "tests that also evaluate code, unpickle or import from paths have a directory of their own",
        lambda case: (
            _tests_mention(r"\bopen\(")(case)
            and _mentions(r"\b(pickle|importlib|subprocess|exec|eval|compile|sqlite3)\b|sys\.path")(case)
        ),
    ),
    "absolute paths": Exempt(
        "a path outside the working directory is another one for the program",
        _tests_mention(r"\bopen\(['\"]/"),
    ),
    "classes of functions and classes": Exempt(
        "functions, classes and iterators of the program are of the judge's own types; isinstance knows them",
        _tests_mention(r"type\(\w+\)\.__name__|__class__\.__name__|\br\.__name__"),
    ),
    "kinds of the tests' functions": Exempt(
        "a program meets a test's function as a plain one: calling it gives the generator all the same",
        lambda case: re.search(r"\bis(async)?(gen|generator|coroutine)function\(", case.code) is not None,
    ),
    "static and class methods in `vars`": Exempt(
        "the attributes of a program's class are read, not what makes them", _tests_mention(r"vars\(\w+\)\[|__dict__\[")
    ),
    "memory views": Exempt(
        "a view of memory that one side owns cannot exist on the other", _tests_mention(r"memoryview")
    ),
    "coroutines": Exempt(
        "a loop of the tests cannot drive a coroutine of the program",
        lambda case: (
            any("asyncio.run(f" in test for test in case.tests)
            or ("async def f" in case.code and any("StopIteration" in test for test in case.tests))
        ),
    ),
    "upper and lower case": Exempt(
        "printed words may differ in case, as contest checkers have it", lambda case: case.kind == "E54-yes-no-case"
    ),
}


def reason_for(case: Case) -> str | None:
    """The name of the exception that covers a case, if one does."""
    return next((name for name, row in EXEMPT.items() if row.applies(case)), None)
