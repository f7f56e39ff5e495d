import math
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mucode_core.errors import ConfigError
from mucode_core.fingerprint import canonical_json, derive_seed, digest_of

PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


@given(st.dictionaries(st.text(), PLAIN))
def test_the_order_of_keys_does_not_matter(value):
    assert digest_of(value) == digest_of(dict(reversed(value.items())))


@pytest.mark.parametrize("value", [{1, 2}, math.nan, math.inf, object(), {1: 2}, b"x"])
def test_unstable_values_are_refused_with_their_place(value):
    with pytest.raises(ConfigError, match=r"\$\.a\[0\]"):
        canonical_json({"a": [value]})


def test_dataclasses_count_as_their_fields():
    @dataclass
    class Point:
        x: int
        y: float

    assert canonical_json(Point(1, 0.5)) == '{"x":1,"y":0.5}'


def test_digests_are_stable_across_versions():
    assert digest_of({"a": [1, 2.5, "µ", None, True]}).startswith("120cf7fd852b1555")
    assert derive_seed(0, "x") == 6547032031433160089


@given(st.integers(0, 2**31), st.text(), st.text())
def test_seeds_differ_by_name_and_fit_63_bits(seed, a, b):
    assert 0 <= derive_seed(seed, a) < 2**63
    assert (derive_seed(seed, a) == derive_seed(seed, b)) == (a == b)
    assert derive_seed(seed, a) == derive_seed(seed, a)
