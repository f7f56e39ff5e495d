"""Generated tokens per second with vLLM: the pipeline with concurrent execution, its upper bounds and alternatives.

    python -m benchmarks.sampling [--rounds 3] [--problems 64] [--rollouts 4] [--shards 8] [--batch 16] [--layers 48]

A small base model is trained first, so that its programs are worth executing. It would answer hundreds of requests per
second, on the cores that execute its programs: identity blocks are added to it (`--layers`) until a completion takes
about as long as on a GPU with a real model, and execution is again a small part of the work. As in a real round, there
are several times as many rollouts as the engine processes at once (`--batch`). All variants answer the same requests,
interleaved in one run:

- pipeline: shards alternate sampling and execution by turn, all shards at once, as in the flow;
- lock_step: the same as one shard, so that sampling and execution wait for each other;
- plain: the requests of all turns at once through the same client, nothing executed;
- raw: `LLM.chat` in the engine's own process, nothing executed;
- processes: one blocking client process per request, eight at a time, on a part of the requests.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import torch
from transformers import AutoConfig, AutoModelForCausalLM

from mucode_core.config import BootstrapConfig, VllmConfig
from mucode_core.generator.bootstrap import build_base
from mucode_core.method.rollout import add_turn, is_done, make_request, start
from mucode_core.problems.synthetic import make_dialogues, make_problems
from mucode_core.sampling.base import Sampler, SampleRequest
from mucode_core.sampling.vllm import make_vllm_sampler
from mucode_core.sandbox import ProcessSandbox, Sandbox
from mucode_core.sandbox.base import Limits
from mucode_core.sandbox.grading import grade_programs
from mucode_core.serving.chat_client import ChatClient
from mucode_core.serving.endpoints import is_cpu_build, make_environment, open_client
from mucode_core.serving.lease import ServerPlan
from mucode_core.types import Completion, Problem, SamplingParams

NUM_TURNS = 3
CLIENTS = 8
SIZE = BootstrapConfig(hidden_size=128, num_dialogues=3000)
PARAMS = SamplingParams(0.7, 1.0, 96)
BLOCKING_CLIENT = """
import json, sys, urllib.request
url, key, body = sys.argv[1:]
headers = {"Authorization": "Bearer " + key, "Content-Type": "application/json"}
reply = urllib.request.urlopen(urllib.request.Request(url + "/chat/completions", body.encode(), headers))
print(json.load(reply)["usage"]["completion_tokens"])
"""


class Recorder:
    """Records requests and passes them on."""

    def __init__(self, sampler: Sampler) -> None:
        self._sampler = sampler
        self.requests: list[SampleRequest] = []
        self.num_tokens = 0

    def sample(self, requests: Sequence[SampleRequest], params: SamplingParams) -> list[Completion]:
        completions = self._sampler.sample(requests, params)
        self.requests += requests
        self.num_tokens += sum(c.num_tokens for c in completions)
        return completions


def roll_out(problems: Sequence[Problem], num_rollouts: int, sampler: Sampler, sandbox: Sandbox) -> None:
    """One shard: sample a turn, execute it, and so on."""
    by_id = {p.problem_id: p for p in problems}
    rollouts = start(problems, dict.fromkeys(by_id, num_rollouts), iteration=0, generator_id="g", seed=0)
    for _ in range(NUM_TURNS):
        live = [r for r in rollouts if not is_done(r)]
        completions = sampler.sample([make_request(by_id[r.problem_id], r) for r in live], PARAMS)
        rows = [(by_id[r.problem_id], c.code) for r, c in zip(live, completions, strict=True)]
        verdicts = grade_programs(sandbox, rows, limits=Limits(cpu_s=2.0, memory_mb=512), feedback="brief")
        rollouts = [
            add_turn(r, c, *both, num_turns=NUM_TURNS) for r, c, both in zip(live, completions, verdicts, strict=True)
        ]


def run_shards(
    problems: Sequence[Problem], num_rollouts: int, num_shards: int, sampler: Sampler, sandbox: Sandbox
) -> Recorder:
    """All shards at once."""
    recorder = Recorder(sampler)
    size = -(-len(problems) // num_shards)
    with ThreadPoolExecutor(num_shards) as threads:
        shards = [problems[i : i + size] for i in range(0, len(problems), size)]
        list(threads.map(lambda shard: roll_out(shard, num_rollouts, recorder, sandbox), shards))
    return recorder


def ask_by_processes(requests: Sequence[SampleRequest], client: ChatClient) -> int:
    endpoint = client.endpoint
    url, key = endpoint.ensure(), endpoint.api_key or ""

    def ask(request: SampleRequest) -> int:
        messages = [{"role": m.role, "content": m.content} for m in request.messages]
        body = {"model": endpoint.model, "messages": messages, "temperature": PARAMS.temperature, "seed": request.seed}
        text = json.dumps(body | {"max_tokens": PARAMS.max_new_tokens})
        command = [sys.executable, "-c", BLOCKING_CLIENT, url, key, text]
        return int(subprocess.run(command, capture_output=True, text=True, check=True).stdout)

    with ThreadPoolExecutor(CLIENTS) as threads:
        return sum(threads.map(ask, requests))


def serve_raw(model_dir: str, batch: int, pipe: Connection) -> None:
    """A process with an engine: answers lists of requests with their number of tokens."""
    os.environ |= make_environment(VllmConfig(kv_cache_gib=1), is_cpu_build())
    from vllm import LLM
    from vllm import SamplingParams as VllmParams

    llm = LLM(
        model_dir,
        dtype="float32",
        enforce_eager=True,
        enable_chunked_prefill=False,
        max_num_batched_tokens=32768,
        max_num_seqs=batch,
    )
    pipe.send("ready")
    while (requests := pipe.recv()) is not None:
        params = [VllmParams(temperature=0.7, max_tokens=PARAMS.max_new_tokens, seed=r.seed) for r in requests]
        states: list[Any] = [[{"role": m.role, "content": m.content} for m in r.messages] for r in requests]
        outputs = llm.chat(states, params, use_tqdm=False)
        pipe.send(sum(len(o.outputs[0].token_ids) for o in outputs))
    llm.llm_engine.engine_core.shutdown()  # otherwise this process waits forever for the engine's


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--problems", type=int, default=64)
    parser.add_argument("--rollouts", type=int, default=4)
    parser.add_argument("--shards", type=int, default=8)
    parser.add_argument("--batch", type=int, default=16, help="completions that the engine generates at once")
    parser.add_argument("--layers", type=int, default=48, help="blocks of the model, most of them identities")
    parser.add_argument(
        "--judges", type=int, default=1, help="processes that execute programs; leave cores to the engine"
    )
    parser.add_argument("--unseeded", action="store_true", help="all completions of a state in one request")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        compare(Path(name), args)


def deepen(directory: Path, num_layers: int) -> None:
    """Adds identity blocks to a checkpoint: the same function with more computation."""
    shallow = AutoModelForCausalLM.from_pretrained(directory)
    config = AutoConfig.from_pretrained(directory, num_hidden_layers=num_layers)
    deep = AutoModelForCausalLM.from_config(config)
    deep.load_state_dict(shallow.state_dict(), strict=False)
    for block in deep.model.layers[shallow.config.num_hidden_layers :]:
        torch.nn.init.zeros_(block.self_attn.o_proj.weight)
        torch.nn.init.zeros_(block.mlp.down_proj.weight)
    deep.save_pretrained(directory)


def compare(directory: Path, args: argparse.Namespace) -> None:
    torch.set_num_threads(1)  # two threads stall on a busy machine
    dialogues = make_dialogues(SIZE.num_dialogues, 0, SIZE.teacher_error_scale, SIZE.teacher_repair_rate)
    build_base(dialogues, directory / "model", SIZE, 0)
    deepen(directory / "model", args.layers)
    problems = make_problems("test", args.problems, seed=1)
    limit = ("--max-num-seqs", str(args.batch))
    settings = VllmConfig(dtype="float32", kv_cache_gib=1, seeded=not args.unseeded, extra_args=limit)
    client = open_client(ServerPlan(directory / "model", settings, directory / "server.log"))
    sampler = make_vllm_sampler(client, settings)
    ours, theirs = multiprocessing.get_context("spawn").Pipe()
    raw = multiprocessing.get_context("spawn").Process(
        target=serve_raw, args=(str(directory / "model"), args.batch, theirs)
    )
    raw.start()
    theirs.close()  # so that a failed process is noticed
    ours.recv()
    with ProcessSandbox(args.judges) as sandbox:  # also a warm-up
        requests = run_shards(problems, args.rollouts, args.shards, sampler, sandbox).requests
    part = requests[:: max(1, len(requests) // 64)]

    def ask_raw(_: Sandbox) -> int:
        ours.send(requests)
        return ours.recv()

    ways: dict[str, Callable[[Sandbox], int]] = {
        "pipeline": lambda sandbox: run_shards(problems, args.rollouts, args.shards, sampler, sandbox).num_tokens,
        "plain": lambda _: sum(c.num_tokens for c in sampler.sample(requests, PARAMS)),
        "lock_step": lambda sandbox: run_shards(problems, args.rollouts, 1, sampler, sandbox).num_tokens,
        "raw": ask_raw,
        "processes": lambda _: ask_by_processes(part, client),
    }
    speeds: dict[str, list[float]] = {way: [] for way in ways}
    print(f"{len(requests)} requests", file=sys.stderr)
    for _ in range(args.rounds):
        for way, run in ways.items():
            with ProcessSandbox(args.judges) as sandbox:  # a new sandbox, since verdicts are cached
                begin = time.perf_counter()
                num_tokens = run(sandbox)
                speeds[way].append(num_tokens / (time.perf_counter() - begin))
            print(f"{way}: {speeds[way][-1]:.0f} tokens/s", file=sys.stderr)
    ours.send(None)
    raw.join()
    client.close()
    report(speeds, len(requests))


def report(speeds: dict[str, list[float]], num_requests: int) -> None:
    medians = {f"{way}_tokens_per_s": round(statistics.median(values)) for way, values in speeds.items()}
    ratios = {
        f"pipeline_over_{way}": round(
            statistics.median(a / b for a, b in zip(speeds["pipeline"], values, strict=True)), 2
        )
        for way, values in speeds.items()
        if way != "pipeline"
    }
    print(json.dumps({"num_requests": num_requests} | medians | ratios))


if __name__ == "__main__":
    main()
