"""Training settings."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, Literal

from pydantic import Field

from mucode_core.config.base import WHERE, Conflict, Count, Positive, Section
from mucode_core.config.engines import ScorerConfig
from mucode_core.types import ScoreKind, Scoring


class OptimizerConfig(Section):
    epochs: Count = Field(default=2, description="Epochs over the examples.")
    learning_rate: Positive = Field(default=8e-4, description="Peak learning rate.")
    batch_tokens: Count = Field(default=2048, description="Padded tokens per batch.")
    max_length: int = Field(
        default=512, ge=16, description="Longest example, tokens; longer ones are excluded and counted."
    )


class TrlConfig(Section):
    """Training with TRL in processes started by torchrun."""

    batch_size: Count = Field(default=32, description="Examples per gradient step, whatever the number of devices.")
    micro_batch_size: Count = Field(default=1, description="Examples per device at a time.", json_schema_extra=WHERE)
    num_processes: Count = Field(default=1, description="Processes, one per device.", json_schema_extra=WHERE)
    gpus: tuple[Annotated[int, Field(ge=0)], ...] = Field(
        default=(),
        description="GPUs, as indices into the visible ones; empty uses all.",
        json_schema_extra=WHERE,
    )
    deepspeed: Literal["none", "zero2", "zero3"] = Field(
        default="none",
        description="DeepSpeed shards optimizer and gradients (zero2), or also weights (zero3), over the processes.",
        json_schema_extra=WHERE,
    )
    precision: Literal["float32", "bfloat16"] = Field(
        default="float32", description="Type of the computation; the optimizer's copy of the weights is float32."
    )
    scheduler: Literal["linear", "cosine", "constant", "constant_with_warmup"] = Field(
        default="linear", description="Learning rate schedule."
    )
    warmup_ratio: Annotated[float, Field(ge=0, lt=1)] = Field(
        default=0.05, description="Share of the steps used for warm-up."
    )
    weight_decay: float = Field(default=0.0, ge=0, description="Weight decay of AdamW.")
    max_grad_norm: Positive = Field(default=1.0, description="Gradients are clipped to this norm.")
    lora_rank: int = Field(
        default=0, ge=0, description="Rank of LoRA adapters, merged before saving; 0 trains all weights."
    )
    lora_alpha: Positive = Field(default=32.0, description="LoRA alpha: the adapters are scaled by alpha / rank.")
    gradient_checkpointing: bool = Field(
        default=False, description="Recompute activations to save memory.", json_schema_extra=WHERE
    )
    attention: Literal["auto", "flash_attention_2", "sdpa"] = Field(
        default="auto",
        description="auto uses flash-attention 2 if it is installed and the precision is bfloat16, else SDPA.",
        json_schema_extra=WHERE,
    )
    liger: bool = Field(default=False, description="Use Liger kernels, if installed.", json_schema_extra=WHERE)
    save_steps: Count = Field(default=100, description="Steps between checkpoints.", json_schema_extra=WHERE)
    tracker: Literal["none", "tensorboard", "wandb", "trackio"] = Field(
        default="tensorboard", description="Tracker of loss curves, if installed.", json_schema_extra=WHERE
    )

    def find_conflicts(self, location: str) -> Iterator[Conflict]:
        """See `Section.find_conflicts`."""
        at_once = self.micro_batch_size * self.num_processes
        if self.batch_size % at_once:
            batch = f"{self.num_processes} processes of {self.micro_batch_size}"
            hint = f"choose a multiple of {at_once}, or another micro_batch_size or num_processes"
            yield Conflict(f"{location}.batch_size", f"{self.batch_size} cannot be divided into {batch}", hint)
        if self.gpus and len(set(self.gpus)) != self.num_processes:
            problem = f"{len(set(self.gpus))} GPUs for {self.num_processes} processes"
            yield Conflict(f"{location}.gpus", problem, "name as many as num_processes, each once")
        if self.attention == "flash_attention_2" and self.precision == "float32":
            hint = f"set {location}.precision=bfloat16, or attention=sdpa"
            yield Conflict(f"{location}.attention", "flash-attention 2 has no float32", hint)


class TrlSftConfig(TrlConfig):
    packing: Literal["none", "padding_free", "packed"] = Field(
        default="none",
        description="Pad examples, or concatenate a micro-batch in one row (GPU), or first pack them into rows of "
        "max_length tokens; batch_size then counts rows.",
    )


class TrlRewardConfig(TrlConfig):
    batch_size: Count = Field(default=64, description="Pairs per gradient step, whatever the number of devices.")


class TrainedConfig(OptimizerConfig):
    """Settings of a model trained by this project's loop or by TRL."""

    backend: Literal["loop", "trl"] = Field(
        default="loop", description="One worker process on CPU, or TRL with torchrun and DeepSpeed."
    )
    trl: TrlConfig = TrlConfig()

    def find_conflicts(self, location: str) -> Iterator[Conflict]:
        """See `Section.find_conflicts`."""
        if self.backend == "trl":
            yield from self.trl.find_conflicts(f"{location}.trl")

    def fingerprinted(self) -> dict[str, Any]:
        """The settings of the selected backend."""
        settings = super().fingerprinted()
        del settings["backend"], settings["trl"]
        if self.backend == "trl":
            del settings["batch_tokens"]
            settings["trl"] = self.trl.fingerprinted()
        return settings


class SftConfig(TrainedConfig):
    """Settings of supervised fine-tuning."""

    trl: TrlSftConfig = TrlSftConfig()  # pyright: ignore[reportIncompatibleVariableOverride]  # frozen


class FinetuneConfig(SftConfig):
    steps: tuple[Count, ...] = Field(
        default=(), description="Gradient steps of each iteration, repeating the examples as needed; overrides epochs."
    )


class WarmUpConfig(SftConfig):
    """Supervised start of an existing base on right programs, which all algorithms then begin with."""

    epochs: Count = Field(default=1, description="Epochs over the solutions.")
    learning_rate: Positive = Field(default=1e-4, description="Peak learning rate.")


class VerifierConfig(TrainedConfig):
    trl: TrlRewardConfig = TrlRewardConfig()  # pyright: ignore[reportIncompatibleVariableOverride]  # frozen
    score: ScoreKind = Field(
        default="head",
        description="Scalar head (paper); or ours: the log-likelihood of the program under a tuned copy, or the "
        "log-odds of the answers to a question about it (token).",
    )
    question: str = Field(
        default="Is this program correct? Answer Yes or No.",
        min_length=1,
        description="score token: what the model is asked after prompt and program.",
    )
    answers: tuple[str, str] = Field(
        default=("Yes", "No"),
        description="score token: the answers for a correct and for an incorrect program, one token each.",
    )
    fit: bool = Field(
        default=True, description="Fit the verifier; false scores with the initial weights: a zero-shot judge."
    )
    init: Literal["base", "generator"] = Field(default="base", description="Initial weights (paper: base).")
    pairs_per_problem: Count = Field(default=32, description="Pairs per problem and iteration (paper: 32).")
    loss: Literal["bt", "bce"] = Field(
        default="bt",
        description="Bradley-Terry on pairs (paper), or binary cross-entropy on the programs of the same pairs.",
    )
    score_l2: float = Field(default=1e-3, ge=0, description="Weight of the mean squared score (paper: 1e-3).")
    window: int = Field(
        default=0, ge=0, description="Fit on the pairs of this many newest rounds; 0 uses all rounds (paper)."
    )
    ensemble: Count = Field(default=1, description="Number of verifiers to fit, with different seeds.")
    pessimism: float = Field(
        default=0.0,
        ge=0,
        description="ensemble: the score is the mean minus this many standard deviations across the verifiers.",
    )
    final_fit: bool = Field(default=True, description="Refit on rollouts of the final generator.")
    # these do not affect the fit; scoring stages take them as separate inputs
    scorer: Literal["transformers", "vllm"] = Field(
        default="transformers", description="Backend that computes the scores.", json_schema_extra=WHERE
    )
    vllm: ScorerConfig = Field(
        default=ScorerConfig(),
        description="scorer vllm: its server, which runs alongside the generator's.",
        json_schema_extra=WHERE,
    )

    @property
    def endpoint_url(self) -> str:
        """The address of a server that scores without a checkpoint of ours; empty for none."""
        return self.vllm.base_url if self.scorer == "vllm" else ""

    @property
    def scoring(self) -> Scoring:
        """How the fitted checkpoint scores."""
        return Scoring("token", self.question, self.answers) if self.score == "token" else Scoring(self.score)

    def fingerprinted(self) -> dict[str, Any]:
        """See `Section.fingerprinted`; only what the kind of score uses."""
        settings = super().fingerprinted()
        for name in ("window", "ensemble", "pessimism"):  # inputs of stages: the pairs, the verifiers
            del settings[name]
        if self.score != "token":
            del settings["question"], settings["answers"]
        if self.fit:
            del settings["fit"]
        return settings

    def find_conflicts(self, location: str) -> Iterator[Conflict]:
        """See `Section.find_conflicts`."""
        if self.fit:
            yield from super().find_conflicts(location)
        elif self.score == "head":
            hint = f"set {location}.score=token, or {location}.fit=true"
            yield Conflict(f"{location}.fit", "an unfitted head scores at random", hint)
        if self.score == "token" and self.answers[0].strip().casefold() == self.answers[1].strip().casefold():
            problem = f"{list(self.answers)} are the same answer"
            yield Conflict(f"{location}.answers", problem, "name two words that are single tokens, such as y and n")
        if self.ensemble > 1 and not self.fit:
            problem = f"{self.ensemble} verifiers that are not fitted are the same"
            yield Conflict(f"{location}.ensemble", problem, f"set it to 1, or {location}.fit=true")
        if self.window and not self.fit:
            problem = "no pairs are used by a verifier that is not fitted"
            yield Conflict(f"{location}.window", problem, f"set it to 0, or {location}.fit=true")
        if self.pessimism and self.ensemble == 1:
            hint = f"set {location}.ensemble=3, or {location}.pessimism=0"
            yield Conflict(f"{location}.pessimism", "one verifier has no spread", hint)
        if self.scorer == "vllm":
            yield from self.vllm.find_conflicts(f"{location}.vllm")
            if self.vllm.base_url and (self.fit or self.score != "token"):
                hint = f"set {location}.score=token and {location}.fit=false, or leave it empty"
                problem = "an endpoint answers with its own weights: it can only be asked"
                yield Conflict(f"{location}.vllm.base_url", problem, hint)
        elif self.vllm.base_url:
            hint = f"set {location}.scorer=vllm, or leave it empty"
            yield Conflict(f"{location}.vllm.base_url", f"not used by scorer {self.scorer}", hint)
