"""Rows with `reward_model.ground_truth`, as verl and its forks read them (Eurus-2 of PRIME-RL and others).

Tests that the statement shows as examples are public, or else the first. Rows of other tasks in these sets
(mathematics) are passed over.
"""

from __future__ import annotations

from typing import Any

from pydantic import Field, field_validator

from mucode_core.errors import DataError
from mucode_core.problems.dataset import Dataset, Facts, Hub
from mucode_core.problems.forms.pairs import as_mapping, odd_value, parse_json, read_tests
from mucode_core.problems.forms.shared import as_known_split, facts_in, nested, notes_on, setup_for
from mucode_core.problems.forms.statements import (
    choose_reference,
    divide,
    make_id,
    make_prompt,
    read_seconds,
)
from mucode_core.problems.readers.apps import FLOATS
from mucode_core.problems.rows import PublishedRow, Row, parse_row, require_writable
from mucode_core.problems.suites import check_tests, find_entry_point
from mucode_core.types import TOKENS, Problem, ProblemKind, Test

_FIELD = "reward_model.ground_truth"
_IDS = ("problem_id", "task_id", "uid", "id")


class _Message(PublishedRow):
    role: str
    content: Any = None
    """Text, or a list of parts; read by `_content`."""


class _RewardModel(PublishedRow):
    ground_truth: Any


class _Row(PublishedRow):
    prompt: str | list[_Message] = Field(min_length=1)
    reward_model: _RewardModel
    extra_info: Any = None
    split: str | None = None

    @field_validator("prompt", "reward_model", mode="before")
    @classmethod
    def _parsed(cls, value: Any) -> Any:
        return _from_text(value)


def _from_text(value: Any) -> Any:
    """The object or the list of objects whose text it is; anything else as it is."""
    is_text = isinstance(value, str) and value.lstrip().startswith(("{", "[{"))
    try:
        return parse_json("", value, "") if is_text else value
    except DataError:  # a prompt may begin so
        return value


def make_verl(row: Row, location: str) -> Problem:
    """A row of verl: the last message of the user is the prompt, as it is; system messages are omitted.

    Raises:
        DataError: A field is invalid, or there is no test.
    """
    fields = parse_row(_Row, row, location)
    text = _statement(fields.prompt, location)
    extra = as_mapping(parse_json("extra_info", fields.extra_info, location))
    truth = parse_json(_FIELD, fields.reward_model.ground_truth, location)
    starter = str(extra.get("starter_code") or "")
    solution = extra.get("solution") or extra.get("reference_solution") or extra.get("solutions")
    reference = choose_reference(solution, "")
    sources = [starter, text, reference or ""]
    kind, entry_point, tests = _read_truth(truth, location, sources)
    public, private = divide(tests, text, extra.get("num_public_tests"))
    number = _number({**extra, **row}, location)
    name = entry_point.rpartition(".")[2]
    return Problem(
        problem_id=f"verl/{make_id(text, repr(tests)) if number is None else number}",
        dataset="verl",
        split=as_known_split(fields.split or extra.get("split")),
        prompt=text if kind != "call" or name in text else make_prompt(text, entry_point, starter),
        entry_point=entry_point,
        kind=kind,
        setup=setup_for(entry_point) if kind == "call" else "",
        public_tests=public,
        private_tests=private,
        reference_solution=choose_reference(solution, entry_point),
        time_limit_s=read_seconds(extra.get("time_limit")),
        compare=FLOATS if kind == "stdin" else TOKENS,
    )


def _number(fields: Row, location: str) -> str | int | None:
    """The row's id under any of its names; None if it has none."""
    for name in _IDS:
        value = fields.get(name)
        if isinstance(value, (str, int)) and value != "":
            require_writable(name, value, location)
            return value
    return None


def _read_truth(truth: Any, location: str, sources: list[str]) -> tuple[ProblemKind, str, tuple[Test, ...]]:
    """Kind, entry point and tests; `assert_case` holds asserts, all else are pairs."""
    asserts = truth.get("assert_case") if isinstance(truth, dict) else None
    if not asserts:
        pairs = read_tests(_FIELD, truth, location, sources)
        return pairs.kind, pairs.entry_point, pairs.tests
    if not isinstance(asserts, list) or not all(isinstance(test, str) for test in asserts):
        raise odd_value(f"{_FIELD}.assert_case", asserts, "a list of asserts", location)
    for index, test in enumerate(asserts):
        check_tests(f"{_FIELD}.assert_case.{index}", test, location)
    name = truth.get("fn_name") or find_entry_point(asserts, "", f"{_FIELD}.assert_case", location)
    return "assert", str(name), tuple(asserts)


def _statement(prompt: str | list[_Message], location: str) -> str:
    if isinstance(prompt, str):
        return prompt
    asked = [index for index, message in enumerate(prompt) if message.role == "user"]
    text = _content(prompt[asked[-1]].content, f"prompt.{asked[-1]}.content", location) if asked else ""
    if not text.strip():
        raise odd_value("prompt", [message.role for message in prompt], "a conversation with a user message", location)
    return text


def _content(content: Any, field: str, location: str) -> str:
    """The text of a message, which may be in parts `{"type": "text", "text": ...}`."""
    if isinstance(content, str):
        return content
    if not isinstance(content, list):
        raise odd_value(field, content, "text or a list of parts", location)
    texts: list[str] = []
    for index, part in enumerate(content):
        text = as_mapping(part).get("text")
        if as_mapping(part).get("type") != "text" or not isinstance(text, str):
            raise odd_value(f"{field}.{index}", part, "a part of type text", location)
        texts.append(text)
    return "".join(texts)


def _is_coding(row: Row) -> bool:
    """Whether the row's tests are those of a program; other tasks have an answer in their place."""
    ability = row.get("ability")
    if isinstance(ability, str) and ability:
        return "cod" in ability.casefold()
    truth = as_mapping(_from_text(row.get("reward_model"))).get("ground_truth")
    return not isinstance(truth, str) or not truth.strip() or truth.lstrip()[0] in "{["


def _task_of(row: Row) -> str:
    for name in ("ability", "data_source"):
        if isinstance(row.get(name), str) and row[name]:
            return f"{name} {row[name]}"
    return ""


def _recognise(row: Row) -> str | None:
    model = as_mapping(_from_text(row.get("reward_model")))
    return "it has reward_model.ground_truth" if "ground_truth" in model else None


def _facts(row: Row) -> Facts:
    return facts_in({**row, **nested(row, "extra_info")})


def _notes(row: Row) -> tuple[str, ...]:
    return notes_on(row, "extra_info")


DATASETS = {
    "verl": Dataset(
        make_verl,
        _recognise,
        Hub("PRIME-RL/Eurus-2-RL-Data", None, ("train", "validation")),
        _facts,
        _notes,
        is_problem=_is_coding,
        task_of=_task_of,
    ),
}
