"""What tests find around them, the same for each job: files, environment, modules, settings, random numbers."""

from __future__ import annotations

import decimal
import gc
import itertools
import operator
import os
import random
import resource
import signal
import sys
import tempfile
import threading
import time
import warnings
from types import ModuleType
from typing import Any

from mucode_core.sandbox.guest.scratch import empty

_SIGNALS = (signal.SIGALRM, signal.SIGVTALRM, signal.SIGUSR1, signal.SIGUSR2, signal.SIGTERM, signal.SIGHUP)
_WARNING = 30
"""The level of logging as it begins; small integers are the same object wherever they are used."""


def _encoded(environment: Any) -> dict[bytes, bytes]:
    """The variables as they are kept: to compare these takes no decoding."""
    return environment._data


class Surroundings:
    """As a judge starts; a test may have changed anything."""

    def __init__(self, scratch: str) -> None:
        """`scratch` is the working directory, the user's home, and the place of temporary files."""
        scratch = self._scratch = os.path.realpath(scratch)
        os.environ["HOME"] = scratch
        os.environ.pop("TMPDIR", None)
        self._environ, self._variables = os.environ, dict(os.environ)
        self._encoded = dict(_encoded(os.environ))
        self._umask = os.umask(0o022)
        os.umask(self._umask)
        self._modules, self._imported = sys.modules, dict(sys.modules)
        self._names, self._values = tuple(self._imported), tuple(self._imported.values())
        self._searched = list(sys.path), list(sys.meta_path), list(sys.path_hooks)
        self._streams = sys.stdout, sys.stderr
        self._first = self._measure()
        self._numpy: Any = sys.modules.get("numpy")
        if self._numpy is not None:
            self._errors, self._printing = self._numpy.geterr(), self._numpy.get_printoptions()

    def renew(self) -> None:
        """Makes them what they were; to be called before tests run."""
        empty(self._scratch)
        os.chdir(self._scratch)
        os.umask(self._umask)
        tempfile.tempdir = self._scratch
        # feedback shows these names, and must be the same in every run
        tempfile._name_sequence = map("{:08}".format, itertools.count())  # type: ignore[attr-defined]
        if _encoded(self._environ) != self._encoded:
            self._environ.clear()
            self._environ.update(self._variables)
        time.tzset()
        self._renew_modules()
        random.seed(0)
        decimal.setcontext(decimal.Context())
        if self._numpy is not None:
            self._numpy.random.seed(0)
            self._numpy.seterr(**self._errors)
            if self._numpy.get_printoptions() != self._printing:
                self._numpy.set_printoptions(**self._printing)

    def _renew_modules(self) -> None:
        """Brings back modules that were replaced; takes out those made up, and those read from the scratch."""
        sys.modules = self._modules
        if not all(map(operator.is_, map(self._modules.get, self._names), self._values)):
            self._modules.update(self._imported)
        if len(self._modules) > len(self._names):
            for name in self._modules.keys() - self._imported.keys():
                if not self._may_stay(name):
                    del self._modules[name]
        sys.path, sys.meta_path, sys.path_hooks = map(list, self._searched)  # type: ignore[assignment]

    def _may_stay(self, name: str) -> bool:
        """Whether a module is of the standard library or of numpy, and no stand-in."""
        module: Any = self._modules[name]
        names = vars(module) if isinstance(module, ModuleType) else {}
        is_library = name.partition(".")[0] in sys.stdlib_module_names or name.startswith("numpy.")
        is_own = str(names.get("__file__")).startswith(self._scratch)
        return is_library and names.get("__spec__") is not None and not is_own

    def is_spent(self) -> bool:
        """Whether tests have left what `renew` cannot undo: threads, timers, handlers, filters, limits, patches."""
        return self._measure() != self._first

    def _measure(self) -> list[Any]:
        """What is not undone, in values of plain types: what tests have set may be an object of the program."""
        mock: Any = self._modules.get("unittest.mock")
        return [
            (threading.active_count(), signal.getitimer(signal.ITIMER_REAL), gc.isenabled(), gc.get_threshold()),
            [id(signal.getsignal(number)) for number in _SIGNALS],
            [resource.getrlimit(kind) for kind in (resource.RLIMIT_AS, resource.RLIMIT_FSIZE)],
            (list(map(id, warnings.filters)), list(map(id, sys.argv)), sys.get_int_max_str_digits()),
            self._measure_logging(),
            bool(mock._patch._active_patches) if mock else False,
            [stream.closed for stream in self._streams],
        ]

    def _measure_logging(self) -> list[int]:
        logging: Any = self._modules.get("logging")
        if logging is None:
            return [id(_WARNING), id(0)]
        return [id(logging.root.level), id(logging.root.manager.disable), *map(id, logging.root.handlers)]
