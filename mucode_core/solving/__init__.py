"""Using what was trained: a statement and its tests in, a program out."""

from __future__ import annotations

from mucode_core.solving.options import SearchOptions
from mucode_core.solving.solution import Attempt, Solution, SolvedTurn
from mucode_core.solving.solver import Solver
from mucode_core.solving.statement import make_problem
from mucode_core.solving.trace import write_trace

__all__ = ["Attempt", "SearchOptions", "Solution", "SolvedTurn", "Solver", "make_problem", "write_trace"]
