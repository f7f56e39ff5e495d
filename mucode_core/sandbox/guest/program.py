"""The program's side: a program served as `__main__` over one socket. Everything here is at the program's mercy.

It holds no test, no expected value and no secret, so there is nothing in it worth stealing or patching: whatever the
program makes it say is data that the judge decodes and compares on its own. Stdlib only.
"""

from __future__ import annotations

import builtins
import contextlib
import dataclasses
import gc
import json
import os
import random
import socket
import sys
import types
from _sitebuiltins import Quitter
from pathlib import Path
from typing import Any, NoReturn

from mucode_core.sandbox import wire
from mucode_core.sandbox.guest.errors import PROGRAM_FILE, describe
from mucode_core.sandbox.guest.link import JOB_FD, Link, receive, send
from mucode_core.sandbox.guest.script import compile_program, end_as_interpreter, exit_status, run_as_main
from mucode_core.sandbox.guest.streams import open_standard
from mucode_core.sandbox.protocol import read_frame, write_frame

__all__ = ["JOB_FD", "MODULE", "PRELOADED", "PROGRAM_FILE", "Prepared", "prepare", "rehearse", "serve"]
MODULE = "solution"
"""The name of a program whose functions are tested: as if it were imported."""
PRELOADED = """
import math, re, copy, datetime, itertools, collections, heapq, functools, hashlib, string, os, sys
import bisect, operator, random, statistics, time, json, decimal, fractions
from typing import *
from collections import *
"""
"""What published harnesses import for program and tests, and some of both rely on."""


def make_main(with_numpy: bool) -> types.ModuleType:
    """The `__main__` a program will run as."""
    module = types.ModuleType("__main__")
    exec(PRELOADED + ("import numpy\nimport numpy as np\n" if with_numpy else ""), module.__dict__)
    module.__dict__["__file__"] = PROGRAM_FILE
    for name in ("exit", "quit"):  # what a plain run has from `site`
        setattr(builtins, name, Quitter(name, ""))
    return module


@dataclasses.dataclass(frozen=True)
class Prepared:
    """What a child finds ready."""

    main: types.ModuleType
    """What the program will run as."""
    link: Link


def prepare(with_numpy: bool) -> Prepared:
    """All that does not depend on a job."""
    main = make_main(with_numpy)
    random.seed(0)
    sys.argv = [PROGRAM_FILE]
    return Prepared(main, Link(main.__dict__))


_REHEARSAL = """
class A:
    def __init__(self, x): self.x = x
def f(x, *rest):
    return [x, len(rest), {y: str(y) for y in range(3)}, (1.5, None)] if x else A(x).y
"""
_TIMES = 40
"""How often: the interpreter has then adapted its code to what it meets, in pages that no child copies."""


def rehearse() -> None:
    """Does what a child does, in this process: what has been used once is ready in all children."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        for count in range(_TIMES):
            space: dict[str, Any] = {}
            exec(compile(_REHEARSAL, PROGRAM_FILE, "exec", dont_inherit=True), space)
            link = Link(space)
            forms = {name: link.objects.offer(space[name]) for name in ("f", "A")}
            send(["ready", forms], theirs.fileno())
            shared = ["list", [1, 2], 2]
            arguments = [count % 4, shared, ["dict", ["a"], [1.5], 4], ["tuple", ["b", None]], ["set", [1], 6]]
            message = ["call", forms["f"][1], arguments, {}, "", None, ["sync", [], []]]
            write_frame(ours, wire.dump(message))
            send(link.answer(wire.parse(receive(theirs.fileno()))), theirs.fileno())
            read_frame(ours)
            read_frame(ours)
    with contextlib.suppress(SyntaxError):
        compile("(", PROGRAM_FILE, "exec")


def serve(prepared: Prepared) -> NoReturn:
    """Runs the program that the judge sends, then answers the judge's calls until the zygote kills this process."""
    main, link = prepared.main, prepared.link
    gc.enable()
    request = json.loads(receive().decode())
    if request["names"] is None:
        open_standard()
        if request["files"]:
            _serve_checker(request["source"], request["files"], main)
        _serve_script(request["source"], request["prelude"], main)
    link.home = os.getcwd()  # noqa: PTH109 - each program pays for it
    main.__name__ = MODULE  # what is guarded by `__name__ == "__main__"` is for those who run the file
    sys.modules["__main__"] = sys.modules[MODULE] = main
    given: dict[int, tuple[str, Any]] = {}
    try:
        if request["prelude"]:
            exec(compile(request["prelude"], "<tests>", "exec", dont_inherit=True), main.__dict__)
        for number, name, source in request["given"]:
            exec(compile(source, "<tests>", "exec", dont_inherit=True), main.__dict__)
            given[number] = name, main.__dict__[name]
        exec(compile_program(request["source"], PROGRAM_FILE), main.__dict__)
    except BaseException as error:  # noqa: BLE001 - whatever the program raises is its outcome, SystemExit included
        send(describe(None, error))
        os._exit(0)
    for number, (name, kind) in given.items():
        found = main.__dict__.get(name)
        link.objects.give(number, found if isinstance(found, type) else kind)
    found = {name: main.__dict__[name] for name in request["names"] if name in main.__dict__}
    send(["ready", {name: link.objects.offer(value) for name, value in found.items()}])
    link.serve()


def _serve_script(source: str, prelude: str, template: types.ModuleType) -> NoReturn:
    """Runs a program that reads and prints; says how it ended once it has, threads and exit handlers included."""
    outcome: list[Any] = ["ready", {}]
    try:
        exec(compile(prelude, "<tests>", "exec", dont_inherit=True), template.__dict__)
        run_as_main(source, PROGRAM_FILE, template)
    except BaseException as error:  # noqa: BLE001 - see above
        outcome = describe(None, error)
    end_as_interpreter()
    send(outcome)
    os._exit(0)


def _serve_checker(source: str, files: dict[str, str], template: types.ModuleType) -> NoReturn:
    """Runs a problem's checker on files; ends with its exit code, or says what it raised."""
    for name, text in files.items():
        Path(name).write_text(text, "utf-8", "surrogatepass", newline="")
    sys.argv = ["checker.py", *files]
    status = 0
    try:
        run_as_main(source, sys.argv[0], template)
    except SystemExit as error:
        status = exit_status(error.code)
    except BaseException as error:  # noqa: BLE001 - see above
        send(describe(None, error))
        os._exit(1)
    end_as_interpreter()
    os._exit(status)
