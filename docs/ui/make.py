"""Remakes the screenshots of docs/deployments.md: a server, workers and a small deployed run, seen by a browser.

    python -m docs.ui.make

Takes some minutes on two cores. Needs chromium and chromium-driver.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from mucode_deployments.recipes import load_recipe
from PIL import Image

from tests.support.prefect_server import ask, call, read_run, running_server, start, stop, wait_for
from tests.support.webdriver import Browser, open_browser

_HERE = Path(__file__).parent
_RUN_S = 1800
_SETTLE_S = 4.0
"""For what a page fetches, and for its animations."""
_WIDTH = 1000
_COLOURS = 255
_SMALL = [
    "problems.num_train=60",
    "problems.num_validation=40",
    "problems.num_test=60",
    "generator.bootstrap.num_dialogues=3000",
    "rollouts.shard_size=120",
    "finetune.epochs=3",
    "run.seed=5",
]
_POOLS = {"cpu": "demo", "gpu-01": "llama-3.2-1b-mbpp"}
_CLICK = "[...document.querySelectorAll('li')].find(e => e.innerText.trim() === arguments[0]).click()"
_SEARCH = """
const field = document.querySelector("input[placeholder='Search by run name']")
Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, "value").set.call(field, arguments[0])
field.dispatchEvent(new Event("input", {bubbles: true}))
"""


class Camera:
    """Takes pictures of the pages of one server."""

    def __init__(self, browser: Browser, address: str, directory: Path) -> None:
        self._browser, self._address, self._directory = browser, address, directory

    def take(self, name: str, page: str, height: int, *scripts: tuple[str, str]) -> None:
        """A page, after what scripts do to it, as a PNG file with few colours."""
        self._browser.resize(_WIDTH, height)
        self._browser.visit(self._address + page)
        time.sleep(_SETTLE_S)
        for script, argument in scripts:
            self._browser.run(script, argument)
            time.sleep(_SETTLE_S)
        path = self._directory / f"{name}.png"
        self._browser.screenshot(path)
        Image.open(path).convert("RGB").quantize(_COLOURS).save(path, optimize=True)


@contextmanager
def _deployed(environment: dict[str, str]) -> Generator[dict[str, str]]:
    """Pools with a worker each; yields the deployment of each."""
    call(environment, "mucode_deployments.pools", "0,1")
    for name in _POOLS.values():
        full = f"expert-iteration/{name}"
        call(environment, "prefect", "--no-prompt", "deploy", "-n", full, "--prefect-file", "deployments/prefect.yaml")
    workers = [start(environment, "worker", "start", "--type", "process", "--pool", pool) for pool in _POOLS]
    try:
        yield {one["work_pool_name"]: one["id"] for one in ask(environment, "deployments/filter")}
    finally:
        for worker in workers:
            stop(worker)


def _run_demo(environment: dict[str, str], deployment: str, out: Path) -> str:
    config = load_recipe("configs/demo.yaml", [*_SMALL, f"run.output_dir={out}"])["config"]
    made = ask(environment, f"deployments/{deployment}/create_flow_run", parameters={"config": config})
    ended = {"COMPLETED", "FAILED", "CRASHED"}
    wait_for(lambda: read_run(environment, made["id"])["state_type"] in ended, _RUN_S)
    return made["id"]


def photograph(environment: dict[str, str], camera: Camera, deployment: str, run: str) -> None:
    """Every picture of a run that has ended."""
    artifacts = {one["key"]: one["id"] for one in ask(environment, "artifacts/filter")}
    tasks: dict[str, Any] = {one["name"]: one for one in ask(environment, "task_runs/filter", limit=200)}
    camera.take("form", f"/deployments/deployment/{deployment}/run", 900)
    camera.take("pools", "/work-pools", 600)
    camera.take("run", f"/runs/flow-run/{run}", 1250, (_CLICK, "Task Runs"), (_SEARCH, "round 2"))
    camera.take("task", f"/runs/task-run/{tasks['round 2 · fine-tune']['id']}", 640)
    camera.take("round", f"/artifacts/artifact/{artifacts['round-2']}", 1060)
    camera.take("plot", f"/artifacts/artifact/{artifacts['round-2-plot']}", 880)
    camera.take("report", f"/artifacts/artifact/{artifacts['report']}", 1000)


def main() -> None:
    with tempfile.TemporaryDirectory() as location:
        directory = Path(location)
        with running_server(directory) as environment, _deployed(environment) as deployments:
            run = _run_demo(environment, deployments["cpu"], directory / "demo")
            with open_browser(directory / "browser") as browser:
                address = environment["PREFECT_API_URL"].removesuffix("/api")
                photograph(environment, Camera(browser, address, _HERE), deployments["cpu"], run)


if __name__ == "__main__":
    main()
