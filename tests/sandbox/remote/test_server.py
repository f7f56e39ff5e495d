"""The sandbox's server: verdicts for jobs, and the right refusal for what is none."""

from __future__ import annotations

import gzip
import hashlib
import json
import socket
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.sandbox.remote.served import Served, serve

PROBLEM: dict[str, Any] = {
    "kind": "assert",
    "entry_point": "f",
    "tests": ["assert f(3) == 4"],
    "private_tests": ["assert f(5) == 6"],
}
RIGHT, HALF, WRONG = "def f(x): return x + 1", "def f(x): return 4", "def f(x): return x"
NDJSON = {"Content-Type": "application/x-ndjson"}


def job(job_id: str = "a", code: str = RIGHT, **changes: Any) -> dict[str, Any]:
    return {"id": job_id, "code": code, "problem": PROBLEM, **changes}


def rows_of(answer: httpx.Response) -> dict[str, dict[str, Any]]:
    assert answer.status_code == 200, answer.text
    rows = [json.loads(line) for line in answer.text.splitlines()]
    assert len({row["id"] for row in rows}) == len(rows)
    return {row["id"]: row for row in rows}


def post(http: httpx.Client, *jobs: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return rows_of(http.post("/v1/verdicts", json={"jobs": jobs}))


def test_public_and_private_tests_are_judged_apart(http: httpx.Client) -> None:
    rows = post(http, job("right"), job("half", HALF), job("wrong", WRONG))
    found = {name: (row["label"], row["public"]["status"], row["private"]["status"]) for name, row in rows.items()}
    assert found == {
        "right": (True, "passed", "passed"),
        "half": (False, "passed", "failed"),
        "wrong": (False, "failed", "failed"),
    }
    assert rows["wrong"]["public"]["feedback"] == "assert f(3) == 4\nAssertionError: got 3, expected 4"
    assert rows["wrong"]["version"] == http.get("/health").json()["sandbox_version"]


@pytest.mark.parametrize(
    ("code", "problem"),
    [
        ("print(2 * int(input()))", {"kind": "stdin", "tests": [{"input": "4\n", "output": "8\n"}]}),
        (
            "def f(x): return (x, 1)",
            {"kind": "call", "entry_point": "f", "tests": [{"arguments": "[2]", "expected": "[2, 1]"}]},
        ),
        (
            "print(2)",
            {
                "kind": "stdin",
                "tests": [{"input": "", "output": "1"}],
                "checker": "import sys\nsys.exit(open(sys.argv[2]).read() != '2\\n')",
            },
        ),
        (
            "print(1.0000001)",
            {"kind": "stdin", "tests": [{"input": "", "output": "1.0"}], "compare": {"rule": "floats"}},
        ),
        (
            "def f(x): x.sort()",
            {
                "kind": "call",
                "entry_point": "f",
                "tests": [{"arguments": "[[2, 1]]", "expected": "[1, 2]"}],
                "in_place": True,
            },
        ),
        ("def f(x): return g(x)", {**PROBLEM, "prelude": "def g(x): return x + 1"}),
    ],
)
def test_all_forms_of_tests(http: httpx.Client, code: str, problem: dict[str, Any]) -> None:
    rows = post(http, job("right", code, problem=problem), job("wrong", "def f(x): print(0)", problem=problem))
    assert rows["right"]["label"], rows
    assert not rows["wrong"]["label"]


def test_private_tests_alone(http: httpx.Client) -> None:
    problem = {**PROBLEM, "tests": []}
    row = post(http, job(code=WRONG, problem=problem))["a"]
    assert (row["public"]["num_tests"], row["public"]["status"]) == (0, "passed")
    assert (row["private"]["num_tests"], row["private"]["status"]) == (1, "failed")


@pytest.mark.parametrize(("feedback", "shown"), [("none", ""), ("brief", None), ("full", "got 3, expected 4")])
def test_feedback_is_as_long_as_asked(http: httpx.Client, feedback: str, shown: str | None) -> None:
    text = post(http, job(code=WRONG, feedback=feedback))["a"]["public"]["feedback"]
    assert text == "" if shown == "" else text and "\n" not in text if shown is None else shown in text


def test_a_problem_is_put_once_and_named(http: httpx.Client) -> None:
    body = json.dumps(PROBLEM).encode()
    digest = hashlib.sha256(body).hexdigest()
    headers = {"Content-Type": "application/json", "Content-Encoding": "gzip"}
    for _ in range(2):
        assert http.put(f"/v1/problems/{digest}", content=gzip.compress(body), headers=headers).status_code == 204
    rows = post(http, job("right", problem=digest), job("wrong", WRONG, problem=digest))
    assert (rows["right"]["label"], rows["wrong"]["label"]) == (True, False)


def test_jobs_as_compressed_lines(http: httpx.Client) -> None:
    body = "\n".join(json.dumps(job(str(number), RIGHT if number % 2 else WRONG)) for number in range(20)) + "\n\n"
    headers = {**NDJSON, "Content-Encoding": "gzip"}
    rows = rows_of(http.post("/v1/verdicts", content=gzip.compress(body.encode()), headers=headers))
    assert {name: row["label"] for name, row in rows.items()} == {str(n): n % 2 == 1 for n in range(20)}


def test_a_quick_job_does_not_wait_for_a_slow_one(http: httpx.Client) -> None:
    slow = job("slow", "while True: pass", limits={"cpu_s": 2})
    with http.stream("POST", "/v1/verdicts", json={"jobs": [slow, job("quick")]}) as answer:
        ids = [json.loads(line)["id"] for line in answer.iter_lines()]
    assert ids == ["quick", "slow"]


def test_outputs_are_recorded(http: httpx.Client) -> None:
    problem = {"kind": "stdin", "tests": [{"input": "1"}, {"input": "2"}, {"input": "1"}]}
    row = post(http, job(code="print(input())", problem=problem, records=True))["a"]
    (kind, one), (_, two), (_, again) = row["outputs"]
    assert kind == "value" and one == again != two


def test_tests_that_do_not_compile_are_a_finding_about_the_problem(http: httpx.Client) -> None:
    rows = post(http, job("bad", problem={**PROBLEM, "tests": ["assert f(3 == 4"]}), job("good"))
    assert rows["bad"]["public"]["status"] == "not_judged"
    assert rows["good"]["label"]


def test_a_program_may_be_no_valid_text(http: httpx.Client) -> None:
    body = json.dumps({"jobs": [job(code="def f(x): return '\ud800'")]})
    row = rows_of(http.post("/v1/verdicts", content=body, headers={"Content-Type": "application/json"}))["a"]
    assert row["public"]["status"] in ("error", "failed")


JSON_HEADERS = {"Content-Type": "application/json"}
BAD: dict[str, tuple[int, str, str, Any]] = {
    "no JSON": (400, "body", "not JSON", b"{"),
    "nested deeply": (400, "body", "nested too deeply", b"[" * 100_000),
    "a long integer": (400, "body", "not JSON", b"1" * 5000),
    "a list": (422, "", "", []),
    "no jobs": (422, "jobs", "there are no jobs", {"jobs": []}),
    "an unknown field": (422, "jobs.0.extra", "Extra inputs", {"jobs": [job(extra=1)]}),
    "no code": (422, "jobs.0.code", "required", {"jobs": [{"id": "a", "problem": PROBLEM}]}),
    "no text as code": (422, "jobs.0.code", "should be a string (5)", {"jobs": [job(code=5)]}),
    "an id twice": (422, "jobs.1.id", "'a' is the id of an earlier job", {"jobs": [job(), job()]}),
    "an empty id": (422, "jobs.0.id", "at least 1 character", {"jobs": [job("")]}),
    "a digest never put": (404, "jobs.0.problem", "no problem has the digest 'abc'", {"jobs": [job(problem="abc")]}),
    "no tests": (422, "jobs.0.problem", "there are no tests", {"jobs": [job(problem={"kind": "assert"})]}),
    "an unknown kind": (422, "jobs.0.problem", "", {"jobs": [job(problem={**PROBLEM, "kind": "mocha"})]}),
    "limits of NaN": (422, "jobs.0.limits.cpu_s", "", b'{"jobs": [%s]}' % json.dumps(
        job(limits={"cpu_s": float("nan")})).encode()),
    "infinite limits": (422, "jobs.0.limits.cpu_s", "", b'{"jobs": [%s]}' % json.dumps(
        job(limits={"cpu_s": float("inf")})).encode()),
    "a negative limit": (422, "jobs.0.limits.cpu_s", "greater than 0", {"jobs": [job(limits={"cpu_s": -1})]}),
    "too much memory": (422, "jobs.0.limits.memory_mb", "", {"jobs": [job(limits={"memory_mb": 10**9})]}),
    "more jobs than the queue holds": (413, "body", "201 jobs", {"jobs": [job(str(n)) for n in range(201)]}),
    "a large body": (413, "body", "more than 1048576 bytes", {"jobs": [job(code="#" * (1 << 20))]}),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_bad_input_is_one_error_and_the_server_lives(http: httpx.Client, name: str) -> None:
    status, location, message, body = BAD[name]
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    answer = http.post("/v1/verdicts", content=content, headers=JSON_HEADERS)
    assert answer.status_code == status, answer.text
    error = answer.json()["error"]
    assert list(answer.json()) == ["error"]
    assert error["location"].startswith(location) and message in error["message"] and error["hint"]
    assert post(http, job())["a"]["label"]


def test_a_bad_line_is_named(http: httpx.Client) -> None:
    body = json.dumps(job()) + "\n{"
    answer = http.post("/v1/verdicts", content=body, headers=NDJSON)
    assert (answer.status_code, answer.json()["error"]["location"]) == (400, "line 2")
    answer = http.post("/v1/verdicts", content=json.dumps(job()) + '\n{"id": "b"}', headers=NDJSON)
    assert (answer.status_code, answer.json()["error"]["location"]) == (422, "line 2: code")


def test_other_media_types_are_415(http: httpx.Client) -> None:
    for headers in ({"Content-Type": "text/plain"}, {}):
        answer = http.post("/v1/verdicts", content=json.dumps({"jobs": [job()]}), headers=headers)
        assert (answer.status_code, answer.json()["error"]["location"]) == (415, "Content-Type")


def test_a_wrong_digest_is_refused(http: httpx.Client) -> None:
    answer = http.put(f"/v1/problems/{'0' * 64}", content=json.dumps(PROBLEM), headers=JSON_HEADERS)
    assert answer.status_code == 422
    assert hashlib.sha256(json.dumps(PROBLEM).encode()).hexdigest() in answer.json()["error"]["message"]


def test_a_request_that_is_never_finished_harms_nobody(http: httpx.Client, served: Served) -> None:
    host, port = served.url.removeprefix("http://").split(":")
    lines = ["POST /v1/verdicts HTTP/1.1", "Host: x", "Content-Type: application/json", "Content-Length: 900", "", ""]
    with socket.create_connection((host, int(port))) as half:
        half.sendall("\r\n".join(lines).encode() + b'{"jobs": [')
        assert post(http, job())["a"]["label"]
    assert post(http, job())["a"]["label"]


def queue_length(http: httpx.Client) -> int:
    return http.get("/health").json()["queue"]["length"]


def test_jobs_of_a_client_that_goes_away_are_cancelled(http: httpx.Client) -> None:
    endless = [job(str(n), f"while True: pass  # {n}", limits={"cpu_s": 1}) for n in range(150)]
    with pytest.raises(httpx.ReadTimeout):
        http.post("/v1/verdicts", json={"jobs": endless}, timeout=0.5)
    while queue_length(http):
        pass
    assert post(http, job())["a"]["label"]


def test_a_full_queue_is_429_with_a_time_and_loses_nothing(http: httpx.Client) -> None:
    slow = [job(str(n), f"def f(x):\n  while True: pass  # {n}", limits={"cpu_s": 0.05}) for n in range(150)]
    with http.stream("POST", "/v1/verdicts", json={"jobs": slow}) as answer:
        lines = answer.iter_lines()
        first = next(lines)
        refused = http.post("/v1/verdicts", json={"jobs": [job(str(n)) for n in range(190)]})
        assert refused.status_code == 429
        assert int(refused.headers["Retry-After"]) >= 1
        assert refused.json()["error"]["location"] == "queue"
        rest = [json.loads(line) for line in lines]
    rows = [json.loads(first), *rest]
    assert sorted(int(row["id"]) for row in rows) == list(range(150))
    assert {row["public"]["status"] for row in rows} == {"timeout"}


def test_metrics_count_results(http: httpx.Client) -> None:
    post(http, job())
    text = http.get("/metrics").text
    assert 'mucode_results_total{status="passed"}' in text
    assert "mucode_queued_jobs" in text


def test_the_api_document_describes_bodies(http: httpx.Client) -> None:
    document = http.get("/openapi.json").json()
    schemas = document["components"]["schemas"]
    assert {"JobMessage", "ProblemMessage", "RunCodeRequest", "ErrorMessage"} <= set(schemas)
    references = {text.partition('"')[0] for text in json.dumps(document).split("#/components/schemas/")[1:]}
    assert references <= set(schemas)


def test_a_token_guards_all_but_health() -> None:
    token = "a-token-of-some-length"
    code = f"import os; os.environ['MUCODE_SANDBOX_TOKEN'] = {token!r}"
    with serve("--workers", "1", code=code) as server, httpx.Client(base_url=server.url) as http:
        assert http.get("/health").status_code == 200
        assert http.post("/v1/verdicts", json={"jobs": [job()]}).status_code == 401
        assert http.post("/run_code", json={"code": "", "language": "python"}).status_code == 401
        http.headers["Authorization"] = f"Bearer {token}"
        assert post(http, job())["a"]["label"]


def test_health_comes_back_with_the_judges() -> None:
    code = (
        "from mucode_core.sandbox.host import judge_process as p\n"
        "ask, left = p.JudgeProcess.ask, 9\n"
        "def failing(self, job, message):\n"
        "    global left\n"
        "    left -= 1\n"
        "    if left >= 0: raise p.JudgeCrashedError('it is gone')\n"
        "    return ask(self, job, message)\n"
        "p.JudgeProcess.ask = failing"
    )
    with serve("--workers", "1", code=code) as server, httpx.Client(base_url=server.url, timeout=60) as http:
        assert http.post("/v1/verdicts", json={"jobs": [job()]}).status_code == 503
        assert http.get("/health").status_code == 503
        while http.get("/health").status_code == 503:  # each asks for a probe
            pass
        assert post(http, job())["a"]["label"]


@pytest.fixture
def broken() -> Iterator[Served]:
    """A server whose judges all end as soon as they are asked."""
    code = (
        "from mucode_core.sandbox.host import judge_process as p\n"
        "def ask(self, job, message): raise p.JudgeCrashedError('it is gone')\n"
        "p.JudgeProcess.ask = ask"
    )
    with serve("--workers", "1", code=code) as server:
        yield server


def test_failed_machinery_is_503_and_never_a_verdict(broken: Served) -> None:
    with httpx.Client(base_url=broken.url, timeout=60) as http:
        answer = http.post("/v1/verdicts", json={"jobs": [job(), job("b")]})
        assert answer.status_code == 503
        assert "a job failed 3 times: it is gone" in answer.json()["error"]["message"]
        assert http.post("/run_code", json={"code": "print(1)", "language": "python"}).status_code == 503
        assert http.get("/health").status_code == 503


def test_a_judge_that_dies_is_replaced_and_its_job_run_again() -> None:
    code = (
        "from mucode_core.sandbox.host import judge_process as p\n"
        "ask, count = p.JudgeProcess.ask, 0\n"
        "def dying(self, job, message):\n"
        "    global count\n"
        "    count += 1\n"
        "    if count % 3 == 1: self._process.kill()\n"
        "    return ask(self, job, message)\n"
        "p.JudgeProcess.ask = dying"
    )
    with serve("--workers", "1", code=code) as server, httpx.Client(base_url=server.url, timeout=60) as http:
        rows = post(http, *(job(str(n), RIGHT if n % 2 else WRONG) for n in range(6)))
        assert {name: row["label"] for name, row in rows.items()} == {str(n): n % 2 == 1 for n in range(6)}
        assert http.get("/health").status_code == 200
