"""The examples of each gradient step."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mucode_core.training.batch_order import plan_order


@given(
    lengths=st.lists(st.integers(1, 50), min_size=1, max_size=40),
    batch_size=st.integers(1, 20),
    epochs=st.integers(1, 3),
    seed=st.integers(0, 5),
)
def test_every_step_is_full_and_every_example_is_seen_in_every_epoch(lengths, batch_size, epochs, seed):
    order = plan_order(lengths, batch_size, epochs, seed)
    assert len(order) % batch_size == 0
    assert 0 <= len(order) - epochs * len(lengths) < batch_size
    counts = Counter(order)
    assert all(counts[i] >= epochs for i in range(len(lengths)))
    assert order == plan_order(lengths, batch_size, epochs, seed)
    for start in range(0, len(order), batch_size):
        step = [lengths[i] for i in order[start : start + batch_size]]
        assert step == sorted(step), "examples that are padded together are alike"


def test_steps_override_epochs():
    assert len(plan_order([3] * 10, 4, 1, 0, num_steps=7)) == 28


def test_another_seed_is_another_order():
    assert plan_order([1] * 30, 5, 1, 0) != plan_order([1] * 30, 5, 1, 1)


@pytest.mark.parametrize("batch_size", [16, 32])
def test_fewer_examples_than_a_step_are_repeated(batch_size):
    order = plan_order([1, 2, 3], batch_size, 1, 0)
    assert len(order) == batch_size
    assert set(order) == {0, 1, 2}
