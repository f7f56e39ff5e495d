"""What a program asks of the tests while they wait for its answer: calls of what they lent it."""

from __future__ import annotations

from typing import Any

from mucode_core.sandbox import wire
from mucode_core.sandbox.judge.lent.mocks import MOCK_USES, use_mock
from mucode_core.sandbox.judge.proxy_classes import is_failure, is_proxy
from mucode_core.sandbox.judge.stops import Misbehaved, is_fault
from mucode_core.sandbox.judge.streams import lent_stream

Channel = Any
"""A `judge.proxies.Channel`."""

_MAX_NESTED = 310
"""Calls of lent functions within one another."""


def serve(channel: Channel, message: list[Any]) -> None:
    """Has the tests' own code do what the program asks of what it was lent, and answers."""
    channel.reader.check_effect()
    channel.nested += 1
    try:
        _, use, number, forms, named, sync = message
        target = lent_stream(number) or channel.mirror.lent(number)
        with channel.mirror.exchange:
            args = [channel.decode(form) for form in forms]
            keywords = {key: channel.decode(form) for key, form in named.items()}
            channel.take_in([sync])
        if use not in ("call", "next", *MOCK_USES):
            raise wire.WireError("unknown use")
    except (wire.WireError, ValueError, TypeError, AttributeError) as error:
        raise channel.end(Misbehaved(str(error))) from error
    try:
        if channel.nested > _MAX_NESTED:
            raise RecursionError("maximum recursion depth exceeded")
        with channel.turn.lent():
            found = _use(channel, use, target, args, keywords)
        with channel.mirror.exchange:
            reply = ["return", channel.encode(found)]
    except wire.WireError as error:
        raise channel.end(Misbehaved(str(error))) from error
    except BaseException as error:
        if is_fault(error):
            raise
        channel.num_failures += is_failure(error)
        reply = ["raise", _error_form(channel, error)]
    finally:
        channel.nested -= 1
    try:
        changes = channel.mirror.sync()
    except wire.WireError as error:
        raise channel.unpassable(error) from error
    channel.send([*reply, changes])


def _use(channel: Channel, use: str, target: Any, args: list[Any], keywords: dict[str, Any]) -> Any:
    """Calls a lent function, advances a lent iterator (its item in a list, an empty one at its end), or uses a mock."""
    if use == "call":
        return target(*args, **keywords)
    if use in MOCK_USES:
        # what the program puts there may answer for the mock when a test asks
        channel.num_delegated += use == "set" and any(map(is_proxy, args))
        return use_mock(use, target, args, keywords)
    try:
        return [next(target)]
    except StopIteration:
        return []


def _error_form(channel: Channel, error: BaseException) -> Any:
    """An exception for the program; one that ends a test passes through it, and no `except Exception` catches it."""
    if not isinstance(error, (Exception, SystemExit)):
        channel.passing = error, channel.num_calls
        return ["ending", channel.mirror.keep(error)]
    try:
        return channel.mirror.encode(error)
    except wire.WireError:
        kind = next(kind for kind in type(error).__mro__ if kind.__module__ == "builtins")
        return ["exception", "builtins", kind.__name__, [str(error)]]
