"""Inference servers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, Literal

from pydantic import Field

from mucode_core.config.base import WHERE, Conflict, Count, Positive, Section

_OWN_ARGS = ("--model", "--served-model-name", "--host", "--port", "--uds", "--api-key", "--generation-config")


class EngineConfig(Section):
    """A vLLM server that the run owns."""

    gpus: tuple[Annotated[int, Field(ge=0)], ...] = Field(
        default=(),
        description="GPUs, as indices into the visible ones; empty uses all.",
        json_schema_extra=WHERE,
    )
    tensor_parallel_size: Count = Field(default=1, description="GPUs per replica.", json_schema_extra=WHERE)
    data_parallel_size: Count = Field(default=1, description="Replicas of the model.", json_schema_extra=WHERE)
    dtype: Literal["auto", "float32", "bfloat16", "float16"] = Field(
        default="auto", description="Type of weights and activations; auto uses 16 bits."
    )
    max_model_len: int = Field(default=0, ge=0, description="Longest sequence, tokens; 0 uses the model's.")
    gpu_memory_utilization: float = Field(
        default=0.9, gt=0, le=1, description="Share of a GPU's memory.", json_schema_extra=WHERE
    )
    kv_cache_gib: Count = Field(
        default=2, description="CPU only: memory of the KV cache, GiB.", json_schema_extra=WHERE
    )
    cpu_threads: int = Field(
        default=0, ge=0, description="CPU only: threads; 0 leaves one core free.", json_schema_extra=WHERE
    )
    prefix_caching: bool = Field(
        default=True, description="Process common prompt prefixes once.", json_schema_extra=WHERE
    )
    extra_args: tuple[str, ...] = Field(default=(), description="Further arguments of vLLM's server.")
    ready_timeout_s: Positive = Field(
        default=600.0, description="Timeout of a server's start, seconds.", json_schema_extra=WHERE
    )

    def find_conflicts(self, location: str) -> Iterator[Conflict]:
        """See `Section.find_conflicts`."""
        needed = self.tensor_parallel_size * self.data_parallel_size
        if self.gpus and len(self.gpus) != needed:
            hint = f"name {needed}: tensor_parallel_size times data_parallel_size"
            yield Conflict(f"{location}.gpus", f"{len(self.gpus)} named, {needed} used", hint)
        if len(set(self.gpus)) < len(self.gpus):
            yield Conflict(f"{location}.gpus", "a GPU is named twice", "name each once")
        if own := [arg for arg in self.extra_args if arg.partition("=")[0] in _OWN_ARGS]:
            yield Conflict(f"{location}.extra_args", f"{own[0]} is set by the run", "leave it out")


class EndpointConfig(EngineConfig):
    """A server that the run owns, or an external endpoint."""

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

    def find_conflicts(self, location: str) -> Iterator[Conflict]:
        """See `Section.find_conflicts`."""
        yield from super().find_conflicts(location)
        if not self.base_url:
            if self.served_model:
                hint = f"set {location}.base_url, or leave served_model out"
                yield Conflict(f"{location}.served_model", "a server of the run's own names its model itself", hint)
            return
        if not self.base_url.startswith(("http://", "https://")):
            hint = "begin with http:// or https://"
            yield Conflict(f"{location}.base_url", f"{self.base_url!r} is not a URL", hint)
        if not self.served_model:
            hint = f"set {location}.served_model to a name that GET /models lists"
            yield Conflict(f"{location}.served_model", "an endpoint needs a model's name", hint)
        fields = type(self).model_fields
        if unused := [name for name in EngineConfig.model_fields if getattr(self, name) != fields[name].default]:
            hint = "set it where the endpoint is started, or leave base_url out"
            yield Conflict(f"{location}.{unused[0]}", "is a setting of a server that the run starts", hint)


class ScorerConfig(EndpointConfig):
    gpu_memory_utilization: float = Field(
        default=0.4,
        gt=0,
        le=1,
        description="Share of a GPU's memory, in addition to the generator's server.",
        json_schema_extra=WHERE,
    )
    served_model: str = Field(default="", description="With base_url: the judge's name there.")

    def fingerprinted(self) -> dict[str, Any]:
        """See `Section.fingerprinted`; a judge elsewhere is identified by its name."""
        settings = super().fingerprinted()
        if not self.served_model:
            del settings["served_model"]
        return settings


class VllmConfig(EndpointConfig):
    """Sampling with vLLM: a server that the run owns, or an external endpoint."""

    seeded: bool = Field(
        default=True,
        description="Seed each completion, for reproducible runs; false draws a state's completions in one request.",
    )
    concurrency: Count = Field(default=256, description="Concurrent requests.", json_schema_extra=WHERE)
