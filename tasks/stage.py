"""Stages as Prefect tasks: one decorator turns "build this artifact" into a cached, named, resumable task."""

from __future__ import annotations

import inspect
import pkgutil
import threading
import time
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from prefect import Task, task
from prefect.cache_policies import CachePolicy
from prefect.context import TaskRunContext
from prefect.futures import PrefectFuture
from prefect.logging import get_run_logger
from prefect.states import Completed, State

from mucode_core.artifacts import ArtifactStore
from mucode_core.config import Section, TimeLimits, TrainedConfig
from mucode_core.errors import (
    ArtifactError,
    PlacementError,
    SamplerError,
    SandboxError,
    StoreError,
    TimeLimitError,
    TrainerError,
)
from mucode_core.preflight.gpus import limit_name
from mucode_core.progress import Progress
from mucode_core.recipe import Recipe, Source
from mucode_core.sampling.servers import ServerPool
from mucode_core.sampling.vllm import open_client
from mucode_core.sandbox.base import Sandbox
from mucode_core.time_limit import limit_time
from mucode_core.training.turns import Turns
from mucode_core.types import ArtifactRef
from mucode_core.verifier.vllm_score import open_scorer
from mucode_core.workers import WorkerPool
from tasks.listening import current_listener
from tasks.monitoring import Logger, Monitor, has_server, summarise_stage
from tasks.placement import Placement, StageCall, decode_inputs, encode_inputs


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
    ) -> None:
        self._trains_beside_servers = trains_beside_servers
        self.time_limits = time_limits or TimeLimits()
        self.devices = tuple(devices)
        """The GPUs that the run was pinned to."""
        self.monitor = Monitor(logger)
        self._placements = placements or {}
        self.store, self.workers = store, workers
        self._open_sandbox, self._lock = open_sandbox, threading.Lock()
        self._sandbox: Sandbox | None = None
        self._turns = Turns()
        self.generators = ServerPool(open_client)
        self.scorers = ServerPool(open_scorer)
        self.listener = current_listener()
        self.started_at = time.time()
        self.submitted: dict[str, PrefectFuture[ArtifactRef]] = {}
        """Every stage of the run by label, in the order of submission."""

    @property
    def sandbox(self) -> Sandbox:
        """Opened by the first stage that executes programs, which says what it does not isolate."""
        with self._lock:
            if self._sandbox is None:
                self._sandbox = self._open_sandbox()
                self.tell(self._sandbox.isolation)
            return self._sandbox

    def tell(self, text: str) -> None:
        """Says something to whoever watches the run."""
        get_run_logger().warning("%s", text)
        if self.listener is not None:
            self.listener.told(text)

    def close(self) -> None:
        """Ends servers, workers and sandbox."""
        self.generators.close()
        self.scorers.close()
        self.workers.close()
        if self._sandbox is not None:
            self._sandbox.close()
        for placement in set(self._placements.values()):
            placement.close()
        self.monitor.close()

    def placement_of(self, tags: Sequence[str]) -> Placement | None:
        """Where a stage runs, if not here."""
        return next((self._placements[tag] for tag in tags if tag in self._placements), None)

    def log_path(self, ref: ArtifactRef) -> Path:
        """Where the server of a model writes what it has to say; the run's log repeats it."""
        path = self.store.root / "logs" / f"{ref.kind}-{ref.fingerprint[:12]}.log"
        self.monitor.follow(path)
        return path

    @contextmanager
    def room_for_training(self, settings: TrainedConfig) -> Generator[None]:
        """A block that has its devices for itself, and the memory of inference servers unless it needs not.

        The loop's trainings have a core each: they wait for no other training.
        """
        turn = self._turns.take(settings.trl.gpus) if settings.backend == "trl" else nullcontext()
        with turn, ExitStack() as pauses:
            if not self._trains_beside_servers:
                pauses.enter_context(self.generators.paused())  # in the order in which a search leases them
                pauses.enter_context(self.scorers.paused())
            yield

    def progress(self, label: str) -> Progress:
        """What a stage reports its progress to: the command line's display and the server's."""
        listener, tracked = self.listener, self.monitor.track(label)
        if listener is None:
            return tracked

        def tell(done: int, total: int, unit: str) -> None:
            listener.advanced(label, done, total, unit)
            tracked(done, total, unit)

        return tell


_SAME_VERSION = "deploy the same version of the project where the flow and where its stages run"

ON_DEVICES = ("sampling", "training", "scoring", "evaluation")
"""Tags of stages that use GPUs where there are any."""

_INFRASTRUCTURE = (PlacementError, SandboxError, SamplerError, StoreError, TimeLimitError, TrainerError)

Build = Callable[..., None]
"""Builds one artifact: (runtime, draft, label, **inputs)."""


@dataclass(frozen=True)
class Stage:
    """A kind of artifact and how to build it.

    Inputs are artifact references, lists of them, sources, configuration sections and plain values;
    the fingerprint is made of their content.
    """

    kind: str
    version: int
    build: Build
    tags: tuple[str, ...]
    task: Task[..., ArtifactRef]

    def submit(
        self, runtime: Runtime, label: str, *, after: Sequence[PrefectFuture[ArtifactRef]] = (), **inputs: Any
    ) -> PrefectFuture[ArtifactRef]:
        """Starts the stage once its inputs (which may be futures) are there; `label` names it in the UI.

        `after` delays it further: what it needs not, but should not compete with.
        """
        inspect.signature(self.build).bind(None, None, None, **inputs)
        results = Path(runtime.store.root).resolve() / "prefect"
        configured = self.task.with_options(
            name=self.kind,
            task_run_name=label.replace("{", "(").replace("}", ")"),
            result_storage=results,
            # each set of tags is looked up among the server's concurrency limits; a temporary server has none, and
            # its database, locked by its own event writer, answers only after the client's retry: 2 s a set
            tags=[*self.tags, *self._devices(runtime)] if has_server() else None,
        )
        future = configured.submit(runtime, label, inputs, wait_for=list(after))
        runtime.submitted[label] = future
        if (listener := runtime.listener) is not None:
            future.add_done_callback(lambda done: listener.finished(label) if _ended_well(done) else None)
        return future

    def _devices(self, runtime: Runtime) -> list[str]:
        return [limit_name(device) for device in runtime.devices] if set(self.tags) & set(ON_DEVICES) else []


def _ended_well(future: PrefectFuture[Any]) -> bool:
    future.wait()  # else the state is asked of the server, by a client made for the question
    return future.state.is_completed()


def name_stage(build: Build) -> str:
    """Where a stage is declared: `tasks.training:train_generator`."""
    return f"{build.__module__}:{build.__qualname__}"


def find_stage(name: str) -> Stage:
    """The inverse of `name_stage`.

    Raises:
        ArtifactError: This code has no such stage.
    """
    try:
        found = pkgutil.resolve_name(name)
    except (ImportError, AttributeError, ValueError):
        found = None
    if not isinstance(found, Stage):
        raise ArtifactError("this code has no such stage", place=name, cure=_SAME_VERSION)
    return found


def stage(kind: str, *, version: int, tags: tuple[str, ...] = ()) -> Callable[[Build], Stage]:
    """Declares a stage. The function reads its inputs, calls the core, and writes the draft.

    Args:
        kind: Of the artifact; also its directory and the task's name.
        version: Raised whenever the output changes for the same inputs.
        tags: Shown in the Prefect UI, beside the kind; concurrency limits may be set on them.
    """

    def decorate(build: Build) -> Stage:
        def run(runtime: Runtime, label: str, inputs: dict[str, Any]) -> State[ArtifactRef]:
            recipe = make_recipe(kind, version, inputs)
            message = "from the store"
            if runtime.store.find(recipe) is None:
                if (placement := runtime.placement_of(tags)) is not None:
                    message = _place(runtime, placement, recipe, build, label, inputs)
                else:
                    with _limited(runtime.time_limits, tags, label):
                        message = _build(runtime, recipe, build, label, inputs)
            return Completed(data=runtime.store.ref(recipe), message=message)

        configured = task(
            name=kind,
            description=inspect.getdoc(build),
            cache_policy=_VerifiedArtifact(kind=kind, version=version),
            persist_result=True,
            result_serializer="json",
            retries=2,
            retry_delay_seconds=2,
            retry_condition_fn=_is_infrastructure,
        )(run)
        # a future's result is what its state holds
        return Stage(kind, version, build, (kind, *tags), cast("Task[..., ArtifactRef]", configured))

    return decorate


def _limited(limits: TimeLimits, tags: Sequence[str], label: str) -> AbstractContextManager[None]:
    for tag in tags:
        if tag in TimeLimits.model_fields:
            return limit_time(getattr(limits, tag), place=label, setting=f"run.time_limits_s.{tag}")
    return nullcontext()


def _build(runtime: Runtime, recipe: Recipe, build: Build, label: str, inputs: Mapping[str, Any]) -> str:
    if runtime.listener is not None:
        runtime.listener.started(label)
    started = time.monotonic()
    with runtime.store.build(recipe) as draft:
        build(runtime, draft, label, **inputs)
    message = summarise_stage(draft.num_rows, time.monotonic() - started, draft.notes)
    get_run_logger().info("%s: %s %s", label, message, draft.notes or "")
    return message


def _place(
    runtime: Runtime, placement: Placement, recipe: Recipe, build: Build, label: str, inputs: Mapping[str, Any]
) -> str:
    placement.run(StageCall(name_stage(build), label, encode_inputs(build, inputs), recipe.fingerprint))
    record = runtime.store.record(runtime.store.ref(recipe))
    done = summarise_stage(record["num_rows"], record["duration_s"], record["notes"])
    return f"{done} · {placement.description}"


def build_call(runtime: Runtime, call: StageCall) -> None:
    """Publishes the artifact that another process's run calls for, in the store that both share.

    Raises:
        ArtifactError: This code would make another artifact than the caller's.
    """
    stage = find_stage(call.stage)
    inputs = decode_inputs(stage.build, call.inputs)
    recipe = make_recipe(stage.kind, stage.version, inputs)
    if recipe.fingerprint != call.fingerprint:
        raise ArtifactError("the caller's code makes another artifact", place=call.label, cure=_SAME_VERSION)
    if runtime.store.find(recipe) is None:
        with _limited(runtime.time_limits, stage.tags, call.label):
            _build(runtime, recipe, stage.build, call.label, inputs)


def make_recipe(kind: str, version: int, inputs: Mapping[str, Any]) -> Recipe:
    """Sorts a stage's inputs into artifacts and settings."""
    refs: dict[str, tuple[ArtifactRef, ...]] = {}
    settings: dict[str, Any] = {}
    for name, value in sorted(inputs.items()):
        if isinstance(value, ArtifactRef):
            refs[name] = (value,)
        elif isinstance(value, list) and value and all(isinstance(item, ArtifactRef) for item in value):
            refs[name] = tuple(value)
        elif isinstance(value, Source):
            settings[name] = value.digest
        elif isinstance(value, Section):
            settings[name] = value.fingerprinted()
        else:
            settings[name] = value
    return Recipe(kind, version, refs, settings)


@dataclass
class _VerifiedArtifact(CachePolicy):
    """Prefect's record of a result counts only while the artifact behind it verifies."""

    kind: str = ""
    version: int = 0

    def compute_key(
        self,
        task_ctx: TaskRunContext,
        inputs: dict[str, Any],
        flow_parameters: dict[str, Any],
        **kwargs: Any,
    ) -> str | None:
        runtime: Runtime = inputs["runtime"]
        recipe = make_recipe(self.kind, self.version, inputs["inputs"])
        if runtime.store.find(recipe) is None:
            (runtime.store.root / "prefect" / recipe.fingerprint).unlink(missing_ok=True)
        return recipe.fingerprint


def _is_infrastructure(task: Any, task_run: Any, state: Any) -> bool:
    """Only failures of the machinery are tried again; bad data stays bad."""
    return isinstance(state.data, _INFRASTRUCTURE)
