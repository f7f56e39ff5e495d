"""Samples of result files, each with its problem, and their grades as Parquet."""

from __future__ import annotations

import re
from collections import Counter, deque
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from hashlib import blake2b
from itertools import islice
from pathlib import Path

from mucode_core.answers.extraction import Asked, Extraction, extract_program
from mucode_core.errors import DataError
from mucode_core.evaluation.result_files.rows import ResultFile, SampleRow
from mucode_core.problems import DATASETS
from mucode_core.problems.overlap.prompt_index import PromptIndex
from mucode_core.problems.stored import StoredProblems
from mucode_core.progress import Progress, ignore
from mucode_core.sandbox.base import Limits, Sandbox
from mucode_core.sandbox.grading import grade_programs
from mucode_core.store.schemas import schema_of, to_table
from mucode_core.system.atomic_files import replacing
from mucode_core.types import GradedSample, Problem, Verdict

_MAX_PROGRAM = 1_000_000
"""Characters; no data set's reference has a hundredth of that."""
_SHOWN, _SHOWN_CHARACTERS = 10, 80
_ROWS_A_WRITE = 1000
_FENCE = re.compile(r"^[ \t]*(?:```|~~~)", re.MULTILINE)


@dataclass(frozen=True)
class SampleFile:
    """A checked file of samples."""

    source: ResultFile
    num_samples: int
    names: Mapping[str, str]
    """The problem's id by the key of its rows: the task id as the file spells it, or the prompt where it has no ids."""
    problems: StoredProblems
    declarations: Mapping[str, str]
    """By problem id, the prompt that a `completion` continues; empty where it is a whole program."""
    are_answers: bool = False
    """Whether texts that the form calls completions or programs are answers, from which programs are taken."""
    limit: int | None = None
    """Rows of the file that are read; None reads all."""
    bad_rows: Sequence[DataError] = ()
    """Rows that are no sample, each with its location; they are not graded."""
    missing: Sequence[str] = ()
    """Problems without any sample, of the splits that the samples are for; empty where `limit` leaves rows unread."""
    num_repeated: int = 0
    """Samples that repeat an earlier one of the same problem character by character."""

    @property
    def problem_ids(self) -> list[str]:
        """The problems that have a sample."""
        return list(dict.fromkeys(self.names.values()))

    def rows(self) -> Iterator[SampleRow]:
        """The samples as the file has them, in its order."""
        for row in islice(self.source.rows(), self.limit):
            checked = _check_length(row, self.are_answers)
            if isinstance(checked, SampleRow) and checked.key in self.names:
                yield checked

    def extractions(self) -> Iterator[tuple[Problem, str | None, str]]:
        """Problem, program and rule of each sample, in the file's order.

        The program is None where an answer has none; the rule is the part of the rule for answers that applied, empty
        where the file holds programs.
        """
        for row in self.rows():
            problem = self.problems[self.names[row.key]]
            declaration = self.declarations.get(problem.problem_id, "")
            if row.kind == "answer" or self.are_answers:
                found = _extract(row, problem, declaration)
                yield problem, found.code, found.rule
            else:
                text = row.text.removeprefix("\ufeff")  # also where a completion continues a prompt
                yield problem, (declaration if row.kind == "completion" else "") + text, ""

    def programs(self) -> Iterator[tuple[Problem, str | None]]:
        """Problem and program of each sample, in the file's order; see `extractions`."""
        return ((problem, code) for problem, code, _ in self.extractions())


def _extract(row: SampleRow, problem: Problem, declaration: str) -> Extraction:
    entry_point = problem.entry_point.partition(".")[0]
    return extract_program(row.text, Asked(entry_point or None, declaration or None))


@dataclass
class GradeSummary:
    """Counts over a graded file."""

    num_samples: int = 0
    num_passed: int = 0
    num_public_passed: int = 0
    num_delegated: int = 0
    """Passed, but the tests relied on answers of the program's own objects: not labels in training."""
    by_status: Counter[str] = field(default_factory=Counter[str])
    bad_problems: dict[str, str] = field(default_factory=dict[str, str])
    """Problems whose tests cannot be run, and why."""
    num_fenced: int = 0
    """Programs that are not Python and have a fenced block: whole answers, perhaps."""


def open_samples(
    source: ResultFile,
    problems: StoredProblems,
    declarations: Mapping[str, str],
    limit: int | None = None,
    *,
    are_answers: bool = False,
    keep_going: bool = False,
    omitted: Collection[str] = (),
    is_partial: bool = False,
) -> SampleFile:
    """Checks every row of a result file, or its first `limit` rows.

    Task ids match whole or, where that is unambiguous, in the forms of `_names`; rows without an id by their prompt.

    Args:
        source: The file.
        problems: The problems that its rows may name.
        declarations: See `SampleFile`.
        limit: Rows that are read; None reads all.
        are_answers: See `SampleFile`.
        keep_going: Rows that are no sample, and those of unknown problems, become `bad_rows`.
        omitted: Ids of problems whose samples are skipped.
        is_partial: Rows of the data set are excluded or no problems, so that their ids are unknown; hints say so.

    Raises:
        DataError: The file has no sample of any of the problems. Without `keep_going` also the first row of another
            shape or with a program too long, with file and line; and all unknown ids at once.
    """
    find, count, bad_rows = _Finder(problems, is_partial), 0, list[DataError]()
    unknown: dict[str, SampleRow] = {}
    seen: set[bytes] = set()
    for read in islice(rows := source.rows(), limit):
        row = _check_length(read, are_answers)
        if isinstance(row, DataError):
            if not keep_going:
                raise row
            bad_rows.append(row)
        elif (problem_id := find(row)) is None:
            unknown.setdefault(row.key, replace(row, text=""))
            bad_rows.append(find.error([row]))
        elif problem_id not in omitted:
            count += 1
            seen.add(_digest(problem_id, row))
    if unknown and not (keep_going and count):
        raise find.error(list(unknown.values()))
    if not count:
        raise bad_rows[0] if bad_rows else _no_samples(source, bool(omitted))
    what = (source, count, find.names(omitted), problems, declarations, are_answers, limit)
    return SampleFile(*what, bad_rows, _missing(find.found, problems, omitted, rows), count - len(seen))


def _no_samples(source: ResultFile, is_part: bool) -> DataError:
    problem = "no samples of problems that meet the conditions" if is_part else "no samples"
    return DataError(problem, location=str(source.path), hint="name a file with samples")


def _digest(problem_id: str, row: SampleRow) -> bytes:
    text = f"{problem_id}\0{row.text}"
    return blake2b(text.encode(errors="surrogatepass"), digest_size=8).digest()


class _Finder:
    """Finds the problem of a sample by its id, or else by its prompt."""

    def __init__(self, problems: StoredProblems, is_partial: bool) -> None:
        self.found: dict[str, str] = {}
        """Ids of problems by the key of rows."""
        self._problems, self._is_partial = problems, is_partial
        self._by_name, self._ambiguous = _names(problems)
        self._unknown: set[str] = set()
        self._prompts: PromptIndex | None = None

    def __call__(self, row: SampleRow) -> str | None:
        if row.key in self.found or row.key in self._unknown:
            return self.found.get(row.key)
        known = row.task_id if row.task_id in self._problems else None
        problem_id = known or self._by_name.get(row.task_id.casefold())
        if problem_id is None and row.prompt:
            self._prompts = self._prompts or PromptIndex(self._problems.values())
            problem_id = self._prompts.find(row.prompt)
        if problem_id is None:
            self._unknown.add(row.key)
        else:
            self.found[row.key] = problem_id
        return problem_id

    def error(self, rows: Sequence[SampleRow]) -> DataError:
        """The error of rows for which no problem was found: those of none, or else the first that may be of several."""
        unknown = [row for row in rows if len(self._candidates(row)) < 2]
        if unknown:
            return _unknown(unknown, self._problems, self._is_partial)
        first = rows[0]
        several = self._candidates(first)
        what = f"the task id {first.task_id!r}" if first.task_id else f"the prompt {first.prompt[:_SHOWN_CHARACTERS]!r}"
        shown = ", ".join(several[:_SHOWN]) + (", ..." if len(several) > _SHOWN else "")
        hint = "write the whole id of the problem as `task_id`"
        return DataError(f"{what} is ambiguous: it may be {shown}", location=first.location, hint=hint)

    def _candidates(self, row: SampleRow) -> Sequence[str]:
        if row.task_id:
            return self._ambiguous.get(row.task_id.casefold(), ())
        return self._prompts.candidates(row.prompt) if self._prompts and row.prompt else ()

    def names(self, omitted: Collection[str]) -> dict[str, str]:
        """What was found, without problems that are omitted."""
        return {key: problem_id for key, problem_id in self.found.items() if problem_id not in omitted}


def _missing(
    found: Mapping[str, str], problems: StoredProblems, omitted: Collection[str], unread: Iterator[object]
) -> list[str]:
    """The problems without a sample, of the splits of those that have one; those omitted need none.

    Where rows of the file are unread, they may have the samples: no problem is known to have none.
    """
    if next(unread, None) is not None:
        return []
    with_sample = set(found.values()).difference(omitted)
    splits = {problems.heads[problem_id].split for problem_id in with_sample}
    return [
        key
        for key, head in problems.heads.items()
        if head.split in splits and key not in with_sample and key not in omitted
    ]


def _unknown(rows: Sequence[SampleRow], problems: StoredProblems, is_partial: bool) -> DataError:
    """The error of rows whose ids, or prompts where they have no ids, are of no problem."""
    first = rows[0]
    if first.prompt and not first.task_id:
        shown = repr(first.prompt[:_SHOWN_CHARACTERS])
        named = f"the prompt matches no problem of the data set: {shown}"
        if len(rows) > 1:
            named = f"{len(rows)} prompts match no problem of the data set; the first is {shown}"
        hint = "name the data set the samples are for, or add the id of its problem to each row as `task_id`"
        return DataError(named, location=first.location, hint=hint)
    shown = ", ".join(row.key[:_SHOWN_CHARACTERS] for row in rows[:_SHOWN]) + (", ..." if len(rows) > _SHOWN else "")
    named = f"{len(rows)} unknown task ids: {shown}" if len(rows) > 1 else f"unknown task id: {shown}"
    hint = f"name the data set the samples are for; ids of this one look like {next(iter(problems))!r}"
    hint += "; rows of it that are excluded, or no problems, have no samples" if is_partial else ""
    return DataError(named, location=first.location, hint=hint)


def _check_length(row: SampleRow | DataError, are_answers: bool) -> SampleRow | DataError:
    """The row, or the error of a program that is too long; of an answer the program is not known yet."""
    if isinstance(row, DataError) or are_answers or row.kind == "answer" or len(row.text) <= _MAX_PROGRAM:
        return row
    problem = f"{row.kind}: {len(row.text):,} characters; a program has at most {_MAX_PROGRAM:,}"
    return DataError(problem, location=row.location, hint="omit the row, or shorten the program")


def _names(problems: StoredProblems) -> tuple[dict[str, str], dict[str, list[str]]]:
    """The problems' ids by other forms of them, in lower case; and the ids that share a form.

    These are forms of sample files: the row's own id, its number alone, or behind one of the data set's names
    ("Python/3", "Mbpp/3").
    """
    found: dict[str, str] = {}
    shared: dict[str, list[str]] = {}
    for problem_id, head in problems.heads.items():
        prefix, _, number = problem_id.rpartition("/")
        aliases = DATASETS[head.dataset].aliases if head.dataset in DATASETS else ()
        own = problem_id.removeprefix(f"{head.dataset}/")  # the row's, which may have parts
        for name in {form.casefold() for form in (own, number, *(f"{alias}/{number}" for alias in (prefix, *aliases)))}:
            if found.setdefault(name, problem_id) != problem_id:
                shared.setdefault(name, [found[name]]).append(problem_id)
    return {name: problem_id for name, problem_id in found.items() if name not in shared}, shared


def grade_samples(
    samples: SampleFile,
    sandbox: Sandbox,
    limits: Limits,
    out: Path,
    *,
    leave_out_bad: bool = False,
    progress: Progress = ignore,
) -> GradeSummary:
    """Runs every sample and writes `GradedSample` rows to the Parquet file `out`, which appears only when complete.

    Samples of problems whose tests cannot be run are `not_judged`, or omitted from the file with `leave_out_bad`.

    Raises:
        DataError: `out` cannot be written.
        SandboxError: The sandbox's infrastructure failed.
    """
    import pyarrow.parquet as pq

    summary, schema = GradeSummary(), schema_of(GradedSample)
    with replacing(out) as partial, pq.ParquetWriter(partial, schema, compression="zstd") as writer:
        for rows in _batches(_grade(samples, sandbox, limits, summary)):
            _count(summary, rows)
            written = [row for row in rows if not (leave_out_bad and row.status == "not_judged")]
            writer.write_table(to_table(written, GradedSample))
            progress(summary.num_samples, samples.num_samples, "programs")
    return summary


def _grade(samples: SampleFile, sandbox: Sandbox, limits: Limits, summary: GradeSummary) -> Iterator[GradedSample]:
    counts: Counter[str] = Counter()
    waiting: deque[tuple[str, str, bool]] = deque()

    def programs() -> Iterator[tuple[Problem, str | None]]:
        for problem, code, rule in samples.extractions():
            waiting.append((problem.problem_id, rule, not rule and _FENCE.search(code or "") is not None))
            yield problem, code

    for public, private in grade_programs(sandbox, programs(), limits=limits, feedback="full", on_bad_problem="skip"):
        problem_id, rule, has_fence = waiting.popleft()
        summary.num_fenced += has_fence and public.status == "error" and "SyntaxError: " in public.feedback
        yield _make_row(problem_id, counts[problem_id], public, private, rule)
        counts[problem_id] += 1


def _make_row(problem_id: str, sample_index: int, public: Verdict, private: Verdict, rule: str) -> GradedSample:
    """One row of both verdicts: the public tests' failure comes first."""
    first = private if public.passed else public
    return GradedSample(
        problem_id=problem_id,
        sample_index=sample_index,
        status=first.status,
        public_passed=public.passed,
        passed=public.passed and private.passed,
        num_passed=public.num_passed + private.num_passed,
        num_tests=public.num_tests + private.num_tests,
        feedback=first.feedback,
        cpu_s=public.cpu_s + private.cpu_s,
        num_delegated=public.num_delegated + private.num_delegated,
        rule=rule,
    )


def _batches(rows: Iterator[GradedSample]) -> Iterator[list[GradedSample]]:
    batch: list[GradedSample] = []
    for row in rows:
        batch.append(row)
        if len(batch) == _ROWS_A_WRITE:
            yield batch
            batch = []
    if batch:
        yield batch


def _count(summary: GradeSummary, rows: Iterable[GradedSample]) -> None:
    for row in rows:
        summary.num_samples += 1
        summary.num_passed += row.passed
        summary.num_public_passed += row.public_passed
        summary.num_delegated += row.passed and row.num_delegated > 0
        summary.by_status[row.status] += 1
        if row.status == "not_judged":
            summary.bad_problems.setdefault(row.problem_id, row.feedback)
