"""Recorded programs in place of a model: runs the method on programs that other models wrote earlier."""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from mucode_core.errors import DataError, PathError, SamplerError
from mucode_core.prompts import render_code
from mucode_core.sampling.base import SampleRequest
from mucode_core.types import Completion, SamplingParams
from mucode_core.wording import count


class ReplaySampler:
    """Answers turn t of sample k of a problem with its recorded program number `k * num_turns + t`.

    The recorded programs do not respond to feedback, and parameters and seeds have no effect.

    Args:
        programs: Recorded programs by problem id.
        num_turns: Maximum number of turns per rollout, so that no two rollouts share a program.
    """

    def __init__(self, programs: Mapping[str, Sequence[str]], num_turns: int) -> None:
        self._programs, self._num_turns = programs, num_turns

    def sample(self, requests: Sequence[SampleRequest], params: SamplingParams) -> list[Completion]:
        """See `Sampler.sample`.

        Raises:
            SamplerError: A problem has too few programs.
        """
        return [self._answer(request) for request in requests]

    def _answer(self, request: SampleRequest) -> Completion:
        programs = self._programs.get(request.problem_id, ())
        index = request.sample_index * self._num_turns + request.turn_index
        if index >= len(programs):
            raise SamplerError(
                f"program {index} requested (sample {request.sample_index}, turn {request.turn_index}), "
                f"{len(programs)} recorded",
                location=f"recorded programs of {request.problem_id}",
                hint="use at most "
                + count(len(programs) // self._num_turns, "rollout")
                + " of "
                + count(self._num_turns, "turn"),
            )
        recorded = programs[index]
        # Not extracted from the text: a program may contain code fences.
        code = recorded.strip("\n") if recorded.strip() else None
        return Completion(render_code(code or ""), code, "stop", 0, "recorded")


def load_recorded_programs(path: Path, min_programs: int, problem_ids: Collection[str]) -> dict[str, tuple[str, ...]]:
    """Reads recorded programs from JSONL rows `{"dataset", "task_id", "code"}`, gzipped if the name ends in .gz.

    Returns:
        Programs by problem id ("mbpp/3"), both in file order, for problems that have enough of them.

    Args:
        path: The file.
        min_programs: Problems with fewer programs are excluded.
        problem_ids: The problems of the data set.

    Raises:
        DataError: The file cannot be read, a row is invalid or has an unknown problem, or no problem has enough
            programs.
    """
    known = frozenset(problem_ids)
    programs: dict[str, list[str]] = {}
    for location, row in _read_rows(path):
        problem_id = f"{_field(row, 'dataset', str, location)}/{_field(row, 'task_id', int, location)}"
        if problem_id not in known:
            hint = "remove the row, or load the data set that the programs were written for"
            raise DataError(f"field 'task_id': no problem {problem_id!r} in the data set", location=location, hint=hint)
        programs.setdefault(problem_id, []).append(_field(row, "code", str, location))
    enough = {problem_id: tuple(codes) for problem_id, codes in programs.items() if len(codes) >= min_programs}
    if not enough:
        hint = "lower generator.replay.min_programs, or record more programs"
        raise DataError(f"no problem has {count(min_programs, 'program')}", location=str(path), hint=hint)
    return enough


def _read_rows(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """Each row with its location; blank lines are skipped."""
    number = 0
    try:
        with gzip.open(path, "rt", encoding="utf-8") if path.suffix == ".gz" else path.open(encoding="utf-8") as file:
            for number, line in enumerate(file, start=1):
                if line.strip():
                    yield f"{path}:{number}", _parse_row(line, f"{path}:{number}")
    except FileNotFoundError as error:
        raise PathError("no such file", location=str(path), hint="give the path of the recorded programs") from error
    except (OSError, EOFError, UnicodeDecodeError, zlib.error) as error:
        hint = "restore the file: it is damaged, or has the wrong suffix"
        raise DataError(f"cannot be read: {error}", location=f"{path}:{number + 1}", hint=hint) from error


def _parse_row(line: str, location: str) -> dict[str, Any]:
    hint = 'write one object per line: {"dataset": "mbpp", "task_id": 3, "code": "..."}'
    try:
        row = json.loads(line)
    except ValueError as error:
        raise DataError(f"not JSON: {error}", location=location, hint=hint) from error
    if not isinstance(row, dict):
        raise DataError(f"not an object: {line.strip()[:40]!r}", location=location, hint=hint)
    return row


def _field(row: Mapping[str, Any], name: str, kind: type[str] | type[int], location: str) -> Any:
    if name not in row:
        hint = f"add {name!r} to the row; it holds {', '.join(row) or 'nothing'}"
        raise DataError(f"field {name!r} is missing", location=location, hint=hint)
    if type(row[name]) is not kind:
        hint = f"make it {'an integer' if kind is int else 'a string'}"
        raise DataError(f"field {name!r} is {row[name]!r:.40}", location=location, hint=hint)
    return row[name]
