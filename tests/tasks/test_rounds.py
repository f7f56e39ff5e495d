"""What is shown of a round."""

from dataclasses import replace
from types import SimpleNamespace
from uuid import UUID

import pytest
from mucode_tasks import rounds
from mucode_tasks.engine import prefect_pages
from prefect.logging import disable_run_logger
from prefect.settings import PREFECT_API_URL, temporary_settings

from mucode_core.evaluation.metrics import Resampling, summarise_rollouts
from mucode_core.evaluation.outcomes import count_rollouts
from mucode_core.evaluation.run_result import RoundSummary
from mucode_core.types import Rollout, VerifierScore
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
    rows = {Rollout: ROLLOUTS, VerifierScore: SCORES}
    monkeypatch.setattr(rounds, "read_rollouts", lambda *arguments: outcomes)
    runtime = SimpleNamespace(store=SimpleNamespace(read_all=lambda refs, row_type: rows[row_type]))
    measured = rounds.Measured(Resampling(200, 0), 2, 3, tmp_path, UUID(int=7))
    summary = RoundSummary(1, summarise_rollouts(ROLLOUTS), 1, {"train_pair_accuracy": 0.5}, {}, 3, {})
    refs = ("train", "rollouts", "held_out", "scores", "stages", "searches", "problems", "searched", "behaviours")

    def call():
        with temporary_settings({PREFECT_API_URL: AWAY}), disable_run_logger():
            rounds._show_round.fn(runtime, summary, measured, **{name: [] for name in refs})

    return call


def test_one_table_has_every_selection_the_verifier_tokens_and_seconds(show, monkeypatch, tmp_path):
    shown = {}
    for module, name in (
        (rounds, "create_table_artifact"),
        (rounds, "create_markdown_artifact"),
        (prefect_pages, "create_link_artifact"),
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
    assert rows["verifier, held-out pair accuracy, % (1 problem)"]["value"].startswith("100.0")
    assert rows["tokens sampled"]["value"] == "25"
    assert rows["seconds of its stages"]["value"] == 0


@pytest.mark.filterwarnings("ignore:Artifact creation outside")
def test_a_round_whose_server_is_away_costs_no_error(show, tmp_path):
    show()
    assert (tmp_path / "plots" / "round-2.png").stat().st_size > 5000
