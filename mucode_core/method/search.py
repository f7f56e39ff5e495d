"""Multi-turn Best-of-N search (paper section 4.3).

Each turn: N samples for the state, one is selected, its public tests run; the search stops if they pass or after T
turns, else it continues from the selected program only. A beam selects the B best programs, runs the public tests of
each, and continues from all of them unless one passes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import islice

from mucode_core.answers import asked_by
from mucode_core.config import Selection
from mucode_core.errors import ConfigError
from mucode_core.fingerprint import derive_seed, digest_of
from mucode_core.method.agreement import NO_VOTES, Votes, count_votes
from mucode_core.progress import Progress, ignore
from mucode_core.prompts import build_messages, render_prompt
from mucode_core.sampling.base import Sampler, SampleRequest
from mucode_core.sandbox.observing import Behaviour
from mucode_core.store.recipe import SettingsGroup
from mucode_core.types import Completion, Message, Problem, PublicTurn, SamplingParams, SearchRow, Verdict
from mucode_core.verifier.finite import require_finite

Grade = Callable[[Sequence[tuple[Problem, str | None]]], list[tuple[Verdict, Verdict]]]
"""Public and private verdicts of programs."""
Score = Callable[[Sequence[tuple[str, str]]], list[float]]
"""Verifier scores of (rendered prompt, program)."""

Observe = Callable[[Sequence[tuple[Problem, str]]], list[Behaviour]]
"""What programs give for inputs."""

NEED_VERIFIER: tuple[Selection, ...] = ("lv", "pt+lv", "pt+agree+lv")
NEED_BEHAVIOUR: tuple[Selection, ...] = ("agree", "pt+agree", "pt+agree+lv")


def usable_selections(selections: Sequence[Selection], has_verifier: bool) -> tuple[Selection, ...]:
    """The selection strategies that can be used: without a verifier only those that need none.

    Raises:
        ConfigError: None can be used.
    """
    usable: list[Selection] = [s for s in selections if has_verifier or s not in NEED_VERIFIER]
    if not usable:
        hint = "name one with --verifier, or select by random, pt or pt+agree"
        raise ConfigError("needs a verifier", location=f"selection {', '.join(selections)}", hint=hint)
    return tuple(usable)


@dataclass(frozen=True)
class Candidate:
    """One of the N samples of a state, with its verdicts and score."""

    completion: Completion
    public: Verdict
    private: Verdict
    score: float | None
    tie: int
    """Random, from the sample's seed: breaks ties and drives random selection."""
    behaviour: Behaviour | None = None

    @property
    def label(self) -> bool:
        return self.public.is_label and self.private.is_label


@dataclass
class _Search:
    """The state of one search."""

    problem: Problem
    selection: Selection
    num_samples: int
    index: int
    beam: list[tuple[PublicTurn, ...]] = field(default_factory=lambda: [()])
    """The histories it continues from, best first; only one unless `beam_width` > 1."""
    rejected: set[str | None] = field(default_factory=set)
    rows: list[SearchRow] = field(default_factory=list)
    done: bool = False

    @property
    def keys(self) -> list[_Key]:
        """Its states. Searches in the same state share its samples."""
        problem = self.problem
        return [
            (self.index, problem.problem_id, build_messages(problem.prompt, problem.shown_tests, turns))
            for turns in self.beam
        ]


_Key = tuple[int, str, tuple[Message, ...]]
_SamplesByState = dict[_Key, tuple[Problem, list[tuple[Completion, int]]]]
_Program = tuple[str, str | None]


@dataclass(frozen=True)
class _Evaluated:
    """What is known of a program for a problem."""

    public: Verdict
    private: Verdict
    score: float | None
    behaviour: Behaviour | None


@dataclass(frozen=True)
class SearchPlan(SettingsGroup):
    """What to search."""

    selections: tuple[Selection, ...]
    """`random`; `lv`, highest score; `pt`, passing public tests; `pt+lv`, those first, then score; `agree`, of the
    largest group that gives the same outputs; `pt+agree`, of those that pass most public tests; `pt+agree+lv`, then
    score; `oracle`, a correct one if there is one."""
    num_samples: tuple[int, ...]
    """Values of N, samples per state; 1 at temperature 0 is greedy decoding."""
    num_turns: int
    """T."""
    num_searches: int
    """Independent searches per problem."""
    params: SamplingParams
    seed: int
    """Seed of all samples."""
    beam_width: int = 1
    """Distinct programs to select per turn (paper: 1). The turn's answer is the best of them that passes the public
    tests, or else the best; without a pass the next turn draws N samples for each."""
    exclude_rejected: bool = False
    """Never reselect a program that public tests rejected in the same search, unless all samples are such programs
    (not in the paper)."""


def search(
    problems: Sequence[Problem],
    sampler: Sampler,
    grade: Grade,
    score: Score | None,
    plan: SearchPlan,
    progress: Progress = ignore,
    observe: Observe | None = None,
) -> list[SearchRow]:
    """Searches each problem with each selection strategy and each N, `num_searches` times.

    Samples are seeded by state, so searches that reach the same state share them: each is sampled once, and each
    program is executed and scored once. A search with a smaller N takes the first N samples, exactly those it would
    draw alone: one call gives every N without bias, but with shared samples, so compare results pairwise. From turn 2
    on states, and samples, differ between strategies and values of N. Events up to turn t do not depend on T.

    Args:
        problems: To solve.
        sampler: The generator.
        grade: Executes programs. Private verdicts are used by `oracle` and for the labels in the rows only.
        score: The verifier; None if no strategy needs it.
        plan: What to search.
        progress: Called after each turn; the total assumes that every open search uses all its turns.
        observe: Runs programs on inputs, where a selection strategy needs that; None if none does.

    Returns:
        One row per turn, ordered by selection strategy, N, search, problem and turn.

    Raises:
        ConfigError: A selection strategy needs a verifier, or outputs of programs, and there is none.
        TrainingError: A verifier score is NaN or infinite.
    """
    _require_means(plan.selections, score, observe)
    observe = observe if set(plan.selections) & set(NEED_BEHAVIOUR) else None
    searches = _open_searches(problems, plan)
    evaluated: dict[_Program, _Evaluated] = {}
    done = 0
    for turn in range(plan.num_turns):
        live = [s for s in searches if not s.done]
        if not live:
            break
        samples = _draw(live, turn, sampler, plan.params, plan.seed)
        _evaluate(samples, grade, score, observe, evaluated)
        for current in live:
            drawn = [_candidates(samples[key], current.num_samples, evaluated) for key in current.keys]
            _advance(current, drawn, turn, plan)
        done += sum(len(drawn) for _, drawn in samples.values())
        left = sum(_sample_counts(s for s in live if not s.done).values()) * (plan.num_turns - turn - 1)
        progress(done, done + left, "programs")
    return [row for finished in searches for row in finished.rows]


def _open_searches(problems: Sequence[Problem], plan: SearchPlan) -> list[_Search]:
    return [
        _Search(problem, selection, n, index)
        for selection in plan.selections
        for n in plan.num_samples
        for index in range(plan.num_searches)
        for problem in problems
    ]


def _require_means(selections: Sequence[Selection], score: Score | None, observe: Observe | None) -> None:
    """Refuses selection strategies that cannot select."""
    if score is None and (needy := [s for s in selections if s in NEED_VERIFIER]):
        raise ConfigError("needs a verifier", location=f"selection {needy[0]}", hint="give one, or select otherwise")
    if observe is None and (needy := [s for s in selections if s in NEED_BEHAVIOUR]):
        raise ConfigError("needs outputs of programs", location=f"selection {needy[0]}", hint="select otherwise")


def _sample_counts(live: Iterable[_Search]) -> dict[_Key, int]:
    """Samples to draw for each distinct state: the largest N among its searches."""
    counts: dict[_Key, int] = {}
    for current in live:
        for key in current.keys:
            counts[key] = max(counts.get(key, 0), current.num_samples)
    return counts


def _draw(live: Sequence[_Search], turn: int, sampler: Sampler, params: SamplingParams, seed: int) -> _SamplesByState:
    """The samples of each distinct state, each with its seed."""
    problems = {current.problem.problem_id: current.problem for current in live}
    requests: dict[_Key, list[SampleRequest]] = {}
    for key, count in _sample_counts(live).items():
        index, problem_id, messages = key
        state_seed = derive_seed(seed, "search", index, problem_id, turn, digest_of(messages))
        asked = asked_by(problems[problem_id].prompt, problems[problem_id].entry_point)
        seeds = [derive_seed(state_seed, k) for k in range(count)]
        requests[key] = [SampleRequest(problem_id, k, turn, messages, seed, asked) for k, seed in enumerate(seeds)]
    completions = iter(sampler.sample([request for batch in requests.values() for request in batch], params))
    return {
        key: (problems[key[1]], [(c, r.seed) for r, c in zip(batch, islice(completions, len(batch)), strict=True)])
        for key, batch in requests.items()
    }


def _evaluate(
    samples: _SamplesByState,
    grade: Grade,
    score: Score | None,
    observe: Observe | None,
    evaluated: dict[_Program, _Evaluated],
) -> None:
    """Executes, scores and observes each new program."""
    programs = {
        (problem.problem_id, completion.code): problem
        for problem, drawn in samples.values()
        for completion, _ in drawn
        if (problem.problem_id, completion.code) not in evaluated
    }
    if not programs:
        return
    verdicts = dict(zip(programs, grade([(p, code) for (_, code), p in programs.items()]), strict=True))
    scores: dict[_Program, float] = {}
    behaviours: dict[_Program, Behaviour] = {}
    found = {key: (problem, key[1]) for key, problem in programs.items() if key[1] is not None}
    if score is not None and found:
        items = [(render_prompt(p.prompt, p.shown_tests), code) for p, code in found.values()]
        scores = dict(zip(found, score(items), strict=True))
        require_finite(scores.values(), (problem_id for problem_id, _ in found))
    if observe is not None and found:
        behaviours = dict(zip(found, observe(list(found.values())), strict=True))
    for key, (public, private) in verdicts.items():
        evaluated[key] = _Evaluated(public, private, scores.get(key), behaviours.get(key))


def _candidates(
    samples: tuple[Problem, list[tuple[Completion, int]]], num_samples: int, evaluated: dict[_Program, _Evaluated]
) -> list[Candidate]:
    problem, drawn = samples
    candidates: list[Candidate] = []
    for completion, tie in drawn[:num_samples]:
        outcome = evaluated[problem.problem_id, completion.code]
        candidates.append(Candidate(completion, outcome.public, outcome.private, outcome.score, tie, outcome.behaviour))
    return candidates


def _advance(
    current: _Search,
    drawn: Sequence[Sequence[Candidate]],
    turn: int,
    plan: SearchPlan,
) -> None:
    """Takes one turn: `drawn` holds the candidates of each state of the beam."""
    everything = [(turns, c) for turns, candidates in zip(current.beam, drawn, strict=True) for c in candidates]
    eligible = everything
    if plan.exclude_rejected:
        eligible = [(turns, c) for turns, c in everything if c.completion.code not in current.rejected] or everything
    history = {id(c): turns for turns, c in eligible}
    selected = rank([c for _, c in eligible], current.selection, plan.beam_width)
    answer = next((c for c in selected if c.public.passed), selected[0])
    current.done = answer.public.passed or turn + 1 == plan.num_turns
    current.rows.append(
        SearchRow(
            problem_id=current.problem.problem_id,
            selection=current.selection,
            search_index=current.index,
            num_samples=current.num_samples,
            turn_index=turn,
            program=answer.completion.code,
            public_passed=answer.public.passed,
            label=answer.label,
            score=answer.score,
            stopped=current.done,
            num_drawn=len(everything),
            num_distinct=len({c.completion.code for _, c in everything} - {None}),
            num_tokens=sum(c.completion.num_tokens for _, c in everything),
        )
    )
    current.beam = [(*history[id(c)], PublicTurn(c.completion.text, c.public.feedback)) for c in selected]
    current.rejected |= {c.completion.code for c in selected}


def rank(candidates: Sequence[Candidate], selection: Selection, count: int) -> list[Candidate]:
    """The `count` best distinct programs under a selection strategy; ties are broken at random.

    Each sample has its own random tie-break, so a program drawn twice is twice as likely to win a tie.
    """

    keys = [(*key, c.tie) for key, c in zip(_preferences(candidates, selection), candidates, strict=True)]
    ranked = sorted(range(len(candidates)), key=keys.__getitem__, reverse=True)
    best: dict[str | None, Candidate] = {}
    for candidate in (candidates[index] for index in ranked):
        best.setdefault(candidate.completion.code, candidate)
    return list(islice(best.values(), count))


def _preferences(candidates: Sequence[Candidate], selection: Selection) -> list[tuple[float, ...]]:
    """Sort key of each candidate of a state."""
    if selection not in NEED_BEHAVIOUR:
        return [_preference(candidate, selection, NO_VOTES) for candidate in candidates]
    most = max(candidate.public.num_passed for candidate in candidates)
    voters = [c.behaviour if selection == "agree" or c.public.num_passed == most else None for c in candidates]
    return [_preference(c, selection, votes) for c, votes in zip(candidates, count_votes(voters), strict=True)]


def _preference(candidate: Candidate, selection: Selection, votes: Votes) -> tuple[float, ...]:
    """Sort key of a selection strategy: higher is better, ties are broken at random."""
    return _KEYS[selection](candidate, votes)


def _score(candidate: Candidate) -> float:
    return candidate.score if candidate.score is not None else float("-inf")


def _passed(candidate: Candidate) -> float:
    return float(candidate.public.passed)


_KEYS: dict[Selection, Callable[[Candidate, Votes], tuple[float, ...]]] = {
    "random": lambda candidate, votes: (),
    "lv": lambda candidate, votes: (_score(candidate),),
    "pt": lambda candidate, votes: (_passed(candidate),),
    "pt+lv": lambda candidate, votes: (_passed(candidate), _score(candidate)),
    "agree": lambda candidate, votes: votes,
    "pt+agree": lambda candidate, votes: votes,
    "pt+agree+lv": lambda candidate, votes: (*votes, _score(candidate)),
    "oracle": lambda candidate, votes: (float(candidate.label), _passed(candidate)),
}


def chance_of_correct(candidates: Sequence[Candidate], selection: Selection) -> float:
    """Probability that a selection strategy selects a correct candidate: the share among those tied for best."""
    keys = _preferences(candidates, selection)
    best = max(keys)
    labels = [candidate.label for key, candidate in zip(keys, candidates, strict=True) if key == best]
    return sum(labels) / len(labels)
