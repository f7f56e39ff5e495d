"""Scoring programs with a verifier behind a vLLM server: every kind of score."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from mucode_core.config import ScorerConfig
from mucode_core.models.checkpoint_kind import read_scoring
from mucode_core.progress import Progress, ignore
from mucode_core.serving.endpoints import OwnedEndpoint, is_cpu_build
from mucode_core.serving.http_client import Endpoint, HttpClient, first_error
from mucode_core.serving.lease import ServerPlan
from mucode_core.types import ScoreKind
from mucode_core.verifier.finite import require_finite
from mucode_core.verifier.judge import JudgeClient

T = TypeVar("T")
Item = tuple[str, str]
Run = Callable[[str, Sequence[tuple[Any, ...]]], list[Any]]
"""Runs a function, given by name, on each tuple of arguments in another process; see `WorkerPool.map`."""

EncodedItem = tuple[list[int], int]
"""Token ids, and how many of the last ones are the program's."""

_ITEMS_AT_ONCE = 2000
"""Programs whose tokens are held at a time, however many there are."""
_ITEMS_A_REQUEST = 32
_CONCURRENCY = 8
"""Requests in the server's queue: together as many programs as its batch holds."""
_TIMEOUT_S = 600.0
"""Timeout of one request, including its time in the server's queue."""
_HINT = "see the server's log"
_ARGUMENTS: Mapping[ScoreKind, tuple[str, ...]] = {
    "head": ("--runner", "pooling"),
    "likelihood": (),
    # after a request's allowed tokens: the log-probabilities of both answers are the two that are left
    "token": ("--logprobs-mode", "processed_logprobs"),
}
_SMALL_BLOCKS = ("--block-size", "32")
"""On CPU vLLM caches blocks of 128 tokens where nothing is said, and of 32 at least. What is left over of a prompt is
read again for each of its programs.
"""


class _ScorerEndpoint(OwnedEndpoint):
    """A server whose pooling endpoint is beside /v1."""

    def ensure(self) -> str:
        """See `Endpoint.ensure`."""
        return super().ensure().removesuffix("/v1")


class ScoringClient:
    """Scores by one verifier's server, which starts when it is first asked, and again when it dies.

    Args:
        verifier_dir: The checkpoint, which says how it scores.
        endpoint: The server, without /v1.

    Raises:
        DataError: The checkpoint holds no verifier.
    """

    def __init__(self, verifier_dir: Path, endpoint: Endpoint) -> None:
        self._dir, self._kind = verifier_dir, read_scoring(verifier_dir).kind
        self.endpoint = endpoint
        self._http = HttpClient(endpoint, _CONCURRENCY, _TIMEOUT_S)

    def score(self, items: Sequence[Item], run: Run, progress: Progress = ignore) -> list[float]:
        """R(x, y) for each (prompt, program), in order; items that begin alike should follow each other.

        A request that a dying server loses is sent again to the next one.

        Args:
            items: See `score.score_programs`; long ones are truncated to the server's limit.
            run: Encodes them, which needs torch's imports.
            progress: Called with programs.

        Raises:
            SamplerError: The server does not answer; a retry may succeed.
            ConfigError: The server refused a request; a retry would be refused too.
            TrainingError: A score is NaN or infinite.
            TimeLimitError: The caller's time limit has passed.
        """
        models = self._http.run(lambda: self._ask("GET", "/v1/models", None, lambda data: data["data"]))
        longest, scores = int(models[0]["max_model_len"]), list[float]()
        for some in _cut(items, _ITEMS_AT_ONCE):
            ((rows, answers),) = run(f"{__name__}:encode", [(self._dir, some, longest)])
            for part in self._http.run(partial(self._score_all, rows, answers)):
                scores += part
            progress(len(scores), len(items), "programs")
        require_finite(scores, (f"{self._dir}, prompt {prompt[:40]!r}" for prompt, _ in items))
        return scores

    def close(self) -> None:
        """Cancels pending requests, and stops the server."""
        self._http.close()

    async def _score_all(self, rows: Sequence[EncodedItem], answers: tuple[int, int]) -> list[list[float]]:
        try:
            async with asyncio.TaskGroup() as group:
                parts = _cut(rows, _ITEMS_A_REQUEST)
                tasks = [group.create_task(self._score_some(part, answers)) for part in parts]
        except BaseExceptionGroup as errors:
            raise first_error(errors) from None
        return [task.result() for task in tasks]

    async def _score_some(self, rows: Sequence[EncodedItem], answers: tuple[int, int]) -> list[float]:
        body: dict[str, Any] = {"model": OwnedEndpoint.model}
        ids = [ids for ids, _ in rows]
        if self._kind == "head":
            body |= {"input": ids, "use_activation": False}
            return await self._ask("POST", "/classify", body, lambda data: _read_heads(data, len(rows)))
        body |= {"prompt": ids, "max_tokens": 1, "temperature": 0.0}
        if self._kind == "likelihood":
            body |= {"prompt_logprobs": 0}
            return await self._ask("POST", "/v1/completions", body, lambda data: list(_read_sums(data, rows)))
        body |= {"allowed_token_ids": answers, "logprobs": 2, "return_tokens_as_token_ids": True}
        return await self._ask("POST", "/v1/completions", body, lambda data: list(_read_odds(data, len(rows), answers)))

    async def _ask(self, method: str, path: str, body: Any, read: Callable[[Any], T]) -> T:
        response = await self._http.request(method, path, body)
        response.require_success({}, _HINT)
        try:
            return read(json.loads(response.text))
        except (ValueError, KeyError, IndexError, TypeError) as error:
            raise self._http.error(f"{path} answered {response.text[:200]} ({error!r})", _HINT) from None


def encode(verifier_dir: Path, items: Sequence[Item], longest: int) -> tuple[list[EncodedItem], tuple[int, int]]:
    """Items as a verifier reads them, and the ids of its answers if it asks for them.

    Args:
        verifier_dir: The checkpoint.
        items: Prompts and programs.
        longest: Tokens that the server takes, of which a completion needs one.
    """
    from mucode_core.models.answer_tokens import find_answers
    from mucode_core.models.chat_encoding import IGNORED
    from mucode_core.training.causal_lm import load_tokenizer
    from mucode_core.verifier.model import encode_programs, shorten

    tokenizer, scoring = load_tokenizer(verifier_dir), read_scoring(verifier_dir)
    room = longest if scoring.kind == "head" else longest - 1
    rows = [shorten(example, room) for example in encode_programs(tokenizer, items, scoring.question)]
    counts = (sum(label != IGNORED for label in row.labels[1:]) for row in rows)
    answers = find_answers(tokenizer, scoring.answers) if scoring.kind == "token" else (0, 0)
    return list(zip([row.ids for row in rows], counts, strict=True)), answers


def open_scorer(plan: ServerPlan) -> ScoringClient | JudgeClient:
    """The client of the endpoint that the settings name, or of a server of the verifier's own.

    Raises:
        ConfigError: vLLM is not installed.
        DataError: The checkpoint holds no verifier.
    """
    scoring, engine = read_scoring(plan.model_dir), plan.engine
    if isinstance(engine, ScorerConfig) and engine.base_url:
        return JudgeClient(engine, scoring)
    arguments = (*_ARGUMENTS[scoring.kind], *(_SMALL_BLOCKS if is_cpu_build() else ()))
    return ScoringClient(plan.model_dir, _ScorerEndpoint(plan, arguments))


def _cut(rows: Sequence[T], size: int) -> list[Sequence[T]]:
    return [rows[start : start + size] for start in range(0, len(rows), size)]


def _sorted_rows(rows: Any, count: int) -> list[Any]:
    found = sorted(rows, key=lambda row: row["index"])
    if len(found) != count:
        raise ValueError(f"{len(found)} answers for {count} programs")
    return found


def _read_heads(data: Any, count: int) -> list[float]:
    return [float(row["probs"][0]) for row in _sorted_rows(data["data"], count)]


def _read_sums(data: Any, rows: Sequence[EncodedItem]) -> Iterator[float]:
    """Sums of the program's log-probabilities: each token's own entry has the key of its id."""
    for choice, (ids, count) in zip(_sorted_rows(data["choices"], len(rows)), rows, strict=True):
        start = len(ids) - count
        entries = choice["prompt_logprobs"][start:]
        yield sum(entry[str(token)]["logprob"] for entry, token in zip(entries, ids[start:], strict=True))


def _read_odds(data: Any, count: int, answers: tuple[int, int]) -> Iterator[float]:
    for choice in _sorted_rows(data["choices"], count):
        logs = choice["logprobs"]["top_logprobs"][0]
        yes, no = (logs[f"token_id:{token}"] for token in answers)
        yield yes - no
