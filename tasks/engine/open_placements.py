"""Opens the placements that a run's configuration names."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from contextlib import ExitStack, contextmanager
from importlib.util import find_spec

from mucode_tasks.engine.gpu_hold import find_devices
from mucode_tasks.engine.monitor import has_server
from mucode_tasks.engine.placement import DeploymentPlacement, Placement
from mucode_tasks.engine.stage import ON_DEVICES

from mucode_core.config import Config
from mucode_core.errors import ConfigError


@contextmanager
def open_placements(config: Config) -> Generator[Mapping[str, Placement]]:
    """Where stages run that do not run in the flow's process, by their tags; closed at the end of the block.

    Raises:
        ConfigError: Stages are to be placed, and this run cannot place them.
        PlacementError: There is no cluster at `run.ray_address`.
    """
    run, placements = config.run, dict[str, Placement]()
    _require_server(config)
    with ExitStack() as opened:
        if run.placement == "deployments":
            _require_no_devices(config)
            elsewhere = DeploymentPlacement(config)
            opened.callback(elsewhere.close)
            placements |= dict.fromkeys(ON_DEVICES, elsewhere)
        if run.task_runner == "ray":
            placements["execution"] = cluster = _join_cluster(config)
            opened.callback(cluster.close)
        yield placements


def _require_server(config: Config) -> None:
    run = config.run
    for key, chosen in (("placement", run.placement == "deployments"), ("task_runner", run.task_runner == "ray")):
        if chosen and not has_server():
            hint = f"start one and set PREFECT_API_URL, or omit run.{key}"
            raise ConfigError("needs a Prefect server", location=f"run.{key}: {getattr(run, key)}", hint=hint)


def _require_no_devices(config: Config) -> None:
    if devices := find_devices(config):  # its stages would wait for devices, or a slot in a pool, that the run holds
        problem = f"the run holds GPUs itself: {', '.join(devices)}"
        hint = "start the run where CUDA_VISIBLE_DEVICES is empty, such as the pool cpu"
        raise ConfigError(problem, location="run.placement: deployments", hint=hint)


def _join_cluster(config: Config) -> Placement:
    if find_spec("prefect_ray") is None:
        hint = 'pip install "mucode[ray]"'
        raise ConfigError("prefect-ray is not installed", location="run.task_runner: ray", hint=hint)
    from mucode_tasks.engine.ray_placement import RayPlacement

    return RayPlacement(config)
