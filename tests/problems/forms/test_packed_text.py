"""Texts packed as base64 of zlib of a pickle are read without unpickling, and nothing else is."""

import base64
import os
import pickle
import pickletools
import zlib

import pytest

from mucode_core.errors import DataError
from mucode_core.problems.forms.packed_text import unpack

TEXT = '[{"input": "1\\n", "output": "µ 木"}]'


def pack(data: bytes) -> str:
    return base64.b64encode(zlib.compress(data)).decode()


class Command:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.system, ("echo unpickled >&2",)


@pytest.mark.parametrize("text", [TEXT, "", "a" * 300, "long " * 40_000], ids=["short", "empty", "medium", "framed"])
@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_a_pickled_string_is_found(text: str, protocol: int) -> None:
    assert unpack(pack(pickle.dumps(text, protocol)), "tests", "f:1") == text


OTHER_PICKLES = {
    "a call": pickle.dumps(Command()),
    "a list": pickle.dumps([TEXT]),
    "two strings": pickletools.optimize(pickle.dumps(TEXT))[:-1] + pickle.dumps(TEXT)[2:],
    "bytes": pickle.dumps(TEXT.encode()),
    "a number": pickle.dumps(5),
    "no string": b"\x80\x04.",
    "cut": pickle.dumps(TEXT)[:-1],
    "cut in the string": pickle.dumps(TEXT)[:20],
    "an import behind the string": pickle.dumps(TEXT)[:-1] + b"cos\nsystem\n.",
    "no pickle": TEXT.encode(),
    "nothing": b"",
}


@pytest.mark.parametrize("name", OTHER_PICKLES)
def test_any_other_pickle_is_refused(name: str, capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(DataError, match=r"^f:1: private: ") as error:
        unpack(pack(OTHER_PICKLES[name]), "private", "f:1")
    assert "hint:" in str(error.value)
    assert "unpickled" not in capfd.readouterr().err


def test_a_cut_text_is_refused() -> None:
    packed = pack(pickle.dumps(TEXT))
    for bad in (packed[:-7], packed[: len(packed) // 8 * 4], packed[4:], "{}", "µ", ""):
        with pytest.raises(DataError, match="f:1: private: "):
            unpack(bad, "private", "f:1")


def test_text_that_would_fill_the_memory_is_refused_after_its_first_bytes() -> None:
    bomb = pack(pickle.dumps("0" * 5_000_000))
    assert len(bomb) < 10_000
    with pytest.raises(DataError, match="private: unpacks to more than 1,000,000 bytes"):
        unpack(bomb, "private", "f:1", max_bytes=1_000_000)
    assert len(unpack(bomb, "private", "f:1")) == 5_000_000
