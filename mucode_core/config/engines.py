"""Inference servers."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from mucode_core.config.base import WHERE, Count, Positive, Section


class EngineConfig(Section):
    """A vLLM server that the run owns."""

    gpus: tuple[Annotated[int, Field(ge=0)], ...] = Field(
        default=(),
        description="GPUs by number among the visible; empty takes all.",
        json_schema_extra=WHERE,
    )
    tensor_parallel_size: Count = Field(default=1, description="GPUs that share one copy.", json_schema_extra=WHERE)
    data_parallel_size: Count = Field(default=1, description="Copies of the model.", json_schema_extra=WHERE)
    dtype: Literal["auto", "float32", "bfloat16", "float16"] = Field(
        default="auto", description="Of weights and activations; auto takes 16 bits."
    )
    max_model_len: int = Field(default=0, ge=0, description="Longest sequence, tokens; 0 takes the model's.")
    gpu_memory_utilization: float = Field(
        default=0.9, gt=0, le=1, description="Share of a GPU's memory.", json_schema_extra=WHERE
    )
    kv_cache_gib: Count = Field(
        default=2, description="Without GPU: memory of the cache, GiB.", json_schema_extra=WHERE
    )
    cpu_threads: int = Field(
        default=0, ge=0, description="Without GPU: threads; 0 leaves one core to the rest.", json_schema_extra=WHERE
    )
    prefix_caching: bool = Field(
        default=True, description="Prompts that begin alike are read once.", json_schema_extra=WHERE
    )
    extra_args: tuple[str, ...] = Field(default=(), description="Further arguments of vLLM's server.")
    ready_timeout_s: Positive = Field(
        default=600.0, description="Seconds a server may take to get ready.", json_schema_extra=WHERE
    )


class ScorerConfig(EngineConfig):
    gpu_memory_utilization: float = Field(
        default=0.4,
        gt=0,
        le=1,
        description="Share of a GPU's memory, beside the generator's server.",
        json_schema_extra=WHERE,
    )


class VllmConfig(EngineConfig):
    """Sampling with vLLM: a server that the run owns, or an endpoint that is there."""

    base_url: str = Field(
        default="",
        description="OpenAI-compatible endpoint, up to and with /v1; empty starts a server.",
        json_schema_extra=WHERE,
    )
    served_model: str = Field(default="", description="With base_url: the model's name there.", json_schema_extra=WHERE)
    api_key_variable: str = Field(
        default="",
        description="With base_url: environment variable that holds the key; empty for none.",
        json_schema_extra=WHERE,
    )
    seeded: bool = Field(
        default=True,
        description="Each completion has a seed, so a run can be repeated; false draws all of a state in one request.",
    )
    concurrency: Count = Field(default=256, description="Requests under way at a time.", json_schema_extra=WHERE)
