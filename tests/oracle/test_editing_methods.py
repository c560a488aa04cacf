"""Parts of the methods of circuit editing against closed forms and numpy."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch

from bench.core.catalogue import load_plugin
from bench.core.config import ROOT
from bench.core.contract import Unsupported, generator
from bench.core.problems import Workspace
from bench.models.checkpoint import load_arrays
from bench.models.exhaustive import forward
from bench.tracks.circuit_editing.edit import edited
from bench.tracks.circuit_editing.experiment import Experiment

TRACK = ROOT / "bench/tracks/circuit_editing"
TASK, RANK_ONE, LEAST_SQUARES = (
    load_plugin(TRACK / f"{name}.py") for name in ("tasks/compiled", "methods/rank_one", "methods/least_squares")
)


@pytest.fixture(scope="module")
def problem(tmp_path_factory):
    return TASK.generate("twice_few", 0, generator("methods"), Workspace(tmp_path_factory.mktemp("blobs"), {}))[0]


def test_a_run_with_changed_matrices_is_that_of_the_edited_model_in_numpy(problem):
    experiment, rng = Experiment(problem), generator("changes")
    changes = 0.1 * rng.normal(size=(len(problem.mlps), problem.units, problem.width))
    with torch.no_grad():
        found = experiment.run(torch.as_tensor(changes), experiment.everything())[0].numpy()
    config, weights = load_arrays(problem.model.path)
    assert found == pytest.approx(forward(config, edited(weights, problem.mlps, changes), problem.inputs), abs=1e-9)
    assert experiment.budget.left == problem.budget - len(problem.inputs)


def test_what_is_added_to_an_mlp_is_what_it_writes_more(problem):
    experiment = Experiment(problem)
    changes = experiment.nothing()
    changes[1] = 0.1
    with torch.no_grad():
        outputs, active = experiment.run(changes, experiment.everything())
        added = experiment.run(experiment.nothing(), experiment.everything(), (1, active[1] @ changes[1]))[0]
    assert added.numpy() == pytest.approx(outputs.numpy(), abs=1e-9)


def test_rank_one_solves_the_constrained_least_squares_of_its_equation():
    """Minimise the sum of squares of D'x over the others subject to D'k = v, by the conditions of Lagrange."""
    rng = generator("rank one")
    key, value, others = rng.normal(size=5), rng.normal(size=3), rng.normal(size=(40, 5))
    ours = RANK_ONE.rewritten(*(torch.as_tensor(array) for array in (key, value, others))).numpy()
    moments = others.T @ others / 40 + RANK_ONE.RIDGE * np.mean(others**2) * np.eye(5)
    system = np.block([[2 * moments, key[:, None]], [key[None], np.zeros((1, 1))]])
    exact = np.linalg.solve(system, np.vstack([np.zeros((5, 3)), value]))[:5]
    assert ours == pytest.approx(exact, rel=1e-9)
    assert np.linalg.matrix_rank(ours) == 1


def test_least_squares_is_that_of_the_system_with_the_penalty_as_rows():
    rng = generator("ridge")
    active, wanted = rng.normal(size=(30, 6)), rng.normal(size=(30, 4))
    ours = LEAST_SQUARES.ridge(torch.as_tensor(active), torch.as_tensor(wanted)).numpy()
    penalty = np.sqrt(LEAST_SQUARES.RIDGE * np.mean(active**2) * 30)
    rows, targets = np.vstack([active, penalty * np.eye(6)]), np.vstack([wanted, np.zeros((6, 4))])
    assert ours == pytest.approx(np.linalg.lstsq(rows, targets, rcond=None)[0], rel=1e-7)


def test_fitting_reaches_the_examples_and_ends_with_the_budget(problem):
    experiment = Experiment(problem)
    last = len(problem.mlps) - 1
    added = experiment.wanted_writing(last, experiment.everything(), 200, 0.05)
    with torch.no_grad():
        outputs = experiment.run(experiment.nothing(), experiment.everything(), (last, added))[0]
    assert experiment.off(outputs, experiment.everything()).abs().max() < 0.1 * problem.tolerance
    short = Experiment(dataclasses.replace(problem, budget=3 * len(problem.inputs)))
    with pytest.raises(Unsupported, match="the budget of"):
        short.fit([last], short.everything(), 10, 0.01)
