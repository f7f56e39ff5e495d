import pytest

from mucode_core.errors import DataError
from mucode_core.problems.json_values import to_json


def test_values_are_written_as_json():
    assert to_json((1, {"a": None}), "tests", "rows:1") == '[1, {"a": null}]'
    assert to_json([10**5_000, "é"], "tests", "rows:1") == f'[1{"0" * 5_000}, "é"]'


@pytest.mark.parametrize("value", [float("nan"), [float("-inf")], b"x", {1, 2}])
def test_what_json_does_not_hold_is_refused(value):
    with pytest.raises(DataError, match="tests: not a JSON value"):
        to_json(value, "tests", "rows:1")
