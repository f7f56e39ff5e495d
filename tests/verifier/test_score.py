"""Programs that are longer than the verifier reads, and servers that refuse; no vLLM is needed."""

import json
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
import torch

from mucode_core.bootstrap import build_base
from mucode_core.causal_lm import load_tokenizer
from mucode_core.config import BootstrapConfig
from mucode_core.encoding import Encoded
from mucode_core.errors import ConfigError, SamplerError
from mucode_core.types import Message
from mucode_core.verifier.model import encode_programs, new_verifier, shorten
from mucode_core.verifier.score import score_programs
from mucode_core.verifier.vllm_score import score_programs as score_by_vllm

SIZE = BootstrapConfig(vocab_size=320, hidden_size=32, num_layers=1, num_heads=2, context_length=64)
SHORT, LONG = ("say w1", "x = 1"), ("say w1", "x = 1\n" * 40 + "y = 2")


@pytest.fixture(scope="module", params=["head", "likelihood"])
def verifier(request, tmp_path_factory):
    torch.set_num_threads(1)
    path = tmp_path_factory.mktemp("verifier")
    build_base([(Message("user", "say w1"), Message("assistant", "```python\nw1\n```"))] * 4, path / "base", SIZE, 0)
    new_verifier(path / "base", request.param, 0).save(path / "fitted")
    load_tokenizer(path / "base").save_pretrained(path / "fitted")
    return path / "fitted"


def test_what_is_beyond_the_context_is_the_beginning(verifier):
    other = ("say w1 in other words", LONG[1])
    short, one, same = score_programs(verifier, [SHORT, LONG, other])
    assert one == pytest.approx(same, abs=1e-5), "only the beginning, which is cut, differs"
    assert score_programs(verifier, [("say w1", LONG[1][:-1] + "3")]) != pytest.approx([one], abs=1e-5)
    assert short != pytest.approx(one, abs=1e-5)


def test_half_the_bits_give_nearly_the_same_scores(verifier):
    scores = score_programs(verifier, [SHORT, LONG])
    assert score_programs(verifier, [SHORT, LONG], "cpu:0", torch.bfloat16) == pytest.approx(scores, rel=0.05, abs=0.05)


def test_labels_are_cut_with_their_tokens():
    assert shorten(Encoded([1, 2, 3], [-100, 2, 3]), 2) == Encoded([2, 3], [2, 3])
    assert shorten(Encoded([1, 2, 3], [-100, 2, 3]), 9) == Encoded([1, 2, 3], [-100, 2, 3])


@pytest.fixture
def serve():
    """A verifier's server as far as its client can tell: it reads 64 tokens and scores by their number."""
    opened, asked = [], []

    def open_server(status=200):
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                self.answer(200, {"data": [{"id": "generator", "max_model_len": 64}]})

            def do_POST(self):
                body = json.loads(self.rfile.read(int(self.headers["content-length"])))
                asked.append(body["input"])
                rows = [{"index": i, "probs": [len(ids)]} for i, ids in enumerate(body["input"])]
                self.answer(status, {"data": rows[::-1]})

            def answer(self, status, data):
                self.send_response(status)
                self.end_headers()
                self.wfile.write(json.dumps(data).encode())

            def log_message(self, *args):
                pass

        server = HTTPServer(("127.0.0.1", 0), Handler)
        opened.append(server)
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        return f"http://127.0.0.1:{server.server_port}/v1"

    open_server.asked = asked
    yield open_server
    for server in opened:
        server.shutdown()
        server.server_close()


def test_a_server_is_never_asked_to_read_more_than_it_can(verifier, serve):
    scores = score_by_vllm(serve(), "key", verifier, [SHORT, LONG])
    encoded = encode_programs(load_tokenizer(verifier), [SHORT, LONG])
    assert scores == [len(encoded[0].ids), 64]
    assert serve.asked == [[encoded[0].ids, encoded[1].ids[-64:]]]


@pytest.mark.parametrize(
    ("status", "error"), [(400, ConfigError), (422, ConfigError), (429, SamplerError), (500, SamplerError)]
)
def test_only_what_may_end_well_another_time_is_a_failure_of_the_machinery(verifier, serve, status, error):
    with pytest.raises(error, match="classify: refused" if error is ConfigError else "classify: failed"):
        score_by_vllm(serve(status), "key", verifier, [SHORT])
