"""The whole configuration: YAML to pydantic, the flow's single parameter.

Every field says what it means and its unit; unknown keys and impossible combinations raise when loaded.
Fields of *where* (paths of outputs, worker counts) never enter a fingerprint; the stages pick what does.
"""

from __future__ import annotations

from pydantic import model_validator

from mucode_core.config.base import Section
from mucode_core.config.checks import find_impossible
from mucode_core.config.sections import (
    EvaluationConfig,
    GeneratorConfig,
    ProblemsConfig,
    RelabelConfig,
    RolloutsConfig,
    RunConfig,
    SandboxConfig,
)
from mucode_core.config.trainers import FinetuneConfig, VerifierConfig
from mucode_core.errors import ConfigError


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
        for place, problem, cure in find_impossible(self):
            raise ValueError(f"{place}: {problem}; {cure}")
        return self


def require_own_engine(config: Config) -> None:
    """Training changes the generator, and an endpoint that somebody else started goes on serving the old one.

    Raises:
        ConfigError: The generator is behind such an endpoint.
    """
    if config.generator.backend == "vllm" and config.generator.vllm.base_url:
        cure = "leave it empty, so that the run serves each checkpoint itself; `mucode evaluate` takes an endpoint"
        raise ConfigError("cannot serve what is being trained", place="generator.vllm.base_url", cure=cure)
