"""From the outcomes of searches to the figures of a run: which pair is kept, and what each generator gained."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from mucode_core.evaluation.metrics import Curve, Interval, Resampling, Values, curve, paired
from mucode_core.evaluation.outcomes import COMPARED_SELECTIONS, FINAL, tabulate
from mucode_core.evaluation.run_result import Evaluation
from mucode_core.types import ProblemOutcome

ByIteration = Mapping[int, Sequence[ProblemOutcome]]
"""Outcomes by iteration of the generator; 0 is the base."""
_GREEDY = "greedy"


def choose_iteration(validation: ByIteration, how: Resampling) -> tuple[int, dict[int, Interval]]:
    """The (generator, verifier) pair that does best on validation problems; the earlier one of equals.

    Args:
        validation: Of the searches with `pt+lv`.
        how: Draws the resamples.

    Returns:
        The iteration, and the accuracy of each after the last turn, percent.
    """
    levels = {i: curve(_accuracies(outcomes)["pt+lv"], how)[-1] for i, outcomes in validation.items()}
    return max(levels, key=lambda iteration: (levels[iteration].value, -iteration)), levels


def generator_name(iteration: int, final: int) -> str:
    """How outcomes name a generator: so that runs can be compared, the chosen one is `final`."""
    if iteration == final:
        return FINAL
    return "base" if iteration == 0 else f"iteration {iteration}"


def evaluate_generators(outcomes: ByIteration, how: Resampling) -> list[Evaluation]:
    """Accuracy curves of every generator, and its gains over the base.

    Args:
        outcomes: Of greedy decoding and, where it was searched, Best-of-N, on the same problems. Iterations 0, 1, ...
        how: Draws the resamples.
    """
    values = {iteration: _accuracies(rows) for iteration, rows in sorted(outcomes.items())}
    return [_evaluate(iteration, found, values[0], how) for iteration, found in values.items()]


def _evaluate(iteration: int, found: Mapping[str, Values], base: Mapping[str, Values], how: Resampling) -> Evaluation:
    curves: dict[str, Curve] = {decoding: curve(values, how) for decoding, values in found.items()}
    gains = {
        decoding: paired(values[:, -1], base[decoding][:, -1], how)
        for decoding, values in found.items()
        if iteration > 0 and decoding in base
    }
    name = "base" if iteration == 0 else f"iteration {iteration}"
    return Evaluation(name, curves.pop(_GREEDY), curves, gains)


def compare_generators(outcomes: ByIteration, final: int, how: Resampling) -> dict[str, Interval]:
    """The paired differences that matter, in points after the last turn.

    Args:
        outcomes: See `evaluate_generators`.
        final: The chosen iteration.
        how: Draws the resamples.
    """
    values = {iteration: _accuracies(rows) for iteration, rows in sorted(outcomes.items())}
    greedy = {iteration: found[_GREEDY] for iteration, found in values.items()}
    differences = {"final - base, greedy": paired(greedy[final][:, -1], greedy[0][:, -1], how)}
    for iteration in sorted(greedy)[2:]:
        name = f"iteration {iteration} - iteration {iteration - 1}, greedy"
        differences[name] = paired(greedy[iteration][:, -1], greedy[iteration - 1][:, -1], how)
    first, last = greedy[final][:, 0], greedy[final][:, -1]
    differences["last turn - turn 1, final, greedy"] = paired(last, first, how)
    for iteration in dict.fromkeys((0, final)):
        name = "base" if iteration == 0 else FINAL
        differences |= {f"{pair}, {name}": found for pair, found in _compare_selections(values[iteration], how).items()}
    return differences


def _compare_selections(values: Mapping[str, Values], how: Resampling) -> dict[str, Interval]:
    pairs = [pair for pair in (*COMPARED_SELECTIONS, ("pt+lv", _GREEDY)) if pair[0] in values and pair[1] in values]
    return {f"{after} - {before}": paired(values[after][:, -1], values[before][:, -1], how) for after, before in pairs}


def _accuracies(outcomes: Sequence[ProblemOutcome]) -> dict[str, Values]:
    """Percent by decoding strategy, of outcomes with one N; [num_problems, num_turns]."""
    return {key.decoding: table.accuracy for key, table in tabulate(outcomes).items()}
