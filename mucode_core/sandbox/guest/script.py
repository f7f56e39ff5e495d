"""Running a whole program as `python program.py` does, up to and with the interpreter's own end. Stdlib only."""

from __future__ import annotations

import atexit
import contextlib
import gc
import sys
import types
import weakref

_FOREVER_S = 1000.0


def run_as_main(source: str, file: str, template: types.ModuleType) -> None:
    """Runs a program as a `__main__` of its own, made after `template`; a plain exit is no exception.

    Raises:
        BaseException: Whatever ends it otherwise.
    """
    module = types.ModuleType("__main__")
    vars(module).update(vars(template))
    sys.modules["__main__"] = module
    try:
        exec(compile_program(source, file), vars(module))
    except SystemExit as error:
        if exit_status(error.code):
            raise


def compile_program(source: str, file: str) -> types.CodeType:
    """The code of a program, as of a file: a byte order mark is no part of it, and the program may read itself."""
    if "__file__" in source or "getsource" in source or "argv[0]" in source:
        with contextlib.suppress(OSError), open(file, "xb") as written:  # noqa: PTH123
            written.write(source.encode("utf-8", "surrogatepass"))
    return compile(source.removeprefix("\ufeff"), file, "exec", dont_inherit=True)


def exit_status(code: object) -> int:
    """The exit status that the interpreter makes of the argument of `sys.exit`."""
    if code is None:
        return 0
    return code & 0xFF if isinstance(code, int) else 1


def end_as_interpreter() -> None:
    """What an interpreter does before it ends: joins threads, calls `atexit` functions, flushes, drops `__main__`."""
    threading = sys.modules.get("threading")
    if threading is not None:
        with contextlib.suppress(Exception):
            threading._shutdown()
    with contextlib.suppress(Exception):
        atexit._run_exitfuncs()  # pyright: ignore[reportPrivateUsage]  # as the interpreter does
    flush()
    sys.setswitchinterval(_FOREVER_S)  # daemon threads stop here
    sys.stdin, sys.stdout, sys.stderr = sys.__stdin__, sys.__stdout__, sys.__stderr__
    _drop_main()
    flush()


def flush() -> None:
    """Writes out what is printed, if it can be."""
    with contextlib.suppress(OSError, ValueError, AttributeError):
        sys.stdout.flush()


def _drop_main() -> None:
    """Deletes the program's module: finalizers run, and files left open are written out."""
    module = sys.modules.pop("__main__", None)
    if module is None:
        return
    alive = weakref.ref(module)
    del module
    gc.collect()
    if (left := alive()) is not None:  # something still holds it: names go one by one, those with an underscore first
        names = [name for name in vars(left) if name != "__builtins__"]
        for name in sorted(names, key=lambda name: not name.startswith("_") or name.startswith("__")):
            vars(left)[name] = None
        del left
        gc.collect()
