"""The score of circuit editing on edits whose effect is known, and broken scorers that the same edits tell apart."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from bench.core.catalogue import load_plugin
from bench.core.config import ROOT
from bench.core.contract import InvalidAnswer, generator
from bench.core.problems import Workspace
from bench.models.checkpoint import load_arrays
from bench.models.exhaustive import node_outputs
from bench.models.graph import source_names
from bench.tracks.circuit_editing import score as scorer
from bench.tracks.circuit_editing.edit import edited, right_cells, written_by
from bench.tracks.circuit_editing.types import Answer, check

TASK = load_plugin(ROOT / "bench/tracks/circuit_editing/tasks/compiled.py")


@pytest.fixture(scope="module")
def unit(tmp_path_factory):
    return TASK.generate("twice", 0, generator("score"), Workspace(tmp_path_factory.mktemp("blobs"), {}))


def silenced(problem):
    """Every MLP stops writing, so that no cell says anything."""
    weights = load_arrays(problem.model.path)[1]
    return Answer(np.stack([-weights[written_by(mlp)] for mlp in problem.mlps]))


def spread(problem, truth):
    """The right edit, and one in another MLP that is too small to matter."""
    changes = truth.changes.copy()
    changes[int(np.argmin(truth.rule))] += 1e-5
    return Answer(changes)


def test_no_edit_scores_nothing_and_the_edit_by_hand_everything(unit):
    problem, truth = unit
    nothing = scorer.score(problem, truth, Answer(np.zeros_like(truth.changes)))
    assert nothing == {"edited": 0, "success": 0, "preservation": 1, "exact": 0, "located": 0}
    assert set(scorer.score(problem, truth, Answer(truth.changes)).values()) == {1.0}


def test_shares_are_those_counted_cell_by_cell(unit):
    problem, truth = unit
    found = scorer.score(problem, truth, Answer(0.5 * truth.changes))
    config, weights = load_arrays(problem.model.path)
    cells = right_cells(config, edited(weights, problem.mlps, 0.5 * truth.changes), truth.inputs, truth.wanted, 0.25)
    kept = [cells[i, j] for i in range(len(cells)) for j in range(1, 6) if not truth.changed[i, j]]
    assert found["success"] == 0  # half of the way is not near enough
    assert found["preservation"] == np.mean(kept) == 1


def test_an_edit_in_two_places_is_located_by_half_and_scores_all_the_same(unit):
    found = scorer.score(*unit, spread(*unit))
    assert (found["edited"], found["located"]) == (1, 0.5)


def test_a_null_counts_what_is_spoilt(tmp_path):
    problem, null = TASK.generate("nothing_to_change", 0, generator("null"), Workspace(tmp_path, {}))
    assert scorer.score(problem, null, Answer(np.zeros_like(null.changes))) == {"damage": 0}
    kept = (null.wanted[:, 1:, 1:] > 0.5).any(axis=2)  # cells that are not blank: silence spoils these, at the least
    assert kept.mean() < scorer.score(problem, null, silenced(problem))["damage"] <= 1


SHARES = [(1, 1, 1), (1, 0.5, 0), (1, 0, 0), (0.5, 0.75, 0.25), (0, 1, 0)]


@pytest.mark.parametrize(("success", "preservation", "expected"), SHARES)
def test_the_headline_is_what_the_shares_make_by_hand(success, preservation, expected):
    assert scorer.together(success, preservation) == expected


@pytest.mark.parametrize(
    "broken", [lambda s, p: s, lambda s, p: s * p, lambda s, p: (s + p) / 2, lambda s, p: min(s, p)]
)
def test_a_headline_that_pays_for_success_with_damage_is_told_from_ours(broken, monkeypatch):
    monkeypatch.setattr(scorer, "together", broken)
    assert any(abs(scorer.together(s, p) - expected) > 0.05 for s, p, expected in SHARES)


def nearest_is_right(config, weights, inputs, wanted, tolerance):
    return right_cells(config, weights, inputs, wanted, 1.0 + tolerance)


def one_coordinate_is_enough(config, weights, inputs, wanted, tolerance):
    cells = [right_cells(config, weights | {"unembed": weights["unembed"][:, [i]]}, inputs, wanted[..., [i]], tolerance)
             for i in range(wanted.shape[2])]  # fmt: skip
    return np.any(cells, axis=0)


@pytest.mark.parametrize("broken", [nearest_is_right, one_coordinate_is_enough])
def test_a_scorer_that_is_content_with_less_than_the_whole_output_gives_itself_away_on_no_edit(
    broken, unit, monkeypatch
):
    problem, truth = unit
    nothing = Answer(np.zeros_like(truth.changes))
    assert scorer.score(problem, truth, nothing)["edited"] == 0
    monkeypatch.setattr(scorer, "right_cells", broken)
    assert scorer.score(problem, truth, nothing)["edited"] > 0.5


def test_a_scorer_that_looks_at_the_examples_alone_gives_itself_away_on_what_they_do_not_show(unit):
    problem, truth = unit
    one = np.flatnonzero(truth.changed.any(axis=1))[:1]
    seen = dataclasses.replace(truth, inputs=truth.inputs[one], wanted=truth.wanted[one], changed=truth.changed[one])
    answer = Answer(only_what_is_active(problem, truth, one))
    assert scorer.score(problem, seen, answer)["success"] == 1
    assert scorer.score(problem, truth, answer)["success"] < 0.9


def only_what_is_active(problem, truth, rows):
    """The least change that does as the edit by hand does on some inputs."""
    config, weights = load_arrays(problem.model.path)
    place = problem.mlps[int(np.argmax(truth.rule))]
    active = activities(config, weights, truth.inputs[rows], place)
    changes = np.zeros_like(truth.changes)
    changes[truth.rule] = np.linalg.pinv(active, rcond=1e-9) @ active @ truth.changes[truth.rule][0]
    return changes


def activities(config, weights, inputs, place):
    stream = node_outputs(config, weights, inputs)[: source_names(config).index(place)].sum(0)
    return np.maximum(stream @ weights[written_by(place).replace("out", "in")], 0).reshape(-1, config.d_mlp)


@pytest.mark.parametrize("bad", [np.zeros((1, 2, 3)), None])
def test_an_answer_is_a_finite_change_of_every_matrix(unit, bad):
    problem, truth = unit
    changes = truth.changes * np.nan if bad is None else bad
    with pytest.raises(InvalidAnswer, match="NaN or infinite" if bad is None else "changes has shape"):
        check(problem, Answer(changes))
