"""What the pool makes of a judge's answer, or of its silence: verdicts, or outputs for a job that records them."""

from __future__ import annotations

from typing import Any

from mucode_core.sandbox.base import Execution, Job, Output, OutputKind, Verdicts
from mucode_core.sandbox.judge.feedback import raised
from mucode_core.types import Verdict, VerdictStatus

Outputs = tuple[Output, ...]
Result = Verdicts | Outputs | Execution


def read_result(job: Job, answer: dict[str, Any]) -> Result:
    """What the judge found; a program that is late again although it ran alone has timed out."""
    if answer["late"]:
        return out_of_time(job, f"the program took longer than {job.limits.cpu_s:g} s")
    if job.records:
        return tuple(Output(kind, digest) for kind, digest in answer["outputs"])
    public, private = (Verdict(**verdict) for verdict in answer["verdicts"])
    if job.prints:
        printed, exit_code = answer.get("printed") or ("", 1)
        return Execution(public.status, exit_code, printed, public.feedback, public.cpu_s)
    return public, private


def not_judged(job: Job, fault: list[str]) -> Result:
    """Where it is the problem that is at fault."""
    problem, location, hint = fault
    feedback = "\n".join(part for part in (f"{location}: {problem}" if location else problem, hint) if part)
    return _of_all_tests(job, "not_judged", "nothing", feedback, 0.0)


def out_of_time(job: Job, message: str) -> Result:
    """Where the program, or judging it, took too long."""
    feedback = raised("", "TimeoutError", message, "", job.feedback)
    return _of_all_tests(job, "timeout", "timeout", feedback, job.limits.cpu_s)


def no_value(job: Job) -> Result:
    """Where an answer of the program is made so that nothing can look at it."""
    feedback = raised("", "RuntimeError", "the answer is not a value", "", job.feedback)
    return _of_all_tests(job, "error", "error", feedback, 0.0)


def _of_all_tests(job: Job, status: VerdictStatus, kind: OutputKind, feedback: str, cpu_s: float) -> Result:
    if job.records:
        return (Output(kind),) * len(job.tests)
    if job.prints:
        return Execution(status, 1, "", feedback, cpu_s)
    public = Verdict(status, 0, len(job.tests), feedback, cpu_s)
    return public, Verdict(status, 0, len(job.private_tests), feedback, 0.0)
