"""verl's custom reward function: `reward.custom_reward_function.path=pkg://mucode_core.integrations.verl`.

`reward.custom_reward_function.name=compute_score`, and by `reward.custom_reward_function.reward_kwargs`: `urls`, the
sandbox's servers, as a list or separated by commas, and `kind`. Without `urls` the sandbox runs in the reward worker.
See https://verl.readthedocs.io for where a reward function is configured.
"""

from __future__ import annotations

import atexit
import json
import threading
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from mucode_core.config import SandboxConfig
from mucode_core.errors import ProblemError
from mucode_core.integrations.rewards import Kind, Rewards
from mucode_core.problems.readers.verl import make_verl
from mucode_core.sandbox import Sandbox, open_sandbox
from mucode_core.types import Problem

_OPENING = threading.Lock()
_opened: dict[tuple[str, ...], Sandbox] = {}


def compute_score(
    data_source: str,
    solution_str: str,
    ground_truth: Any,
    extra_info: dict[str, Any] | None = None,
    *,
    urls: str | Sequence[str] = (),
    kind: Kind = "label",
    **unused: object,
) -> float:
    """The reward of one answer; verl calls it from many threads.

    Args:
        data_source: Of the row, for messages.
        solution_str: The model's answer; the program is taken from it.
        ground_truth: The tests, in any form that `mucode problems check verl` reads, as JSON text or parsed.
        extra_info: Of the row; `starter_code` and `time_limit` are used.
        urls: Servers of the sandbox.
        kind: See `Rewards`.
        unused: What else verl passes.

    Raises:
        DataError: The tests have another form.
        ProblemError: They cannot be run.
        SandboxError: The infrastructure failed; never a reward.
    """
    truth = ground_truth if isinstance(ground_truth, str) else json.dumps(ground_truth)
    named = {key: (extra_info or {}).get(key) for key in ("starter_code", "time_limit")}
    problem = _read_problem(data_source, truth, json.dumps(named))
    servers = urls.split(",") if isinstance(urls, str) else urls
    (value,) = Rewards(_open(tuple(url for url in servers if url)), kind).of([(problem, solution_str)])
    if value is None:
        hint = "find such rows with `mucode problems check verl`, and leave them out"
        raise ProblemError("its tests cannot be run", location=data_source, hint=hint)
    return value


@lru_cache(4096)
def _read_problem(data_source: str, truth: str, extra: str) -> Problem:
    row = {"prompt": "?", "reward_model": {"ground_truth": truth}, "extra_info": json.loads(extra)}
    return make_verl(row, data_source)


def _open(urls: tuple[str, ...]) -> Sandbox:
    """One sandbox for all threads of the process."""
    with _OPENING:
        if urls not in _opened:
            config = SandboxConfig(backend="http", urls=list(urls)) if urls else SandboxConfig()
            _opened[urls] = open_sandbox(config)
            atexit.register(_opened[urls].close)
        return _opened[urls]
