"""The configuration: YAML to pydantic, the flow's single parameter.

Every field says what it means and its unit; unknown keys and impossible combinations raise when loaded.
Fields of *where* (paths of outputs, worker counts) never enter a fingerprint; the stages pick what does.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from mucode_core.errors import ConfigError

Selection = Literal["random", "lv", "pt", "pt+lv", "oracle"]
Probability = Annotated[float, Field(ge=0, le=1)]
Positive = Annotated[float, Field(gt=0)]
Count = Annotated[int, Field(ge=1)]


_WHERE: dict[str, Any] = {"where": True}
"""Marks fields that say where or how fast, not what: they never enter a fingerprint."""


class Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    def fingerprinted(self) -> dict[str, Any]:
        """The fields that can change an output, as plain data."""
        where = {k for k, f in type(self).model_fields.items() if f.json_schema_extra == _WHERE}
        return self.model_dump(mode="json", exclude=where)


class RunConfig(Section):
    name: str = Field(default="run", description="Name of the run; also the default output directory under runs/.")
    seed: int = Field(default=0, ge=0, description="Every random draw of the run derives from it.")
    algorithm: Literal["mucode", "rft"] = Field(
        default="mucode",
        description="Relabel with the local search expert, or imitate rollouts as they are (the paper's RFT baseline).",
    )
    iterations: Count = Field(default=2, description="Expert iterations M (paper: 2 for MBPP, 1 for CodeContests).")
    output_dir: str = Field(default="", description="Run directory; empty takes runs/<name>.", json_schema_extra=_WHERE)
    store_dir: str = Field(
        default="",
        description="Artifact store; empty takes <output_dir>/store. Share it to share stages.",
        json_schema_extra=_WHERE,
    )
    num_workers: Count = Field(
        default=2, description="Worker processes for CPU models, one thread each.", json_schema_extra=_WHERE
    )
    train_beside_servers: bool = Field(
        default=False,
        description="vLLM servers go on while a model is trained; if false, they end first and free their devices.",
        json_schema_extra=_WHERE,
    )


class ProblemsConfig(Section):
    dataset: Literal[
        "synthetic", "mbpp", "mbpp_train", "mbppplus", "humanevalpack", "humanevalplus", "code_contests", "custom"
    ] = Field(default="synthetic", description="Registered data set.")
    data: str = Field(
        default="",
        description="Local JSONL(.gz) or Parquet file of the data set; if empty it is had from the Hugging Face hub.",
        json_schema_extra=_WHERE,
    )
    split: Literal["paper", "reference"] = Field(
        default="paper", description="Division into public and private tests: the paper's, or the published code's."
    )
    show_tests: bool = Field(
        default=True,
        description="Prompts show the public tests; if false, the signature instead (the paper's testless setting).",
    )
    num_train: Count = Field(default=450, description="Synthetic set: training problems.")
    num_reserved: int = Field(
        default=0,
        ge=0,
        description="Synthetic set: further training problems that only the verifier is fitted on (ours); "
        "0 fits it on the generator's own (paper).",
    )
    num_validation: Count = Field(default=200, description="Synthetic set: validation problems.")
    num_test: Count = Field(default=400, description="Synthetic set: held-out test problems.")
    validation_fraction: Probability = Field(
        default=0.15, description="Replayed data: share of problems kept for validation."
    )
    test_fraction: Probability = Field(default=0.15, description="Replayed data: share of problems kept for test.")


class BootstrapConfig(Section):
    """The tiny base model, trained on the spot."""

    corpus: Literal["teacher", "solutions"] = Field(
        default="teacher",
        description="Noisy teacher dialogues of the synthetic set, or the training problems' solutions.",
    )
    num_dialogues: Count = Field(default=10_000, description="Teacher dialogues to train on.")
    vocab_size: int = Field(default=896, ge=320, description="Size of the byte-level BPE vocabulary.")
    hidden_size: Count = Field(default=96, description="Width of the residual stream.")
    num_layers: Count = Field(default=3, description="Transformer blocks.")
    num_heads: Count = Field(default=4, description="Attention heads; half as many key-value heads.")
    context_length: Count = Field(default=512, description="Longest sequence, tokens.")
    epochs: Count = Field(default=1, description="Passes over the dialogues.")
    learning_rate: Positive = Field(default=1e-2, description="Peak learning rate (Muon; AdamW shares it).")
    batch_tokens: Count = Field(default=1024, description="Padded tokens a batch.")
    teacher_error_scale: Probability = Field(default=0.7, description="Scales the teacher's rate of visible errors.")
    teacher_repair_rate: Probability = Field(
        default=0.1, description="How often the teacher mends a wrong line in a turn."
    )


class ReplayConfig(Section):
    samples: str = Field(
        default="", description="JSONL(.gz) of recorded programs: rows of task_id and code.", json_schema_extra=_WHERE
    )
    min_programs: Count = Field(default=5, description="Problems with fewer recorded programs are left out.")


class EngineConfig(Section):
    """A vLLM server that the run owns."""

    gpus: tuple[Annotated[int, Field(ge=0)], ...] = Field(
        default=(), description="GPUs by number; empty takes those that are visible.", json_schema_extra=_WHERE
    )
    tensor_parallel_size: Count = Field(default=1, description="GPUs that share one copy.", json_schema_extra=_WHERE)
    data_parallel_size: Count = Field(default=1, description="Copies of the model.", json_schema_extra=_WHERE)
    dtype: Literal["auto", "float32", "bfloat16", "float16"] = Field(
        default="auto", description="Of weights and activations; auto takes 16 bits."
    )
    max_model_len: int = Field(default=0, ge=0, description="Longest sequence, tokens; 0 takes the model's.")
    gpu_memory_utilization: float = Field(
        default=0.9, gt=0, le=1, description="Share of a GPU's memory.", json_schema_extra=_WHERE
    )
    kv_cache_gib: Count = Field(
        default=2, description="Without GPU: memory of the cache, GiB.", json_schema_extra=_WHERE
    )
    cpu_threads: int = Field(
        default=0, ge=0, description="Without GPU: threads; 0 leaves one core to the rest.", json_schema_extra=_WHERE
    )
    prefix_caching: bool = Field(
        default=True, description="Prompts that begin alike are read once.", json_schema_extra=_WHERE
    )
    extra_args: tuple[str, ...] = Field(default=(), description="Further arguments of vLLM's server.")
    ready_timeout_s: Positive = Field(
        default=600.0, description="Seconds a server may take to get ready.", json_schema_extra=_WHERE
    )


class ScorerConfig(EngineConfig):
    gpu_memory_utilization: float = Field(
        default=0.4,
        gt=0,
        le=1,
        description="Share of a GPU's memory, beside the generator's server.",
        json_schema_extra=_WHERE,
    )


class VllmConfig(EngineConfig):
    """Sampling with vLLM: a server that the run owns, or an endpoint that is there."""

    base_url: str = Field(
        default="",
        description="OpenAI-compatible endpoint, up to and with /v1; empty starts a server.",
        json_schema_extra=_WHERE,
    )
    served_model: str = Field(
        default="", description="With base_url: the model's name there.", json_schema_extra=_WHERE
    )
    api_key_variable: str = Field(
        default="",
        description="With base_url: environment variable that holds the key; empty for none.",
        json_schema_extra=_WHERE,
    )
    seeded: bool = Field(
        default=True,
        description="Each completion has a seed, so a run can be repeated; false draws all of a state in one request.",
    )
    concurrency: Count = Field(default=256, description="Requests under way at a time.", json_schema_extra=_WHERE)


class GeneratorConfig(Section):
    backend: Literal["transformers", "vllm", "replay"] = Field(
        default="transformers", description="What draws completions."
    )
    model: str = Field(
        default="bootstrap",
        description="The base: 'bootstrap', a checkpoint directory, or a hub name (organisation/model@revision).",
    )
    bootstrap: BootstrapConfig = BootstrapConfig()
    replay: ReplayConfig = ReplayConfig()
    max_new_tokens: Count = Field(default=96, description="Token limit of one completion (paper: 1000).")
    batch_size: Count = Field(default=256, description="transformers: conversations decoded together.")
    vllm: VllmConfig = VllmConfig()


class RolloutsConfig(Section):
    num_rollouts: Count = Field(default=15, description="Rollouts a training problem (paper: 15).")
    num_turns: Count = Field(default=3, description="Turns T a rollout at most (paper: 3).")
    temperature: float = Field(default=0.7, ge=0, description="Sampling temperature (paper: 0.7).")
    top_p: float = Field(default=1.0, gt=0, le=1, description="Nucleus mass.")
    shard_size: Count = Field(default=1024, description="Conversations a shard: the unit of caching and resuming.")


class SandboxConfig(Section):
    backend: Literal["auto", "container", "process"] = Field(
        default="auto",
        description="What isolates programs: a Docker container, or processes; auto takes the container if it can.",
        json_schema_extra=_WHERE,
    )
    runtime: str | None = Field(
        default=None, description="Container runtime, such as runsc; the daemon's if empty.", json_schema_extra=_WHERE
    )
    num_workers: Count = Field(default=2, description="Judges, one process each.", json_schema_extra=_WHERE)
    cpu_s: Positive = Field(
        default=2.0, description="CPU seconds for a program and its tests, where the problem sets none."
    )
    memory_mb: Count = Field(default=512, description="Memory of a program, MiB.")
    feedback: Literal["full", "brief"] = Field(
        default="full", description="Feedback with the failing test, or one line."
    )


class OptimizerConfig(Section):
    epochs: Count = Field(default=2, description="Passes over the examples.")
    learning_rate: Positive = Field(default=8e-4, description="Peak learning rate.")
    batch_tokens: Count = Field(default=2048, description="Padded tokens a batch.")
    max_length: Count = Field(default=512, description="Longest example, tokens; longer ones are counted and left out.")


class TrlConfig(Section):
    """Training by TRL in processes of its own, by torchrun; the rest of the section says for how long and how fast."""

    batch_size: Count = Field(default=32, description="Examples a gradient step, whatever the number of devices.")
    micro_batch_size: Count = Field(
        default=1, description="Examples a device holds at a time.", json_schema_extra=_WHERE
    )
    num_processes: Count = Field(default=1, description="Processes, one a device.", json_schema_extra=_WHERE)
    gpus: tuple[Annotated[int, Field(ge=0)], ...] = Field(
        default=(), description="GPUs by number; empty takes those that are visible.", json_schema_extra=_WHERE
    )
    deepspeed: Literal["none", "zero2", "zero3"] = Field(
        default="none",
        description="What DeepSpeed divides among the processes: optimizer and gradients, or weights as well.",
        json_schema_extra=_WHERE,
    )
    precision: Literal["float32", "bfloat16"] = Field(
        default="float32", description="Of the computation; the optimizer's copy of the weights is float32."
    )
    scheduler: Literal["linear", "cosine", "constant", "constant_with_warmup"] = Field(
        default="linear", description="Learning rate over the steps."
    )
    warmup_ratio: Annotated[float, Field(ge=0, lt=1)] = Field(
        default=0.05, description="Share of the steps in which it rises from 0."
    )
    weight_decay: float = Field(default=0.0, ge=0, description="AdamW's.")
    max_grad_norm: Positive = Field(default=1.0, description="Longer gradients are cut to this norm.")
    lora_rank: int = Field(
        default=0, ge=0, description="Rank of LoRA adapters, merged before they are saved; 0 trains every weight."
    )
    lora_alpha: Positive = Field(default=32.0, description="Scale of the adapters, over the rank.")
    gradient_checkpointing: bool = Field(
        default=False, description="Computes activations twice and keeps few.", json_schema_extra=_WHERE
    )
    attention: Literal["auto", "flash_attention_2", "sdpa"] = Field(
        default="auto",
        description="auto takes flash-attention 2 where it is installed and the precision is bfloat16, else SDPA.",
        json_schema_extra=_WHERE,
    )
    liger: bool = Field(default=False, description="Liger kernels, if installed.", json_schema_extra=_WHERE)
    save_steps: Count = Field(
        default=100, description="Steps from one checkpoint to resume from to the next.", json_schema_extra=_WHERE
    )
    tracker: Literal["none", "tensorboard", "wandb", "trackio"] = Field(
        default="tensorboard", description="Where loss curves go, if installed.", json_schema_extra=_WHERE
    )


class TrlSftConfig(TrlConfig):
    packing: Literal["none", "padding_free", "packed"] = Field(
        default="none",
        description="Examples padded, or end to end in one row (GPU), or first packed into rows of max_length tokens, "
        "of which a batch then counts.",
    )


class TrlRewardConfig(TrlConfig):
    batch_size: Count = Field(default=64, description="Pairs a gradient step, whatever the number of devices.")


class TrainedConfig(OptimizerConfig):
    """A model that the loop of this project trains, or TRL."""

    backend: Literal["loop", "trl"] = Field(
        default="loop", description="One worker process on CPU, or TRL with torchrun and DeepSpeed."
    )
    trl: TrlConfig = TrlConfig()

    def fingerprinted(self) -> dict[str, Any]:
        """The settings of the back end in use."""
        found = super().fingerprinted()
        del found["backend"], found["trl"]
        if self.backend == "trl":
            del found["batch_tokens"]
            found["trl"] = self.trl.fingerprinted()
        return found


class FinetuneConfig(TrainedConfig):
    trl: TrlSftConfig = TrlSftConfig()  # pyright: ignore[reportIncompatibleVariableOverride]  # frozen
    steps: tuple[Count, ...] = Field(
        default=(), description="Gradient steps of each iteration, over the examples again and again; overrides epochs."
    )


class VerifierConfig(TrainedConfig):
    trl: TrlRewardConfig = TrlRewardConfig()  # pyright: ignore[reportIncompatibleVariableOverride]  # frozen
    score: Literal["head", "likelihood"] = Field(
        default="head",
        description="Scalar head (paper), or the log-likelihood of the program under a tuned copy (ours).",
    )
    init: Literal["base", "generator"] = Field(default="base", description="Weights to start from (paper: base).")
    pairs_per_problem: Count = Field(default=32, description="Pairs a problem and iteration (paper: 32).")
    loss: Literal["bt", "bce"] = Field(
        default="bt",
        description="Bradley-Terry on pairs (paper), or binary cross-entropy on the programs of the same pairs.",
    )
    score_l2: float = Field(default=1e-3, ge=0, description="Weight of the mean squared score (paper: 1e-3).")
    final_fit: bool = Field(default=True, description="Fit once more on rollouts of the final generator.")
    # neither of these changes a fit; stages that score take them as inputs of their own
    scorer: Literal["transformers", "vllm"] = Field(
        default="transformers", description="What computes the head's scores.", json_schema_extra=_WHERE
    )
    vllm: ScorerConfig = Field(
        default=ScorerConfig(),
        description="scorer vllm: its server, alive beside the generator's.",
        json_schema_extra=_WHERE,
    )


class RelabelConfig(Section):
    mode: Literal["paper", "reference"] = Field(
        default="paper", description="Every state, or the published code's selection."
    )
    oracle_weight: float = Field(
        default=1.0, ge=0, description="Weight of the label in the expert's criterion (paper: 1.0)."
    )
    verifier_weight: float = Field(default=0.1, ge=0, description="Weight of the verifier's score (paper: 0.1).")
    unsolved: Literal["expert", "skip"] = Field(
        default="expert",
        description="Problems without a correct program: follow the expert anyway (paper), or leave them out.",
    )
    max_failed_rollouts: Count = Field(default=3, description="reference mode: failed rollouts relabelled a problem.")
    rft_filter: Literal["oracle", "verifier"] = Field(
        default="oracle",
        description="run.algorithm rft: imitate correct rollouts, or the verifier's best of each problem (RFT_LV).",
    )
    rft_top_k: Count = Field(default=3, description="RFT_LV: rollouts a problem (paper: 3).")


class EvaluationConfig(Section):
    enabled: bool = Field(default=True, description="Evaluate generators on the test split.")
    split: Literal["train", "validation", "test"] = Field(
        default="test", description="`mucode evaluate`: whose problems to search."
    )
    best_of_n: Count = Field(default=5, description="Samples a turn N in multi-turn Best-of-N.")
    temperature: Positive = Field(default=0.7, description="Temperature of those samples (paper: 0.7).")
    num_searches: Count = Field(default=1, description="Independent searches averaged (paper: 10).")
    beam_width: Count = Field(
        default=1, description="Programs a search goes on from, N samples each (paper: 1); at most N."
    )
    exclude_rejected: bool = Field(
        default=False, description="Never select a program again that public tests rejected (paper: false)."
    )
    selections: tuple[Selection, ...] = Field(
        default=("random", "lv", "pt", "pt+lv", "oracle"), description="Ways to pick one of N."
    )
    sweep: tuple[Count, ...] = Field(
        default=(), description="`mucode evaluate`: further values of N, on shared samples; 1 is greedy decoding."
    )
    pass_at_k: tuple[Count, ...] = Field(default=(1, 5, 10), description="`mucode evaluate --pass-at-k`: values of k.")
    num_rollouts: Count = Field(
        default=20, description="`mucode evaluate --pass-at-k`: independent rollouts a problem, n."
    )
    verifier: str = Field(
        default="",
        description="`mucode evaluate`: local checkpoint directory of the verifier; empty for none.",
        json_schema_extra=_WHERE,
    )
    bootstrap_samples: Count = Field(default=2000, description="Resamples of problems behind a confidence interval.")


class Config(Section):
    """A whole run."""

    run: RunConfig = RunConfig()
    problems: ProblemsConfig = ProblemsConfig()
    generator: GeneratorConfig = GeneratorConfig()
    rollouts: RolloutsConfig = RolloutsConfig()
    sandbox: SandboxConfig = SandboxConfig()
    verifier: VerifierConfig = VerifierConfig()
    relabel: RelabelConfig = RelabelConfig()
    finetune: FinetuneConfig = FinetuneConfig()
    evaluation: EvaluationConfig = EvaluationConfig()

    @model_validator(mode="after")
    def _check(self) -> Config:
        for place, problem, cure in _impossible(self):
            raise ValueError(f"{place}: {problem}; {cure}")
        return self


def _impossible(config: Config) -> list[tuple[str, str, str]]:
    """Combinations that cannot run: place, problem, cure."""
    found: list[tuple[str, str, str]] = []
    problems, generator = config.problems, config.generator
    replay = generator.backend == "replay"
    if problems.dataset == "custom" and not problems.data:
        found.append(("problems.data", "custom problems are on no hub", "set problems.data=PATH"))
    if replay and not generator.replay.samples:
        found.append(("generator.replay.samples", "no recorded programs", "set generator.replay.samples=PATH"))
    if replay and problems.dataset == "synthetic":
        found.append(("generator.backend", "replay needs a real data set", "set problems.dataset=mbpp"))
    if replay and (config.run.iterations > 1 or config.verifier.final_fit or config.evaluation.enabled):
        cure = "set run.iterations=1, verifier.final_fit=false and evaluation.enabled=false"
        found.append(("generator.backend", "recorded programs cannot answer for a trained generator", cure))
    if generator.model == "bootstrap" and generator.bootstrap.corpus == "teacher" and problems.dataset != "synthetic":
        cure = "set generator.bootstrap.corpus=solutions"
        found.append(("generator.bootstrap.corpus", "the teacher knows the synthetic set only", cure))
    if generator.model == "bootstrap" and generator.bootstrap.corpus == "teacher" and not problems.show_tests:
        cure = "set generator.bootstrap.corpus=solutions, or problems.show_tests=true"
        found.append(("problems.show_tests", "the teacher's dialogues show tests", cure))
    if generator.model == "bootstrap" and generator.bootstrap.hidden_size % (2 * generator.bootstrap.num_heads):
        cure = "choose a multiple of twice generator.bootstrap.num_heads"
        found.append(("generator.bootstrap.hidden_size", f"{generator.bootstrap.hidden_size} cannot be split", cure))
    if config.relabel.oracle_weight == 0 and config.relabel.verifier_weight == 0:
        found.append(("relabel", "both weights of the expert are 0", "give one of them a positive weight"))
    if config.relabel.oracle_weight == 0 and config.relabel.unsolved == "skip":
        found.append(("relabel.unsolved", "'skip' uses labels, which oracle_weight=0 forbids", "set it to 'expert'"))
    if problems.num_reserved and problems.dataset != "synthetic":
        cure = "set problems.num_reserved=0"
        found.append(("problems.num_reserved", f"{problems.dataset} has no problems to spare", cure))
    if problems.validation_fraction + problems.test_fraction >= 1:
        found.append(("problems", "validation and test fractions leave no training problems", "lower them"))
    return [*found, *_impossible_counts(config), *_impossible_engines(config), *_impossible_trainers(config)]


def _impossible_counts(config: Config) -> list[tuple[str, str, str]]:
    """Counts that contradict each other."""
    found: list[tuple[str, str, str]] = []
    evaluation = config.evaluation
    smallest = min((n for n in (evaluation.best_of_n, *evaluation.sweep) if n > 1), default=1)
    if evaluation.beam_width > smallest:
        cure = f"choose at most the smallest N, {smallest}"
        found.append(("evaluation.beam_width", f"{evaluation.beam_width} programs cannot be kept", cure))
    if max(evaluation.pass_at_k, default=0) > evaluation.num_rollouts:
        cure = f"raise evaluation.num_rollouts (now {evaluation.num_rollouts}), or lower k"
        found.append(("evaluation.pass_at_k", f"k={max(evaluation.pass_at_k)} exceeds the rollouts", cure))
    if (steps := config.finetune.steps) and len(steps) != config.run.iterations:
        cure = f"give {config.run.iterations}, or none"
        found.append(("finetune.steps", f"{len(steps)} for {config.run.iterations} iterations", cure))
    return found


_VLLM_CPU_HEADS = (32, 64, 80, 96, 112, 128, 160, 192, 224, 256, 512)
_OWN_ARGS = ("--model", "--served-model-name", "--host", "--port", "--uds", "--api-key", "--generation-config")


def _impossible_engines(config: Config) -> list[tuple[str, str, str]]:
    """Servers that cannot be started or would not do what is asked."""
    found: list[tuple[str, str, str]] = []
    generator, verifier = config.generator, config.verifier
    engines: dict[str, EngineConfig] = {}
    if generator.backend == "vllm":
        engines["generator.vllm"] = generator.vllm
    if verifier.scorer == "vllm":
        engines["verifier.vllm"] = verifier.vllm
        if verifier.score != "head":
            cure = "set verifier.score=head, or verifier.scorer=transformers"
            found.append(("verifier.scorer", "vllm scores with a scalar head only", cure))
    for place, engine in engines.items():
        found += _impossible_engine(place, engine)
    if generator.backend == "vllm":
        found += _impossible_endpoint(generator)
    boot = generator.bootstrap
    if engines and generator.model == "bootstrap" and boot.hidden_size // boot.num_heads not in _VLLM_CPU_HEADS:
        problem = f"vLLM has no attention for heads of {boot.hidden_size // boot.num_heads}"
        cure = "give a head 32 or 64: hidden_size=128 with num_heads=4"
        found.append(("generator.bootstrap.num_heads", problem, cure))
    return found


def _impossible_engine(place: str, engine: EngineConfig) -> list[tuple[str, str, str]]:
    found: list[tuple[str, str, str]] = []
    needed = engine.tensor_parallel_size * engine.data_parallel_size
    if engine.gpus and len(engine.gpus) != needed:
        cure = f"name {needed}: tensor_parallel_size times data_parallel_size"
        found.append((f"{place}.gpus", f"{len(engine.gpus)} named, {needed} used", cure))
    if len(set(engine.gpus)) < len(engine.gpus):
        found.append((f"{place}.gpus", "a GPU is named twice", "name each once"))
    if own := [arg for arg in engine.extra_args if arg.partition("=")[0] in _OWN_ARGS]:
        found.append((f"{place}.extra_args", f"{own[0]} is the run's to set", "leave it out"))
    return found


def _impossible_endpoint(generator: GeneratorConfig) -> list[tuple[str, str, str]]:
    found: list[tuple[str, str, str]] = []
    vllm = generator.vllm
    if vllm.max_model_len and generator.max_new_tokens >= vllm.max_model_len:
        problem = f"{generator.max_new_tokens} leave no room for a prompt in {vllm.max_model_len}"
        found.append(("generator.max_new_tokens", problem, "raise generator.vllm.max_model_len"))
    if not vllm.base_url:
        if vllm.served_model:
            cure = "set generator.vllm.base_url, or leave served_model out"
            found.append(("generator.vllm.served_model", "a server of the run's own names its model itself", cure))
        return found
    if not vllm.base_url.startswith(("http://", "https://")):
        found.append(("generator.vllm.base_url", f"{vllm.base_url!r} is no URL", "begin with http:// or https://"))
    if not vllm.served_model:
        cure = "set generator.vllm.served_model to a name that GET /models lists"
        found.append(("generator.vllm.served_model", "an endpoint needs a model's name", cure))
    if unused := [name for name, info in EngineConfig.model_fields.items() if getattr(vllm, name) != info.default]:
        cure = "set it where the endpoint is started, or leave base_url out"
        found.append((f"generator.vllm.{unused[0]}", "is a setting of a server that the run starts", cure))
    return found


def _impossible_trainers(config: Config) -> list[tuple[str, str, str]]:
    """Trainings by TRL that cannot be started."""
    found: list[tuple[str, str, str]] = []
    if config.verifier.backend == "trl" and config.verifier.score == "likelihood":
        cure = "set verifier.score=head, or verifier.backend=loop"
        found.append(("verifier.backend", "TRL's reward trainer fits a scalar head only", cure))
    sections: dict[str, TrainedConfig] = {"finetune": config.finetune, "verifier": config.verifier}
    for name, section in sections.items():
        if section.backend == "trl":
            found += _impossible_training(f"{name}.trl", section.trl)
    return found


def _impossible_training(place: str, trl: TrlConfig) -> list[tuple[str, str, str]]:
    found: list[tuple[str, str, str]] = []
    at_once = trl.micro_batch_size * trl.num_processes
    if trl.batch_size % at_once:
        problem = f"{trl.batch_size} cannot be divided into {trl.num_processes} processes of {trl.micro_batch_size}"
        cure = f"choose a multiple of {at_once}, or another micro_batch_size or num_processes"
        found.append((f"{place}.batch_size", problem, cure))
    if trl.gpus and len(set(trl.gpus)) != trl.num_processes:
        problem = f"{len(set(trl.gpus))} GPUs for {trl.num_processes} processes"
        found.append((f"{place}.gpus", problem, "name as many as num_processes, each once"))
    return found


def require_own_engine(config: Config) -> None:
    """Training changes the generator, and an endpoint that somebody else started goes on serving the old one.

    Raises:
        ConfigError: The generator is behind such an endpoint.
    """
    if config.generator.backend == "vllm" and config.generator.vllm.base_url:
        cure = "leave it empty, so that the run serves each checkpoint itself; `mucode evaluate` takes an endpoint"
        raise ConfigError("cannot serve what is being trained", place="generator.vllm.base_url", cure=cure)


def load_config(path: Path, overrides: Sequence[str] = ()) -> Config:
    """Reads a YAML file and applies `section.key=value` overrides.

    Raises:
        ConfigError: With the file and key, the value and the cure.
    """
    try:
        data = yaml.safe_load(path.read_text("utf-8")) or {}
    except FileNotFoundError:
        raise ConfigError("no such file", place=str(path), cure="name one of configs/*.yaml or your own") from None
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ConfigError(f"cannot be read as YAML: {error}", place=str(path), cure="mend the file") from error
    if not isinstance(data, dict):
        raise ConfigError(f"holds a {type(data).__name__}", place=str(path), cure="use a mapping of sections")
    for override in overrides:
        _apply_override(data, override)
    return make_config(data, place=str(path))


def make_config(data: dict[str, Any], place: str = "config") -> Config:
    """Validates plain data.

    Raises:
        ConfigError: Listing every offending key with its value.
    """
    try:
        return Config.model_validate(data)
    except ValidationError as error:
        lines = [_describe(detail) for detail in error.errors()]
        cure = "see `mucode config` for every key, its meaning and its default"
        raise ConfigError("; ".join(lines), place=place, cure=cure) from None


def _describe(detail: Any) -> str:
    key = ".".join(str(part) for part in detail["loc"])
    if detail["type"] == "extra_forbidden":
        return f"{key}: unknown key (value {detail['input']!r})"
    message = detail["msg"].removeprefix("Value error, ")
    return f"{key}: {message} (value {detail['input']!r})" if key else message


def _apply_override(data: dict[str, Any], override: str) -> None:
    key, equals, text = override.partition("=")
    parts = key.split(".")
    if not equals or not all(parts):
        raise ConfigError(
            "is not of the form section.key=value", place=f"--set {override}", cure="write --set run.seed=1"
        )
    node = data
    for part in parts[:-1]:
        node = node.setdefault(part, {})
        if not isinstance(node, dict):
            raise ConfigError(f"{part} is not a section", place=f"--set {override}", cure="name a section and a key")
    try:
        node[parts[-1]] = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ConfigError(f"value cannot be read: {error}", place=f"--set {override}", cure="quote it") from error


def dump_config(config: Config) -> str:
    """The one canonical YAML text of a configuration, every default written out."""
    return yaml.safe_dump(config.model_dump(mode="json"), sort_keys=False, allow_unicode=True)


def describe_config() -> str:
    """Every key with its default, as YAML whose comments say what the keys mean."""
    return "\n".join(_describe_section(Config(), 0))


def _describe_section(section: Section, depth: int) -> list[str]:
    lines: list[str] = []
    for name, info in type(section).model_fields.items():
        value, indent = getattr(section, name), "  " * depth
        if isinstance(value, Section):
            lines += [f"{indent}{name}:", *_describe_section(value, depth + 1)]
        else:
            plain = section.model_dump(mode="json", include={name})
            text = (
                yaml.safe_dump(plain, default_flow_style=None, width=1000).strip().removeprefix("{").removesuffix("}")
            )
            lines.append(f"{indent}{text}  # {info.description}")
    return lines
