"""Errors shown to users, each with a location, the value and a hint.

MucodeError
├── ConfigError      the configuration or the command line cannot work        (exit code 2)
├── DataError        a row, file or data set is invalid
│   ├── PathError    what was named is not there, or of another kind    (exit code 2)
│   ├── ProblemError  the test code of one problem cannot be run as it should
│   └── ExcludedError  a problem that cannot be judged here, such as an interactive one
├── ArtifactError    a stored output is missing, foreign or does not verify
│   └── StoreError   the remote store failed
├── SandboxError     the infrastructure that runs programs failed (never a verdict)
├── PlacementError   the infrastructure that runs stages on other machines failed
├── ServerError      the Prefect server does not answer
├── SamplerError     the infrastructure that samples completions failed
├── TimeLimitError   a stage exceeded its time limit: a retry may succeed
└── TrainingError    a training cannot start or did not finish
    └── TrainerError the training infrastructure failed: a retry resumes
"""


def show(value: object) -> str:
    """A value for a message: at most 80 characters of what Python writes for it."""
    try:
        return f"{value!r:.80}"
    except ValueError:  # Python writes no integers of more than 4,300 digits
        return f"{type(value).__name__} with an integer of thousands of digits"


class MucodeError(Exception):
    """Base class of all errors that this package raises deliberately.

    Args:
        problem: What is wrong, with the offending value.
        location: Where: a file and line, a config key, an artifact.
        hint: What the user can do about it.
    """

    exit_code = 1

    def __init__(self, problem: str, *, location: str = "", hint: str = "") -> None:
        self.problem, self.location, self.hint = problem, location, hint
        text = f"{location}: {problem}" if location else problem
        super().__init__(f"{text}\n  hint: {hint}" if hint else text)

    def __reduce__(self):  # noqa: ANN204 - keyword arguments must survive the trip out of a worker process
        return _rebuild, (type(self), self.problem, self.location, self.hint)


def _rebuild(kind: type[MucodeError], problem: str, location: str, hint: str) -> MucodeError:
    return kind(problem, location=location, hint=hint)


class ConfigError(MucodeError):
    """The configuration or the command line cannot work."""

    exit_code = 2


class DataError(MucodeError):
    """A row, a file or a data set is invalid."""


class PathError(DataError):
    """A file or directory that was named does not exist, or is of another kind."""

    exit_code = 2


class ProblemError(DataError):
    """The setup or tests of one problem cannot be run: a finding about the problem, not about a program."""


class ExcludedError(DataError):
    """A row is a problem of its form, but none that can be judged here: it is named, and excluded."""


class ArtifactError(MucodeError):
    """A stored output is missing, has another schema, or does not verify."""


class StoreError(ArtifactError):
    """The remote store failed."""


class SandboxError(MucodeError):
    """The infrastructure that runs programs failed; never a verdict about a program."""


class PlacementError(MucodeError):
    """The infrastructure that runs stages on other machines failed."""


class ServerError(MucodeError):
    """The Prefect server does not answer."""


class SamplerError(MucodeError):
    """The infrastructure that samples completions failed."""


class TimeLimitError(MucodeError):
    """A stage exceeded its time limit; a retry may succeed."""


class TrainingError(MucodeError):
    """A training cannot start or did not finish."""


class TrainerError(TrainingError):
    """The training infrastructure failed; a retry resumes from the last checkpoint."""
