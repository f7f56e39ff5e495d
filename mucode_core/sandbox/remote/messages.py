"""Jobs and verdicts as JSON: what the sandbox's server reads and writes, and its client writes and reads."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Annotated, Any, Literal, Self, TypeVar, cast

from pydantic import BaseModel, ConfigDict, Field, PlainValidator, ValidationError, WithJsonSchema, model_validator

from mucode_core.sandbox.base import Job, Limits, Output
from mucode_core.sandbox.host.results import Result
from mucode_core.services import ServiceError, invalid_input
from mucode_core.types import CallTest, CompareRule, Comparison, ProblemKind, StdinTest, Test, Verdict

TOKEN_VARIABLE = "MUCODE_SANDBOX_TOKEN"  # noqa: S105 - a name
"""The environment variable of the bearer token, at the server and at its clients."""
VERSION_HEADER = "X-Sandbox-Version"
Model = TypeVar("Model", bound=BaseModel)
_HINT = "send JSON as /docs describes it"


def _check_text(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError("should be a string")
    return value


Text = Annotated[str, PlainValidator(_check_text), WithJsonSchema({"type": "string"})]
"""A string, also one that is no valid Unicode: what a model writes and a test holds may be anything."""
Seconds = Annotated[float, Field(gt=0, le=3600, allow_inf_nan=False)]
Tolerance = Annotated[float, Field(ge=0, allow_inf_nan=False)]


class _Message(BaseModel):
    model_config = ConfigDict(extra="forbid")


class StdinTestMessage(_Message):
    """An input and the output that is expected."""

    input: Text
    output: Text = ""
    alternatives: list[Text] = []


class CallTestMessage(_Message):
    """A call and the value that is expected, as JSON texts."""

    arguments: Text = Field(description="JSON text of the list of arguments.")
    expected: Text = Field(default="null", description="JSON text of the value.")
    alternatives: list[Text] = []


class ComparisonMessage(_Message):
    """How outputs are compared."""

    rule: CompareRule = "tokens"
    rtol: Tolerance = 1e-6
    atol: Tolerance = 1e-6


TestMessage = Text | StdinTestMessage | CallTestMessage


class ProblemMessage(_Message):
    """The tests of a problem; all of one kind."""

    kind: ProblemKind = Field(description="Python asserts, inputs with outputs, or calls with values.")
    tests: list[TestMessage] = Field(
        default=[], description="The public tests: their feedback may be shown to a model."
    )
    private_tests: list[TestMessage] = Field(default=[], description="Run after `tests`, and judged apart.")
    setup: Text = Field(default="", description="Source that tests of kind assert need.")
    entry_point: Text = Field(default="", description="Of kinds assert and call: the function, or Class.method.")
    compare: ComparisonMessage = ComparisonMessage()
    checker: Text | None = Field(default=None, description="Source of a program that decides on printed output.")
    in_place: bool = Field(default=False, description="Calls are judged by their first argument.")
    prelude: Text = Field(default="", description="Source that runs before the program, in its process.")

    @model_validator(mode="after")
    def _require_tests(self) -> Self:
        if not self.tests and not self.private_tests:
            raise ValueError("there are no tests")
        return self


class LimitsMessage(_Message):
    """Budgets of a run."""

    cpu_s: Seconds = 2.0
    memory_mb: Annotated[int, Field(ge=16, le=65536)] = 512
    output_mb: Annotated[int, Field(ge=1, le=1024)] = 64


class JobMessage(_Message):
    """A program to be run against a problem's tests."""

    id: Annotated[str, Field(min_length=1, max_length=200)] = Field(description="Of the verdict in the response.")
    code: Text = Field(description="The program.")
    problem: ProblemMessage | str = Field(description="The tests, or the digest under which they were put.")
    limits: LimitsMessage = LimitsMessage()
    feedback: Literal["none", "brief", "full"] = "full"
    records: bool = Field(default=False, description="Outputs for the tests' inputs are wanted, and no verdict.")


class JobsMessage(_Message):
    """Many jobs in one request."""

    jobs: list[JobMessage]


class VerdictMessage(BaseModel):
    """One line of the response."""

    id: str
    version: str = Field(description="Of the sandbox that judged; see /health.")
    label: bool | None = Field(default=None, description="Public and private tests passed, by no word of the program.")
    public: dict[str, Any] | None = Field(default=None, description="status, num_passed, num_tests, feedback, ...")
    private: dict[str, Any] | None = None
    outputs: list[list[str]] | None = Field(default=None, description="Of a job that records them.")
    error: dict[str, str] | None = Field(default=None, description="The infrastructure failed; this is no verdict.")


def read_json(body: bytes, location: str) -> Any:
    """The value of a JSON text.

    Raises:
        ServiceError: 400, it is none.
    """
    try:
        return json.loads(body)
    except (ValueError, RecursionError) as error:
        problem = f"not JSON: {error}" if isinstance(error, ValueError) else "nested too deeply"
        raise ServiceError(400, problem, location=location, hint=_HINT) from None


def read_jobs(body: bytes, *, as_lines: bool) -> list[JobMessage]:
    """The jobs of a request.

    Args:
        body: A JSON object, or a JSON object in each line.
        as_lines: Whether it is lines.

    Raises:
        ServiceError: 400 or 422, with the first field that is wrong; no job is valid then.
    """
    if not as_lines:
        jobs = _validate(JobsMessage, read_json(body, "body"), "").jobs
    else:
        lines = enumerate(body.split(b"\n"), 1)
        located = ((f"line {number}", line) for number, line in lines if line.strip())
        jobs = [_validate(JobMessage, read_json(line, location), location) for location, line in located]
    if not jobs:
        raise ServiceError(422, "there are no jobs", location="jobs", hint="send at least one job")
    seen: set[str] = set()
    for index, job in enumerate(jobs):
        if job.id in seen:
            problem = f"{job.id!r:.80} is the id of an earlier job, too"
            raise ServiceError(422, problem, location=f"jobs.{index}.id", hint="give each job an id of its own")
        seen.add(job.id)
    return jobs


def read_problem(body: bytes) -> ProblemMessage:
    """The problem of a request.

    Raises:
        ServiceError: 400 or 422, with the first field that is wrong.
    """
    return _validate(ProblemMessage, read_json(body, "body"), "")


def _validate(model: type[Model], value: Any, location: str) -> Model:
    try:
        return model.model_validate(value)
    except ValidationError as error:
        refusal = invalid_input(error.errors(include_url=False))
        refusal.location = f"{location}: {refusal.location}" if location else refusal.location
        raise refusal from None


@dataclass(frozen=True)
class Asked:
    """A job of a request, as the sandbox runs it, and how its result is written."""

    message: JobMessage
    job: Job
    has_public: bool
    """Without public tests the private ones stand in their place."""


def read_asked(message: JobMessage, problem: ProblemMessage) -> Asked:
    """The job of a message, with the problem that it holds or names."""
    return Asked(message, _to_job(message, problem), has_public=bool(problem.tests))


def _to_job(message: JobMessage, problem: ProblemMessage) -> Job:
    tests, private_tests = _to_tests(problem.tests), _to_tests(problem.private_tests)
    return Job(
        message.code,
        tests or private_tests,
        problem.kind,
        problem.setup,
        problem.entry_point,
        Limits(message.limits.cpu_s, message.limits.memory_mb, message.limits.output_mb),
        "brief" if message.feedback == "none" else message.feedback,
        private_tests if tests else (),
        Comparison(problem.compare.rule, problem.compare.rtol, problem.compare.atol),
        problem.checker,
        problem.in_place,
        problem.prelude,
        message.records,
    )


def _to_tests(messages: Sequence[str | StdinTestMessage | CallTestMessage]) -> tuple[Test, ...]:
    return tuple(map(_to_test, messages))


def _to_test(message: str | StdinTestMessage | CallTestMessage) -> Test:
    if isinstance(message, str):
        return message
    alternatives = tuple(message.alternatives)
    if isinstance(message, StdinTestMessage):
        return StdinTest(message.input, message.output, alternatives)
    return CallTest(message.arguments, message.expected, alternatives)


def write_result(asked: Asked, result: Result, version: str) -> dict[str, Any]:
    """The line of a job in the response."""
    message = asked.message
    row: dict[str, Any] = {"id": message.id, "version": version}
    if message.records:
        return row | {"outputs": [[output.kind, output.digest] for output in cast("tuple[Output, ...]", result)]}
    public, private = cast("tuple[Verdict, Verdict]", result)
    if not asked.has_public:
        public, private = private, public
    sets = {"public": asdict(public), "private": asdict(private)}
    if message.feedback == "none":
        for one in sets.values():
            one["feedback"] = ""
    return row | {"label": public.is_label and private.is_label} | sets


def write_problem(job: Job) -> bytes:
    """The problem of a job, to be read by `read_problem`; equal problems are equal bytes."""
    fields = {
        "kind": job.kind,
        "tests": list(_write_tests(job.tests)),
        "private_tests": list(_write_tests(job.private_tests)),
        "setup": job.setup,
        "entry_point": job.entry_point,
        "compare": asdict(job.compare),
        "checker": job.checker,
        "in_place": job.in_place,
        "prelude": job.prelude,
    }
    return json.dumps(fields).encode()


def _write_tests(tests: Sequence[Test]) -> Iterator[Any]:
    return (test if isinstance(test, str) else asdict(test) for test in tests)


def write_job(job: Job, job_id: str, problem: bytes) -> bytes:
    """A line of a request; `problem` is JSON, of the problem or of its digest."""
    fields = {
        "id": job_id,
        "code": job.code,
        "limits": asdict(job.limits),
        "feedback": job.feedback,
        "records": job.records,
    }
    return json.dumps(fields).encode()[:-1] + b', "problem": ' + problem + b"}"


def read_result(row: dict[str, Any]) -> Result:
    """The result in a line of the response.

    Raises:
        KeyError: There is none; also TypeError or ValueError.
    """
    if row.get("outputs") is not None:
        return tuple(Output(kind, digest) for kind, digest in row["outputs"])
    return Verdict(**row["public"]), Verdict(**row["private"])
