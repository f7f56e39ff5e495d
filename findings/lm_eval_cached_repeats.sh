#!/usr/bin/env bash
# With lm_eval's `use_cache`, a resumed run gives each problem the same response n times, and pass@k becomes pass@1.
#
# lm_eval 0.4.13. A task with `repeats: 4` and a temperature samples four responses per problem through an API.
# Responses are cached by prompt and settings, without the number of the repeat, so that the four overwrite each other;
# a second run with the same cache (what the option is for: resuming, or scoring again) asks the server for none and
# copies the last one four times. The package exempts sampling from its cache by `do_sample: true` alone, a setting that
# API models drop from their requests: those sample by temperature, without it. One would guess that a cached run
# repeats the first one's score; the log only counts cached requests.
# Seen: first run 4 requests and 4 responses, second run 0 requests and 1 response; with do_sample 4 and 4 each time.
set -euo pipefail
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
python3 -m venv "$tmp/venv"
"$tmp/venv/bin/python" -m pip install --quiet 'lm_eval[api]==0.4.13' datasets==5.2.0
export HF_HOME=$tmp/hf HF_HUB_OFFLINE=1 HF_DATASETS_OFFLINE=1
cat >"$tmp/look.py" <<'PY'
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import lm_eval
from lm_eval.api.task import ConfigurableTask

requests = []

class Server(BaseHTTPRequestHandler):
    """Samples: no two responses are equal."""

    def do_POST(self):
        requests.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
        body = json.dumps({"choices": [{"index": 0, "text": f"answer {len(requests)}"}]}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass

server = ThreadingHTTPServer(("127.0.0.1", 0), Server)
threading.Thread(target=server.serve_forever, daemon=True).start()
Path("rows.jsonl").write_text('{"question": "a", "answer": "answer 1"}\n')
model = {"model": "m", "base_url": f"http://127.0.0.1:{server.server_port}/v1/completions", "tokenizer_backend": None,
         "num_concurrent": 1}
for more in ({}, {}, {"do_sample": True}, {"do_sample": True}):
    task = ConfigurableTask(config={
        "task": "t", "dataset_path": "json", "dataset_kwargs": {"data_files": "rows.jsonl"}, "test_split": "train",
        "output_type": "generate_until", "doc_to_text": "{{question}}", "doc_to_target": "{{answer}}", "repeats": 4,
        "generation_kwargs": {"until": ["###"], "temperature": 0.8, **more},
        "metric_list": [{"metric": "exact_match", "aggregation": "mean", "higher_is_better": True}],
    })
    before = len(requests)
    results = lm_eval.simple_evaluate("local-completions", model_args=model, tasks=[task], use_cache="cache",
                                      log_samples=True, bootstrap_iters=0)
    (responses,) = results["samples"]["t"][0]["resps"]
    print(*more, f"requests: {len(requests) - before}, responses: {', '.join(responses)}")
assert all(request["temperature"] == 0.8 and "do_sample" not in request for request in requests)
PY
(cd "$tmp" && "$tmp/venv/bin/python" look.py 2>errors) | tee "$tmp/out"
diff - "$tmp/out" <<'SEEN'
requests: 4, responses: answer 1, answer 2, answer 3, answer 4
requests: 0, responses: answer 4, answer 4, answer 4, answer 4
do_sample requests: 4, responses: answer 5, answer 6, answer 7, answer 8
do_sample requests: 4, responses: answer 9, answer 10, answer 11, answer 12
SEEN
echo "as described"
