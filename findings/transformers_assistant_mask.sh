#!/usr/bin/env bash
# One reply that begins with an indentation takes the loss away from itself and from all later turns.
#
# transformers 5.19.0, tokenizers 0.23.3. The mask of `{% generation %}` blocks (TRL's `assistant_only_loss`) is found
# by asking for the token of a reply's first character. A byte-level tokenizer whose post-processor is the library's
# default, ByteLevel(), trims spaces from its offsets: a leading space then belongs to no token, which the mask takes
# for a conversation cut off there, and stops. One would guess that a reply is masked as a whole, whatever it begins
# with, or that an error is raised; TRL raises only where no token of a row is left. Replies that continue a
# program, such as an indented `return 1`, are exactly those not trained on. With trim_offsets=False the mask is right.
# Seen: of three replies, the second one indented, the loss is on the first alone; all three with trim_offsets=False.
set -euo pipefail
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
python3 -m venv "$tmp/venv"
"$tmp/venv/bin/python" -m pip install --quiet transformers==5.19.0 tokenizers==0.23.3 jinja2==3.1.6
export HF_HOME=$tmp/hf HF_HUB_OFFLINE=1 TRANSFORMERS_VERBOSITY=error
"$tmp/venv/bin/python" - 2>"$tmp/errors" <<'PY' | tee "$tmp/out"
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors
from transformers import PreTrainedTokenizerFast

TEMPLATE = (
    "{% for m in messages %}<s>{{ m.role }}\n{% if m.role == 'assistant' %}{% generation %}{{ m.content }}</s>"
    "{% endgeneration %}{% else %}{{ m.content }}</s>{% endif %}{% endfor %}"
)
vocabulary = {token: i for i, token in enumerate(["<s>", "</s>", *sorted(pre_tokenizers.ByteLevel.alphabet())])}
for post_processor in (processors.ByteLevel(), processors.ByteLevel(trim_offsets=False)):
    for second in ("y = 2", "    return 2"):
        raw = Tokenizer(models.BPE(vocabulary, []))
        raw.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
        raw.decoder = decoders.ByteLevel()
        raw.post_processor = post_processor
        tokenizer = PreTrainedTokenizerFast(tokenizer_object=raw, bos_token="<s>", eos_token="</s>")
        messages = []
        for reply in ("x = 1", second, "z = 3"):
            messages += [{"role": "user", "content": "more"}, {"role": "assistant", "content": reply}]
        out = tokenizer.apply_chat_template(
            messages, chat_template=TEMPLATE, tokenize=True, return_dict=True, return_assistant_tokens_mask=True
        )
        assert "".join(tokenizer.decode(out["input_ids"])).count(second) == 1
        ids = [token for token, kept in zip(out["input_ids"], out["assistant_masks"]) if kept]
        print(f"trim_offsets={post_processor.trim_offsets}:", repr(tokenizer.decode(ids)))
PY
diff - "$tmp/out" <<'SEEN'
trim_offsets=True: 'x = 1</s>y = 2</s>z = 3</s>'
trim_offsets=True: 'x = 1</s>'
trim_offsets=False: 'x = 1</s>y = 2</s>z = 3</s>'
trim_offsets=False: 'x = 1</s>    return 2</s>z = 3</s>'
SEEN
echo "as described"
