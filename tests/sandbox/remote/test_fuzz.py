"""Any JSON is answered: by verdicts, or by one error that says what is wrong."""

from __future__ import annotations

import json
from typing import Any

import httpx
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

_NAMES = (
    "jobs",
    "id",
    "code",
    "problem",
    "limits",
    "kind",
    "tests",
    "cpu_s",
    "input",
    "language",
    "stdin",
    "run_timeout",
)
_LEAVES = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.sampled_from(["assert", "a"])
)
_VALUES = st.recursive(
    _LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(_NAMES), inner, max_size=4),
    max_leaves=12,
)


@st.composite
def _requests(draw: st.DrawFn) -> Any:
    """Valid but for one place, or anything."""
    problem: dict[str, Any] = {"kind": "stdin", "tests": [{"input": "", "output": ""}]}
    job: dict[str, Any] = {"id": "a", "code": "", "problem": problem, "limits": {"cpu_s": 1}}
    place = draw(st.sampled_from([job, problem, job["limits"], problem["tests"][0]]))
    place[draw(st.sampled_from([*place, *_NAMES]))] = draw(_VALUES)
    return {"jobs": [job]} if draw(st.booleans()) else draw(_VALUES)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(path=st.sampled_from(["/v1/verdicts", "/run_code"]), body=_requests())
def test_any_json_is_answered(http: httpx.Client, path: str, body: Any) -> None:
    answer = http.post(path, content=json.dumps(body), headers={"Content-Type": "application/json"})
    assert answer.status_code in (200, 400, 404, 413, 422), answer.text
    if answer.status_code != 200:
        assert answer.json()["error"]["message"]


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(body=st.binary(max_size=60), encoding=st.sampled_from(["gzip", "identity", "br"]))
def test_any_bytes_are_answered(http: httpx.Client, body: bytes, encoding: str) -> None:
    headers = {"Content-Type": "application/x-ndjson", "Content-Encoding": encoding}
    answer = http.post("/v1/verdicts", content=body, headers=headers)
    assert answer.status_code in (400, 415, 422), answer.text
    assert answer.json()["error"]["message"]
