"""The paper's figures (table 1), for comparison on the same data."""

from __future__ import annotations

_MODELS = ("Llama-3.2-1B", "Llama-3.1-8B")
_COLUMNS = {"mbpp": (0, 2), "humanevalpack": (1, 3), "code_contests": (None, 4)}
"""By data set, the index of each model's figure in a row."""
_ROWS: tuple[tuple[str, int, tuple[float, ...]], ...] = (
    ("single-turn instruct", 1, (35.1, 25.6, 52.1, 59.8, 3.6)),
    ("multi-turn instruct", 1, (35.1, 31.1, 60.3, 59.7, 4.8)),
    ("multi-turn instruct", 5, (47.3, 35.7, 69.7, 62.9, 13.8)),
    ("multi-turn RFT", 1, (31.1, 31.7, 58.9, 61.2, 7.2)),
    ("multi-turn RFT", 5, (46.7, 34.1, 68.4, 62.8, 14.9)),
    ("µCode", 1, (37.9, 35.4, 62.1, 60.9, 7.9)),
    ("µCode", 5, (51.1, 41.5, 70.6, 63.8, 16.3)),
)


def published_rows(dataset: str) -> list[list[str]]:
    """Accuracy in percent after three turns, header first; empty where the paper has no figures for the data set."""
    columns = _COLUMNS.get(dataset)
    if columns is None:
        return []
    used = [(model, location) for model, location in zip(_MODELS, columns, strict=True) if location is not None]
    header = ["method", "N", *(model for model, _ in used)]
    return [header, *([name, str(n), *(f"{row[location]:.1f}" for _, location in used)] for name, n, row in _ROWS)]
