"""What a data set says about itself: how its rows are recognised, read and filtered, and where they are."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from mucode_core.problems.rows import Row
from mucode_core.types import Problem


@dataclass(frozen=True)
class Hub:
    """Location of a data set on the hub."""

    name: str
    config: str | None
    splits: tuple[str, ...]


@dataclass(frozen=True)
class Facts:
    """What `problems.where` filters by; known from a row without reading its tests."""

    difficulty: str = ""
    """As the row names it; empty if it does not."""
    date: str = ""
    """ISO date of publication, 2024-08-31; empty if the row has none."""
    tags: tuple[str, ...] = ()


def no_facts(row: Row) -> Facts:
    """The facts of rows that state none."""
    return Facts()


def nothing_noted(row: Row) -> tuple[str, ...]:
    """Of rows about which there is nothing to say."""
    return ()


def always(row: Row) -> bool:
    """Of data sets all of whose rows are programming problems."""
    return True


def no_task(row: Row) -> str:
    """Of rows that name no task."""
    return ""


@dataclass(frozen=True)
class Dataset:
    """How the rows of one data set are read."""

    make: Callable[[Row, str], Problem]
    """The problem of a row, given its location; raises DataError with location and field."""
    recognise: Callable[[Row], str | None] | None = None
    """Why a row is of this form, or None if it is not. Without it `dataset: auto` never chooses this data set."""
    hub: Hub | None = None
    facts: Callable[[Row], Facts] = no_facts
    notes: Callable[[Row], tuple[str, ...]] = nothing_noted
    """What users of a row should know: findings of `mucode problems check`."""
    is_problem: Callable[[Row], bool] = always
    """False for rows of other tasks in the same files, which are passed over."""
    task_of: Callable[[Row], str] = no_task
    """The task that a row names, for the count of those passed over: "ability math"; empty if it names none."""
    make_published: Callable[[Row, str], Problem] | None = None
    """Public and private tests as in the published code, if that differs from the paper."""
    declaration: Callable[[Row], str] | None = None
    """The text that completions of a row continue, if they are not whole programs."""
    splits: frozenset[str] | None = None
    """The only splits that belong to it; None uses each row's own split."""
    aliases: tuple[str, ...] = ()
    """Prefixes of task ids in sample files, besides the data set's name; case is ignored."""


@dataclass(frozen=True)
class ByFields:
    """A `recognise` for rows that have all of some fields and none of others."""

    fields: tuple[str, ...]
    without: tuple[str, ...]

    def __call__(self, row: Row) -> str | None:
        """Why a row is of the form, or None."""
        if any(name not in row for name in self.fields) or any(name in row for name in self.without):
            return None
        excluded = f" and no {', '.join(self.without)}" if self.without else ""
        return f"it has {', '.join(self.fields)}{excluded}"

    @property
    def variants(self) -> tuple[ByFields, ...]:
        """The sets of fields any of which suffices."""
        return (self,)


@dataclass(frozen=True)
class AnyOf:
    """A `recognise` for rows that have one of several sets of fields; the first that fits gives the reason."""

    variants: tuple[ByFields, ...]

    def __call__(self, row: Row) -> str | None:
        """Why a row is of the form, or None."""
        return next((reason for variant in self.variants if (reason := variant(row))), None)


def by_fields(*fields: str, without: tuple[str, ...] = ()) -> ByFields:
    """A `recognise` for rows that have all of `fields` and none of `without`."""
    return ByFields(fields, without)
