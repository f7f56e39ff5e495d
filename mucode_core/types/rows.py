"""Rows passed between stages, apart from problems: frozen dataclasses, each with a schema in `store.schemas`."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

VerdictStatus = Literal[
    "passed",
    "failed",
    "error",
    "missing_module",
    "timeout",
    "memory_exceeded",
    "output_exceeded",
    "no_code",
    "not_judged",
]
FinishReason = Literal["stop", "length"]
StopReason = Literal["public_pass", "max_turns"]


@dataclass(frozen=True, slots=True)
class Completion:
    """What the model wrote in one turn."""

    text: str
    code: str | None
    """The program extracted from the text; None if there is none."""
    finish_reason: FinishReason
    num_tokens: int
    rule: str = ""
    """Which part of the rule for answers found the program (`mucode_core.answers.Rule`); empty in older rows."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """Outcome of running one set of tests on one program."""

    status: VerdictStatus
    num_passed: int
    num_tests: int
    feedback: str
    """Deterministic text for the model, free of machine paths; empty when all tests passed."""
    cpu_s: float = field(metadata={"measured": True}, compare=False)
    """CPU seconds of the program. A measurement, excluded from an artifact's content digest."""
    num_delegated: int = 0
    """Untrusted answers of the program's own objects, such as its `__eq__`, that the tests relied on."""

    @property
    def passed(self) -> bool:
        return self.status == "passed"

    @property
    def is_label(self) -> bool:
        """Whether the pass may be a training label: it rests on no untrusted answer."""
        return self.passed and self.num_delegated == 0


@dataclass(frozen=True, slots=True)
class ProgramCost:
    """What executing the program of one turn cost; stored beside the rollouts, outside their content digest."""

    rollout_id: str
    turn_index: int
    cpu_s: float
    """CPU seconds of the program on its public and private tests."""


@dataclass(frozen=True, slots=True)
class GradedSample:
    """One program of a sample file, run against all tests of its problem."""

    problem_id: str
    sample_index: int
    """Index among the samples of the problem, in the file's order."""
    status: VerdictStatus
    """Status of the public tests, or of the private ones if the public passed."""
    public_passed: bool
    passed: bool
    num_passed: int
    num_tests: int
    feedback: str
    """May reveal private tests: never show it to a model."""
    cpu_s: float = field(compare=False)
    """CPU seconds of the program; a measurement."""
    num_delegated: int = 0
    """Untrusted answers of the program's own objects that the tests relied on."""
    rule: str = ""
    """Which part of the rule for answers found the program (`mucode_core.answers.Rule`); empty where none was asked."""


@dataclass(frozen=True, slots=True)
class PublicTurn:
    """All that a prompt may contain of a turn: the model's text and the public tests' feedback."""

    text: str
    feedback: str


@dataclass(frozen=True, slots=True)
class Turn:
    """One completion and its verdicts."""

    turn_index: int
    completion: Completion
    public_verdict: Verdict
    private_verdict: Verdict
    """For labels and metrics only; `prompts` cannot access it."""

    @property
    def label(self) -> bool:
        """Correct: public and private tests all passed, without an untrusted answer of the program."""
        return self.public_verdict.is_label and self.private_verdict.is_label

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
    """None while the rollout is in progress."""

    @property
    def label(self) -> bool:
        return bool(self.turns) and self.turns[-1].label


@dataclass(frozen=True, slots=True)
class Sample:
    """A completion sampled for a rollout's next turn, not yet executed."""

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
    """The completion that local search chose for one problem."""

    problem_id: str
    rollout_id: str
    turn_index: int
    completion: Completion
    label: bool
    score: float
    """Its verifier score."""
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
    """One turn of one multi-turn Best-of-N search: the selected program and its outcome."""

    problem_id: str
    selection: str
    search_index: int
    num_samples: int
    turn_index: int
    program: str | None
    public_passed: bool
    label: bool
    score: float | None
    """The program's verifier score; None without a verifier."""
    stopped: bool
    """The search ended with this turn."""
    num_drawn: int
    """Samples drawn in this turn: N for each state of the beam."""
    num_distinct: int
    """Distinct programs among them."""
    num_tokens: int
    """Tokens of those samples: the cost of this search alone, counting shared samples each time."""


@dataclass(frozen=True, slots=True)
class ProblemOutcome:
    """Counts for one decoding strategy on one problem after one turn, from which metrics are computed.

    A stopped search keeps its last program. Samples are counted up to this turn.
    """

    problem_id: str
    generator: str
    """"base", "iteration 1", ..., or "final": the generator that the run keeps or evaluates."""
    decoding: str
    """"greedy", "independent" (rollouts without selection), or a selection strategy."""
    num_samples: int
    """N: samples per turn and search."""
    turn_index: int
    num_searches: int
    """Independent searches, or rollouts."""
    num_correct: int
    """Searches whose program passes public and private tests."""
    num_public_passed: int
    num_drawn: int
    num_distinct: int
    """Distinct programs: summed over turns and searches; for independent rollouts, among all of them."""
    num_tokens: int


@dataclass(frozen=True, slots=True)
class ArtifactRef:
    """A published artifact; tasks pass it to each other instead of tables."""

    kind: str
    path: str
    """Directory that holds the files and `record.json`."""
    fingerprint: str
    """Identity of the recipe."""
    content_digest: str
    """Identity of the recipe's output."""
    num_rows: int
    schema_version: int


@dataclass(frozen=True, slots=True)
class SamplingParams:
    """How completions are drawn."""

    temperature: float
    """0 is greedy decoding."""
    top_p: float
    max_new_tokens: int
