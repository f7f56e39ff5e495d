"""The judge's hold on its zygotes: starts them, starts programs in them, and learns how programs ended."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from mucode_core.sandbox.base import Limits
from mucode_core.sandbox.launch import (
    BEGIN,
    END,
    ENDED,
    READY,
    REPORT,
    REQUEST,
    helper_command,
    helper_environment,
)
from mucode_core.sandbox.remote import Channel

_WALL_PER_CPU, _WALL_EXTRA_S = 5.0, 2.0


Launch = Callable[[bool], socket.socket]
"""Starts a zygote, with or without numpy; gives its control socket."""


class ZygoteLostError(Exception):
    """A zygote has gone, or could not start a program: the machinery's failure, not the program's."""


class Run:
    """One program from its start to its end."""

    def __init__(self, control: socket.socket, connection: socket.socket, output_bytes: int) -> None:
        self._control, self._connection = control, connection
        self._finished = False
        self.channel = Channel(connection, output_bytes)
        self.cpu_s = 0.0
        self.timed_out = False
        self.exited_well = False
        """Ended by itself, with exit status 0."""

    def finish(self) -> None:
        """Ends the program, whatever it is doing, and learns what it used."""
        if self._finished:
            return
        self._finished = True
        self._connection.close()
        try:
            self._control.sendall(END)
            report = self._control.recv(REPORT.size, socket.MSG_WAITALL)
        except OSError as error:
            raise ZygoteLostError("the control socket failed") from error
        if len(report) < REPORT.size:
            raise ZygoteLostError("the zygote ended")
        status, self.cpu_s, how, started = REPORT.unpack(report)
        if not started:
            reason = os.strerror(os.WEXITSTATUS(status))
            raise ZygoteLostError(f"a child ended before its program started: {reason}")
        killed_by = os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0
        self.timed_out = how != ENDED or killed_by == signal.SIGXCPU
        self.exited_well = os.WIFEXITED(status) and os.WEXITSTATUS(status) == 0


class Zygotes:
    """The zygote of this judge, and a second one with numpy loaded, started when first needed."""

    def __init__(self, has_numpy: bool, launch: Launch) -> None:
        self._has_numpy, self._launch = has_numpy, launch
        self._controls: dict[bool, socket.socket] = {}
        self.layers: list[str] = []
        """What isolates programs, in words."""
        self._control(False)

    def start(self, needs_numpy: bool, limits: Limits, streams: Sequence[int], used_s: float = 0.0) -> Run:
        """Starts a child that locks itself down and awaits its program; `streams` become its standard input and output.

        Raises:
            ZygoteLostError: No child could be started; `Run.finish` raises it too, where the lockdown failed.
        """
        control = self._control(needs_numpy and self._has_numpy)
        ours, theirs = socket.socketpair()
        wall_s = limits.cpu_s * _WALL_PER_CPU + _WALL_EXTRA_S
        begin = BEGIN.pack(limits.cpu_s, used_s, wall_s, limits.memory_mb << 20, limits.output_mb << 20)
        with theirs:
            try:
                socket.send_fds(control, [begin], [theirs.fileno(), *streams])
            except OSError as error:
                ours.close()
                raise ZygoteLostError("the control socket failed") from error
        return Run(control, ours, limits.output_mb << 20)

    def _control(self, with_numpy: bool) -> socket.socket:
        control = self._controls.get(with_numpy)
        if control is None:
            control = self._controls[with_numpy] = self._launch(with_numpy)
            self.layers = _await_ready(control)
        return control


def _await_ready(control: socket.socket) -> list[str]:
    """Waits until the zygote serves; what it was granted."""
    line = b""
    with contextlib.suppress(OSError):
        while not line.endswith(b"\n"):
            part = control.recv(1)
            if not part:
                raise ZygoteLostError("the zygote did not start")
            line += part
    return line.removeprefix(READY).decode().strip().split("; ")


def launch_here(scratch: str, numpy_home: str) -> Launch:
    """Zygotes as children of this process, each with `scratch` for what programs write."""

    def launch(with_numpy: bool) -> socket.socket:
        ours, theirs = socket.socketpair()
        with theirs:
            home = numpy_home if with_numpy else ""
            place = Path(scratch, "numpy" if with_numpy else "plain")  # each zygote gives it to a user of its own
            place.mkdir(mode=0o700, exist_ok=True)
            command = helper_command(sys.executable, "zygote", str(os.getpid()), str(place), home, "-1")
            environment = helper_environment()
            subprocess.Popen(command, stdin=theirs.fileno(), stdout=subprocess.DEVNULL, env=environment, cwd="/")
        return ours

    return launch


def launch_behind(address: str, core: int) -> Launch:
    """Zygotes in a container, started by its gate on one core (-1: any).

    `address` is "<worker>:<path of the gate's socket>".
    """
    worker, _, path = address.partition(":")

    def launch(with_numpy: bool) -> socket.socket:
        connection = socket.socket(socket.AF_UNIX)
        try:
            connection.connect(path)
            connection.sendall(REQUEST.pack(int(worker), with_numpy, core))
        except OSError as error:
            connection.close()
            raise ZygoteLostError("the container's gate is closed") from error
        return connection

    return launch
