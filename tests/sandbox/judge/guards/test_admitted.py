"""Only what bears a name itself is found by it; nothing is made that waits, or whose text lies in other memory."""

from __future__ import annotations

import collections
import json
import operator
import queue
from typing import Any

import numpy as np
import pytest

from mucode_core.sandbox.arrays import ARRAY
from mucode_core.sandbox.judge.guards import admitted
from mucode_core.sandbox.sharing import Codec
from mucode_core.sandbox.wire import WireError


@pytest.mark.parametrize(
    ("module", "name", "found"),
    [
        ("builtins", "int", int),
        ("collections", "deque", collections.deque),
        ("json.decoder", "JSONDecodeError", json.JSONDecodeError),
        ("types", "NoneType", type(None)),
        ("queue", "Full", queue.Full),
        ("numpy", "ndarray", np.ndarray),
    ],
)
def test_a_class_is_found_by_its_own_name(module: str, name: str, found: type) -> None:
    assert admitted.admitted_type(module, name) is found


@pytest.mark.parametrize(
    ("module", "name"),
    [
        ("unittest", "SkipTest"),
        ("io", "FileIO"),
        ("unittest.mock", "asyncio.subprocess.subprocess.Popen"),
        ("contextlib", "os.PathLike"),
        ("queue", "Queue"),
        ("types", "CodeType"),
        ("json", "decoder.JSONDecodeError"),
        ("builtins", "len"),
        ("os", "PathLike"),
        (5, "int"),
    ],
)
def test_no_other_class_is_found(module: Any, name: str) -> None:
    with pytest.raises(WireError):
        admitted.admitted_type(module, name)


def test_functions_are_found_by_their_own_names() -> None:
    assert admitted.admitted_function("_operator", "add") is operator.add
    assert admitted.admitted_function("builtins", "str.upper") is str.upper


@pytest.mark.parametrize(
    ("module", "name"),
    [
        ("json", "codecs.builtins.eval"),
        ("re", "enum.bltns.exec"),
        ("statistics", "sys.exit"),
        ("json", "codecs.open"),
        ("builtins", "eval"),
        ("functools", "namedtuple"),
        ("operator", None),
    ],
)
def test_no_other_function_is_found(module: str, name: Any) -> None:
    with pytest.raises(WireError):
        admitted.admitted_function(module, name)


def test_texts_of_exceptions_lie_in_their_own_memory() -> None:
    form: list[Any] = ["builtins", "UnicodeDecodeError", ["utf8", ["bytes", "78"], 0, 1, "why"]]
    assert "0x78 in position 0: why" in str(admitted.decode_admitted_exception(Codec(2), form, 0))
    form[2][2:4] = [-9, -8]
    with pytest.raises(WireError):
        admitted.decode_admitted_exception(Codec(2), form, 0)


def test_exceptions_that_keep_what_made_them_in_slots_have_it() -> None:
    error = admitted.decode_admitted_exception(Codec(2), ["numpy.exceptions", "AxisError", [5, 1]], 0)
    assert (error.axis, error.ndim, str(error)) == (5, 1, "axis 5 is out of bounds for array of dimension 1")


@pytest.mark.parametrize("kind", [StopIteration, StopAsyncIteration])
def test_an_end_of_iteration_is_raised_as_another_error(kind: type[Exception]) -> None:
    class Derived(kind):  # type: ignore[misc, valid-type]
        """Of the program."""

    assert type(admitted.raisable(Derived())) is RuntimeError
    error = ValueError()
    assert admitted.raisable(error) is error


def test_an_array_of_the_tests_keeps_its_memory() -> None:
    value = np.arange(6)
    view = value[2:]
    admitted.LENT_ARRAY.fill(Codec(2), value, ["int64", [2, 3], [9, 8, 7, 6, 5, 4]], 0)
    assert (value.tolist(), view.tolist()) == ([[9, 8, 7], [6, 5, 4]], [7, 6, 5, 4])
    with pytest.raises(WireError):
        admitted.LENT_ARRAY.fill(Codec(2), value, ["int64", [1], [9]], 0)
    assert admitted.LENT_ARRAY.parts is ARRAY.parts
