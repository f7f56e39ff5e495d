"""What holds while one message is made or read. Stdlib only: both sides load it."""

from __future__ import annotations

from collections.abc import Callable

from mucode_core.sandbox.wire import WireError


class Exchange:
    """While a message is made or read: what is hashed or compared meanwhile may ask the other side something else.

    Such a question brings no changes along, as they are half known; and what its answer says is no longer shared, the
    rest of the message may still mention.
    """

    def __init__(self, forget: Callable[[int], None]) -> None:
        """`forget` is called for what is no longer shared, in the end."""
        self._depth, self._forget, self._dropped = 0, forget, list[int]()

    @property
    def is_busy(self) -> bool:
        """Whether a message is being made or read."""
        return self._depth > 0

    def postpone(self, dropped: list[int]) -> None:
        """Has numbers forgotten at the end, or now where no message is being made or read."""
        with self:
            self._dropped += dropped

    def __enter__(self) -> None:
        self._depth += 1

    def __exit__(self, *_: object) -> None:
        self._depth -= 1
        while self._dropped and not self._depth:
            self._forget(self._dropped.pop())


class Malformed:
    """Turns whatever a malformed form makes Python raise into a `WireError`."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        errors = (ValueError, TypeError, LookupError, ArithmeticError, AttributeError, RecursionError, ImportError)
        if isinstance(error, errors):
            raise WireError(f"malformed value: {type(error).__name__}") from error
