"""The configuration of a run, from YAML to the flow's single parameter; `root.Config` is the whole of it."""

from mucode_core.config.base import (
    Count,
    Positive,
    Probability,
    Section,
    Selection,
)
from mucode_core.config.engines import (
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
from mucode_core.config.root import (
    Config,
    require_own_engine,
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
    TrainedConfig,
    TrlConfig,
    TrlRewardConfig,
    TrlSftConfig,
    VerifierConfig,
)

__all__ = [
    "BootstrapConfig",
    "Config",
    "Count",
    "EngineConfig",
    "EvaluationConfig",
    "FinetuneConfig",
    "GeneratorConfig",
    "OptimizerConfig",
    "Positive",
    "Probability",
    "ProblemsConfig",
    "RelabelConfig",
    "ReplayConfig",
    "RolloutsConfig",
    "RunConfig",
    "SandboxConfig",
    "ScorerConfig",
    "Section",
    "Selection",
    "TimeLimits",
    "TrainedConfig",
    "TrlConfig",
    "TrlRewardConfig",
    "TrlSftConfig",
    "VerifierConfig",
    "VllmConfig",
    "describe_config",
    "dump_config",
    "load_config",
    "make_config",
    "require_own_engine",
]
