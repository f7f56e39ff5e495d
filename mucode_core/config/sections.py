"""The other sections."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from mucode_core.config.base import WHERE, Count, Positive, Probability, Section, Selection
from mucode_core.config.engines import VllmConfig


class TimeLimits(Section):
    """Seconds that an attempt at one stage may take before it counts as hung and is tried again; 0 for no limit."""

    sampling: float = Field(default=6 * 3600, ge=0, description="One turn of a shard.", json_schema_extra=WHERE)
    execution: float = Field(default=6 * 3600, ge=0, description="One turn of a shard.", json_schema_extra=WHERE)
    scoring: float = Field(default=6 * 3600, ge=0, description="One shard.", json_schema_extra=WHERE)
    training: float = Field(
        default=72 * 3600, ge=0, description="One model; another attempt resumes.", json_schema_extra=WHERE
    )
    evaluation: float = Field(default=24 * 3600, ge=0, description="One search of a split.", json_schema_extra=WHERE)


class RunConfig(Section):
    name: str = Field(default="run", description="Name of the run; also the default output directory under runs/.")
    seed: int = Field(default=0, ge=0, description="Every random draw of the run derives from it.")
    algorithm: Literal["mucode", "rft"] = Field(
        default="mucode",
        description="Relabel with the local search expert, or imitate rollouts as they are (the paper's RFT baseline).",
    )
    iterations: Count = Field(default=2, description="Expert iterations M (paper: 2 for MBPP, 1 for CodeContests).")
    output_dir: str = Field(default="", description="Run directory; empty takes runs/<name>.", json_schema_extra=WHERE)
    store_dir: str = Field(
        default="",
        description="Artifact store: a directory, or an fsspec URL such as s3://bucket/prefix, whose copy here is "
        "<output_dir>/store; empty takes the latter alone. Share it to share stages.",
        json_schema_extra=WHERE,
    )
    placement: Literal["flow", "deployments"] = Field(
        default="flow",
        description="Stages that use GPUs run in the flow's process, or as runs of stage_deployment, on its work pool.",
        json_schema_extra=WHERE,
    )
    stage_deployment: str = Field(
        default="stage/gpu", description="Deployment of flows/stage.py.", json_schema_extra=WHERE
    )
    task_runner: Literal["threads", "ray"] = Field(
        default="threads",
        description="Stages that execute programs run in the flow's process, or on the nodes of a Ray cluster.",
        json_schema_extra=WHERE,
    )
    ray_address: str = Field(
        default="",
        description="Ray cluster that this machine is a node of, host:port, or ray://host:port; empty starts one here.",
        json_schema_extra=WHERE,
    )
    num_workers: Count = Field(
        default=2, description="Worker processes for CPU models, one thread each.", json_schema_extra=WHERE
    )
    time_limits_s: TimeLimits = TimeLimits()
    push_to_hub: str = Field(
        default="",
        pattern=r"^$|^[\w.-]+/[\w.-]+$",
        description="Hub name, organisation/model: at its end a run pushes its pair to <name>-generator and "
        "<name>-verifier, private; empty pushes nothing.",
        json_schema_extra=WHERE,
    )
    train_beside_servers: bool = Field(
        default=False,
        description="vLLM servers go on while a model is trained; if false, they end first and free their devices.",
        json_schema_extra=WHERE,
    )


class ProblemsConfig(Section):
    dataset: Literal[
        "synthetic", "mbpp", "mbpp_train", "mbppplus", "humanevalpack", "humanevalplus", "code_contests", "custom"
    ] = Field(default="synthetic", description="Registered data set.")
    data: str = Field(
        default="",
        description="Local JSONL(.gz) or Parquet file of the data set; if empty it is had from the Hugging Face hub.",
        json_schema_extra=WHERE,
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
        default="", description="JSONL(.gz) of recorded programs: rows of task_id and code.", json_schema_extra=WHERE
    )
    min_programs: Count = Field(default=5, description="Problems with fewer recorded programs are left out.")


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
        json_schema_extra=WHERE,
    )
    runtime: str | None = Field(
        default=None, description="Container runtime, such as runsc; the daemon's if empty.", json_schema_extra=WHERE
    )
    num_workers: Count = Field(default=2, description="Judges, one process each.", json_schema_extra=WHERE)
    cpu_s: Positive = Field(
        default=2.0, description="CPU seconds for a program and its tests, where the problem sets none."
    )
    memory_mb: Count = Field(default=512, description="Memory of a program, MiB.")
    feedback: Literal["full", "brief"] = Field(
        default="full", description="Feedback with the failing test, or one line."
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
        json_schema_extra=WHERE,
    )
    bootstrap_samples: Count = Field(default=2000, description="Resamples of problems behind a confidence interval.")
