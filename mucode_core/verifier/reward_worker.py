"""A process of the verifier's training: TRL's `RewardTrainer` with this project's scores and losses."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import torch
from datasets import Dataset
from transformers import AutoModelForCausalLM, AutoModelForSequenceClassification, PreTrainedTokenizerBase
from trl import RewardConfig, RewardTrainer

from mucode_core.config import VerifierConfig
from mucode_core.models.answer_tokens import find_answers
from mucode_core.models.chat_encoding import IGNORED
from mucode_core.models.generation_settings import make_savable
from mucode_core.system.atomic_files import write_json
from mucode_core.training.causal_lm import load_tokenizer
from mucode_core.training.loop import pad
from mucode_core.training.trl.job import TrainingJob
from mucode_core.training.trl.worker import Reporter, finish, lora_config, make_arguments, model_arguments, run
from mucode_core.verifier.model import CENTRE_PAIRS, pair_loss
from mucode_core.verifier.score_forward import score_by_answer, score_by_likelihood


class PairTrainer(RewardTrainer):
    """`RewardTrainer` with the paper's regulariser, every kind of score, and optionally binary cross-entropy."""

    verifier_settings = VerifierConfig()
    rows: Dataset
    """The pairs in their own order."""
    centre_path: Path
    """The centre of the loss, kept for a resumed training: it is a function of the initial weights."""
    _centre: float | None = None

    def compute_loss(
        self, model: Any, inputs: dict[str, torch.Tensor], return_outputs: bool = False, num_items_in_batch: Any = None
    ) -> Any:
        settings = self.verifier_settings
        if self._centre is None:
            self._centre = self._find_centre(model)
        scores = self._score(model, inputs)
        right, wrong = scores.chunk(2)
        loss = pair_loss(right, wrong, settings.loss, score_l2=settings.score_l2, centre=self._centre)
        accuracy: Any = self.accelerator.gather((right > wrong).float().mean())
        self._metrics["train"]["accuracy"].append(accuracy.mean().item())
        return (loss, scores) if return_outputs else loss

    def _score(self, model: Any, inputs: dict[str, torch.Tensor]) -> torch.Tensor:
        outputs = model(**inputs, use_cache=False)
        return outputs.logits[:, 0].float() if self.verifier_settings.score == "head" else outputs

    def _find_centre(self, model: Any) -> float:
        """See `fit_loop.fit_verifier`; every process scores equally many pairs, as sharded weights require."""
        settings = self.verifier_settings
        if (settings.loss, settings.score) != ("bce", "likelihood"):
            return 0.0
        if self.centre_path.exists():
            return float(json.loads(self.centre_path.read_text("utf-8")))
        count, world = min(CENTRE_PAIRS, len(self.rows)), self.accelerator.num_processes
        total = torch.zeros((), dtype=torch.float64 if self.accelerator.device.type == "cpu" else torch.float32)
        total = total.to(self.accelerator.device)
        for index in range(self.accelerator.process_index, -(-count // world) * world, world):
            row: dict[str, Any] = self.rows[index % count]
            with torch.no_grad():
                scores = self._score(model, self._prepare_inputs(self.data_collator([row])))
            total += scores.mean() * (index < count)
        gathered: Any = self.accelerator.gather(total)
        centre = gathered.sum().item() / count
        if self.is_world_process_zero():
            write_json(self.centre_path, centre)
        return centre


def collate_labelled(pad_id: int) -> Callable[[list[dict[str, Any]]], dict[str, torch.Tensor]]:
    """Batches of the chosen programs, then the rejected ones, padded on the right."""

    def collate(rows: list[dict[str, Any]]) -> dict[str, torch.Tensor]:
        ids = [row[f"{side}_ids"] for side in ("chosen", "rejected") for row in rows]
        labels = [row[f"{side}_labels"] for side in ("chosen", "rejected") for row in rows]
        return {"input_ids": pad(ids, pad_id), "labels": pad(labels, IGNORED)}

    return collate


def _load(job: TrainingJob, settings: VerifierConfig, tokenizer: PreTrainedTokenizerBase) -> Any:
    torch.manual_seed(job.seed)  # the same initial head in every process
    arguments = model_arguments(settings.trl)
    if settings.score == "head":
        arguments |= {"num_labels": 1, "pad_token_id": tokenizer.pad_token_id}
        return AutoModelForSequenceClassification.from_pretrained(job.base_dir, **arguments)
    return make_savable(AutoModelForCausalLM.from_pretrained(job.base_dir, **arguments))


def train(job: TrainingJob) -> None:
    settings = VerifierConfig.model_validate(job.settings)
    # create the arguments first: with ZeRO-3 they make transformers load the checkpoint in shards
    arguments = RewardConfig(**make_arguments(job, settings, evaluates=False), remove_unused_columns=False)
    tokenizer = load_tokenizer(Path(job.base_dir))
    is_head, by_labels = settings.score == "head", settings.score == "likelihood"
    rows = Dataset.from_file(str(job.rows_path))
    model = _load(job, settings, tokenizer)
    labels, model.config.num_labels = model.config.num_labels, 1  # `RewardTrainer` refuses other models
    trainer = PairTrainer(
        model=model,
        args=arguments,
        data_collator=collate_labelled(cast("int", tokenizer.pad_token_id)) if by_labels else None,
        train_dataset=rows.select(job.order),
        processing_class=tokenizer,
        peft_config=lora_config(settings.trl, "SEQ_CLS" if is_head else "CAUSAL_LM"),
        callbacks=[Reporter(job)],
    )
    trainer.verifier_settings, trainer.rows = settings, rows
    trainer.centre_path = Path(job.scratch) / "centre.json"
    model.config.num_labels = labels
    # after the trainer was made, which may replace the forward pass by Liger's; adapters wrap this model's layers
    if by_labels:
        score_by_likelihood(model)
    elif not is_head:
        score_by_answer(model, *find_answers(tokenizer, settings.answers))
    finish(trainer, job, settings.trl)


if __name__ == "__main__":
    run(train)
