"""Files that appear whole or not at all."""

import pytest

from mucode_core.errors import DataError
from mucode_core.system.atomic_files import replacing


def test_the_file_appears_when_the_block_ends(tmp_path):
    out = tmp_path / "out.eval"
    with replacing(out) as partial:
        partial.write_text("new")
        assert partial.suffix == ".eval"
        assert not out.exists()
    assert out.read_text() == "new"
    assert list(tmp_path.iterdir()) == [out]


def test_a_failed_block_leaves_what_was_there_and_nothing_else(tmp_path):
    out = tmp_path / "out.txt"
    out.write_text("old")
    with pytest.raises(ZeroDivisionError), replacing(out) as partial:
        partial.write_text("new")
        raise ZeroDivisionError
    assert out.read_text() == "old"
    assert list(tmp_path.iterdir()) == [out]


def test_a_path_that_cannot_be_written_is_named_with_a_hint(tmp_path):
    out = tmp_path / "missing" / "out.txt"
    with (
        pytest.raises(DataError, match="cannot be written: No such file or directory") as caught,
        replacing(out) as path,
    ):
        path.write_text("new")
    assert (caught.value.location, caught.value.hint) == (str(out), "name another file")
