"""The sections for run, problems, generator, rollouts, sandbox, relabelling and evaluation."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal

from pydantic import Field

from mucode_core.config.base import WHERE, Conflict, Count, Positive, Probability, Section, Selection
from mucode_core.config.engines import VllmConfig
from mucode_core.config.trainers import WarmUpConfig
from mucode_core.wording import count


class TimeLimits(Section):
    """Timeout of one attempt at a stage, seconds, after which it is retried; 0 for none."""

    sampling: float = Field(default=6 * 3600, ge=0, description="For one turn of a shard.", json_schema_extra=WHERE)
    execution: float = Field(default=6 * 3600, ge=0, description="For one turn of a shard.", json_schema_extra=WHERE)
    scoring: float = Field(default=6 * 3600, ge=0, description="For one shard.", json_schema_extra=WHERE)
    training: float = Field(
        default=72 * 3600, ge=0, description="For one model; the next attempt resumes.", json_schema_extra=WHERE
    )
    evaluation: float = Field(default=24 * 3600, ge=0, description="For one search.", json_schema_extra=WHERE)


class RunConfig(Section):
    name: str = Field(default="run", description="Name of the run; also the default output directory under runs/.")
    seed: int = Field(default=0, ge=0, description="Seed of all random draws of the run.")
    algorithm: Literal["mucode", "rft", "ssd"] = Field(
        default="mucode",
        description="Relabel with the local search expert; or imitate correct rollouts unchanged (the paper's RFT "
        "baseline), or all samples (self-distillation, arXiv 2604.01193).",
    )
    iterations: Count = Field(default=2, description="Expert iterations M (paper: 2 for MBPP, 1 for CodeContests).")
    output_dir: str = Field(
        default="", description="Run directory; empty uses runs/ and run.name.", json_schema_extra=WHERE
    )
    store_dir: str = Field(
        default="",
        description="Artifact store: a directory, or an fsspec URL such as s3://bucket/prefix, cached in "
        "store/ of the run directory; empty uses the latter only. Runs with the same store share stages.",
        json_schema_extra=WHERE,
    )
    placement: Literal["flow", "deployments"] = Field(
        default="flow",
        description="Where GPU stages run: in the flow's process, or as runs of stage_deployment on its work pool.",
        json_schema_extra=WHERE,
    )
    stage_deployment: str = Field(
        default="stage/gpu",
        description="For placement deployments: deployment of flows/stage.py.",
        json_schema_extra=WHERE,
    )
    task_runner: Literal["threads", "ray"] = Field(
        default="threads",
        description="Where programs are executed: in the flow's process, or on the nodes of a Ray cluster.",
        json_schema_extra=WHERE,
    )
    ray_address: str = Field(
        default="",
        description="task_runner ray: this machine's cluster, host:port, or ray://host:port; empty starts one here.",
        json_schema_extra=WHERE,
    )
    num_workers: Count = Field(
        default=2, description="Worker processes for CPU models, one thread each.", json_schema_extra=WHERE
    )
    time_limits_s: TimeLimits = TimeLimits()
    push_to_hub: str = Field(
        default="",
        pattern=r"^$|^[\w.-]+/[\w.-]+$",
        description="Hub name, organisation/model: a finished run pushes its models to this name with -generator and "
        "-verifier at its end, private; empty pushes nothing.",
        json_schema_extra=WHERE,
    )
    train_beside_servers: bool = Field(
        default=False,
        description="Keep vLLM servers running during training; if false, they stop first and free their devices.",
        json_schema_extra=WHERE,
    )


_ALL_ROWS: dict[str, Any] = {"where": [], "limit": None, "seed": None, "on_bad_row": "error", "num_warm_up": 0}


class ProblemsConfig(Section):
    dataset: str = Field(
        default="synthetic",
        description="Name of the data set (docs/problems.md), or auto: detected from the rows of problems.data.",
    )
    data: str = Field(
        default="",
        description="Local file of the data set (.jsonl or .json, also with .gz or .zst; .parquet) or a directory of "
        "such files; empty downloads it from the Hugging Face hub.",
        json_schema_extra=WHERE,
    )
    where: list[str] = Field(
        default=[],
        description="Conditions that a row must meet, all of them: difficulty=hard, date>=2024-08-01, tags=dp.",
    )
    limit: Count | None = Field(default=None, description="Maximum number of problems per split; null for all.")
    seed: int | None = Field(
        default=None, description="Seed of a random sample of problems.limit problems; null takes the first ones."
    )
    on_bad_row: Literal["error", "skip"] = Field(
        default="error",
        description="Rows that are not valid problems (docs/problems.md): stop at the first, or omit and list them.",
    )
    split: Literal["paper", "reference"] = Field(
        default="paper", description="Division into public and private tests: the paper's, or the published code's."
    )
    show_tests: bool = Field(
        default=True,
        description="Show the public tests in prompts; if false, the signature instead (the paper's testless setting).",
    )
    num_train: Count = Field(default=450, description="Synthetic set: training problems.")
    num_reserved: int = Field(
        default=0,
        ge=0,
        description="Synthetic set: size of the verifier-only split of training problems (ours); "
        "0 fits the verifier on the generator's problems (paper).",
    )
    num_warm_up: int = Field(
        default=0,
        ge=0,
        description="Problems whose reference solutions the base learns before round 1 (generator.warm_up), as first "
        "answers and, where rollouts have turns, after a mistake. Nothing else uses them: they are synthetic ones with "
        "combinations that no other split has, or training problems of a file.",
    )
    num_validation: Count = Field(default=200, description="Synthetic set: validation problems.")
    num_test: Count = Field(default=400, description="Synthetic set: held-out test problems.")
    validation_fraction: Probability = Field(
        default=0.15, description="Replayed data: share of problems kept for validation."
    )
    test_fraction: Probability = Field(default=0.15, description="Replayed data: share of problems kept for test.")

    def find_conflicts(self, location: str) -> Iterator[Conflict]:
        """See `Section.find_conflicts`."""
        if self.dataset == "custom" and not self.data:
            yield Conflict(f"{location}.data", "custom problems are not on the hub", f"set {location}.data=PATH")
        if self.num_reserved and self.dataset != "synthetic":
            problem = f"{self.dataset} has no verifier-only split"
            yield Conflict(f"{location}.num_reserved", problem, f"set {location}.num_reserved=0")
        if self.validation_fraction + self.test_fraction >= 1:
            yield Conflict(location, "validation and test fractions leave no training problems", "lower them")
        if self.seed is not None and self.limit is None:
            hint = f"set {location}.limit, or remove the seed"
            yield Conflict(f"{location}.seed", "there is no sample without its size", hint)
        if self.dataset == "auto" and not self.data:
            yield Conflict(f"{location}.dataset", "auto reads a file", f"name it in {location}.data")
        if self.dataset == "synthetic" and self.where:
            hint = f"remove it, or set {location}.limit for fewer problems"
            yield Conflict(f"{location}.where", "synthetic problems have no difficulty, date or tags", hint)

    def fingerprinted(self) -> dict[str, Any]:
        """See `Section.fingerprinted`; a selection of all rows is omitted, as before there was any."""
        fields = super().fingerprinted()
        unset = {name for name, default in _ALL_ROWS.items() if getattr(self, name) == default}
        return {name: value for name, value in fields.items() if name not in unset}


class BootstrapConfig(Section):
    """The tiny base model, trained from scratch."""

    corpus: Literal["teacher", "solutions"] = Field(
        default="teacher",
        description="Training data: noisy teacher dialogues of the synthetic set, or the training problems' solutions.",
    )
    num_dialogues: Count = Field(default=10_000, description="Teacher dialogues to train on.")
    vocab_size: int = Field(default=896, ge=320, description="Size of the byte-level BPE vocabulary.")
    hidden_size: Count = Field(default=96, description="Width of the residual stream.")
    num_layers: Count = Field(default=3, description="Transformer blocks.")
    num_heads: Count = Field(default=4, description="Attention heads; half as many key-value heads.")
    context_length: Count = Field(default=512, description="Longest sequence, tokens.")
    epochs: Count = Field(default=1, description="Epochs over the dialogues.")
    learning_rate: Positive = Field(default=1e-2, description="Peak learning rate (Muon; AdamW shares it).")
    batch_tokens: Count = Field(default=1024, description="Padded tokens per batch.")
    teacher_error_scale: Probability = Field(default=0.7, description="Scale of the teacher's rate of visible errors.")
    teacher_repair_rate: Probability = Field(
        default=0.1, description="Probability that the teacher fixes a wrong line in the next turn."
    )

    def find_conflicts(self, location: str) -> Iterator[Conflict]:
        """See `Section.find_conflicts`."""
        if self.hidden_size % (2 * self.num_heads):
            hint = f"choose a multiple of twice {location}.num_heads"
            yield Conflict(f"{location}.hidden_size", f"{self.hidden_size} cannot be split", hint)


class ReplayConfig(Section):
    samples: str = Field(
        default="",
        description="JSONL(.gz) of recorded programs: rows of task_id and code.",
        json_schema_extra=WHERE,
    )
    min_programs: Count = Field(default=5, description="Problems with fewer recorded programs are excluded.")


class GeneratorConfig(Section):
    backend: Literal["transformers", "vllm", "replay", "scripted"] = Field(
        default="transformers",
        description="Backend that samples completions; replay and scripted take them from a file.",
    )
    model: str = Field(
        default="bootstrap",
        description="The base: 'bootstrap', a checkpoint directory, a hub name (organisation/model@revision), or a "
        "GGUF file: FILE.gguf, organisation/model/FILE.gguf, or package:NAME, for that of an installed package.",
    )
    bootstrap: BootstrapConfig = BootstrapConfig()
    replay: ReplayConfig = ReplayConfig()
    warm_up: WarmUpConfig = Field(
        default=WarmUpConfig(), description="How problems.num_warm_up solutions are learnt before the first round."
    )
    script: str = Field(
        default="",
        description="backend scripted: JSONL of completions, rows of text and optionally problem_id.",
        json_schema_extra=WHERE,
    )
    max_new_tokens: Count = Field(default=96, description="Token limit of one completion (paper: 1000).")
    batch_size: Count = Field(default=256, description="backend transformers: conversations per batch.")
    vllm: VllmConfig = VllmConfig()

    @property
    def trains_base(self) -> bool:
        """The base is trained by the run."""
        return self.model == "bootstrap" and not (self.backend == "vllm" and self.vllm.base_url)

    def find_conflicts(self, location: str) -> Iterator[Conflict]:
        """See `Section.find_conflicts`."""
        if self.backend == "replay" and not self.replay.samples:
            hint = f"set {location}.replay.samples=PATH"
            yield Conflict(f"{location}.replay.samples", "no recorded programs", hint)
        if self.backend == "scripted" and not self.script:
            yield Conflict(f"{location}.script", "no completions", f"set {location}.script=PATH")
        if self.trains_base:
            yield from self.bootstrap.find_conflicts(f"{location}.bootstrap")
        yield from self.warm_up.find_conflicts(f"{location}.warm_up")
        if self.backend == "vllm":
            yield from self.vllm.find_conflicts(f"{location}.vllm")
            if self.vllm.max_model_len and self.max_new_tokens >= self.vllm.max_model_len:
                problem = f"{self.max_new_tokens} leave no room for a prompt in {self.vllm.max_model_len}"
                yield Conflict(f"{location}.max_new_tokens", problem, f"raise {location}.vllm.max_model_len")


class RolloutsConfig(Section):
    num_rollouts: Count = Field(default=15, description="Rollouts per training problem (paper: 15).")
    num_turns: Count = Field(default=3, description="Maximum number of turns per rollout, T (paper: 3).")
    temperature: float = Field(default=0.7, ge=0, description="Sampling temperature (paper: 0.7).")
    top_p: float = Field(default=1.0, gt=0, le=1, description="Probability mass of nucleus sampling.")
    shard_size: Count = Field(default=1024, description="Conversations per shard, the unit of caching and resuming.")


class SandboxConfig(Section):
    backend: Literal["auto", "container", "process", "http"] = Field(
        default="auto",
        description="Isolation of programs: a Docker container, or processes; auto uses the container if available; "
        "http uses the servers of `urls`.",
        json_schema_extra=WHERE,
    )
    urls: list[str] = Field(
        default=[],
        description="Servers started by `mucode sandbox serve`, such as http://10.0.0.7:8700, for backend http.",
        json_schema_extra=WHERE,
    )
    runtime: str | None = Field(
        default=None,
        description="Container runtime, such as runsc; empty uses the daemon's.",
        json_schema_extra=WHERE,
    )
    num_workers: Count = Field(default=2, description="Judge processes.", json_schema_extra=WHERE)
    cpu_s: Positive = Field(
        default=2.0, description="CPU time limit of a program and its tests, seconds, if the problem has none."
    )
    memory_mb: Count = Field(default=512, description="Memory limit of a program, MiB.")
    packages: list[str] = Field(
        default=["numpy"],
        description="Installed packages that programs may import, such as pandas or pandas==2.2.1.",
    )
    on_bad_problem: Literal["error", "skip"] = Field(
        default="error",
        description="A problem whose tests cannot be run: end the run, or omit it.",
    )
    delegated: Literal["trust", "distrust"] = Field(
        default="distrust",
        description="Whether a pass that relies on the program's own comparison methods may be a training label.",
    )
    feedback: Literal["full", "brief"] = Field(
        default="full", description="Feedback style: with the failing test, or one line."
    )

    def find_conflicts(self, location: str) -> Iterator[Conflict]:
        """See `Section.find_conflicts`."""
        if self.backend == "http" and not self.urls:
            yield Conflict(f"{location}.urls", "backend http names no server", "name one, such as http://10.0.0.7:8700")
        if self.backend != "http" and self.urls:
            yield Conflict(f"{location}.urls", f"not used by backend {self.backend}", f"set {location}.backend=http")


class RelabelConfig(Section):
    mode: Literal["paper", "reference"] = Field(
        default="paper", description="Relabelled states: all, or the published code's selection."
    )
    oracle_weight: float = Field(
        default=1.0, ge=0, description="Weight of the label in the expert's criterion (paper: 1.0)."
    )
    verifier_weight: float = Field(default=0.1, ge=0, description="Weight of the verifier's score (paper: 0.1).")
    unsolved: Literal["expert", "skip"] = Field(
        default="expert",
        description="Problems without a correct program: imitate the expert anyway (paper), or exclude them.",
    )
    max_failed_rollouts: Count = Field(default=3, description="mode reference: failed rollouts to relabel per problem.")
    rft_filter: Literal["oracle", "verifier"] = Field(
        default="oracle",
        description="run.algorithm rft: imitate correct rollouts, or the verifier's best per problem (RFT_LV).",
    )
    rft_top_k: Count = Field(default=3, description="RFT_LV: rollouts per problem (paper: 3).")

    def find_conflicts(self, location: str) -> Iterator[Conflict]:
        """See `Section.find_conflicts`."""
        if self.oracle_weight == 0 and self.verifier_weight == 0:
            yield Conflict(location, "both weights of the expert are 0", "give one of them a positive weight")
        if self.oracle_weight == 0 and self.unsolved == "skip":
            problem = "'skip' uses labels, which oracle_weight=0 forbids"
            yield Conflict(f"{location}.unsolved", problem, "set it to 'expert'")


class EvaluationConfig(Section):
    enabled: bool = Field(default=True, description="Evaluate generators on the test split.")
    split: Literal["train", "validation", "test"] = Field(
        default="test", description="`mucode evaluate`: the split to evaluate."
    )
    best_of_n: Count = Field(default=5, description="N: samples per turn in multi-turn Best-of-N.")
    temperature: Positive = Field(default=0.7, description="Temperature of those samples (paper: 0.7).")
    num_searches: Count = Field(default=1, description="Independent searches to average over (paper: 10).")
    beam_width: Count = Field(
        default=1, description="Programs that a search continues from, N samples each (paper: 1); at most N."
    )
    exclude_rejected: bool = Field(
        default=False, description="Never reselect a program that public tests rejected (paper: false)."
    )
    selections: tuple[Selection, ...] = Field(
        default=("random", "lv", "pt", "pt+lv", "oracle"), description="Selection strategies (docs/evaluation.md)."
    )
    num_inputs: int = Field(
        default=0,
        ge=0,
        description="Inputs per problem that the generator is asked for, for selection strategies by agreement; 0 "
        "compares programs on the inputs of public tests only.",
    )
    sweep: tuple[Count, ...] = Field(
        default=(), description="`mucode evaluate`: additional values of N, with shared samples; 1 is greedy decoding."
    )
    pass_at_k: tuple[Count, ...] = Field(default=(1, 5, 10), description="`mucode evaluate --pass-at-k`: values of k.")
    num_rollouts: Count = Field(
        default=20, description="`mucode evaluate --pass-at-k`: independent rollouts per problem, n."
    )
    verifier: str = Field(
        default="",
        description="`mucode evaluate`: the verifier's checkpoint, a directory or a hub name; empty for none.",
        json_schema_extra=WHERE,
    )
    bootstrap_samples: Count = Field(default=2000, description="Bootstrap resamples per confidence interval.")

    def find_conflicts(self, location: str) -> Iterator[Conflict]:
        """See `Section.find_conflicts`."""
        smallest = min((n for n in (self.best_of_n, *self.sweep) if n > 1), default=1)
        if self.beam_width > smallest:
            hint = f"choose at most the smallest N, {smallest}"
            yield Conflict(f"{location}.beam_width", f"{count(self.beam_width, 'program')} cannot be kept", hint)
        yield from self._find_selection_conflicts(location)
        if max(self.pass_at_k, default=0) > self.num_rollouts:
            hint = f"raise {location}.num_rollouts (now {self.num_rollouts}), or lower k"
            yield Conflict(f"{location}.pass_at_k", f"k={max(self.pass_at_k)} exceeds the rollouts", hint)

    def _find_selection_conflicts(self, location: str) -> Iterator[Conflict]:
        place = f"{location}.selections"
        if self.enabled and not self.selections:
            hint = f"name one, such as pt+lv, or set {location}.enabled=false"
            yield Conflict(place, "there is none to search with", hint)
        if twice := next((one for one in self.selections if self.selections.count(one) > 1), None):
            yield Conflict(place, f"{twice!r} is named twice", "name each strategy once")
