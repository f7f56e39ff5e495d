"""Multi-turn Best-of-N search (paper section 4.3).

Each turn: N samples for the state, one is selected, its public tests run; the search stops if they pass or after T
turns, else it continues from the selected program only. A beam selects the B best programs, runs the public tests of
each, and continues from all of them unless one passes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import islice

from mucode_core.config import Selection
from mucode_core.errors import ConfigError
from mucode_core.fingerprint import derive_seed, digest_of
from mucode_core.progress import Progress, ignore
from mucode_core.prompts import build_messages, render_prompt
from mucode_core.sampling.base import Sampler, SampleRequest, SamplingParams
from mucode_core.types import Completion, Message, Problem, PublicTurn, SearchRow, Verdict
from mucode_core.verifier.checks import require_finite

Grade = Callable[[Sequence[tuple[Problem, str | None]]], list[tuple[Verdict, Verdict]]]
"""Public and private verdicts of programs."""
Score = Callable[[Sequence[tuple[str, str]]], list[float]]
"""Verifier scores of (rendered prompt, program)."""

NEED_VERIFIER: tuple[Selection, ...] = ("lv", "pt+lv")


def usable_selections(selections: Sequence[Selection], has_verifier: bool) -> tuple[Selection, ...]:
    """Those of the selections that can be made: without a verifier not the ones that need it.

    Raises:
        ConfigError: None is left.
    """
    usable: list[Selection] = [s for s in selections if has_verifier or s not in NEED_VERIFIER]
    if not usable:
        cure = "name one with --verifier, or select by random, pt or oracle"
        raise ConfigError("needs a verifier", place=f"selection {', '.join(selections)}", cure=cure)
    return tuple(usable)


@dataclass(frozen=True)
class Candidate:
    """One of the N samples of a state, with all that is known of it."""

    completion: Completion
    public: Verdict
    private: Verdict
    score: float | None
    tie: int
    """Random, from the sample's seed: breaks ties and makes the random selection."""

    @property
    def label(self) -> bool:
        return self.public.passed and self.private.passed


@dataclass
class _Search:
    """One search that is going on."""

    problem: Problem
    selection: Selection
    num_samples: int
    index: int
    beam: list[tuple[PublicTurn, ...]] = field(default_factory=lambda: [()])
    """The histories it continues from, best first; one a search except with a wider beam."""
    rejected: set[str | None] = field(default_factory=set)
    rows: list[SearchRow] = field(default_factory=list)
    done: bool = False

    @property
    def keys(self) -> list[_Key]:
        """Its states. Searches that reach the same state share its samples."""
        problem = self.problem
        return [
            (self.index, problem.problem_id, build_messages(problem.prompt, problem.shown_tests, turns))
            for turns in self.beam
        ]


_Key = tuple[int, str, tuple[Message, ...]]
_Pools = dict[_Key, tuple[Problem, list[tuple[Completion, int]]]]
_Program = tuple[str, str | None]


@dataclass(frozen=True)
class _Judged:
    """What is known of a program of a problem."""

    public: Verdict
    private: Verdict
    score: float | None


def search(
    problems: Sequence[Problem],
    sampler: Sampler,
    grade: Grade,
    score: Score | None,
    *,
    selections: Sequence[Selection],
    num_samples: Sequence[int],
    num_turns: int,
    num_searches: int,
    params: SamplingParams,
    seed: int,
    beam_width: int = 1,
    exclude_rejected: bool = False,
    progress: Progress = ignore,
) -> list[SearchRow]:
    """Searches each problem with each way of selecting and each N, `num_searches` times.

    The samples of a state are drawn with seeds of their own, so searches that reach the same state share them: they
    are sampled once, and a program is executed and scored once in all. A search with a smaller N takes the first N of
    them, exactly what it would draw alone. So one call gives every N without bias, but its figures share samples:
    compare them pairwise. States differ once selections do: from turn 2 on, each N draws what others did not.
    What happens up to turn t does not depend on T, so one call gives every smaller T too.

    Args:
        problems: To solve.
        sampler: The generator.
        grade: Executes programs. Private verdicts serve `oracle` and the labels in the rows, nothing else.
        score: The verifier; None where no selection needs it.
        selections: `random`; `lv`, highest score; `pt`, passing public tests; `pt+lv`, those first, then score;
            `oracle`, a correct one where there is one.
        num_samples: Values of N, samples a state; 1 at temperature 0 is greedy decoding.
        num_turns: T.
        num_searches: Independent searches to average.
        params: How samples are drawn.
        seed: Of everything.
        beam_width: Distinct programs to select a turn (paper: 1). The turn's answer is the best of them that passes
            the public tests, or else the best; without a pass the next turn draws N samples for each.
        exclude_rejected: Never select a program again that public tests rejected in the same search, unless all
            samples are such programs (not the paper's).
        progress: Hears of programs after each turn; the total assumes that every open search takes all its turns.

    Returns:
        A row a turn taken, ordered by selection, N, search, problem and turn.

    Raises:
        ConfigError: A selection needs a verifier and there is none.
        TrainingError: The verifier's score of a program is no number.
    """
    if score is None and (needy := [s for s in selections if s in NEED_VERIFIER]):
        raise ConfigError("needs a verifier", place=f"selection {needy[0]}", cure="give one, or select otherwise")
    searches = [
        _Search(problem, selection, n, index)
        for selection in selections
        for n in num_samples
        for index in range(num_searches)
        for problem in problems
    ]
    judged: dict[_Program, _Judged] = {}
    done = 0
    for turn in range(num_turns):
        live = [s for s in searches if not s.done]
        if not live:
            break
        pools = _draw(live, turn, sampler, params, seed)
        _judge(pools, grade, score, judged)
        for one in live:
            drawn = [_candidates(pools[key], one.num_samples, judged) for key in one.keys]
            _advance(one, drawn, turn, num_turns, beam_width, exclude_rejected)
        done += sum(len(drawn) for _, drawn in pools.values())
        left = sum(_wanted(s for s in live if not s.done).values()) * (num_turns - turn - 1)
        progress(done, done + left, "programs")
    return [row for one in searches for row in one.rows]


def _wanted(live: Iterable[_Search]) -> dict[_Key, int]:
    """Samples to draw for each distinct state: the largest N among its searches."""
    wanted: dict[_Key, int] = {}
    for one in live:
        for key in one.keys:
            wanted[key] = max(wanted.get(key, 0), one.num_samples)
    return wanted


def _draw(live: Sequence[_Search], turn: int, sampler: Sampler, params: SamplingParams, seed: int) -> _Pools:
    """The samples of each distinct state, each with its seed."""
    problems = {one.problem.problem_id: one.problem for one in live}
    requests: dict[_Key, list[SampleRequest]] = {}
    for key, count in _wanted(live).items():
        index, problem_id, messages = key
        state_seed = derive_seed(seed, "search", index, problem_id, turn, digest_of(messages))
        requests[key] = [SampleRequest(problem_id, k, turn, messages, derive_seed(state_seed, k)) for k in range(count)]
    completions = iter(sampler.sample([request for asked in requests.values() for request in asked], params))
    return {
        key: (problems[key[1]], [(c, r.seed) for r, c in zip(asked, islice(completions, len(asked)), strict=True)])
        for key, asked in requests.items()
    }


def _judge(pools: _Pools, grade: Grade, score: Score | None, judged: dict[_Program, _Judged]) -> None:
    """Executes and scores each program that was not seen before."""
    programs = {
        (problem.problem_id, completion.code): problem
        for problem, drawn in pools.values()
        for completion, _ in drawn
        if (problem.problem_id, completion.code) not in judged
    }
    if not programs:
        return
    verdicts = dict(zip(programs, grade([(p, code) for (_, code), p in programs.items()]), strict=True))
    scores: dict[_Program, float] = {}
    scored = {key: problem for key, problem in programs.items() if key[1] is not None}
    if score is not None and scored:
        items = [(render_prompt(p.prompt, p.shown_tests), code or "") for (_, code), p in scored.items()]
        scores = dict(zip(scored, score(items), strict=True))
        require_finite(scores.values(), (problem_id for problem_id, _ in scored))
    for key, (public, private) in verdicts.items():
        judged[key] = _Judged(public, private, scores.get(key))


def _candidates(
    pool: tuple[Problem, list[tuple[Completion, int]]], num_samples: int, judged: dict[_Program, _Judged]
) -> list[Candidate]:
    problem, drawn = pool
    found: list[Candidate] = []
    for completion, tie in drawn[:num_samples]:
        known = judged[problem.problem_id, completion.code]
        found.append(Candidate(completion, known.public, known.private, known.score, tie))
    return found


def _advance(
    one: _Search,
    drawn: Sequence[Sequence[Candidate]],
    turn: int,
    num_turns: int,
    beam_width: int,
    exclude_rejected: bool,
) -> None:
    """Takes one turn: `drawn` holds the candidates of each state of the beam."""
    everything = [(turns, c) for turns, candidates in zip(one.beam, drawn, strict=True) for c in candidates]
    pool = everything
    if exclude_rejected:
        pool = [(turns, c) for turns, c in everything if c.completion.code not in one.rejected] or everything
    history = {id(c): turns for turns, c in pool}
    kept = rank([c for _, c in pool], one.selection, beam_width)
    answer = next((c for c in kept if c.public.passed), kept[0])
    one.done = answer.public.passed or turn + 1 == num_turns
    one.rows.append(
        SearchRow(
            problem_id=one.problem.problem_id,
            selection=one.selection,
            search_index=one.index,
            num_samples=one.num_samples,
            turn_index=turn,
            program=answer.completion.code,
            public_passed=answer.public.passed,
            label=answer.label,
            score=answer.score,
            stopped=one.done,
            num_drawn=len(everything),
            num_distinct=len({c.completion.code for _, c in everything} - {None}),
            num_tokens=sum(c.completion.num_tokens for _, c in everything),
        )
    )
    one.beam = [(*history[id(c)], PublicTurn(c.completion.text, c.public.feedback)) for c in kept]
    one.rejected |= {c.completion.code for c in kept}


def rank(candidates: Sequence[Candidate], selection: Selection, count: int) -> list[Candidate]:
    """The `count` best distinct programs by a way of selecting; what it leaves open is decided at random.

    Each sample has a random tie-break of its own, so a program drawn twice is twice as likely to win a tie.
    """

    def order(candidate: Candidate) -> tuple[float, ...]:
        return (*_preference(candidate, selection), candidate.tie)

    best: dict[str | None, Candidate] = {}
    for candidate in sorted(candidates, key=order, reverse=True):
        best.setdefault(candidate.completion.code, candidate)
    return list(islice(best.values(), count))


def _preference(candidate: Candidate, selection: Selection) -> tuple[float, ...]:
    """What a way of selecting goes by: higher is better, equals are left to chance."""
    score = candidate.score if candidate.score is not None else float("-inf")
    passed = float(candidate.public.passed)
    by: dict[Selection, tuple[float, ...]] = {
        "random": (),
        "lv": (score,),
        "pt": (passed,),
        "pt+lv": (passed, score),
        "oracle": (float(candidate.label), passed),
    }
    return by[selection]


def chance_of_correct(candidates: Sequence[Candidate], selection: Selection) -> float:
    """Probability that the candidate which a way of selecting takes is correct: the share among those it prefers."""
    best = max(_preference(candidate, selection) for candidate in candidates)
    labels = [candidate.label for candidate in candidates if _preference(candidate, selection) == best]
    return sum(labels) / len(labels)
