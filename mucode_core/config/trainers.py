"""How models are trained."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from mucode_core.config.base import WHERE, Count, Positive, Section
from mucode_core.config.engines import ScorerConfig


class OptimizerConfig(Section):
    epochs: Count = Field(default=2, description="Passes over the examples.")
    learning_rate: Positive = Field(default=8e-4, description="Peak learning rate.")
    batch_tokens: Count = Field(default=2048, description="Padded tokens a batch.")
    max_length: Count = Field(default=512, description="Longest example, tokens; longer ones are counted and left out.")


class TrlConfig(Section):
    """Training by TRL in processes of its own, by torchrun; the rest of the section says for how long and how fast."""

    batch_size: Count = Field(default=32, description="Examples a gradient step, whatever the number of devices.")
    micro_batch_size: Count = Field(
        default=1, description="Examples a device holds at a time.", json_schema_extra=WHERE
    )
    num_processes: Count = Field(default=1, description="Processes, one a device.", json_schema_extra=WHERE)
    gpus: tuple[Annotated[int, Field(ge=0)], ...] = Field(
        default=(),
        description="GPUs by number among the visible; empty takes all.",
        json_schema_extra=WHERE,
    )
    deepspeed: Literal["none", "zero2", "zero3"] = Field(
        default="none",
        description="What DeepSpeed divides among the processes: optimizer and gradients, or weights as well.",
        json_schema_extra=WHERE,
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
        default=False, description="Computes activations twice and keeps few.", json_schema_extra=WHERE
    )
    attention: Literal["auto", "flash_attention_2", "sdpa"] = Field(
        default="auto",
        description="auto takes flash-attention 2 where it is installed and the precision is bfloat16, else SDPA.",
        json_schema_extra=WHERE,
    )
    liger: bool = Field(default=False, description="Liger kernels, if installed.", json_schema_extra=WHERE)
    save_steps: Count = Field(
        default=100, description="Steps from one checkpoint to resume from to the next.", json_schema_extra=WHERE
    )
    tracker: Literal["none", "tensorboard", "wandb", "trackio"] = Field(
        default="tensorboard", description="Where loss curves go, if installed.", json_schema_extra=WHERE
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
        default="transformers", description="What computes the head's scores.", json_schema_extra=WHERE
    )
    vllm: ScorerConfig = Field(
        default=ScorerConfig(),
        description="scorer vllm: its server, alive beside the generator's.",
        json_schema_extra=WHERE,
    )
