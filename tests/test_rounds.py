"""What is shown of a round."""

from dataclasses import replace
from uuid import UUID

import pytest
from prefect.logging import disable_run_logger
from prefect.settings import PREFECT_API_URL, temporary_settings

from mucode_core.config import make_config
from mucode_core.metrics import summarise_rollouts
from mucode_core.outcomes import count_rollouts
from mucode_core.results import RoundSummary
from mucode_core.types import VerifierScore
from tasks import publishing, rounds
from tests.conftest import make_rollout

ROLLOUTS = [
    make_rollout("a", "p", ("x", False, False), ("y", True, True)),
    replace(make_rollout("b", "p", ("z", False, False), ("w", True, False)), sample_index=1),
    make_rollout("c", "q", ("u", True, True)),
]
SCORES = [VerifierScore(r.rollout_id, t.turn_index, "v", float(t.label)) for r in ROLLOUTS for t in r.turns]
AWAY = "http://127.0.0.1:9/api"


@pytest.fixture
def show(tmp_path, monkeypatch):
    """Shows a round of the rollouts above."""
    outcomes = count_rollouts(ROLLOUTS, ["p", "q"], 2, generator="final")
    monkeypatch.setattr(rounds, "read_rollout_outcomes", lambda *arguments: outcomes)
    monkeypatch.setattr(rounds, "read_rollouts", lambda *arguments: ROLLOUTS)
    monkeypatch.setattr(rounds, "read_scores", lambda *arguments: SCORES)
    config = make_config({"run": {"output_dir": str(tmp_path)}, "rollouts": {"num_turns": 2}})
    summary = RoundSummary(1, summarise_rollouts(ROLLOUTS), 1, {"train_pair_accuracy": 0.5}, {}, 3, {})
    refs = ("train", "rollouts", "held_out", "scores", "stages", "searches", "problems", "searched")

    def call():
        with temporary_settings({PREFECT_API_URL: AWAY}), disable_run_logger():
            rounds._show_round.fn(None, config, summary, **{name: [] for name in refs}, report=UUID(int=7))

    return call


def test_one_table_has_every_selection_the_verifier_tokens_and_seconds(show, monkeypatch, tmp_path):
    shown = {}
    for module, name in (
        (rounds, "create_table_artifact"),
        (rounds, "create_markdown_artifact"),
        (publishing, "create_link_artifact"),
    ):
        monkeypatch.setattr(module, name, lambda what, *, key, **more: shown.update({key: what}))
    show()
    assert shown.keys() == {"round-2", "round-2-plot", "report-link"}
    assert shown["report-link"] == f"http://127.0.0.1:9/artifacts/artifact/{UUID(int=7)}"
    assert shown["round-2-plot"].startswith("![round-2.png](data:image/png;base64,")
    rows = {row["figure"]: row for row in shown["round-2"]}
    assert {tuple(row) for row in rows.values()} == {("figure", "turn 1", "turn 2", "value")}
    after = {name: row["turn 2"].split()[0] for name, row in rows.items() if row["turn 2"]}
    assert after == {
        "training rollouts": "75.0",
        "held-out rollouts, random": "75.0",
        "held-out rollouts, lv": "100.0",
        "held-out rollouts, pt": "75.0",
        "held-out rollouts, pt+lv": "100.0",
        "held-out rollouts, oracle": "100.0",
    }
    assert rows["verifier, held-out pairs right, % (1 problems)"]["value"].startswith("100.0")
    assert rows["tokens sampled"]["value"] == "25"
    assert rows["seconds of its stages"]["value"] == 0


@pytest.mark.filterwarnings("ignore:Artifact creation outside")
def test_a_round_whose_server_is_away_costs_no_error(show, tmp_path):
    show()
    assert (tmp_path / "plots" / "round-2.png").stat().st_size > 5000
