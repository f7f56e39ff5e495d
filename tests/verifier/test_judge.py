"""An endpoint as a zero-shot judge."""

import math
from contextlib import closing

import pytest

from mucode_core.config import ScorerConfig, make_config
from mucode_core.errors import ConfigError
from mucode_core.types import Scoring
from mucode_core.verifier.judge import JudgeClient, log_odds
from tests.serving.chat_server import ChatServer, refuse

SCORING = Scoring("token", "Is it right?", ("Yes", "No"))
ITEMS = [("say a", "x = 1"), ("say b", "y = 2")]


def give(**logs):
    top = [{"token": token, "logprob": log} for token, log in logs.items()]
    return 200, {"choices": [{"message": {"content": "Yes"}, "logprobs": {"content": [{"top_logprobs": top}]}}]}


@pytest.fixture
def serve():
    opened = []

    def open_server(script):
        opened.append(ChatServer(script))
        return opened[-1]

    yield open_server
    for server in opened:
        server.close()


def score(server, items=ITEMS, **options):
    settings = ScorerConfig(base_url=server.ensure(), served_model="judge")
    with closing(JudgeClient(settings, SCORING)) as judge:
        return judge.score(items, **options)


def ask_once(server):
    settings = ScorerConfig(base_url=server.ensure(), served_model="judge")
    with closing(JudgeClient(settings, SCORING)) as judge:
        return judge.ask_once(*ITEMS[0])


def test_prompt_program_and_question_are_one_dialogue(serve):
    server = serve(lambda body, _: give(Yes=-0.1, No=-2.5 if "say a" in body["messages"][0]["content"] else -0.2))
    done = []
    assert score(server, progress=lambda *step: done.append(step)) == pytest.approx([2.4, 0.1])
    assert done == [(2, 2, "programs")]
    (body,) = (body for body in server.bodies if "say a" in body["messages"][0]["content"])
    assert [(m["role"], m["content"]) for m in body["messages"]] == [
        ("user", "say a"),
        ("assistant", "```python\nx = 1\n```"),
        ("user", "Is it right?"),
    ]
    assert (body["model"], body["max_tokens"], body["logprobs"], body["top_logprobs"]) == ("judge", 1, True, 20)


@pytest.mark.parametrize("log", [math.nan, 0.5, math.inf])
def test_what_is_no_log_probability_is_refused(serve, log):
    server = serve(lambda body, _: give(Yes=log, No=-0.2))
    with pytest.raises(ConfigError, match=rf"http://.*: gives {log} as the log-probability of 'Yes'\n  hint: "):
        score(server)


def test_a_masked_token_is_none_of_the_answers(serve):
    server = serve(lambda body, _: give(Yes=-0.5, x=-3.0, No=-math.inf))
    assert score(server) == pytest.approx([2.5, 2.5])


def test_tokens_that_mean_the_same_answer_add_up():
    log = math.log(0.25)
    top = [("Yes", log), (" yes", log), ("no", log), ("x", -9.0)]
    assert log_odds(top, ("Yes", "No")) == pytest.approx(math.log(2))
    assert log_odds([("Yes", -0.1), ("x", -3.0)], ("Yes", "No")) == pytest.approx(2.9), "at most as likely as the last"
    assert log_odds([("x", -0.1)], ("Yes", "No")) == 0


def test_an_endpoint_that_never_gives_an_answer_is_refused_at_the_first_question(serve):
    server = serve(lambda body, _: give(The=-0.3, Sure=-1.5, maybe=-9.0))
    problem = "begins its answers with 'The', 'Sure', 'maybe'; neither 'Yes' nor 'No' is among its likeliest tokens"
    with pytest.raises(ConfigError, match=rf"/v1: {problem}\n  hint: ask for one of verifier\.answers"):
        ask_once(server)
    assert ask_once(serve(lambda body, _: give(The=-0.3, no=-1.5))) == pytest.approx(0.0)


@pytest.mark.parametrize("logs", [None, {"content": []}, {"content": [{"top_logprobs": []}]}])
def test_an_endpoint_without_log_probabilities_is_refused(serve, logs):
    server = serve(lambda *_: (200, {"choices": [{"message": {"content": "Yes"}, "logprobs": logs}]}))
    with pytest.raises(ConfigError, match=r"chat/completions: gives no log-probabilities\n  hint: name an endp"):
        score(server)


def test_a_refusal_is_an_error_with_the_setting_to_check(serve):
    with pytest.raises(ConfigError, match=r"HTTP 401: no\n.*verifier\.vllm\.api_key_variable"):
        score(serve(lambda *_: refuse(401, "no")))


@pytest.mark.parametrize("other", [{"fit": True}, {"score": "likelihood"}])
def test_an_endpoint_scores_with_an_unfitted_question_only(other):
    endpoint = {"base_url": "http://x/v1", "served_model": "m"}
    asked = {"scorer": "vllm", "score": "token", "fit": False, "answers": ["y", "n"], "vllm": endpoint}
    make_config({"verifier": asked})
    with pytest.raises(ConfigError, match=r"verifier\.vllm\.base_url: an endpoint answers with its own weights"):
        make_config({"verifier": asked | other})


def test_a_judge_is_part_of_the_fingerprint_by_its_name():
    one, other = (ScorerConfig(base_url="http://x/v1", served_model=name) for name in ("a", "b"))
    assert one.fingerprinted() != other.fingerprinted()
    assert "served_model" not in ScorerConfig().fingerprinted()
