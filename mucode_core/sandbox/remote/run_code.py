"""`POST /run_code`, shaped as SandboxFusion has it, so that its clients change one URL.

The form is that of https://bytedance.github.io/SandboxFusion (`RunCodeRequest`, `RunCodeResponse`). A program that is
run so is not judged: what it prints and how it exits is its own word.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, Field

from mucode_core.sandbox.base import Execution, Job, Limits
from mucode_core.sandbox.remote.messages import Text
from mucode_core.types import StdinTest

_MEMORY_MB, _OUTPUT_MB = 1024, 16
_ELSEWHERE = "this server runs Python programs that read standard input and print"


class RunCodeRequest(BaseModel):
    """A program and its input."""

    code: Text
    language: str
    stdin: Text | None = None
    run_timeout: Annotated[float, Field(gt=0, le=3600, allow_inf_nan=False)] = 10
    """CPU seconds here; the wall limit is a looser multiple."""
    compile_timeout: float = 10
    """Python programs have no step of their own to compile them."""
    memory_limit_MB: Annotated[int, Field(ge=-1, le=65536)] = -1  # noqa: N815 - their name
    files: dict[str, Text | None] = {}
    fetch_files: list[str] = []
    args: list[str] = []


class CommandResult(BaseModel):
    """How the program ended."""

    status: Literal["Finished", "Error", "TimeLimitExceeded"]
    execution_time: float | None = None
    return_code: int | None = None
    stdout: str | None = None
    stderr: str | None = None


class RunCodeResponse(BaseModel):
    """The outcome of a run."""

    status: Literal["Success", "Failed", "SandboxError"]
    message: str = ""
    compile_result: CommandResult | None = None
    run_result: CommandResult | None = None
    executor_pod_name: str | None = None
    files: dict[str, str] = {}


def find_refusal(request: RunCodeRequest) -> RunCodeResponse | None:
    """The response to a request for what is not offered here."""
    asked = {"files": request.files, "fetch_files": request.fetch_files, "args": request.args}
    named = [name for name, value in asked.items() if value]
    if request.language != "python":
        return RunCodeResponse(status="SandboxError", message=f"language {request.language!r:.80}: {_ELSEWHERE}")
    if named:
        return RunCodeResponse(status="SandboxError", message=f"{', '.join(named)}: {_ELSEWHERE}")
    return None


def to_execution_job(request: RunCodeRequest) -> Job:
    """The run that a request asks for."""
    memory_mb = request.memory_limit_MB if request.memory_limit_MB > 0 else _MEMORY_MB
    limits = Limits(request.run_timeout, memory_mb, _OUTPUT_MB)
    return Job(request.code, (StdinTest(request.stdin or "", ""),), "stdin", "", "", limits, prints=True)


def to_response(execution: Execution) -> RunCodeResponse:
    """The outcome in SandboxFusion's words."""
    result = CommandResult(
        status="TimeLimitExceeded" if execution.status == "timeout" else "Finished",
        execution_time=execution.cpu_s,
        return_code=None if execution.status == "timeout" else execution.exit_code,
        stdout=_printable(execution.printed),
        stderr=_printable(execution.error),
    )
    is_success = execution.status == "passed" or (result.status == "Finished" and execution.exit_code == 0)
    return RunCodeResponse(status="Success" if is_success else "Failed", run_result=result)


def _printable(text: str) -> str:
    return text.encode("utf-8", "replace").decode()
