"""The bounded queue's door."""

from __future__ import annotations

import pytest
from prometheus_client import CollectorRegistry

from mucode_core.services import Admission, ServiceError


@pytest.fixture
def registry() -> CollectorRegistry:
    return CollectorRegistry()


@pytest.fixture
def admission(registry: CollectorRegistry) -> Admission:
    return Admission(10, "jobs", registry)


def test_counts_what_is_held_and_frees_it_once(admission: Admission, registry: CollectorRegistry) -> None:
    with admission.admit(4) as places:
        assert admission.length == 4
        assert registry.get_sample_value("mucode_queued_jobs") == 4
        places.release(3)
        assert admission.length == 1
        places.release(5)  # no more than it holds
        assert admission.length == 0
    assert admission.length == 0


def test_a_full_queue_is_429_with_a_time(admission: Admission) -> None:
    with admission.admit(8):
        with pytest.raises(ServiceError) as caught:
            admission.enter(3)
        assert caught.value.status == 429
        assert int(caught.value.headers["Retry-After"]) >= 1
        assert admission.length == 8
        admission.enter(2).release_all()


def test_what_never_fits_is_413(admission: Admission) -> None:
    with pytest.raises(ServiceError) as caught:
        admission.enter(11)
    assert caught.value.status == 413
    assert "Retry-After" not in caught.value.headers


def test_a_block_that_fails_frees_its_places(admission: Admission) -> None:
    with pytest.raises(RuntimeError), admission.admit(10):
        raise RuntimeError
    assert admission.length == 0
