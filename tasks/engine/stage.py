"""Stages as Prefect tasks: one decorator turns "build this artifact" into a cached, named, resumable task."""

from __future__ import annotations

import inspect
import pkgutil
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from mucode_tasks.engine.monitor import has_server, summarise_stage
from mucode_tasks.engine.placement import Placement
from mucode_tasks.engine.run_context import Runtime
from mucode_tasks.engine.stage_inputs import StageCall, decode_inputs, encode_inputs, make_recipe
from prefect import Task, task
from prefect.cache_policies import CachePolicy
from prefect.context import TaskRunContext
from prefect.futures import PrefectFuture
from prefect.logging import get_run_logger
from prefect.states import Completed, State

from mucode_core.config import TimeLimits
from mucode_core.errors import (
    ArtifactError,
    PlacementError,
    SamplerError,
    SandboxError,
    StoreError,
    TimeLimitError,
    TrainerError,
)
from mucode_core.evaluation.run_record import StageName
from mucode_core.store.recipe import Recipe
from mucode_core.system.deadline import limit_time
from mucode_core.system.gpus import limit_name
from mucode_core.types import ArtifactRef

_FEW_SHARDS = 50
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
        self, runtime: Runtime, name: StageName, *, after: Sequence[PrefectFuture[ArtifactRef]] = (), **inputs: Any
    ) -> PrefectFuture[ArtifactRef]:
        """Starts the stage once its inputs (which may be futures) are ready; the UI shows the caption of its name.

        `after` delays it further: stages that it does not need but should not compete with.
        """
        inspect.signature(self.build).bind(None, None, None, **inputs)
        label = name.caption
        results = Path(runtime.store.root).resolve() / "prefect"
        configured = self.task.with_options(
            name=self.kind,
            task_run_name=label.replace("{", "(").replace("}", ")"),
            result_storage=results,
            tags=self._tags(runtime, name),
        )
        if (listener := runtime.listener) is not None:
            listener.submitted(name)
        future = configured.submit(runtime, label, inputs, wait_for=list(after))
        runtime.submitted[name] = future
        if listener is not None:
            future.add_done_callback(lambda done: listener.finished(label) if _ended_well(done) else None)
        return future

    def _tags(self, runtime: Runtime, name: StageName) -> list[str] | None:
        """Where there are many shards, they have only the tags that need to be looked up: see `limited_tags`."""
        if not has_server():  # a temporary one has no limits
            return None
        devices = runtime.devices if set(self.tags) & set(ON_DEVICES) else ()
        tags = [*self.tags, *map(limit_name, devices)]
        return tags if (name.num_shards or 1) <= _FEW_SHARDS else runtime.limited_tags.among(tags)


def _ended_well(future: PrefectFuture[Any]) -> bool:
    future.wait()  # else the state is asked of the server, by a client made for the question
    return future.state.is_completed()


def name_stage(build: Build) -> str:
    """Where a stage is declared: `mucode_tasks.improvement:train_generator`."""
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
        raise ArtifactError("this code has no such stage", location=name, hint=_SAME_VERSION)
    return found


def stage(kind: str, *, version: int, tags: tuple[str, ...] = ()) -> Callable[[Build], Stage]:
    """Declares a stage. The function reads its inputs, calls the core, and writes the draft.

    Args:
        kind: Of the artifact; also its directory and the task's name.
        version: Raised whenever the output changes for the same inputs.
        tags: Shown in the Prefect UI, beside the kind, unless there are many shards; they may have concurrency limits.
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
            return limit_time(getattr(limits, tag), location=label, setting=f"run.time_limits_s.{tag}")
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
    """Publishes the artifact that another process's run requests, in the store that both share.

    Raises:
        ArtifactError: This code would make another artifact than the caller's.
    """
    stage = find_stage(call.stage)
    inputs = decode_inputs(stage.build, call.inputs)
    recipe = make_recipe(stage.kind, stage.version, inputs)
    if recipe.fingerprint != call.fingerprint:
        raise ArtifactError("the caller's code makes another artifact", location=call.label, hint=_SAME_VERSION)
    if runtime.store.find(recipe) is None:
        with _limited(runtime.time_limits, stage.tags, call.label):
            _build(runtime, recipe, stage.build, call.label, inputs)


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
    """Only infrastructure failures are retried; bad data stays bad."""
    return isinstance(state.data, _INFRASTRUCTURE)
