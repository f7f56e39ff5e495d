"""The whole configuration: YAML to pydantic, the flow's single parameter.

Every field has a description with its unit; unknown keys and impossible combinations raise when loaded.
Fields that set only location or speed (output paths, worker counts) are never fingerprinted.
"""

from __future__ import annotations

from collections.abc import Iterator

from pydantic import model_validator

from mucode_core.config.base import Conflict, ConflictsError, Section
from mucode_core.config.engines import EngineConfig
from mucode_core.config.sections import (
    BootstrapConfig,
    EvaluationConfig,
    GeneratorConfig,
    ProblemsConfig,
    RelabelConfig,
    RolloutsConfig,
    RunConfig,
    SandboxConfig,
)
from mucode_core.config.trainers import FinetuneConfig, TrainedConfig, VerifierConfig
from mucode_core.errors import ConfigError

_VLLM_CPU_HEADS = (32, 64, 80, 96, 112, 128, 160, 192, 224, 256, 512)


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

    @property
    def trainings(self) -> dict[str, TrainedConfig]:
        """The sections that train a model in this run, by location."""
        sections: dict[str, TrainedConfig] = {"finetune": self.finetune, "verifier": self.verifier}
        if not self.verifier.fit:
            del sections["verifier"]
        if self.problems.num_warm_up:
            sections["generator.warm_up"] = self.generator.warm_up
        return sections

    @property
    def plants_errors(self) -> bool:
        """The base learns from the careless teacher of the synthetic problems, with errors of its making."""
        return self.problems.dataset == "synthetic" and self.generator.trains_base

    @model_validator(mode="after")
    def _check(self) -> Config:
        if found := list(self.find_conflicts("")):
            raise ConflictsError(found)
        return self

    def find_conflicts(self, location: str) -> Iterator[Conflict]:
        """The conflicts within each section, then those between sections."""
        for name in type(self).model_fields:
            yield from getattr(self, name).find_conflicts(name)
        yield from _find_replay_conflicts(self)
        yield from _find_teacher_conflicts(self)
        yield from _find_warm_up_conflicts(self)
        yield from _find_answer_conflicts(self)
        yield from _find_server_conflicts(self)
        if (steps := self.finetune.steps) and len(steps) != self.run.iterations:
            problem = f"{len(steps)} for {self.run.iterations} iterations"
            yield Conflict("finetune.steps", problem, f"give {self.run.iterations}, or none")


def _find_replay_conflicts(config: Config) -> Iterator[Conflict]:
    if config.generator.backend != "replay":
        return
    if config.problems.dataset == "synthetic":
        yield Conflict("generator.backend", "replay needs a real data set", "set problems.dataset=mbpp")
    if config.run.iterations > 1 or config.verifier.final_fit or config.evaluation.enabled:
        hint = "set run.iterations=1, verifier.final_fit=false and evaluation.enabled=false"
        yield Conflict("generator.backend", "recorded programs cannot answer for a trained generator", hint)


def _find_teacher_conflicts(config: Config) -> Iterator[Conflict]:
    """The bootstrap corpus does not fit the problems."""
    if not config.generator.trains_base or config.generator.bootstrap.corpus != "teacher":
        return
    hint = "set generator.bootstrap.corpus=solutions"
    if config.problems.dataset != "synthetic":
        yield Conflict("generator.bootstrap.corpus", "the teacher supports only the synthetic set", hint)
    if not config.problems.show_tests:
        hint += ", or problems.show_tests=true"
        yield Conflict("problems.show_tests", "the teacher's dialogues show tests", hint)


def _find_warm_up_conflicts(config: Config) -> Iterator[Conflict]:
    """There must be a base to begin with, whose samples are used."""
    if not config.problems.num_warm_up:
        return
    if config.generator.trains_base:
        hint = "set generator.model, or problems.num_warm_up=0"
        yield Conflict("problems.num_warm_up", "the bootstrap model has learnt from dialogues already", hint)
    if config.generator.backend in ("replay", "scripted"):
        problem = f"what the backend {config.generator.backend} returns does not depend on the base"
        yield Conflict("problems.num_warm_up", problem, "set it to 0")


def _find_answer_conflicts(config: Config) -> Iterator[Conflict]:
    """The run's own tokenizer is not there yet; single characters are tokens of it in any case."""
    verifier = config.verifier
    if verifier.score != "token" or verifier.endpoint_url or not config.generator.trains_base:
        return
    if not all(len(answer) == 1 and answer.isascii() for answer in verifier.answers):
        hint = "set verifier.answers=[y, n] and name them in verifier.question"
        problem = f"{list(verifier.answers)} may not be single tokens of the bootstrap model"
        yield Conflict("verifier.answers", problem, hint)


def _find_server_conflicts(config: Config) -> Iterator[Conflict]:
    """Servers that do not fit what they serve, or what they read."""
    generator, verifier = config.generator, config.verifier
    engines: dict[str, EngineConfig] = {}
    if generator.backend == "vllm":
        engines["generator.vllm"] = generator.vllm
    if verifier.scorer == "vllm" and not verifier.vllm.base_url:
        engines["verifier.vllm"] = verifier.vllm
        written = generator.vllm.max_model_len if generator.backend == "vllm" else 0
        written, longest = written or generator.max_new_tokens, verifier.vllm.max_model_len
        if longest and longest <= written:
            problem = f"{longest} leave no room for a prompt and its program"
            yield Conflict("verifier.vllm.max_model_len", problem, f"set it to 0, or to more than {written}")
    if engines and generator.model == "bootstrap":  # the preflight checks checkpoints
        yield from _find_bootstrap_conflicts(generator.bootstrap, engines)


def _find_bootstrap_conflicts(boot: BootstrapConfig, engines: dict[str, EngineConfig]) -> Iterator[Conflict]:
    head_size = boot.hidden_size // boot.num_heads
    if head_size not in _VLLM_CPU_HEADS:
        hint = "give a head 32 or 64: hidden_size=128 with num_heads=4"
        yield Conflict("generator.bootstrap.num_heads", f"vLLM has no attention for heads of {head_size}", hint)
    for location, engine in engines.items():
        if engine.max_model_len > boot.context_length:
            hint = "lower it, or raise generator.bootstrap.context_length"
            problem = f"exceeds the context of {boot.context_length} tokens"
            yield Conflict(f"{location}.max_model_len", problem, hint)
        if boot.num_heads % engine.tensor_parallel_size:
            problem = f"{boot.num_heads} attention heads cannot be divided by {engine.tensor_parallel_size}"
            yield Conflict(f"{location}.tensor_parallel_size", problem, "choose a divisor")


def require_own_engine(config: Config) -> None:
    """Refuses to train against an external endpoint, which would keep serving the old generator.

    Raises:
        ConfigError: The generator uses an external endpoint.
    """
    if config.generator.backend == "vllm" and config.generator.vllm.base_url:
        hint = "leave it empty, so that the run serves each checkpoint itself; `mucode evaluate` takes an endpoint"
        raise ConfigError("cannot serve what is being trained", location="generator.vllm.base_url", hint=hint)
