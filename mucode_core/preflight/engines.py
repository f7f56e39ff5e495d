"""vLLM servers of the run's own: the build, devices, memory, lengths."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from mucode_core.config import Config, EngineConfig
from mucode_core.doctor import Check
from mucode_core.errors import ConfigError
from mucode_core.preflight.checks import tell
from mucode_core.preflight.gpus import Gpu, choose_numbers, examine_numbers, name_holders
from mucode_core.preflight.memory import cache_gib, serving_gib
from mucode_core.preflight.shapes import ModelShape

_BYTES = {"auto": 2, "bfloat16": 2, "float16": 2, "float32": 4}


def examine(config: Config, shape: ModelShape | None, gpus: Sequence[Gpu]) -> Iterator[Check]:
    """Checks of each server that the run will start; those of its model where the shape is known."""
    engines = find_owned(config)
    if not engines:
        return
    on_cpu: list[bool] = []
    yield tell("vllm", lambda: _describe_build(engines, gpus, on_cpu))
    used = [] if any(on_cpu) else gpus
    for place, engine in engines.items():
        asked_of = gpus if engine.gpus else used
        keys = "tensor_parallel_size or data_parallel_size"
        yield examine_numbers(place, engine.gpus, count_devices(engine), asked_of, keys)
        if shape is not None:
            yield _examine_length(place, engine, shape)
            yield _examine_heads(place, engine, shape)
            yield _examine_memory(place, engine, shape, used)
    if len(engines) > 1:
        yield _examine_shared(engines, used)
    if used:
        yield _examine_free(engines, used)


def find_owned(config: Config) -> dict[str, EngineConfig]:
    """The servers that a run starts itself, by their sections."""
    found: dict[str, EngineConfig] = {}
    if config.generator.backend == "vllm" and not config.generator.vllm.base_url:
        found["generator.vllm"] = config.generator.vllm
    if config.verifier.scorer == "vllm":
        found["verifier.vllm"] = config.verifier.vllm
    return found


def count_devices(engine: EngineConfig) -> int:
    """GPUs that a server takes."""
    return engine.tensor_parallel_size * engine.data_parallel_size


def _describe_build(engines: Mapping[str, EngineConfig], gpus: Sequence[Gpu], on_cpu: list[bool]) -> str:
    """What is installed, and in `on_cpu`, as far as it is known, whether it is the build without GPU."""
    from mucode_core.sampling.vllm import is_cpu_build

    on_cpu.append(is_cpu_build())
    named = [f"{place}.gpus={list(engine.gpus)}" for place, engine in engines.items() if engine.gpus]
    if on_cpu[0] and named:
        cure = 'pip install "mucode[gpu]" in its stead, or name no gpus'
        raise ConfigError("the installed vLLM is the CPU build and takes none", place=named[0], cure=cure)
    if not on_cpu[0] and not gpus:
        cure = 'run where there is one, or pip install "mucode[cpu]" in its stead'
        raise ConfigError("the installed vLLM needs a GPU, and there is none", place=", ".join(engines), cure=cure)
    return "CPU build" if on_cpu[0] else "GPU build"


def _choose(engine: EngineConfig, gpus: Sequence[Gpu]) -> set[int]:
    return choose_numbers(engine.gpus, count_devices(engine), gpus)


def _examine_length(place: str, engine: EngineConfig, shape: ModelShape) -> Check:
    """vLLM starts no server for sequences longer than the model's."""
    ok = engine.max_model_len <= shape.context_length
    detail = f"sequences of up to {engine.max_model_len or shape.context_length} tokens, context {shape.context_length}"
    cure = f": lower {place}.max_model_len, or set it to 0"
    return Check(f"{place} lengths", ok, detail if ok else detail + cure, required=True)


def _examine_heads(place: str, engine: EngineConfig, shape: ModelShape) -> Check:
    """Each device gets as many attention heads as the others."""
    ok = shape.num_heads % engine.tensor_parallel_size == 0
    detail = f"{shape.num_heads} attention heads on {engine.tensor_parallel_size} devices"
    cure = f": set {place}.tensor_parallel_size to a divisor"
    return Check(f"{place} heads", ok, detail if ok else detail + cure, required=True)


def _examine_memory(place: str, engine: EngineConfig, shape: ModelShape, gpus: Sequence[Gpu]) -> Check:
    """The weights, and the keys and values of one sequence of full length, have to fit."""
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
    cure = "; lower max_model_len, or give it more devices or memory"
    return Check(f"{place} memory", ok, detail if ok else detail + cure, required=True)


def _examine_shared(engines: Mapping[str, EngineConfig], gpus: Sequence[Gpu]) -> Check:
    """A search leases both servers: they are alive at the same time."""
    first, second = engines.values()
    shared = not _choose(first, gpus).isdisjoint(_choose(second, gpus))
    together = first.gpu_memory_utilization + second.gpu_memory_utilization
    ok = not shared or together <= 1
    detail = f"{together:.2f} of a GPU together" if shared else "on devices of their own"
    cure = ": lower generator.vllm.gpu_memory_utilization, or give verifier.vllm other gpus"
    return Check("both servers", ok, detail if ok else detail + cure, required=True)


def _examine_free(engines: Mapping[str, EngineConfig], gpus: Sequence[Gpu]) -> Check:
    """vLLM does not start where its share of the whole memory is not free."""
    for gpu in gpus:
        shares = [engine.gpu_memory_utilization for engine in engines.values() if gpu.index in _choose(engine, gpus)]
        taken = min(1.0, sum(shares)) * gpu.total_gib
        if shares and taken > gpu.free_gib:
            detail = f"{taken:.1f} GiB are to be taken of GPU {gpu.index}, {gpu.free_gib:.1f} are free"
            cure = f"{name_holders(gpu)}, or lower gpu_memory_utilization"
            return Check("free memory of GPUs", ok=False, detail=f"{detail}: {cure}", required=True)
    detail = ", ".join(f"{gpu.index}: {gpu.free_gib:.1f} GiB" for gpu in gpus)
    return Check("free memory of GPUs", ok=True, detail=detail, required=True)
