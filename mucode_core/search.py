"""Multi-turn Best-of-N search (paper section 4.3).

Each turn: N samples for the state, one is selected, its public tests run; the search stops if they pass or after T
turns, else it continues from the selected program only.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from mucode_core.config import Selection
from mucode_core.errors import ConfigError
from mucode_core.fingerprint import derive_seed, digest_of
from mucode_core.progress import Progress, ignore
from mucode_core.prompts import build_messages, render_prompt
from mucode_core.sampling.base import Sampler, SampleRequest, SamplingParams
from mucode_core.types import Completion, Message, Problem, PublicTurn, SearchRow, Verdict

Grade = Callable[[Sequence[tuple[Problem, str | None]]], list[tuple[Verdict, Verdict]]]
"""Public and private verdicts of programs."""
Score = Callable[[Sequence[tuple[str, str]]], list[float]]
"""Verifier scores of (rendered prompt, program)."""

_SCORED = ("lv", "pt+lv")


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
    index: int
    turns: list[PublicTurn] = field(default_factory=list)
    rejected: set[str | None] = field(default_factory=set)
    rows: list[SearchRow] = field(default_factory=list)
    done: bool = False

    @property
    def state(self) -> tuple[Message, ...]:
        return build_messages(self.problem.prompt, self.problem.public_tests, self.turns)


def search(
    problems: Sequence[Problem],
    sampler: Sampler,
    grade: Grade,
    score: Score | None,
    *,
    selections: Sequence[Selection],
    num_samples: int,
    num_turns: int,
    num_searches: int,
    params: SamplingParams,
    seed: int,
    exclude_rejected: bool = False,
    progress: Progress = ignore,
) -> list[SearchRow]:
    """Searches each problem with each way of selecting, `num_searches` times.

    The samples of a state are drawn with seeds of their own, so searches that reach the same state share them:
    they are sampled, executed and scored once.

    Args:
        problems: To solve.
        sampler: The generator.
        grade: Executes programs. Private verdicts serve `oracle` and the labels in the rows, nothing else.
        score: The verifier; None where no selection needs it.
        selections: `random`; `lv`, highest score; `pt`, passing public tests; `pt+lv`, those first, then score;
            `oracle`, a correct one where there is one.
        num_samples: N; 1 at temperature 0 is greedy decoding.
        num_turns: T.
        num_searches: Independent searches to average.
        params: How samples are drawn.
        seed: Of everything.
        exclude_rejected: Never select a program again that public tests rejected in the same search, unless all N
            samples are such programs (not the paper's).
        progress: Hears of programs after each turn; the total assumes that every open search takes all its turns.

    Returns:
        A row a turn taken, ordered by selection, search, problem and turn.

    Raises:
        ConfigError: A selection needs a verifier and there is none.
    """
    if score is None and (needy := [s for s in selections if s in _SCORED]):
        raise ConfigError("needs a verifier", place=f"selection {needy[0]}", cure="give one, or select otherwise")
    searches = [
        _Search(problem, selection, index)
        for selection in selections
        for index in range(num_searches)
        for problem in problems
    ]
    done = 0
    for turn in range(num_turns):
        live = [s for s in searches if not s.done]
        if not live:
            break
        pools = _draw(live, turn, num_samples, sampler, params, seed)
        candidates = _judge(pools, grade, score)
        for one in live:
            _advance(one, candidates[_key(one)], turn, num_turns, num_samples, exclude_rejected)
        done += sum(len(pool) for pool in candidates.values())
        still_open = {_key(one) for one in live if not one.done}
        progress(done, done + len(still_open) * num_samples * (num_turns - turn - 1), "programs")
    return [row for one in searches for row in one.rows]


_Key = tuple[int, str, tuple[Message, ...]]
_Pools = dict[_Key, tuple[Problem, list[tuple[Completion, int]]]]


def _key(one: _Search) -> _Key:
    return one.index, one.problem.problem_id, one.state


def _draw(
    live: Sequence[_Search], turn: int, num_samples: int, sampler: Sampler, params: SamplingParams, seed: int
) -> _Pools:
    """N samples for each distinct state, each with its seed."""
    owners = {_key(one): one.problem for one in live}
    requests: list[SampleRequest] = []
    for index, problem_id, messages in owners:
        state_seed = derive_seed(seed, "search", index, problem_id, turn, digest_of(messages))
        requests += [
            SampleRequest(problem_id, k, turn, messages, derive_seed(state_seed, k)) for k in range(num_samples)
        ]
    completions = sampler.sample(requests, params)
    drawn = list(zip(completions, (request.seed for request in requests), strict=True))
    return {
        key: (problem, drawn[i * num_samples : (i + 1) * num_samples])
        for i, (key, problem) in enumerate(owners.items())
    }


def _judge(pools: _Pools, grade: Grade, score: Score | None) -> dict[_Key, list[Candidate]]:
    """Executes and scores each distinct program once."""
    programs = {
        (problem.problem_id, completion.code): problem for problem, drawn in pools.values() for completion, _ in drawn
    }
    verdicts = dict(zip(programs, grade([(p, code) for (_, code), p in programs.items()]), strict=True))
    scores: dict[tuple[str, str | None], float] = {}
    if score is not None:
        scored = {key: problem for key, problem in programs.items() if key[1] is not None}
        items = [(render_prompt(p.prompt, p.public_tests), code or "") for (_, code), p in scored.items()]
        scores = dict(zip(scored, score(items), strict=True))
    return {
        key: [
            Candidate(c, *verdicts[problem.problem_id, c.code], scores.get((problem.problem_id, c.code)), tie)
            for c, tie in drawn
        ]
        for key, (problem, drawn) in pools.items()
    }


def _advance(
    one: _Search, candidates: Sequence[Candidate], turn: int, num_turns: int, num_samples: int, exclude_rejected: bool
) -> None:
    pool = candidates
    if exclude_rejected:
        pool = [c for c in candidates if c.completion.code not in one.rejected] or candidates
    chosen = select(pool, one.selection)
    one.done = chosen.public.passed or turn + 1 == num_turns
    one.rows.append(
        SearchRow(
            problem_id=one.problem.problem_id,
            selection=one.selection,
            search_index=one.index,
            num_samples=num_samples,
            turn_index=turn,
            program=chosen.completion.code,
            public_passed=chosen.public.passed,
            label=chosen.label,
            score=chosen.score,
            stopped=one.done,
        )
    )
    one.turns.append(PublicTurn(chosen.completion.text, chosen.public.feedback))
    one.rejected.add(chosen.completion.code)


def select(candidates: Sequence[Candidate], selection: Selection) -> Candidate:
    """The candidate a way of selecting picks; what it leaves open is decided at random."""

    def preference(candidate: Candidate) -> tuple[float, ...]:
        score = candidate.score if candidate.score is not None else float("-inf")
        passed = float(candidate.public.passed)
        order: dict[Selection, tuple[float, ...]] = {
            "random": (),
            "lv": (score,),
            "pt": (passed,),
            "pt+lv": (passed, score),
            "oracle": (float(candidate.label), passed),
        }
        return (*order[selection], candidate.tie)

    return max(candidates, key=preference)
