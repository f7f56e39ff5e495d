"""What tests set for the program outside of it: environment, arguments, random numbers; its warnings and logs for them.

Only where tests mention such things: each question is then preceded by what has changed. Nothing comes back but
warnings and what is logged: what a program does to its own environment or random numbers is not to reach the tests'.
"""

from __future__ import annotations

import functools
import os
import random
import re
import sys
import warnings
from collections.abc import Callable, Sequence
from typing import Any

from mucode_core.sandbox.judge.asking import Program
from mucode_core.sandbox.judge.lent.logs import pass_on, reset_levels, set_levels
from mucode_core.sandbox.judge.stops import Stop

_ENVIRONMENT, _ARGUMENTS, _RANDOM, _WARNINGS, _LOGS = "environment", "arguments", "random", "warnings", "logs"
_MENTIONED = {
    _ENVIRONMENT: re.compile(r"\benviron\b|\b(?:setenv|delenv|putenv)\b"),
    _ARGUMENTS: re.compile(r"\bsys\.argv\b"),
    _RANDOM: re.compile(r"\bseed\("),
    _WARNINGS: re.compile(r"\bcatch_warnings\b|\bpytest\.warns\b|\bassertWarns(?:Regex)?\b|\brecwarn\b"),
    _LOGS: re.compile(r"\bassert(?:No)?Logs\b|\bcaplog\b|\baddHandler\("),
}
_MAX_WARNINGS = 1000


def mentioned_settings(sources: Sequence[str]) -> frozenset[str]:
    """What of the tests' surroundings a program has to meet, too."""
    return frozenset(name for name, pattern in _MENTIONED.items() if any(map(pattern.search, sources)))


_num_seeds = [0]
"""How often random numbers were seeded here: the same seed once more begins the program's numbers once more."""


def note_seeds() -> None:
    """Has all seeds in this process counted, from now on."""
    numpy: Any = sys.modules.get("numpy")
    for module in (random, numpy.random if numpy is not None else None):
        if module is not None:
            vars(module)["seed"] = _counting(module.seed)


def _counting(seed: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(seed)
    def count(*args: Any, **named: Any) -> Any:
        _num_seeds[0] += 1
        return seed(*args, **named)

    return count


class Settings:
    """What the program knows of them."""

    def __init__(self, names: frozenset[str]) -> None:
        """Nothing of those named is known yet but what both sides begin with."""
        self._names = names
        self._environment = dict(os.environ)
        self._arguments = list(sys.argv)
        self._random: Any = _num_seeds[0], random.getstate()
        self._numpy: Any = _num_seeds[0], _numpy_state()
        self._is_warned = _WARNINGS not in names
        self._levels: dict[str, int] = {}
        if _LOGS in names:
            reset_levels()

    def changes(self) -> dict[str, Any]:
        """What has changed since the last call."""
        found: dict[str, Any] = {}
        if _ENVIRONMENT in self._names and (now := dict(os.environ)) != self._environment:
            gone = [[name] for name in self._environment if name not in now]
            new = [[name, value] for name, value in now.items() if self._environment.get(name) != value]
            found[_ENVIRONMENT], self._environment = [*gone, *new], now
        if _ARGUMENTS in self._names and sys.argv != self._arguments:
            self._arguments = list(sys.argv)
            found[_ARGUMENTS] = list(map(str, sys.argv))
        if _RANDOM in self._names:
            if (state := (_num_seeds[0], random.getstate())) != self._random:
                found[_RANDOM], self._random = state[1], state
            if (state := (_num_seeds[0], _numpy_state())) != self._numpy:
                found["numpy"], self._numpy = state[1], state
        if not self._is_warned:
            found[_WARNINGS], self._is_warned = True, True
        if _LOGS in self._names and (levels := set_levels()) != self._levels:
            found[_LOGS] = self._levels = levels
        return found

    def watch(self, program: Any) -> None:
        """Has each question to a program preceded by what has changed, and followed by its warnings."""
        ask: Callable[..., Any] = program.ask

        def ask_informed(*question: Any, **named: Any) -> Any:
            if program.mirror.exchange.is_busy:
                return ask(*question, **named)
            if changes := self.changes():
                ask("settings", 0, (changes,))
            try:
                return ask(*question, **named)
            finally:
                if _WARNINGS in self._names and program.ending is None:
                    _warn_for(program, ask("warned", 0))
                if _LOGS in self._names and program.ending is None and question[0] != "logged":
                    pass_on(program, ask("logged", 0))

        program.ask = ask_informed


def _numpy_state() -> Any:
    numpy: Any = sys.modules.get("numpy")
    if numpy is None:
        return None
    name, keys, *rest = numpy.random.get_state()
    return [name, keys.tolist(), *rest]


def _warn_for(program: Program, rows: Any) -> None:
    """Gives the program's warnings, as if they were given here."""
    if not isinstance(rows, list) or len(rows) > _MAX_WARNINGS:
        raise _refused(program)
    for row in rows:
        if not isinstance(row, tuple) or len(row) != 3:
            raise _refused(program)
        category, text, line = row
        if not isinstance(category, type) or not issubclass(category, Warning) or type(text) is not str:
            raise _refused(program)
        warnings.warn_explicit(text, category, "solution.py", line if type(line) is int and 0 <= line < 1 << 30 else 1)


def _refused(program: Program) -> BaseException:
    stop: Any = program.refuse("malformed warnings")
    assert isinstance(stop, Stop)
    return stop
