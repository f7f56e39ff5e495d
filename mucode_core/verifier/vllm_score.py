"""Scoring programs with a scalar-head verifier behind vLLM's pooling runner."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import httpx

from mucode_core.errors import SamplerError
from mucode_core.sampling.servers import ServerPlan
from mucode_core.sampling.vllm import OwnedEndpoint
from mucode_core.verifier.checks import require_finite

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
        items: As `score.score_programs` takes them.

    Raises:
        SamplerError: The server failed or refused them, as it does with a program beyond its longest sequence.
        TrainingError: A score is no finite number.
    """
    from mucode_core.causal_lm import load_tokenizer
    from mucode_core.verifier.model import encode_programs

    encoded = encode_programs(load_tokenizer(verifier_dir), items)
    body = {"model": OwnedEndpoint.model, "input": [e.ids for e in encoded], "use_activation": False}
    address = f"{url.removesuffix('/v1')}/classify"
    headers = {"Authorization": f"Bearer {api_key}"}
    try:
        response = httpx.post(address, json=body, headers=headers, timeout=_TIMEOUT, trust_env=False)
        response.raise_for_status()
        rows = sorted(response.json()["data"], key=lambda row: row["index"])
        scores = [float(row["probs"][0]) for row in rows]
    except httpx.HTTPStatusError as error:
        cure = "raise verifier.vllm.max_model_len where a program is too long; see the server's log"
        raise SamplerError(f"refused: {error.response.text[:500]}", place=address, cure=cure) from None
    except (httpx.TransportError, ValueError, KeyError, IndexError) as error:
        raise SamplerError(f"failed: {error!r}", place=address, cure="see the server's log") from None
    require_finite(scores, (f"{verifier_dir}, prompt {prompt[:40]!r}" for prompt, _ in items))
    return scores
