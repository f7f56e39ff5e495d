#!/usr/bin/env bash
# inspect_ai's `exact` scorer says that -1 is 1, that [1,2] is [12], and that "a - b" is "a + b".
#
# inspect_ai 0.3.285. The name promises a comparison as strict as ==, which is what predicting a program's output or
# filling in an expression needs. `exact` is SQuAD's metric for prose: it takes words apart at "-", removes punctuation
# and articles, and ignores case, so that a model that has every sign or operator wrong gets full marks. Plain decimals
# are exempt (35 is not 3.5). `match(location="exact")` ignores the sign as well; `match(numeric=True)` keeps signs, but
# not the comma of a list.
# Seen: exact() gives C (correct) to six outputs of seven that all mean something else than their target.
set -euo pipefail
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
python3 -m venv "$tmp/venv"
"$tmp/venv/bin/python" -m pip install --quiet inspect_ai==0.3.285
cat >"$tmp/look.py" <<'PY'
from inspect_ai import Task, eval
from inspect_ai.dataset import Sample
from inspect_ai.model import ModelOutput, ModelUsage, get_model
from inspect_ai.scorer import exact, match

PAIRS = [("-1", "1"), ("-0.5", "0.5"), ("[1,2]", "[12]"), ("a - b", "a + b"), ("a<b", "a>b"), ("True", "true"), ("35", "3.5")]
outputs = [ModelOutput.from_content("mockllm/model", output) for output, _ in PAIRS]
for output in outputs:
    output.usage = ModelUsage(input_tokens=1, output_tokens=1, total_tokens=2)
scorers = {"exact()": exact(), "match(location=exact)": match(location="exact"), "match(numeric)": match(numeric=True)}
for name, scorer in scorers.items():
    task = Task(dataset=[Sample(input="?", target=target) for _, target in PAIRS], scorer=scorer)
    model = get_model("mockllm/model", custom_outputs=outputs, memoize=False)
    (log,) = eval(task, model=model, log_dir="logs", display="none", max_samples=1)
    assert log.status == "success"
    scores = [score.value for sample in log.samples for score in sample.scores.values()]
    print(f"{name}:", *(f"{a} for {b}: {score};" for (a, b), score in zip(PAIRS, scores)))
PY
(cd "$tmp" && "$tmp/venv/bin/python" look.py) | tee "$tmp/out"
diff - "$tmp/out" <<'SEEN'
exact(): -1 for 1: C; -0.5 for 0.5: C; [1,2] for [12]: C; a - b for a + b: C; a<b for a>b: C; True for true: C; 35 for 3.5: I;
match(location=exact): -1 for 1: C; -0.5 for 0.5: C; [1,2] for [12]: I; a - b for a + b: I; a<b for a>b: I; True for true: C; 35 for 3.5: I;
match(numeric): -1 for 1: I; -0.5 for 0.5: I; [1,2] for [12]: C; a - b for a + b: I; a<b for a>b: I; True for true: C; 35 for 3.5: I;
SEEN
echo "as described"
