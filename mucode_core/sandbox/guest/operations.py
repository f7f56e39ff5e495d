"""What the judge may do with the program's objects: each operation gets an object, decoded arguments, and a name."""

from __future__ import annotations

import copy
import itertools
import os
import random
import sys
import types
from collections.abc import Callable
from typing import Any

from mucode_core.sandbox import coroutines
from mucode_core.sandbox.guest.errors import describe
from mucode_core.sandbox.naming import UNHASHABLE

Operation = Callable[[Any, list[Any], dict[str, Any], str], Any]


def _special(target: Any, values: list[Any], named: dict[str, Any], name: str) -> Any:
    """A special method, as the interpreter looks it up: on the class."""
    method = getattr(type(target), name, None)
    return NotImplemented if method is None else method(target, *values, **named)


def _controls(target: Any, values: list[Any], named: dict[str, Any], name: str) -> list[Any]:
    """The same special method with several arguments; an exception is no answer."""
    answers: list[Any] = []
    for method, value in zip(name.split(), values, strict=True):
        try:
            answers.append([_special(target, [value], {}, method)])
        except Exception as error:  # noqa: BLE001 - whatever the program raises
            answers.append([error, None])
    return answers


def _each(target: Any, values: list[Any], named: dict[str, Any], name: str) -> list[Any]:
    """The same special method of several objects; an exception is no answer."""
    answers: list[Any] = []
    for one in values[0]:
        try:
            answers.append([_special(one, values[1:], {}, name)])
        except Exception as error:  # noqa: BLE001 - whatever the program raises
            answers.append([error, None])
    return answers


def _set_attribute(target: Any, values: list[Any], named: dict[str, Any], name: str) -> None:
    setattr(target, name, values[0])


def _delete_attribute(target: Any, values: list[Any], named: dict[str, Any], name: str) -> None:
    delattr(target, name)


def _copy(target: Any, values: list[Any], named: dict[str, Any], name: str) -> Any:
    return copy.deepcopy(target) if name == "deep" else copy.copy(target)


def _step(target: Any, values: list[Any], named: dict[str, Any], name: str) -> tuple[Any, ...]:
    """One step of a generator: what it yields, or that it has returned, and what."""
    try:
        return (getattr(target, name)(*values),)
    except StopIteration as stop:
        return (stop.value, None)


def _signature(target: Any, values: list[Any], named: dict[str, Any], name: str) -> list[Any]:
    import inspect

    signature = inspect.signature(target)
    missing = inspect.Parameter.empty
    rows = [
        [p.name, int(p.kind), *([p.default] if p.default is not missing else [])] for p in signature.parameters.values()
    ]
    notes = {p.name: p.annotation for p in signature.parameters.values() if p.annotation is not missing}
    if signature.return_annotation is not missing:
        notes["return"] = signature.return_annotation
    return [rows, notes]


def _hints(target: Any, values: list[Any], named: dict[str, Any], name: str) -> Any:
    import typing

    return typing.get_type_hints(target, **named)


def _annotations(target: Any, values: list[Any], named: dict[str, Any], name: str) -> Any:
    import inspect

    return inspect.get_annotations(target, **named)


def _pickle(target: Any, values: list[Any], named: dict[str, Any], name: str) -> bytes:
    import pickle

    return pickle.dumps(target, *values)


def _unpickle(target: Any, values: list[Any], named: dict[str, Any], name: str) -> Any:
    import pickle

    return pickle.loads(*values)  # noqa: S301 - what this side has made


_warned: list[tuple[type, str, int]] = []


def _settings(target: Any, values: list[Any], named: dict[str, Any], name: str) -> None:
    """Takes over what the tests have set."""
    changed = values[0]
    for variable, *value in changed.get("environment", ()):
        os.environ.pop(variable, None)
        os.environ.update([(variable, text) for text in value])
    if "arguments" in changed:
        sys.argv[:] = changed["arguments"]
    if "random" in changed:
        random.setstate(changed["random"])
    if changed.get("numpy") and "numpy" in sys.modules:
        sys.modules["numpy"].random.set_state(tuple(changed["numpy"]))
    if "warnings" in changed:
        _record_warnings()
    if "logs" in changed:
        _set_levels(changed["logs"])


def _record_warnings() -> None:
    import warnings

    def note(message: Any, category: Any, filename: Any, lineno: Any, *_: Any, **__: Any) -> None:
        if len(_warned) < 1000:
            _warned.append((category, str(message), lineno))

    warnings.simplefilter("always")
    warnings.showwarning = note


_logged: list[tuple[Any, ...]] = []
_levels: dict[str, int] = {}
"""Levels of the program's loggers, where tests have set others."""


def _set_levels(wanted: dict[str, int]) -> None:
    """Has loggers log what tests want of them, and notes what they log."""
    import logging

    if logging.Logger.callHandlers.__module__ == "logging":
        _record_logs(logging.Logger)
    logging.disable(wanted.pop("", 0))
    for name in _levels.keys() - wanted.keys():
        logging.getLogger(name).setLevel(_levels.pop(name))
    for name, level in wanted.items():
        logger = logging.getLogger(name)
        _levels.setdefault(name, logger.level)
        logger.setLevel(level)


def _record_logs(kind: Any) -> None:
    handle = kind.callHandlers

    def note(self: Any, record: Any) -> None:
        if len(_logged) < 1000:
            reached, logger = [self.name], self
            while logger.propagate and logger.parent is not None:
                logger = logger.parent
                reached.append(logger.name)
            _logged.append((_texts_of(record), record.levelno, record.lineno, reached))
        if self.hasHandlers():  # where there is none, those of the tests are
            handle(self, record)

    kind.callHandlers = note


def _texts_of(record: Any) -> tuple[str, ...]:
    import logging

    try:
        message = str(record.getMessage())
    except Exception:  # noqa: BLE001 - whatever the program's arguments raise
        message = str(record.msg)
    trace = logging.Formatter().formatException(record.exc_info) if record.exc_info else ""
    return str(record.name), message, str(record.levelname), f"{record.funcName}\n{trace}"


def _take_logged(target: Any, values: list[Any], named: dict[str, Any], name: str) -> list[Any]:
    taken = list(_logged)
    _logged.clear()
    return taken


def _take_warned(target: Any, values: list[Any], named: dict[str, Any], name: str) -> list[Any]:
    taken = list(_warned)
    _warned.clear()
    return taken


def _build(target: Any, values: list[Any], named: dict[str, Any], name: str) -> Any:
    """A class of the tests that derives from one of the program, or that the program is to change."""
    bases, members = values
    content = dict(zip(*members, strict=True))
    return types.new_class(name, bases, named, lambda space: space.update(content))


def _dataclass(target: Any, values: list[Any], named: dict[str, Any], name: str) -> Any:
    import dataclasses

    return dataclasses.dataclass(**named)(target)


def _content(target: Any, values: list[Any], named: dict[str, Any], name: str) -> list[Any]:
    """What a class has got since the judge first met it: special names, and fields if it is a data class."""
    own = dict(type.__getattribute__(target, "__dict__"))
    names = [one for one in own if one.startswith("__") and own[one] is not None]
    fields = own.get("__dataclass_fields__")
    if fields is None:
        return [names, None]
    import dataclasses

    rows = [[one.name, one.init, one.repr, one.compare, one.kw_only, one.type] for one in dataclasses.fields(target)]
    return [[*names, *([UNHASHABLE] if own.get("__hash__") is None else [])], rows]


OPERATIONS: dict[str, Operation] = {
    **coroutines.OPERATIONS,
    "call": lambda target, values, named, name: target(*values, **named),
    "special": _special,
    "controls": _controls,
    "each": _each,
    "attribute": lambda target, values, named, name: getattr(target, name),
    "set_attribute": _set_attribute,
    "delete_attribute": _delete_attribute,
    "copy": _copy,
    "set_global": lambda target, values, named, name: setattr(sys.modules["solution"], name, values[0]),
    "delete_global": lambda target, values, named, name: delattr(sys.modules["solution"], name),
    "globals": lambda target, values, named, name: dir(sys.modules["solution"]),
    "step": _step,
    "build": _build,
    "dataclass": _dataclass,
    "content": _content,
    "super": lambda target, values, named, name: getattr(super(values[0], values[1]), name),
    "signature": _signature,
    "settings": _settings,
    "warned": _take_warned,
    "logged": _take_logged,
    "hints": _hints,
    "annotations": _annotations,
    "item": lambda target, values, named, name: target[values[0]],
    "iterate": lambda target, values, named, name: iter(target),
    "reverse": lambda target, values, named, name: reversed(target),
    "class_names": lambda target, values, named, name: [name for name in vars(target) if type(name) is str],
    "class_item": lambda target, values, named, name: vars(target)[name],
    "pickle": _pickle,
    "unpickle": _unpickle,
    "length": lambda target, values, named, name: len(target),
    "is_instance": lambda target, values, named, name: isinstance(values[0], target),
    "is_subclass": lambda target, values, named, name: issubclass(values[0], target),
    "contains": lambda target, values, named, name: values[0] in target,
}


def next_items(objects: Any, target: Any, count: int) -> list[Any]:
    """Up to `count` items of an iterator; an exception on the way is its next item."""
    items: list[Any] = []
    error: BaseException | None = None
    try:
        for item in itertools.islice(target, count):
            items.append(objects.encode(item))
    except BaseException as raised:  # noqa: BLE001 - whatever the program raises is its outcome
        error = raised
    ended = error is not None or len(items) < count
    return ["items", items, ended, describe(objects, error) if error else None]
