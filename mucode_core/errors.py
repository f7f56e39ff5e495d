"""Errors a user can meet, each saying where, what value, and what to do.

MucodeError
├── ConfigError      the configuration or the command line cannot work        (exit code 2)
├── DataError        a row, file or data set is not what it should be
├── ArtifactError    a stored output is missing, foreign or does not verify
│   └── StoreError   the machinery that keeps outputs elsewhere failed
├── SandboxError     the machinery that runs programs failed (never a verdict)
├── PlacementError   the machinery that runs stages on other machines failed
├── ServerError      the Prefect server does not answer
├── SamplerError     the machinery that draws completions failed
├── TimeLimitError   a stage took longer than it may: another attempt may end well
└── TrainingError    a fit cannot start or did not finish
    └── TrainerError the machinery that trains failed: another attempt resumes
"""


class MucodeError(Exception):
    """Base of all errors this package raises on purpose.

    Args:
        problem: What is wrong, with the offending value.
        place: Where: a file and line, a config key, an artifact.
        cure: What the user can do about it.
    """

    exit_code = 1

    def __init__(self, problem: str, *, place: str = "", cure: str = "") -> None:
        self.problem, self.place, self.cure = problem, place, cure
        text = f"{place}: {problem}" if place else problem
        super().__init__(f"{text}\n  cure: {cure}" if cure else text)

    def __reduce__(self):  # noqa: ANN204 - keyword arguments must survive the trip out of a worker process
        return _rebuild, (type(self), self.problem, self.place, self.cure)


def _rebuild(kind: type[MucodeError], problem: str, place: str, cure: str) -> MucodeError:
    return kind(problem, place=place, cure=cure)


class ConfigError(MucodeError):
    """The configuration or the command line cannot work."""

    exit_code = 2


class DataError(MucodeError):
    """A row, a file or a data set is not what it should be."""


class ArtifactError(MucodeError):
    """A stored output is missing, of a foreign schema, or does not verify."""


class StoreError(ArtifactError):
    """The machinery that keeps outputs on another machine failed."""


class SandboxError(MucodeError):
    """The machinery that runs programs failed; never a verdict about a program."""


class PlacementError(MucodeError):
    """The machinery that runs stages on other machines failed."""


class ServerError(MucodeError):
    """The Prefect server does not answer."""


class SamplerError(MucodeError):
    """The machinery that draws completions failed."""


class TimeLimitError(MucodeError):
    """A stage took longer than it may; another attempt may end well."""


class TrainingError(MucodeError):
    """A fit cannot start or did not finish."""


class TrainerError(TrainingError):
    """The machinery that trains failed; another attempt goes on from the last checkpoint."""
