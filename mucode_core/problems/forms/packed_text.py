"""Text that data sets keep as base64 of zlib of a pickled string. Nothing is ever unpickled."""

from __future__ import annotations

import base64
import binascii
import pickletools
import zlib

from mucode_core.errors import DataError

MAX_BYTES = 1 << 30
"""Of unpacked text; the longest known rows have a third of it."""
_STRINGS = frozenset({"SHORT_BINUNICODE", "BINUNICODE", "BINUNICODE8", "UNICODE"})
_AROUND = frozenset({"PROTO", "FRAME", "MEMOIZE", "BINPUT", "LONG_BINPUT", "PUT"})
"""Operations of a pickled string that neither call nor import anything."""


def unpack(packed: str, field: str, location: str, max_bytes: int = MAX_BYTES) -> str:
    """The text in `packed`.

    Args:
        packed: base64 of zlib of a pickle that holds one string and nothing else.
        field: Its name, for errors.
        location: The row's.
        max_bytes: Limit on the unpacked size.

    Raises:
        DataError: It is cut or damaged, unpacks to more than the limit, or the pickle holds anything but a string.
    """
    hint = "download the file again; a packed text is base64 of zlib of one pickled string"
    try:
        pickled = _inflate(base64.b64decode(packed, validate=True), max_bytes)
        return _string_of(pickled)
    except (binascii.Error, zlib.error, ValueError) as error:
        raise DataError(f"{field}: {error} ({packed[:40]!r}...)", location=location, hint=hint) from error


def _inflate(data: bytes, max_bytes: int) -> bytes:
    stream = zlib.decompressobj()
    found = stream.decompress(data, max_bytes)
    if stream.unconsumed_tail:
        raise ValueError(f"unpacks to more than {max_bytes:,} bytes")
    if not stream.eof:
        raise ValueError("the compressed text is cut")
    return found


def _string_of(pickled: bytes) -> str:
    """The string of a pickle that does nothing but make one.

    Raises:
        ValueError: It does anything else, or is cut.
    """
    found: str | None = None
    for operation, argument, _ in pickletools.genops(pickled):
        if operation.name in _STRINGS and found is None:
            found = str(argument)
        elif operation.name == "STOP" and found is not None:
            return found
        elif operation.name not in _AROUND:
            raise ValueError(f"the pickle has the operation {operation.name}, not only one string")
    raise ValueError("the pickle is cut")
