"""The judge's zygotes: starts them, starts programs in them, and learns how programs ended."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import NoReturn, cast

from mucode_core.sandbox.base import Limits
from mucode_core.sandbox.guest.clock import Clock, TimedSocket
from mucode_core.sandbox.guest.lockdown import die_with_parent
from mucode_core.sandbox.guest.packages import Packages
from mucode_core.sandbox.judge.proxies import Channel
from mucode_core.sandbox.judge.stops import ProgramGone
from mucode_core.sandbox.protocol import (
    ALL,
    BEGIN,
    CHECKER,
    CLOCK,
    END,
    ENDED,
    NUMPY,
    PLAIN,
    READY,
    REPORT,
    REQUEST,
    WALL_LIMIT,
    helper_command,
    helper_environment,
)

_NUMPY = re.compile(r"\bnumpy\b|\bnp\.")
_WALL_PER_CPU, _WALL_EXTRA_S = 5.0, 2.0
_LAUNCHED, _FAILED = b"L", b"F"
_REASON_BYTES = 1024


Launch = Callable[[int], socket.socket]
"""Starts a zygote that has imported nothing, numpy, or all packages; gives its control socket."""


class ZygoteCrashedError(Exception):
    """A zygote has gone, or could not start a program: an infrastructure failure, not the program's."""


class Run:
    """One program from its start to its end."""

    def __init__(self, control: socket.socket, connection: TimedSocket, limits: Limits) -> None:
        self._control, self._connection = control, connection
        self._limit_s = limits.cpu_s
        self._finished = False
        self.channel = Channel(cast("socket.socket", connection), limits.output_mb << 20)
        self.cpu_s = 0.0
        self.timed_out = False
        self._how = ENDED
        self._killed = self._was_gone = False
        self.exit_status: int | None = None
        """Of a program that ended by itself."""

    def finish(self) -> None:
        """Ends the program, whatever it is doing, and learns what it used."""
        if self._finished:
            return
        self._finished = True
        self._was_gone = isinstance(self.channel.ending, ProgramGone)  # a thread of the tests may still wait for it
        self._connection.close()
        try:
            self._control.sendall(END)
            report = self._control.recv(REPORT.size, socket.MSG_WAITALL)
        except OSError as error:
            raise ZygoteCrashedError("the control socket failed") from error
        if len(report) < REPORT.size:
            raise ZygoteCrashedError("the zygote ended")
        status, self.cpu_s, how, started = REPORT.unpack(report)
        if not started:
            reason = os.strerror(os.WEXITSTATUS(status))
            raise ZygoteCrashedError(f"a child ended before its program started: {reason}")
        self._killed = os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL
        self._how = how
        # the kernel's own limit comes first where the zygote could not run for so long
        by_kernel = self._killed and self.cpu_s >= self._limit_s
        self.timed_out = how != ENDED or by_kernel
        self.exit_status = os.WEXITSTATUS(status) if os.WIFEXITED(status) else None

    def may_end_otherwise(self, cpu_s: float) -> bool:
        """Whether a run on a quieter machine could end otherwise: late by little, or without use of the CPU."""
        if self._how == WALL_LIMIT:
            return self.cpu_s < cpu_s / 2
        return self._how == ENDED and self.cpu_s > cpu_s

    @property
    def was_killed(self) -> bool:
        """Whether it was gone before its end, killed by no limit: by the program itself, or a machine out of memory."""
        return self._was_gone and self._killed and not self.timed_out


class Zygotes:
    """The zygote of this judge, and others with numpy or all packages imported, started when first needed."""

    def __init__(self, packages: Packages, launch: Launch) -> None:
        self._launch = launch
        others = [re.escape(name) for name in packages.preloaded if name != "numpy"]
        self._others = re.compile(rf"\b(?:{'|'.join(others)})\b") if others else None
        self._has_numpy = "numpy" in packages.modules
        self._clock = Clock()
        self._controls: dict[int, socket.socket] = {}
        self.layers: list[str] = []
        """What isolates programs, in words."""
        self.runs: list[Run] = []
        """Those of the job in progress; who begins a job empties it."""
        self._control(PLAIN)

    def start(self, sources: Iterable[str], limits: Limits, streams: Sequence[int]) -> Run:
        """Starts a child that locks itself down and awaits its program; `streams` become its standard input and output.

        What `sources`, program and tests, mention is imported already; all else a program imports itself.

        Raises:
            ZygoteCrashedError: No child could be started; `Run.finish` raises it too, where the lockdown failed.
        """
        return self._start(self._control(self._needed(sources)), limits, streams)

    def start_checker(self, limits: Limits, streams: Sequence[int]) -> Run:
        """As `start`, for a problem's checker: in a zygote that no program meets.

        Raises:
            ZygoteCrashedError: See `start`.
        """
        return self._start(self._control(CHECKER), limits, streams)

    def _start(self, control: socket.socket, limits: Limits, streams: Sequence[int]) -> Run:
        self._clock.reset()
        ours, theirs = socket.socketpair()
        wall_s = limits.cpu_s * _WALL_PER_CPU + _WALL_EXTRA_S
        begin = BEGIN.pack(limits.cpu_s, wall_s, limits.memory_mb << 20, limits.output_mb << 20)
        with theirs:
            try:
                socket.send_fds(control, [begin], [theirs.fileno(), *streams])
            except OSError as error:
                ours.close()
                raise ZygoteCrashedError("the control socket failed") from error
        self.runs.append(Run(control, TimedSocket(ours, self._clock), limits))
        return self.runs[-1]

    def _needed(self, sources: Iterable[str]) -> int:
        text = "\n".join(sources)
        if self._others is not None and self._others.search(text):
            return ALL
        # most mention neither, and a pattern is tried at every character
        mentions_numpy = ("numpy" in text or "np." in text) and _NUMPY.search(text)
        return NUMPY if self._has_numpy and mentions_numpy else PLAIN

    def _control(self, imported: int) -> socket.socket:
        control = self._controls.get(imported)
        if control is None:
            control = self._controls[imported] = self._launch(imported)
            with contextlib.suppress(OSError):  # it has ended; `_await_ready` says so
                socket.send_fds(control, [CLOCK], [self._clock.descriptor])
            self.layers = _await_ready(control)
        return control


def _await_ready(control: socket.socket) -> list[str]:
    """Waits until the zygote serves; what it was granted."""
    line = b""
    with contextlib.suppress(OSError):
        while not line.endswith(b"\n"):
            part = control.recv(1)
            if not part:
                raise ZygoteCrashedError("the zygote did not start")
            line += part
    return line.removeprefix(READY).decode().strip().split("; ")


def launch_here(scratch: str, packages: str) -> Launch:
    """Zygotes as children of this process, each with `scratch` for what programs write."""

    def launch(imported: int) -> socket.socket:
        ours, theirs = socket.socketpair()
        with theirs:
            location = Path(scratch, str(imported))  # each zygote gives it to a user of its own
            location.mkdir(mode=0o700, exist_ok=True)
            zygote = ("guest.zygote", str(os.getpid()), str(location), packages, str(imported), "-1")
            command = helper_command(sys.executable, *zygote)
            environment = helper_environment()
            subprocess.Popen(command, stdin=theirs.fileno(), stdout=subprocess.DEVNULL, env=environment, cwd="/")
        return ours

    return launch


def launch_behind(address: str, core: int) -> Launch:
    """Zygotes in a container, started by its gate on one core (-1: any).

    `address` is "<worker>:<path of the gate's socket>".
    """
    worker, _, path = address.partition(":")

    def launch(imported: int) -> socket.socket:
        connection = socket.socket(socket.AF_UNIX)
        try:
            connection.connect(path)
            connection.sendall(REQUEST.pack(int(worker), imported, core))
        except OSError as error:
            connection.close()
            raise ZygoteCrashedError("the container's gate is closed") from error
        return connection

    return launch


def launch_apart(launch: Launch, *owned: socket.socket) -> Launch:
    """The same as `launch`, but done by a process that is forked now and has the rights of now.

    Args:
        launch: Starts a zygote; its control socket goes to this process.
        owned: Sockets of this process alone.
    """
    ours, theirs = socket.socketpair()
    parent = os.getpid()
    if os.fork() == 0:
        for one in (ours, *owned):
            one.close()
        die_with_parent(parent)
        _serve(theirs, launch)
    theirs.close()

    def launch_there(imported: int) -> socket.socket:
        try:
            ours.sendall(bytes([imported]))
            data, descriptors, _, _ = socket.recv_fds(ours, _REASON_BYTES, 1)
        except OSError as error:
            raise ZygoteCrashedError("what starts zygotes has ended") from error
        if data != _LAUNCHED:
            raise ZygoteCrashedError(data[1:].decode() or "what starts zygotes has ended")
        return socket.socket(fileno=descriptors[0])

    return launch_there


def _serve(judge: socket.socket, launch: Launch) -> NoReturn:
    """Starts zygotes for the judge, one of each kind, until it ends."""
    kinds = {PLAIN, NUMPY, ALL, CHECKER}
    while (request := judge.recv(1)) and request[0] in kinds:
        kinds.remove(request[0])
        try:
            control = launch(request[0])
        except (ZygoteCrashedError, OSError) as error:
            judge.sendall(_FAILED + str(error).encode()[: _REASON_BYTES - 1])
            continue
        with control:
            socket.send_fds(judge, [_LAUNCHED], [control.fileno()])
    os._exit(0)
