"""What the program logs, for tests that look at it: its messages arrive as data, and the loggers here pass them on.

Which of them a program makes is decided there: the levels that tests set reach its loggers.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Generator
from typing import Any

from mucode_core.sandbox.judge.asking import Program, running

_MAX_RECORDS = 1000
_MAX_LOGGERS = 200
_LARGEST = 1 << 31
_TEXTS = (str, str, str, str)


def reset_levels() -> None:
    """Forgets what the tests of another job have set."""
    logging.disable(logging.NOTSET)
    for logger in logging.root.manager.loggerDict.values():
        if isinstance(logger, logging.Logger):
            logger.setLevel(logging.NOTSET)
            logger.disabled, logger.propagate = False, True
    logging.root.setLevel(logging.WARNING)


def set_levels() -> dict[str, int]:
    """Levels by the name of the logger, where tests have set them; under no name, what is disabled altogether."""
    loggers = [one for one in logging.root.manager.loggerDict.values() if isinstance(one, logging.Logger)]
    found = {one.name: one.level for one in loggers[:_MAX_LOGGERS] if one.level != logging.NOTSET}
    if logging.root.level != logging.WARNING:
        found["root"] = logging.root.level
    return found | {"": logging.root.manager.disable}


def pass_on(program: Program, rows: Any) -> None:
    """Has the handlers of the tests meet the program's messages."""
    if type(rows) is not list or len(rows) > _MAX_RECORDS:
        raise program.refuse("malformed messages")
    for row in rows:
        if type(row) is not tuple or len(row) != 4:
            raise program.refuse("malformed messages")
        texts, level, line, reached = row
        is_row = type(texts) is tuple and tuple(map(type, texts)) == _TEXTS and type(level) is int and type(line) is int
        are_names = type(reached) is list and all(type(name) is str for name in reached[: _MAX_LOGGERS + 1])
        is_sound = is_row and are_names and len(reached) <= _MAX_LOGGERS
        if not is_sound or not (-_LARGEST <= level <= _LARGEST and 0 <= line <= _LARGEST):
            raise program.refuse("malformed messages")
        _handle(_record(texts, level, line), reached)


def _record(texts: tuple[str, ...], level: int, line: int) -> logging.LogRecord:
    name, message, level_name, trace = texts
    function, _, trace = trace.partition("\n")
    record = logging.LogRecord(name, level, "solution.py", line, message, (), None, function)
    record.levelname = level_name
    record.exc_text = trace or None
    return record


def _handle(record: logging.LogRecord, reached: list[str]) -> None:
    """As `Logger.handle` does, by the loggers that there are: a program's names make none."""
    for name in reached:
        logger = logging.root if name == "root" else logging.root.manager.loggerDict.get(name)
        if not isinstance(logger, logging.Logger):
            continue
        if name == record.name and (logger.disabled or not logger.filter(record)):
            return
        for handler in logger.handlers:
            if record.levelno >= handler.level:
                handler.handle(record)
        if not logger.propagate:
            return


def fetch_logs() -> None:
    """Has all arrive that the program has logged until now, as where a test is about to look."""
    program = running()
    if program is not None and program.num_calls:
        calls = program.num_calls
        pass_on(program, program.ask("logged", 0))
        program.num_calls = calls  # this was none of the tests'


@contextlib.contextmanager
def recording(recorder: Any, logger: Any = None, level: Any = None) -> Generator[Any]:
    """`assertLogs` and `assertNoLogs`, called as `recorder`, of a logger that may be the program's."""
    if logger is not None and not isinstance(logger, (str, logging.Logger)):
        logger = str(logger.name)
    with recorder(logger, level) as watcher:
        yield watcher
        fetch_logs()


class _Kept(logging.Handler):
    """Keeps all records."""

    def __init__(self) -> None:
        super().__init__()
        self.records: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.records.append(record)


class CapturedLogs:
    """The fixture `caplog`."""

    def __init__(self) -> None:
        """Nothing logged yet."""
        self.handler = _Kept()
        self.handler.setFormatter(
            logging.Formatter("%(levelname)-8s %(name)s:%(filename)s:%(lineno)d %(message)s", "%H:%M:%S")
        )
        self._stack = contextlib.ExitStack()

    @property
    def records(self) -> list[logging.LogRecord]:
        """What was logged."""
        fetch_logs()
        return self.handler.records

    def get_records(self, when: str) -> list[logging.LogRecord]:
        """The same; what fixtures log counts as the test's."""
        return self.records if when == "call" else []

    @property
    def text(self) -> str:
        """All of it as lines of text."""
        return "".join(f"{self.handler.format(record)}\n" for record in self.records)

    @property
    def messages(self) -> list[str]:
        """The messages alone."""
        return [record.getMessage() for record in self.records]

    @property
    def record_tuples(self) -> list[tuple[str, int, str]]:
        """Names of the loggers, levels, messages."""
        return [(record.name, record.levelno, record.getMessage()) for record in self.records]

    def clear(self) -> None:
        """Forgets it."""
        fetch_logs()
        self.handler.records = []

    def set_level(self, level: Any, logger: Any = None) -> None:
        """Sets the level of a logger until the test ends."""
        self._stack.enter_context(self.at_level(level, logger))

    @contextlib.contextmanager
    def at_level(self, level: Any, logger: Any = None) -> Generator[None]:
        """Sets the level of a logger for a block."""
        named = logging.getLogger(logger)
        before = named.level, self.handler.level
        named.setLevel(level)
        self.handler.setLevel(level)
        try:
            yield
        finally:
            fetch_logs()
            named.setLevel(before[0])
            self.handler.setLevel(before[1])

    def close(self) -> None:
        """Undoes what was set."""
        self._stack.close()


def capture_logs() -> Generator[CapturedLogs]:
    """`caplog`, for one test."""
    made = CapturedLogs()
    logging.root.addHandler(made.handler)
    try:
        yield made
    finally:
        made.close()
        logging.root.removeHandler(made.handler)
