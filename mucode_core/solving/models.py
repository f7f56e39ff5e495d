"""The models of a solver, by their names."""

from __future__ import annotations

from contextlib import ExitStack
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from mucode_core.method.search import Score
from mucode_core.models.checkpoint_kind import read_scoring, require_generator
from mucode_core.models.gguf_file import find_gguf
from mucode_core.models.hub import find_checkpoint
from mucode_core.solving.batching import batch_scores
from mucode_core.system.worker_pool import WorkerPool
from mucode_core.verifier.scorers import score_distinct


def find_generator(name: str, workers: WorkerPool, owned: ExitStack) -> Path:
    """The generator's checkpoint; that of a GGUF file is converted.

    Args:
        name: A checkpoint directory, a GGUF file or a hub name.
        workers: Convert a GGUF file.
        owned: Removes what was converted.

    Raises:
        DataError: There is none, or it is a verifier.
    """
    file = find_gguf(name)
    if file is None:
        path = find_checkpoint(name)
        require_generator(path)
        return path
    out = Path(owned.enter_context(TemporaryDirectory(prefix="mucode-gguf-"))) / "model"
    workers.map("mucode_core.generator.gguf:convert_gguf", [(file, out)])
    return out


def open_scorer(workers: WorkerPool, verifier: str | None) -> Score | None:
    """The scores of a verifier in a worker process, batched for many threads; None without a verifier.

    Raises:
        DataError: There is no such checkpoint, or it is a generator.
    """
    if verifier is None:
        return None
    path = find_checkpoint(verifier)
    read_scoring(path)
    run = partial(workers.map, "mucode_core.verifier.scorers:score_programs")
    return batch_scores(lambda items: score_distinct(list(items), path, run))
