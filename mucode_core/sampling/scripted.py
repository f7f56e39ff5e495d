"""A sampler that answers from a script: whole runs in seconds, for tests and for trying out a workflow.

Training runs as usual, but its models are never asked for a completion.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from mucode_core.errors import DataError, SamplerError
from mucode_core.prompts import make_completion
from mucode_core.sampling.base import SampleRequest
from mucode_core.types import Completion, SamplingParams

Script = Callable[[SampleRequest], str] | Mapping[tuple[str, int, int], str]
"""The text for a request, or texts by (problem_id, sample_index, turn_index)."""


class ScriptedSampler:
    """Samples from a script; counts no tokens."""

    def __init__(self, answers: Script) -> None:
        self._answers = answers

    def sample(self, requests: Sequence[SampleRequest], params: SamplingParams) -> list[Completion]:
        """See `Sampler.sample`.

        Raises:
            SamplerError: The script has no text for a request.
        """
        return [make_completion(self._answer(request), "stop", 0, request.asked) for request in requests]

    def _answer(self, request: SampleRequest) -> str:
        if not isinstance(self._answers, Mapping):
            return self._answers(request)
        key = request.problem_id, request.sample_index, request.turn_index
        if key not in self._answers:
            raise SamplerError("no text for this request", location=f"script, {key}", hint="add this key to the script")
        return self._answers[key]


def load_script(path: Path) -> Callable[[SampleRequest], str]:
    """Completions from a file: those of the request's problem, or those that name none; its seed chooses among them.

    Args:
        path: JSONL; rows of `text` and, where it is for one problem only, `problem_id`.

    Raises:
        DataError: The file has another form, or no row.
    """
    texts: dict[str | None, list[str]] = {}
    for number, line in enumerate(path.read_text("utf-8").splitlines(), 1):
        try:
            row = json.loads(line)
            texts.setdefault(row.get("problem_id"), []).append(str(row["text"]))
        except (ValueError, KeyError, AttributeError) as error:
            hint = 'write {"text": "..."} on each line'
            raise DataError(f"is not a completion: {error!r}", location=f"{path}:{number}", hint=hint) from error
    if not texts:
        raise DataError("holds no completion", location=str(path), hint='write {"text": "..."} on each line')

    def answer(request: SampleRequest) -> str:
        found = texts.get(request.problem_id) or texts.get(None)
        if not found:
            hint = "add rows with this problem_id, or rows without any"
            raise DataError(f"no completion for {request.problem_id}", location=str(path), hint=hint)
        return found[request.seed % len(found)]

    return answer
