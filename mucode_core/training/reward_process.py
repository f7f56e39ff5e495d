"""A process of the verifier's training: TRL's `RewardTrainer` with this project's losses."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from datasets import Dataset
from transformers import AutoModelForSequenceClassification
from trl import RewardConfig, RewardTrainer

from mucode_core.causal_lm import load_tokenizer
from mucode_core.config import VerifierConfig
from mucode_core.training.job import Job
from mucode_core.training.process import Reporter, finish, lora_config, make_arguments, model_arguments, run
from mucode_core.verifier.losses import pair_loss


class PairTrainer(RewardTrainer):
    """`RewardTrainer` with the regulariser of the paper, or with binary cross-entropy."""

    verifier_settings = VerifierConfig()

    def compute_loss(
        self, model: Any, inputs: dict[str, torch.Tensor], return_outputs: bool = False, num_items_in_batch: Any = None
    ) -> Any:
        outputs = model(**inputs, use_cache=False)
        right, wrong = outputs.logits[:, 0].float().chunk(2)
        settings = self.verifier_settings
        loss = pair_loss(right, wrong, settings.loss, score_l2=settings.score_l2)
        accuracy: Any = self.accelerator.gather((right > wrong).float().mean())
        self._metrics["train"]["accuracy"].append(accuracy.mean().item())
        return (loss, outputs) if return_outputs else loss


def train(job: Job) -> None:
    settings = VerifierConfig.model_validate(job.settings)
    # the arguments come first: they tell transformers to load a checkpoint in pieces where DeepSpeed divides it
    arguments = RewardConfig(**make_arguments(job, settings, evaluates=False))
    tokenizer = load_tokenizer(Path(job.base_dir))
    torch.manual_seed(job.seed)  # draws the head, the same in every process
    model = AutoModelForSequenceClassification.from_pretrained(
        job.base_dir, num_labels=1, pad_token_id=tokenizer.pad_token_id, **model_arguments(settings.trl)
    )
    trainer = PairTrainer(
        model=model,
        args=arguments,
        train_dataset=Dataset.from_file(str(job.rows_path)).select(job.order),
        processing_class=tokenizer,
        peft_config=lora_config(settings.trl, "SEQ_CLS"),
        callbacks=[Reporter(job)],
    )
    trainer.verifier_settings = settings
    finish(trainer, job, settings.trl)


if __name__ == "__main__":
    run(train)
