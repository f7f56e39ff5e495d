"""Checks of vLLM servers that the run starts: build, devices, memory, lengths."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing

from mucode_core.config import Config, EngineConfig, VerifierConfig
from mucode_core.errors import ConfigError
from mucode_core.models.shape import ModelShape
from mucode_core.preflight.gpu_checks import examine_numbers
from mucode_core.preflight.host import Check, run_check
from mucode_core.preflight.memory import cache_gib, serving_gib
from mucode_core.system.gpus import Gpu, choose_numbers, name_holders

_BYTES = {"auto": 2, "bfloat16": 2, "float16": 2, "float32": 4}


def examine(config: Config, shape: ModelShape | None, gpus: Sequence[Gpu]) -> Iterator[Check]:
    """Checks of each server that the run starts; those of its model only if its shape is known."""
    if config.verifier.scorer == "vllm" and config.verifier.vllm.base_url:
        yield run_check("verifier's endpoint", lambda: ask_judge(config.verifier))
    engines = find_owned(config)
    if not engines:
        return
    on_cpu: list[bool] = []
    yield run_check("vllm", lambda: _describe_build(engines, gpus, on_cpu))
    used = [] if any(on_cpu) else gpus
    for location, engine in engines.items():
        asked_of = gpus if engine.gpus else used
        keys = "tensor_parallel_size or data_parallel_size"
        yield examine_numbers(location, engine.gpus, count_devices(engine), asked_of, keys)
        if shape is not None:
            yield _examine_length(location, engine, shape)
            yield _examine_heads(location, engine, shape)
            yield _examine_memory(location, engine, shape, used)
    if len(engines) > 1:
        yield _examine_shared(engines, used)
    if used:
        yield _examine_free(engines, used)


def find_owned(config: Config) -> dict[str, EngineConfig]:
    """The servers that a run starts, by section."""
    found: dict[str, EngineConfig] = {}
    if config.generator.backend == "vllm" and not config.generator.vllm.base_url:
        found["generator.vllm"] = config.generator.vllm
    if config.verifier.scorer == "vllm" and not config.verifier.vllm.base_url:
        found["verifier.vllm"] = config.verifier.vllm
    return found


def count_devices(engine: EngineConfig) -> int:
    """GPUs of a server."""
    return engine.tensor_parallel_size * engine.data_parallel_size


def ask_judge(verifier: VerifierConfig) -> str:
    """Asks once: an endpoint without log-probabilities, or without the answers, would fail after the first rollouts."""
    from mucode_core.verifier.judge import JudgeClient

    with closing(JudgeClient(verifier.vllm, verifier.scoring)) as judge:
        score = judge.ask_once("Write f, which returns 1.", "def f():\n    return 1")
    return f"{verifier.vllm.served_model} at {verifier.vllm.base_url} answers: log-odds {score:.2f}"


def _describe_build(engines: Mapping[str, EngineConfig], gpus: Sequence[Gpu], on_cpu: list[bool]) -> str:
    """Describes the installed vLLM; appends to `on_cpu` whether it is the CPU build."""
    from mucode_core.serving.endpoints import is_cpu_build

    on_cpu.append(is_cpu_build())
    named = [f"{location}.gpus={list(engine.gpus)}" for location, engine in engines.items() if engine.gpus]
    if on_cpu[0] and named:
        hint = 'pip install "mucode[gpu]" instead, or leave gpus empty'
        raise ConfigError("the installed vLLM is the CPU build and supports none", location=named[0], hint=hint)
    if not on_cpu[0] and not gpus:
        hint = 'run on a machine with one, or pip install "mucode[cpu]" instead'
        raise ConfigError("the installed vLLM needs a GPU, and there is none", location=", ".join(engines), hint=hint)
    return "CPU build" if on_cpu[0] else "GPU build"


def _choose(engine: EngineConfig, gpus: Sequence[Gpu]) -> set[int]:
    return choose_numbers(engine.gpus, count_devices(engine), gpus)


def _examine_length(location: str, engine: EngineConfig, shape: ModelShape) -> Check:
    """vLLM refuses sequences longer than the model's context."""
    ok = engine.max_model_len <= shape.context_length
    detail = f"sequences of up to {engine.max_model_len or shape.context_length} tokens, context {shape.context_length}"
    hint = f": lower {location}.max_model_len, or set it to 0"
    return Check(f"{location} lengths", ok, detail if ok else detail + hint, required=True)


def _examine_heads(location: str, engine: EngineConfig, shape: ModelShape) -> Check:
    """All devices must get equally many attention heads."""
    ok = shape.num_heads % engine.tensor_parallel_size == 0
    detail = f"{shape.num_heads} attention heads on {engine.tensor_parallel_size} devices"
    hint = f": set {location}.tensor_parallel_size to a divisor"
    return Check(f"{location} heads", ok, detail if ok else detail + hint, required=True)


def _examine_memory(location: str, engine: EngineConfig, shape: ModelShape, gpus: Sequence[Gpu]) -> Check:
    """The weights, and the keys and values of one full-length sequence, must fit."""
    size, length = _BYTES[engine.dtype], engine.max_model_len or shape.context_length
    devices = engine.tensor_parallel_size
    weights = serving_gib(shape, weight_bytes=size, num_devices=devices)
    cache = cache_gib(shape, value_bytes=size, num_tokens=length, num_devices=devices)
    numbers = _choose(engine, gpus)
    if used := [gpu for gpu in gpus if gpu.index in numbers]:
        there = min(gpu.total_gib for gpu in used) * engine.gpu_memory_utilization
        needed, where = weights + cache, "a GPU"
    else:
        there, needed, where = float(engine.kv_cache_gib), cache, "kv_cache_gib"
    ok = needed <= there
    detail = (
        f"{needed:.2f} GiB of {there:.1f} in {where}: weights {weights:.2f}, a sequence of {length} tokens {cache:.2f}"
    )
    hint = "; lower max_model_len, or add devices or memory"
    return Check(f"{location} memory", ok, detail if ok else detail + hint, required=True)


def _examine_shared(engines: Mapping[str, EngineConfig], gpus: Sequence[Gpu]) -> Check:
    """A search uses both servers at the same time."""
    first, second = engines.values()
    shared = not _choose(first, gpus).isdisjoint(_choose(second, gpus))
    together = first.gpu_memory_utilization + second.gpu_memory_utilization
    ok = not shared or together <= 1
    detail = f"{together:.2f} of a GPU together" if shared else "on separate devices"
    hint = ": lower generator.vllm.gpu_memory_utilization, or give verifier.vllm different gpus"
    return Check("both servers", ok, detail if ok else detail + hint, required=True)


def _examine_free(engines: Mapping[str, EngineConfig], gpus: Sequence[Gpu]) -> Check:
    """vLLM does not start unless its share of the total memory is free."""
    for gpu in gpus:
        shares = [engine.gpu_memory_utilization for engine in engines.values() if gpu.index in _choose(engine, gpus)]
        taken = min(1.0, sum(shares)) * gpu.total_gib
        if shares and taken > gpu.free_gib:
            detail = f"{taken:.1f} GiB needed on GPU {gpu.index}, {gpu.free_gib:.1f} free"
            hint = f"{name_holders(gpu)}, or lower gpu_memory_utilization"
            return Check("free memory of GPUs", ok=False, detail=f"{detail}: {hint}", required=True)
    detail = ", ".join(f"{gpu.index}: {gpu.free_gib:.1f} GiB" for gpu in gpus)
    return Check("free memory of GPUs", ok=True, detail=detail, required=True)
