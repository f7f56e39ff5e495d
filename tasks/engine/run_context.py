"""What the stages of a run work with: store, workers, sandbox, servers and listeners."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, nullcontext
from pathlib import Path

from mucode_tasks.engine.limited_tags import LimitedTags
from mucode_tasks.engine.listener import current_listener
from mucode_tasks.engine.monitor import Logger, Monitor
from mucode_tasks.engine.placement import Placement
from prefect.futures import PrefectFuture
from prefect.logging import get_run_logger

from mucode_core.config import TimeLimits, TrainedConfig
from mucode_core.evaluation.run_record import StageName
from mucode_core.progress import Progress
from mucode_core.sandbox.base import Sandbox
from mucode_core.serving.endpoints import open_client
from mucode_core.serving.lease import LeasedServers
from mucode_core.store.artifacts import ArtifactStore
from mucode_core.store.draft import Draft
from mucode_core.system.gpu_queue import GpuQueue
from mucode_core.system.worker_pool import WorkerPool
from mucode_core.training.base import TrainingPaths
from mucode_core.types import ArtifactRef
from mucode_core.verifier.score_vllm import open_scorer


class Runtime:
    """*Where* a run happens: nothing here enters a fingerprint.

    Not a dataclass: Prefect would walk through it in search of futures.
    """

    def __init__(
        self,
        store: ArtifactStore,
        workers: WorkerPool,
        open_sandbox: Callable[[], Sandbox],
        *,
        trains_beside_servers: bool = False,
        devices: Sequence[str] = (),
        logger: Logger | None = None,
        placements: Mapping[str, Placement] | None = None,
        time_limits: TimeLimits | None = None,
        run_dir: Path | None = None,
    ) -> None:
        self._trains_beside_servers = trains_beside_servers
        self.time_limits = time_limits or TimeLimits()
        self.devices = tuple(devices)
        """The GPUs that the run was pinned to."""
        self.monitor = Monitor(logger)
        self._placements = placements or {}
        self.store, self.workers = store, workers
        self.run_dir = run_dir or store.root.parent
        """Where the run writes its results."""
        self._open_sandbox, self._lock = open_sandbox, threading.Lock()
        self._sandbox: Sandbox | None = None
        self._gpus = GpuQueue()
        self.generators = LeasedServers(open_client)
        self.scorers = LeasedServers(open_scorer)
        self.listener = current_listener()
        self.limited_tags = LimitedTags()
        self.started_at = time.time()
        self.submitted: dict[StageName, PrefectFuture[ArtifactRef]] = {}
        """Every stage of the run, in the order of submission."""

    @property
    def sandbox(self) -> Sandbox:
        """Opened by the first stage that executes programs, which says what it does not isolate."""
        with self._lock:
            if self._sandbox is None:
                self._sandbox = self._open_sandbox()
                self.notify(self._sandbox.isolation)
            return self._sandbox

    def notify(self, text: str) -> None:
        """Shows a remark to the run's listeners."""
        get_run_logger().warning("%s", text)
        if self.listener is not None:
            self.listener.noted(text)

    def close(self) -> None:
        """Ends servers, workers and sandbox."""
        self.generators.close()
        self.scorers.close()
        self.workers.close()
        if self._sandbox is not None:
            self._sandbox.close()
        self.monitor.close()

    def placement_of(self, tags: Sequence[str]) -> Placement | None:
        """Where a stage runs, if not here."""
        return next((self._placements[tag] for tag in tags if tag in self._placements), None)

    def log_path(self, ref: ArtifactRef) -> Path:
        """The log file of a model's server; the run's log repeats it."""
        path = self.store.root / "logs" / f"{ref.kind}-{ref.fingerprint[:12]}.log"
        self.monitor.follow(path)
        return path

    def training_place(self, draft: Draft) -> TrainingPaths:
        """Where a training in processes of its own keeps its checkpoints, log and loss curves; the task's log repeats
        its log."""
        logs, recipe = self.store.root.resolve() / "logs", draft.recipe
        name = f"{recipe.kind}-{recipe.fingerprint[:12]}"
        log = logs / f"train-{name}.log"
        self.monitor.follow(log, get_run_logger())
        return TrainingPaths(draft.scratch.resolve(), log, logs / "tensorboard" / name)

    @contextmanager
    def room_for_training(self, settings: TrainedConfig) -> Generator[None]:
        """A block with exclusive use of its devices, and of the memory of inference servers where it needs that.

        The loop's trainings have a core each: they wait for no other training.
        """
        gpus = self._gpus.hold(settings.trl.gpus) if settings.backend == "trl" else nullcontext()
        with gpus, ExitStack() as pauses:
            if not self._trains_beside_servers:
                pauses.enter_context(self.generators.paused())  # in the order in which a search leases them
                pauses.enter_context(self.scorers.paused())
            yield

    def progress(self, label: str) -> Progress:
        """What a stage reports its progress to: the command line's display and the server's."""
        listener, tracked = self.listener, self.monitor.track(label)
        if listener is None:
            return tracked

        def report(done: int, total: int, unit: str) -> None:
            listener.advanced(label, done, total, unit)
            tracked(done, total, unit)

        return report
