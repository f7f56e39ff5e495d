"""What scoring by a server asks for, and what it makes of answers; test_score_vllm.py has a real server."""

import json
import threading
from contextlib import closing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from tenacity import wait_fixed

from mucode_core.config import BootstrapConfig
from mucode_core.errors import ConfigError, SamplerError, TrainingError
from mucode_core.generator.bootstrap import build_base
from mucode_core.models.checkpoint_kind import write_mark
from mucode_core.serving import http_client
from mucode_core.serving.http_client import FixedEndpoint
from mucode_core.training.causal_lm import load_tokenizer
from mucode_core.types import Message, Scoring
from mucode_core.verifier import score_vllm
from mucode_core.verifier.model import encode_programs
from mucode_core.verifier.score_vllm import ScoringClient
from tests.support.scoring import run_here

SIZE = BootstrapConfig(vocab_size=320, hidden_size=32, num_layers=1, num_heads=2, context_length=64)
ITEMS = [("say a", "x = 1"), ("say a", "x = 22"), ("say b", "y = 3\n" * 60)]
SCORINGS = [Scoring("head"), Scoring("likelihood"), Scoring("token", "Right?", ("y", "n"))]


@pytest.fixture(scope="module")
def verifiers(tmp_path_factory):
    """A checkpoint of each kind; the model's weights are not read."""
    paths = {}
    for scoring in SCORINGS:
        path = paths[scoring.kind] = tmp_path_factory.mktemp(scoring.kind)
        build_base([(Message("user", "say a"), Message("assistant", "x = 1"))], path, SIZE, 0)
        config = json.loads((path / "config.json").read_text())
        (path / "config.json").write_text(json.dumps(config | {"architectures": []}))
        write_mark(path, scoring)
    return paths


@pytest.fixture
def serve(monkeypatch):
    monkeypatch.setattr(http_client, "_BACKOFF", wait_fixed(0.01))
    opened = []

    def open_server(answer):
        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                self.reply(200, {"data": [{"max_model_len": 40}]})

            def do_POST(self):
                body = json.loads(self.rfile.read(int(self.headers["content-length"])))
                server.asked.append(body)
                self.reply(*answer(body, len(server.asked)))

            def reply(self, status, data):
                server.paths.append((self.command, self.path, self.headers["authorization"]))
                payload = json.dumps(data).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(payload)))
                self.end_headers()
                self.wfile.write(payload)

            def log_message(self, *args):
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        server.daemon_threads = True
        server.asked, server.paths = [], []
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        opened.append(server)
        return server, f"http://127.0.0.1:{server.server_port}"

    yield open_server
    for server in opened:
        server.shutdown()
        server.server_close()


def score(url, verifier, items=ITEMS, **options):
    with closing(ScoringClient(verifier, FixedEndpoint(url, "key"))) as client:
        return client.score(items, run_here, **options)


def give(*scores):
    rows = [{"index": index, "probs": [score]} for index, score in enumerate(scores)]
    return 200, {"data": rows[::-1]}


def count_tokens(body):
    """A head's scores: the number of tokens."""
    return give(*map(len, body["input"]))


def test_scores_of_a_head_come_in_the_order_of_the_items(serve, verifiers):
    server, url = serve(lambda body, _: give(0.5, -1.0, 2.0))
    assert score(url, verifiers["head"]) == [0.5, -1.0, 2.0]
    assert server.paths == [("GET", "/v1/models", "Bearer key"), ("POST", "/classify", "Bearer key")]
    (body,) = server.asked
    assert len(body["input"]) == 3
    assert max(len(ids) for ids in body["input"]) == 40, "shortened to what the server reads"


def test_a_likelihood_is_the_sum_over_the_program(serve, verifiers):
    def answer(body, _):
        logs = [[{str(t): {"logprob": -t}, "7777": {"logprob": 9}} for t in ids[1:]] for ids in body["prompt"]]
        choices = [{"index": i, "prompt_logprobs": [None, *one]} for i, one in enumerate(logs)]
        return 200, {"choices": choices[::-1]}

    server, url = serve(answer)
    found = score(url, verifiers["likelihood"])
    rows = encode_programs(load_tokenizer(verifiers["likelihood"]), ITEMS)
    expected = [-sum(label for label in row.labels[-39:][1:] if label > 0) for row in rows]
    assert found == expected
    assert server.paths[-1][:2] == ("POST", "/v1/completions")
    assert (server.asked[0]["prompt_logprobs"], server.asked[0]["max_tokens"]) == (0, 1)


def test_a_token_score_is_the_log_odds_of_both_answers(serve, verifiers):
    def answer(body, _):
        yes, no = body["allowed_token_ids"]
        logs = [{f"token_id:{yes}": -0.5 * i, f"token_id:{no}": -2.0} for i in range(3)]
        choices = [{"index": i, "logprobs": {"top_logprobs": [one]}} for i, one in enumerate(logs)]
        return 200, {"choices": choices[::-1]}

    server, url = serve(answer)
    assert score(url, verifiers["token"]) == [2.0, 1.5, 1.0]
    (body,) = server.asked
    tokenizer = load_tokenizer(verifiers["token"])
    assert body["allowed_token_ids"] == [tokenizer(answer).input_ids[0] for answer in "yn"]
    asked = encode_programs(tokenizer, ITEMS, "Right?")
    assert body["prompt"] == [row.ids[-39:] for row in asked], "with room for the answer"


def test_requests_are_bounded_and_progress_is_reported(serve, verifiers, monkeypatch):
    monkeypatch.setattr(score_vllm, "_ITEMS_AT_ONCE", 5)
    monkeypatch.setattr(score_vllm, "_ITEMS_A_REQUEST", 2)
    server, url = serve(lambda body, _: count_tokens(body))
    items = [("say a", "x" * i) for i in range(12)]
    done = []
    found = score(url, verifiers["head"], items, progress=lambda *step: done.append(step))
    assert found == [len(row.ids) for row in encode_programs(load_tokenizer(verifiers["head"]), items)]
    assert done == [(5, 12, "programs"), (10, 12, "programs"), (12, 12, "programs")]
    assert max(len(body["input"]) for body in server.asked) == 2
    assert len(server.asked) == 7


def test_only_the_lost_request_is_sent_again(serve, verifiers, monkeypatch):
    monkeypatch.setattr(score_vllm, "_ITEMS_A_REQUEST", 1)
    server, url = serve(lambda body, count: (503, {"error": "busy"}) if count == 2 else count_tokens(body))
    assert len(score(url, verifiers["head"])) == 3
    assert len(server.asked) == 4


@pytest.mark.parametrize(
    ("answer", "error", "says"),
    [
        ((400, {"error": {"message": "no"}}), ConfigError, "HTTP 400: no\n  hint: see the server's log"),
        ((422, {"error": {"message": "no"}}), ConfigError, "HTTP 422: no"),
        ((429, {"error": {"message": "busy"}}), SamplerError, "HTTP 429: busy"),
        ((500, {"error": {"message": "died"}}), SamplerError, "failed 5 times, the last time with HTTP 500: died"),
        ((200, {"rows": []}), SamplerError, "/classify answered"),
        (give(1, 2), SamplerError, "2 answers for 3 programs"),
        (give(1, float("nan"), 3), TrainingError, "score is nan"),
    ],
)
def test_other_answers_are_errors(serve, verifiers, answer, error, says):
    _, url = serve(lambda *_: answer)
    with pytest.raises(error, match=says) as caught:
        score(url, verifiers["head"])
    assert error is TrainingError or url in caught.value.location
