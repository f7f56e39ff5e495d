#!/usr/bin/env bash
# TRL treats rows beyond `max_length` in two opposite ways, and reports neither as a loss of data.
#
# trl 1.16.0 with transformers 5.19.0 and torch 2.13.0. `SFTTrainer` keeps a prompt/completion row and cuts its *end*:
# the completion loses its last tokens and the end token, so the model is taught never to stop on exactly the long
# answers; a row whose prompt alone fills the length disappears. `RewardTrainer` drops every pair with one long side,
# down to an empty data set, and no exception is raised until training. One would guess that both trainers do the same,
# that a prompt is cut before its answer, or that something is logged above a progress bar.
# Seen: of 3 rows 2 are left, the loss of the cut one has no <eos>; of 4 pairs 0 are left.
set -euo pipefail
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
python3 -m venv "$tmp/venv"
"$tmp/venv/bin/python" -m pip install --quiet torch==2.13.0
"$tmp/venv/bin/python" -m pip install --quiet trl==1.16.0 transformers==5.19.0 accelerate==1.15.0 datasets==5.2.0
export HF_HOME=$tmp/hf HF_HUB_OFFLINE=1 TRANSFORMERS_VERBOSITY=error
"$tmp/venv/bin/python" - "$tmp" 2>"$tmp/errors" <<'PY' | tee "$tmp/out"
import sys
from datasets import Dataset
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import LlamaConfig, LlamaForCausalLM, LlamaForSequenceClassification, PreTrainedTokenizerFast
from trl import RewardConfig, RewardTrainer, SFTConfig, SFTTrainer

words = ["<pad>", "<eos>", "<unk>", *(f"w{i}" for i in range(40))]
raw = Tokenizer(models.WordLevel({word: i for i, word in enumerate(words)}, "<unk>"))
raw.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
tokenizer = PreTrainedTokenizerFast(tokenizer_object=raw, pad_token="<pad>", eos_token="<eos>", unk_token="<unk>")
shape = dict(vocab_size=len(words), hidden_size=16, intermediate_size=16, num_hidden_layers=1, num_attention_heads=2,
             max_position_embeddings=64, pad_token_id=0, eos_token_id=1)
common = dict(max_length=8, report_to=[], use_cpu=True)
rows = [{"prompt": "w1 w2 w3", "completion": " w4 w5"}, {"prompt": "w1 w2 w3", "completion": " w4 w5 w6 w7 w8 w9"},
        {"prompt": "w0 w1 w2 w3 w4 w5 w6 w7 w8 w9", "completion": " w20"}]
sft = SFTTrainer(LlamaForCausalLM(LlamaConfig(**shape)), SFTConfig(output_dir=sys.argv[1] + "/sft", **common),
                 train_dataset=Dataset.from_list(rows), processing_class=tokenizer)
print("sft rows left:", len(sft.train_dataset))
batch = sft.data_collator([sft.train_dataset[i] for i in range(len(sft.train_dataset))])
for labels in batch["labels"].tolist():
    print("loss on:", *(tokenizer.convert_ids_to_tokens(i) for i in labels if i != -100))
pairs = Dataset.from_list([{"chosen": "w1 " * 12, "rejected": "w2"}] * 4)
model = LlamaForSequenceClassification(LlamaConfig(num_labels=1, **shape))
reward = RewardTrainer(model, RewardConfig(output_dir=sys.argv[1] + "/reward", **common),
                       train_dataset=pairs, processing_class=tokenizer)
print("pairs left:", len(reward.train_dataset))
PY
diff - "$tmp/out" <<'SEEN'
sft rows left: 2
loss on: w4 w5 <eos>
loss on: w4 w5 w6 w7 w8
pairs left: 0
SEEN
echo "as described"
