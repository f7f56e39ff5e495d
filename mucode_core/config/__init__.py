"""The configuration of a run, from YAML to the flow's single parameter, `config.Config`."""

from mucode_core.config.base import (
    Count,
    Positive,
    Probability,
    PublicSelection,
    Section,
    Selection,
)
from mucode_core.config.config import (
    Config,
    require_own_engine,
)
from mucode_core.config.engines import (
    EndpointConfig,
    EngineConfig,
    ScorerConfig,
    VllmConfig,
)
from mucode_core.config.loading import (
    describe_config,
    dump_config,
    load_config,
    make_config,
)
from mucode_core.config.sections import (
    BootstrapConfig,
    EvaluationConfig,
    GeneratorConfig,
    ProblemsConfig,
    RelabelConfig,
    ReplayConfig,
    RolloutsConfig,
    RunConfig,
    SandboxConfig,
    TimeLimits,
)
from mucode_core.config.trainers import (
    FinetuneConfig,
    OptimizerConfig,
    SftConfig,
    TrainedConfig,
    TrlConfig,
    TrlRewardConfig,
    TrlSftConfig,
    VerifierConfig,
    WarmUpConfig,
)

__all__ = [
    "BootstrapConfig",
    "Config",
    "Count",
    "EndpointConfig",
    "EngineConfig",
    "EvaluationConfig",
    "FinetuneConfig",
    "GeneratorConfig",
    "OptimizerConfig",
    "Positive",
    "Probability",
    "ProblemsConfig",
    "PublicSelection",
    "RelabelConfig",
    "ReplayConfig",
    "RolloutsConfig",
    "RunConfig",
    "SandboxConfig",
    "ScorerConfig",
    "Section",
    "Selection",
    "SftConfig",
    "TimeLimits",
    "TrainedConfig",
    "TrlConfig",
    "TrlRewardConfig",
    "TrlSftConfig",
    "VerifierConfig",
    "VllmConfig",
    "WarmUpConfig",
    "describe_config",
    "dump_config",
    "load_config",
    "make_config",
    "require_own_engine",
]
