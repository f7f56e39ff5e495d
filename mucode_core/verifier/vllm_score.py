"""Scoring programs with a scalar-head verifier behind vLLM's pooling runner."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import httpx

from mucode_core.errors import ConfigError, SamplerError
from mucode_core.sampling.servers import ServerPlan
from mucode_core.sampling.vllm import OwnedEndpoint
from mucode_core.verifier.checks import require_finite

T = TypeVar("T")

_TIMEOUT = httpx.Timeout(3600.0, connect=30.0)
"""Seconds; all of a call's programs come back together."""


def open_scorer(plan: ServerPlan) -> OwnedEndpoint:
    """What stands for the server of a verifier.

    Raises:
        ConfigError: vLLM is not installed.
    """
    return OwnedEndpoint(plan, ("--runner", "pooling"))


def score_programs(url: str, api_key: str, verifier_dir: Path, items: Sequence[tuple[str, str]]) -> list[float]:
    """R(x, y) for each (prompt, program), in order; items that begin alike should follow each other.

    Args:
        url: Of the server, with its /v1.
        api_key: Of the server.
        verifier_dir: Checkpoint directory of the verifier, for its tokenizer.
        items: As `score.score_programs` takes them; long ones are shortened as there, to what the server reads.

    Raises:
        SamplerError: The server failed; another attempt may end well.
        ConfigError: The server refused: it would do so again.
        TrainingError: A score is no finite number.
    """
    from mucode_core.causal_lm import load_tokenizer
    from mucode_core.verifier.model import encode_programs, shorten

    encoded = encode_programs(load_tokenizer(verifier_dir), items)
    headers = {"Authorization": f"Bearer {api_key}"}
    with httpx.Client(headers=headers, timeout=_TIMEOUT, trust_env=False) as http:
        longest = _ask(http, "GET", f"{url}/models", None, lambda data: int(data[0]["max_model_len"]))
        ids = [shorten(example, longest).ids for example in encoded]
        body = {"model": OwnedEndpoint.model, "input": ids, "use_activation": False}
        scores = _ask(http, "POST", f"{url.removesuffix('/v1')}/classify", body, _read_scores)
    require_finite(scores, (f"{verifier_dir}, prompt {prompt[:40]!r}" for prompt, _ in items))
    return scores


def _read_scores(rows: list[Any]) -> list[float]:
    return [float(row["probs"][0]) for row in sorted(rows, key=lambda row: row["index"])]


def _ask(http: httpx.Client, method: str, address: str, body: Any, read: Callable[[list[Any]], T]) -> T:
    """What a server answers, read from the list of its data."""
    try:
        response = http.request(method, address, json=body)
        if response.is_client_error and response.status_code != 429:
            raise ConfigError(f"refused: {response.text[:500]}", place=address, cure="see the server's log")
        response.raise_for_status()
        return read(response.json()["data"])
    except (httpx.HTTPError, ValueError, KeyError, IndexError, TypeError) as error:
        raise SamplerError(f"failed: {error!r}", place=address, cure="see the server's log") from None
