"""Combinations that cannot run, each with its place, the problem and the cure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mucode_core.config.engines import EngineConfig
from mucode_core.config.sections import BootstrapConfig, GeneratorConfig
from mucode_core.config.trainers import TrainedConfig, TrlConfig

if TYPE_CHECKING:
    from mucode_core.config.root import Config

Problem = tuple[str, str, str]
_VLLM_CPU_HEADS = (32, 64, 80, 96, 112, 128, 160, 192, 224, 256, 512)
_OWN_ARGS = ("--model", "--served-model-name", "--host", "--port", "--uds", "--api-key", "--generation-config")


def find_impossible(config: Config) -> list[Problem]:
    """Combinations that cannot run: place, problem, cure."""
    found: list[Problem] = []
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


def _impossible_counts(config: Config) -> list[Problem]:
    """Counts that contradict each other."""
    found: list[Problem] = []
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


def _impossible_engines(config: Config) -> list[Problem]:
    """Servers that cannot be started or would not do what is asked."""
    found: list[Problem] = []
    generator, verifier = config.generator, config.verifier
    engines: dict[str, EngineConfig] = {}
    if generator.backend == "vllm":
        engines["generator.vllm"] = generator.vllm
    if verifier.scorer == "vllm":
        engines["verifier.vllm"] = verifier.vllm
        if verifier.score != "head":
            cure = "set verifier.score=head, or verifier.scorer=transformers"
            found.append(("verifier.scorer", "vllm scores with a scalar head only", cure))
        found += _impossible_scorer(config)
    for place, engine in engines.items():
        found += _impossible_engine(place, engine)
    if generator.backend == "vllm":
        found += _impossible_endpoint(generator)
    boot = generator.bootstrap
    if engines and generator.model == "bootstrap" and boot.hidden_size // boot.num_heads not in _VLLM_CPU_HEADS:
        problem = f"vLLM has no attention for heads of {boot.hidden_size // boot.num_heads}"
        cure = "give a head 32 or 64: hidden_size=128 with num_heads=4"
        found.append(("generator.bootstrap.num_heads", problem, cure))
    if generator.model == "bootstrap":  # the preflight looks at a checkpoint's
        for place, engine in engines.items():
            found += _impossible_bootstrap(place, engine, boot)
    return found


def _impossible_scorer(config: Config) -> list[Problem]:
    """A verifier's server that would not read to the beginning what the generator's writes."""
    generator, longest = config.generator, config.verifier.vllm.max_model_len
    written = generator.vllm.max_model_len if generator.backend == "vllm" else 0
    written = written or generator.max_new_tokens
    if not longest or longest > written:
        return []
    cure = f"set it to 0, or to more than {written}"
    return [("verifier.vllm.max_model_len", f"{longest} leave no room for a prompt and its program", cure)]


def _impossible_bootstrap(place: str, engine: EngineConfig, boot: BootstrapConfig) -> list[Problem]:
    """Servers that do not fit the model that is trained on the spot."""
    found: list[Problem] = []
    if engine.max_model_len > boot.context_length:
        cure = "lower it, or raise generator.bootstrap.context_length"
        found.append((f"{place}.max_model_len", f"exceeds the context of {boot.context_length} tokens", cure))
    if boot.num_heads % engine.tensor_parallel_size:
        problem = f"{boot.num_heads} attention heads cannot be divided by {engine.tensor_parallel_size}"
        found.append((f"{place}.tensor_parallel_size", problem, "choose a divisor"))
    return found


def _impossible_engine(place: str, engine: EngineConfig) -> list[Problem]:
    found: list[Problem] = []
    needed = engine.tensor_parallel_size * engine.data_parallel_size
    if engine.gpus and len(engine.gpus) != needed:
        cure = f"name {needed}: tensor_parallel_size times data_parallel_size"
        found.append((f"{place}.gpus", f"{len(engine.gpus)} named, {needed} used", cure))
    if len(set(engine.gpus)) < len(engine.gpus):
        found.append((f"{place}.gpus", "a GPU is named twice", "name each once"))
    if own := [arg for arg in engine.extra_args if arg.partition("=")[0] in _OWN_ARGS]:
        found.append((f"{place}.extra_args", f"{own[0]} is the run's to set", "leave it out"))
    return found


def _impossible_endpoint(generator: GeneratorConfig) -> list[Problem]:
    found: list[Problem] = []
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


def _impossible_trainers(config: Config) -> list[Problem]:
    """Trainings by TRL that cannot be started."""
    found: list[Problem] = []
    if config.verifier.backend == "trl" and config.verifier.score == "likelihood":
        cure = "set verifier.score=head, or verifier.backend=loop"
        found.append(("verifier.backend", "TRL's reward trainer fits a scalar head only", cure))
    sections: dict[str, TrainedConfig] = {"finetune": config.finetune, "verifier": config.verifier}
    for name, section in sections.items():
        if section.backend == "trl":
            found += _impossible_training(f"{name}.trl", section.trl)
    return found


def _impossible_training(place: str, trl: TrlConfig) -> list[Problem]:
    found: list[Problem] = []
    at_once = trl.micro_batch_size * trl.num_processes
    if trl.batch_size % at_once:
        problem = f"{trl.batch_size} cannot be divided into {trl.num_processes} processes of {trl.micro_batch_size}"
        cure = f"choose a multiple of {at_once}, or another micro_batch_size or num_processes"
        found.append((f"{place}.batch_size", problem, cure))
    if trl.gpus and len(set(trl.gpus)) != trl.num_processes:
        problem = f"{len(set(trl.gpus))} GPUs for {trl.num_processes} processes"
        found.append((f"{place}.gpus", problem, "name as many as num_processes, each once"))
    if trl.attention == "flash_attention_2" and trl.precision == "float32":
        cure = f"set {place}.precision=bfloat16, or attention=sdpa"
        found.append((f"{place}.attention", "flash-attention 2 has no float32", cure))
    return found
