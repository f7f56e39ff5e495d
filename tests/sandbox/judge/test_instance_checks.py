"""What is an instance where the program's metaclasses have a say: protocols, abstract classes, their own."""

# ruff: noqa: E501 - programs are easier to read on one line
from __future__ import annotations

from collections.abc import Callable

import pytest

from mucode_core.types import Verdict

_PROGRAM = """
from typing import Protocol, runtime_checkable
from abc import ABC, ABCMeta, abstractmethod
@runtime_checkable
class Drawable(Protocol):
    def draw(self): ...
class Pic:
    def draw(self): return 1
class Rock: pass
class Shape(ABC):
    @abstractmethod
    def area(self): ...
    @classmethod
    def __subclasshook__(cls, C): return hasattr(C, 'area') or NotImplemented
class Sq:
    def area(self): return 1
class Base(metaclass=ABCMeta): pass
@Base.register
class Reg: pass
class Meta(type):
    def __instancecheck__(cls, x): return hasattr(x, 'q')
class M(metaclass=Meta): pass
class HasQ: q = 1
class Plain: pass
"""
ROWS = {
    "a protocol": "assert isinstance(Pic(), Drawable) and not isinstance(Rock(), Drawable)",
    "a subclass hook": "assert isinstance(Sq(), Shape) and not isinstance(Rock(), Shape) and issubclass(Sq, Shape)",
    "a registered class": "assert isinstance(Reg(), Base) and issubclass(Reg, Base) and not isinstance(Rock(), Base)",
    "a metaclass": "assert isinstance(HasQ(), M) and not isinstance(Rock(), M)",
}


@pytest.mark.parametrize("name", ROWS)
def test_the_program_is_asked_and_counted(judge_one: Callable[..., Verdict], name: str) -> None:
    verdict = judge_one(_PROGRAM, ROWS[name])
    assert verdict.passed and verdict.num_delegated, verdict.feedback


def test_it_is_not_asked_of_others(judge_one: Callable[..., Verdict]) -> None:
    test = "assert isinstance(Plain(), Plain) and not isinstance(Rock(), Plain) and not isinstance(5, Drawable) and not isinstance('a', M)"
    verdict = judge_one(_PROGRAM, test)
    assert verdict.passed and verdict.num_delegated == 0


def test_classes_of_an_earlier_program_are_not_asked(judge_one: Callable[..., Verdict]) -> None:
    code = "from collections.abc import Sized, Iterable\nclass K(Sized):\n    def __len__(self): return 1\nclass P: pass\ndef f(): return K(), P()"
    test = "from collections.abc import Sized, Iterable\na, b = f()\nassert isinstance(a, Sized) and not isinstance(b, Sized) and not isinstance(b, Iterable)"
    for _ in range(3):
        verdict = judge_one(code, test)
        assert verdict.passed, verdict.feedback
