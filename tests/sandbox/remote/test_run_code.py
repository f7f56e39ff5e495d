"""`POST /run_code` in SandboxFusion's words."""

from __future__ import annotations

from typing import Any

import httpx
import pytest


def run(http: httpx.Client, code: str, **changes: Any) -> dict[str, Any]:
    answer = http.post("/run_code", json={"code": code, "language": "python", **changes})
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_input_and_output(http: httpx.Client) -> None:
    done = run(http, "print(input()[::-1])", stdin="abc", compile_timeout=5, run_timeout=5, files={}, fetch_files=[])
    result = done["run_result"]
    assert (done["status"], done["message"], done["compile_result"]) == ("Success", "", None)
    assert (result["status"], result["return_code"], result["stdout"], result["stderr"]) == ("Finished", 0, "cba\n", "")
    assert result["execution_time"] > 0


@pytest.mark.parametrize(
    ("code", "exit_code", "printed", "error"),
    [
        ("print(5)\n1/0", 1, "5\n", "ZeroDivisionError: division by zero"),
        ("def f(:", 1, "", "SyntaxError: invalid syntax"),
        ("import sys; print(5); sys.exit(3)", 3, "5\n", "SystemExit: 3"),
        ("import sys; sys.exit('no')", 1, "", "SystemExit: no"),
        ("import os; print(5, flush=True); os._exit(4)", 4, "5\n", "ended"),
        ("x = [0] * 10**10", 1, "", "MemoryError"),
        ("assert 1 == 2, 'differs'", 1, "", "AssertionError: differs"),
    ],
)
def test_a_program_that_fails(http: httpx.Client, code: str, exit_code: int, printed: str, error: str) -> None:
    done = run(http, code)
    result = done["run_result"]
    assert (done["status"], result["status"]) == ("Failed", "Finished")
    assert (result["return_code"], result["stdout"]) == (exit_code, printed)
    assert error in result["stderr"]


def test_a_program_that_takes_too_long(http: httpx.Client) -> None:
    done = run(http, "print(1, flush=True)\nwhile True: pass", run_timeout=0.5)
    assert (done["status"], done["run_result"]["status"]) == ("Failed", "TimeLimitExceeded")
    assert done["run_result"]["stdout"] == "1\n"


def test_a_flood_of_output_is_a_failure(http: httpx.Client) -> None:
    done = run(http, "while True: print('x' * 1000)")
    assert (done["status"], done["run_result"]["return_code"]) == ("Failed", 1)
    assert "printed too much" in done["run_result"]["stderr"]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"language": "cpp"}, "language 'cpp'"),
        ({"files": {"a": "eA=="}}, "files"),
        ({"fetch_files": ["a"]}, "fetch_files"),
        ({"args": ["-k"]}, "args"),
    ],
)
def test_what_is_not_offered_is_refused_in_its_form(http: httpx.Client, changes: dict[str, Any], message: str) -> None:
    done = run(http, "print(1)", **changes)
    assert (done["status"], done["run_result"]) == ("SandboxError", None)
    assert done["message"].startswith(message)


@pytest.mark.parametrize("changes", [{"code": 5}, {"run_timeout": 0}, {"run_timeout": "x"}, {"memory_limit_MB": -2}])
def test_invalid_fields_are_422(http: httpx.Client, changes: dict[str, Any]) -> None:
    answer = http.post("/run_code", json={"code": "print(1)", "language": "python", **changes})
    assert answer.status_code == 422
    assert answer.json()["error"]["location"] == f"body.{next(iter(changes))}"
