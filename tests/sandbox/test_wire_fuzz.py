"""Bytes from anyone: only the documented exceptions come out of the wire and of a live channel, in bounded memory."""

from __future__ import annotations

import contextlib
import json
import random
import socket
import struct
import tracemalloc
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mucode_core.sandbox import sharing, wire
from mucode_core.sandbox.containers import BY_TAG
from mucode_core.sandbox.judge import mirror
from mucode_core.sandbox.judge.proxies import Channel
from mucode_core.sandbox.judge.stops import Misbehaved, Stop
from mucode_core.sandbox.sharing import Codec

_TAGS = sorted({*BY_TAG, *wire.FROM_SCALAR, *sharing._DECODERS, *mirror._DECODERS, "tuple"})
_MEMORY = 64 << 20
"""Far above what a message of a few hundred bytes may cost, far below what one dtype or range could ask for."""
_atoms = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-3, 3),
    st.sampled_from([10**9, 10**18, -(10**18), 1 << 62, 1e308, float("inf"), float("nan"), 2.5]),
    st.sampled_from(
        ["", "0x7", "-0xf", "nan", "1e9999999", "sNaN", "int8", "object", "V999999999", "__import__", "2000-01-01"]
    ),
    st.text(max_size=5),
)
_forms = st.recursive(
    _atoms,
    lambda inner: (
        st.builds(lambda tag, parts: [tag, *parts], st.sampled_from(_TAGS), st.lists(inner, max_size=4))
        | st.builds(lambda tag, items: [tag, items], st.sampled_from(_TAGS), st.lists(inner, max_size=4))
        | st.builds(
            lambda tag, pairs: [tag, pairs], st.sampled_from(_TAGS), st.lists(st.tuples(inner, inner), max_size=3)
        )
    ),
    max_leaves=20,
)
_messages = st.builds(
    lambda operation, parts: [operation, *parts],
    st.sampled_from(["value", "items", "error", "ready", "started", "call", ""]),
    st.lists(
        _forms | st.lists(_forms, max_size=3) | st.dictionaries(st.sampled_from("019x"), _forms, max_size=2), max_size=5
    ),
)


def encode(message: Any) -> bytes:
    return json.dumps(message).encode()


@st.composite
def mutated(draw: st.DrawFn) -> bytes:
    """The bytes of a message with a few of them changed, cut out or doubled."""
    data = bytearray(encode(draw(_messages)))
    for _ in range(draw(st.integers(0, 4))):
        at = draw(st.integers(0, max(0, len(data) - 1)))
        change = draw(st.integers(0, 3))
        if change == 0 and data:
            data[at] = draw(st.integers(0, 255))
        elif change == 1:
            del data[at : at + draw(st.integers(1, 8))]
        else:
            data[at:at] = data[at : at + draw(st.integers(1, 30))]
    return bytes(data)


@settings(max_examples=300)
@given(mutated())
def test_bytes_are_decoded_or_refused(data: bytes) -> None:
    tracemalloc.start()
    try:
        for form in wire.parse(data)[1:]:
            Codec(2).read(form)
    except wire.WireError:
        pass
    finally:
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert peak < _MEMORY


@settings(max_examples=150)
@given(_forms)
def test_what_is_decoded_is_plain_and_can_be_sent_back(form: Any) -> None:
    try:
        value = Codec(2).read(json.loads(json.dumps(form)))
    except wire.WireError:
        return
    try:
        again = Codec(1).encode(value)
    except wire.WireError as error:
        assert "cannot be passed" in str(error) or "too deep" in str(error)
        return
    assert type(Codec(2).read(json.loads(wire.dump(again)))) is type(value)


def frame(data: bytes) -> bytes:
    return struct.pack("<I", len(data)) + data


_STREAMS = st.lists(
    st.one_of(mutated().map(frame), st.binary(max_size=40), _messages.map(lambda m: frame(encode(m)))), max_size=4
).map(b"".join)


def _pass_back(channel: Channel) -> None:
    """The answer as an argument, as it is and within others."""
    value = channel.ask("length", 1)
    channel.ask("call", 1, (value, [value, (value, {"k": value})]), {"x": value})


_USES: dict[str, Callable[[Channel], object]] = {
    "argument": _pass_back,
    "receive": lambda channel: channel.receive(),
    "ask": lambda channel: channel.ask("length", 1),
    "call": lambda channel: channel.ask("call", 1, ([1], {1: 2}, {3}, (4,), bytearray(b"5")), {"x": 1}),
    "item": lambda channel: channel.next_of(1),
    "many items": lambda channel: [channel.next_of(1) for _ in range(50)],
    "comparison": lambda channel: channel.questions.compare(1, "__eq__", 5),
    "membership": lambda channel: channel.questions.contains(1, 5),
    "operator": lambda channel: channel.questions.combine(1, "__add__", 5),
    "signature": lambda channel: channel.signature(1),
}


@pytest.mark.parametrize("use", _USES)
@settings(max_examples=60)
@given(stream=_STREAMS)
def test_a_channel_answers_stops_or_raises_what_was_reported(use: str, stream: bytes) -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.sendall(stream)
        theirs.shutdown(socket.SHUT_WR)
        ours.settimeout(5)
        channel = Channel(ours, 1 << 16)
        try:
            _USES[use](channel)
        except Stop:
            assert channel.problem is None, "no answer is the problem's fault"
            return
        except Exception as error:  # noqa: BLE001 - the reported one, of any class
            assert channel.report_of(error) is not None


@settings(max_examples=300)
@given(
    form=_forms
    | st.builds(
        lambda module, name: ["type", module, name],
        st.sampled_from(["types", "typing", "collections.abc", "enum", "builtins"]),
        st.sampled_from(
            ["CodeType", "Deque", "Callable", "Flag", "function", "object", "type", "NoneType", "MappingProxyType"]
        ),
    )
)
def test_any_answer_can_be_an_argument(form: Any) -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.sendall(frame(encode(["value", form])) + frame(encode(["value", None])))
        theirs.shutdown(socket.SHUT_WR)
        ours.settimeout(5)
        channel = Channel(ours, 1 << 16)
        with contextlib.suppress(Stop):
            _pass_back(channel)
        assert channel.problem is None


def test_a_channel_ends_at_its_budget() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.sendall(struct.pack("<I", 0xFFFFFFFF) + b"x" * 100)
        with pytest.raises(Stop) as stop:
            Channel(ours, 1 << 16).receive()
    assert not isinstance(stop.value, Misbehaved), "refused by its length, before it is read"


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(20))
def test_long_random_streams(seed: int) -> None:
    draw = random.Random(seed)
    for _ in range(2000):
        data = bytes(draw.choice(b'[]{}",:0123456789.eE-tfnulrsa\\ \xff') for _ in range(draw.randrange(60)))
        try:
            for form in wire.parse(b'["value",' + data + b"]")[1:]:
                Codec(2).read(form)
        except wire.WireError:
            continue
