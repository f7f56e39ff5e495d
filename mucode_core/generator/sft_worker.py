"""A process of the generator's training: TRL's `SFTTrainer` on encoded rows."""

from __future__ import annotations

import random
from pathlib import Path

from datasets import Dataset
from transformers import AutoModelForCausalLM
from trl import SFTConfig, SFTTrainer

from mucode_core.config import FinetuneConfig
from mucode_core.models.generation_settings import make_savable
from mucode_core.training.causal_lm import load_tokenizer
from mucode_core.training.trl.job import TrainingJob
from mucode_core.training.trl.worker import Reporter, finish, lora_config, make_arguments, model_arguments, run

_LOSS_SAMPLE = 512


def train(job: TrainingJob) -> None:
    settings = FinetuneConfig.model_validate(job.settings)
    # create the arguments first: with ZeRO-3 they make transformers load the checkpoint in shards
    arguments = SFTConfig(
        **make_arguments(job, settings, evaluates=True),
        padding_free=settings.trl.packing != "none",
        dataset_kwargs={"skip_prepare_dataset": True},
    )
    rows = Dataset.from_file(str(job.rows_path))
    trainer = SFTTrainer(
        model=make_savable(AutoModelForCausalLM.from_pretrained(job.base_dir, **model_arguments(settings.trl))),
        args=arguments,
        train_dataset=rows.select(job.order),
        eval_dataset=rows.select(random.Random(job.seed).sample(range(len(rows)), min(len(rows), _LOSS_SAMPLE))),
        processing_class=load_tokenizer(Path(job.base_dir)),
        peft_config=lora_config(settings.trl, "CAUSAL_LM"),
        callbacks=[Reporter(job)],
    )
    finish(trainer, job, settings.trl)


if __name__ == "__main__":
    run(train)
