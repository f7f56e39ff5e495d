"""verifiers: `results.jsonl` of its evaluations, one rollout per line."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mucode_core.errors import DataError, show
from mucode_core.evaluation.result_files.rows import SampleRow, convert_rows, take_id, take_number
from mucode_core.problems.rows import scan_rows

FIELDS = frozenset({"prompt", "completion", "reward"})
"""What a row has at least."""
_IDS = ("task_id", "question_id", "problem_id", "id")


def read_rollouts(path: Path) -> Iterator[SampleRow | DataError]:
    """The last message of each rollout; a pass is a reward of at least 1.

    `example_id` is a row number of the environment's data set, so that it identifies a problem only where `info` has no
    id and the prompt is unknown. A row of another shape yields its error with line and field.
    """
    return convert_rows(scan_rows(path), _read_rollout)


def _read_rollout(location: str, row: dict[str, Any]) -> Iterator[SampleRow]:
    reward = take_number(row, "reward", location)
    yield SampleRow(
        location=location,
        task_id=take_id(_info(row.get("info")), _IDS) or take_id(row, _IDS),
        text=_last_text(_messages(row, "completion", location)),
        kind="answer",
        score=reward,
        remark=f"reward {reward}",
        prompt=_all_text(_messages(row, "prompt", location)),
    )


def _messages(row: dict[str, Any], field: str, location: str) -> Any:
    """Text, or messages; none where the field is null.

    Raises:
        DataError: It is neither.
    """
    value = row.get(field)
    if value is None or isinstance(value, str | list):
        return value
    hint = f"{field} is text or a list of messages in this form; write the file again with the tool that made it"
    raise DataError(f"{field}: {show(value)} is not a list of messages", location=location, hint=hint)


def _info(info: Any) -> Any:
    """Older releases write it as JSON text."""
    if isinstance(info, str):
        try:
            return json.loads(info)
        except ValueError:
            return None
    return info


def _last_text(messages: Any) -> str:
    if isinstance(messages, str):
        return messages
    answers = [one for one in messages or [] if isinstance(one, dict) and one.get("role") == "assistant"]
    return _content(answers[-1]) if answers else ""


def _all_text(messages: Any) -> str:
    if isinstance(messages, str):
        return messages
    return "\n\n".join(_content(one) for one in messages or [] if isinstance(one, dict))


def _content(message: dict[str, Any]) -> str:
    content = message.get("content")
    if isinstance(content, str):
        return content
    parts = content if isinstance(content, list) else []
    return "".join(str(part.get("text") or "") for part in parts if isinstance(part, dict))
