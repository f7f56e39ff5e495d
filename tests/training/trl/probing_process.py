"""The generator's training process, which besides says what its own weights answer when it saves them.

`probe.pt` of the job's scratch directory has some rows as they were trained on, each with the positions of its tokens
in their examples, and the logits of the model as it is trained, in pieces or not.
"""

from pathlib import Path

import torch
from trl import SFTTrainer

from mucode_core.generator import sft_worker
from mucode_core.training.trl.worker import run

_NUM_ROWS = 4


class ProbingTrainer(SFTTrainer):
    def save_model(self, *args, **kwargs):
        self.model_wrapped.eval()
        with torch.no_grad():
            rows = [self.probe(index) for index in range(_NUM_ROWS)]
        if self.is_world_process_zero():
            torch.save(rows, Path(self.args.output_dir).parent / "probe.pt")
        super().save_model(*args, **kwargs)

    def probe(self, index):
        inputs = self._prepare_inputs(self.data_collator([self.train_dataset[index]]))
        logits = self.model_wrapped(**inputs, use_cache=False).logits[0]
        ids = inputs["input_ids"][0]
        return {"ids": ids, "positions": inputs.get("position_ids", [torch.arange(len(ids))])[0], "logits": logits}


if __name__ == "__main__":
    sft_worker.SFTTrainer = ProbingTrainer
    run(sft_worker.train)
