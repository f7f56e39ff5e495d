"""Rows that cross a stage: frozen, plain, each with one schema in `mucode_core.schemas`."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

ProblemKind = Literal["assert", "stdin"]
VerdictStatus = Literal["passed", "failed", "error", "timeout", "memory_exceeded", "output_exceeded", "no_code"]
FinishReason = Literal["stop", "length"]
StopReason = Literal["public_pass", "max_turns"]


@dataclass(frozen=True, slots=True)
class StdinTest:
    """One test of a program that reads standard input."""

    input: str
    output: str
    """Expected standard output."""


Test = str | StdinTest
"""A Python assert statement (or a suite of them), or an input with its expected output."""


@dataclass(frozen=True, slots=True)
class Problem:
    """A statement and its tests (paper section 3)."""

    problem_id: str
    dataset: str
    split: str
    prompt: str
    """The statement as the model reads it, without tests."""
    entry_point: str
    """Name of the function the tests call; empty for stdin problems."""
    kind: ProblemKind
    setup: str
    """Trusted Python source that runs before the tests, after the program; may be empty."""
    public_tests: tuple[Test, ...]
    """The only source of feedback; the prompt shows them if `tests_shown`."""
    private_tests: tuple[Test, ...]
    """Give labels and metrics; never reach a prompt."""
    reference_solution: str | None
    time_limit_s: float | None
    """CPU seconds for one run of all tests; None takes the sandbox's default."""
    tests_shown: bool = True
    """Whether the prompt shows the public tests."""

    @property
    def shown_tests(self) -> tuple[Test, ...]:
        """The tests that the prompt shows."""
        return self.public_tests if self.tests_shown else ()


@dataclass(frozen=True, slots=True)
class Completion:
    """What the model wrote in one turn."""

    text: str
    code: str | None
    """The program extracted from the text; None where there is none."""
    finish_reason: FinishReason
    num_tokens: int


@dataclass(frozen=True, slots=True)
class Verdict:
    """Outcome of running one set of tests on one program."""

    status: VerdictStatus
    num_passed: int
    num_tests: int
    feedback: str
    """Deterministic text for the model, free of machine paths; empty when all tests passed."""
    cpu_s: float = field(metadata={"measured": True}, compare=False)
    """CPU seconds of the program. A measurement: no part of an artifact's content digest."""

    @property
    def passed(self) -> bool:
        return self.status == "passed"


@dataclass(frozen=True, slots=True)
class GradedSample:
    """One program of a sample file, run against all tests of its problem."""

    problem_id: str
    sample_index: int
    """Counts the samples of a problem, in the file's order."""
    status: VerdictStatus
    """Of the public tests, or of the private ones where the public passed."""
    public_passed: bool
    passed: bool
    num_passed: int
    num_tests: int
    feedback: str
    """May tell of private tests: for people, not for models."""
    cpu_s: float = field(metadata={"measured": True}, compare=False)


@dataclass(frozen=True, slots=True)
class PublicTurn:
    """All that a prompt may hold of a turn: the model's text and the public tests' feedback."""

    text: str
    feedback: str


@dataclass(frozen=True, slots=True)
class Turn:
    """One completion with what running it said."""

    turn_index: int
    completion: Completion
    public_verdict: Verdict
    private_verdict: Verdict
    """Labels and metrics only; `prompts` cannot reach it."""

    @property
    def label(self) -> bool:
        """Correct: public and private tests all passed."""
        return self.public_verdict.passed and self.private_verdict.passed

    @property
    def public(self) -> PublicTurn:
        return PublicTurn(self.completion.text, self.public_verdict.feedback)


@dataclass(frozen=True, slots=True)
class Rollout:
    """All turns of one attempt at one problem."""

    rollout_id: str
    problem_id: str
    iteration: int
    """Iteration of the generator that wrote it; 0 is the base."""
    generator_id: str
    """Content digest of that generator."""
    sample_index: int
    seed: int
    turns: tuple[Turn, ...]
    stop_reason: StopReason | None
    """None while the rollout is going on."""

    @property
    def label(self) -> bool:
        return bool(self.turns) and self.turns[-1].label


@dataclass(frozen=True, slots=True)
class RecordedProgram:
    """A program that a model wrote earlier, to be replayed."""

    problem_id: str
    code: str


@dataclass(frozen=True, slots=True)
class Sample:
    """A completion drawn for a rollout's next turn, not yet executed."""

    rollout_id: str
    turn_index: int
    completion: Completion


@dataclass(frozen=True, slots=True)
class VerifierPair:
    """A correct and an incorrect program for one problem (paper section 4.1)."""

    problem_id: str
    prompt: str
    """First user message; the verifier never sees the history."""
    chosen: str
    """Program that passed all tests."""
    rejected: str
    """Program that did not."""


@dataclass(frozen=True, slots=True)
class VerifierScore:
    """The verifier's output for one turn's program."""

    rollout_id: str
    turn_index: int
    verifier_id: str
    score: float


@dataclass(frozen=True, slots=True)
class ExpertChoice:
    """The completion that local search picked for one problem."""

    problem_id: str
    rollout_id: str
    turn_index: int
    completion: Completion
    label: bool
    score: float
    """The verifier's score of it."""
    criterion: float
    """The value that was maximised."""


@dataclass(frozen=True, slots=True)
class Message:
    """One chat message."""

    role: Literal["user", "assistant"]
    content: str


@dataclass(frozen=True, slots=True)
class Dialogue:
    """A conversation to train a base model on; every assistant message is a target."""

    messages: tuple[Message, ...]


@dataclass(frozen=True, slots=True)
class SftExample:
    """A state and the completion to imitate there."""

    problem_id: str
    rollout_id: str
    turn_index: int
    messages: tuple[Message, ...]
    """The state: ends with a user message."""
    target: str


@dataclass(frozen=True, slots=True)
class SearchRow:
    """One turn of one multi-turn Best-of-N search: the program that was selected, and what became of it."""

    problem_id: str
    selection: str
    search_index: int
    num_samples: int
    turn_index: int
    program: str | None
    public_passed: bool
    label: bool
    score: float | None
    """The verifier's score of the program; None where no verifier took part."""
    stopped: bool
    """The search ended with this turn."""
    num_drawn: int
    """Samples drawn in this turn; N times the states of the beam."""
    num_distinct: int
    """Distinct programs among them."""
    num_tokens: int
    """Tokens of those samples: what this search alone would cost, shared samples counted each time."""


@dataclass(frozen=True, slots=True)
class ProblemOutcome:
    """How one way of decoding did on one problem after one turn: counts, from which figures and comparisons are made.

    A search that stopped keeps its last program. What was drawn is counted up to this turn.
    """

    problem_id: str
    generator: str
    """"base", "iteration 1", ..., or "final": the one that the run is about."""
    decoding: str
    """"greedy", "independent" (rollouts that select nothing), or a way of selecting."""
    num_samples: int
    """N, samples a turn and search."""
    turn_index: int
    num_searches: int
    """Independent searches, or rollouts."""
    num_correct: int
    """Of them, those whose program passes public and private tests."""
    num_public_passed: int
    num_drawn: int
    num_distinct: int
    """Distinct programs among those drawn: of each turn and search; of independent rollouts, in all of them."""
    num_tokens: int


@dataclass(frozen=True, slots=True)
class ModelRef:
    """A checkpoint directory in the Hugging Face format."""

    path: str
    fingerprint: str
    """Content digest of its files."""
    base_model: str
    iteration: int


@dataclass(frozen=True, slots=True)
class ArtifactRef:
    """A published artifact; what tasks pass to each other instead of tables."""

    kind: str
    path: str
    """Directory that holds the files and `record.json`."""
    fingerprint: str
    """Identity of the recipe."""
    content_digest: str
    """Identity of what the recipe made."""
    num_rows: int
    schema_version: int
