"""Who plays which role by bookkeeping and by running the models; disguises that leave the function as it is."""

from __future__ import annotations

import numpy as np
import pytest

from bench.core.catalogue import load_plugin
from bench.core.config import ROOT
from bench.core.contract import PASSES, Unsupported, generator
from bench.core.problems import Workspace
from bench.models.checkpoint import load_arrays
from bench.models.exhaustive import forward, node_outputs
from bench.models.graph import source_names
from bench.tracks.circuit_transfer import certificate, compiled, trained
from bench.tracks.circuit_transfer.exchange import candidates, exchanged
from bench.tracks.circuit_transfer.experiment import Experiment
from bench.tracks.circuit_transfer.interpretation import recoded
from bench.tracks.circuit_transfer.moved import AXES, move

TRACK = ROOT / "bench/tracks/circuit_transfer"
COMPILED, TRAINED = (load_plugin(TRACK / f"tasks/{name}.py") for name in ("compiled", "trained"))


@pytest.fixture(scope="module")
def unit(tmp_path_factory):
    workspace, made = Workspace(tmp_path_factory.mktemp("transfer"), {}), {}

    def make(name: str, seed: int = 0):
        task = COMPILED if name in COMPILED.INSTANCES else TRAINED
        if (name, seed) not in made:
            made[name, seed] = task.generate(name, seed, generator("transfer", name, seed), workspace)
        return made[name, seed]

    return make


PRESENT = {
    "addresses": [True] * 3,
    "rising": [True] * 4,
    "above_shared": [True, False, True, False],
    "counts_shared": [True, False, True, False, False, False],
    "addresses_in_repeats": [False] * 3,
    "counts_unused": [False] * 3,
    "before_unused": [False] * 4,
    "ends_agree": [True] * 3,
    "seen_shared": [True, False],
    "ends_in_reverse": [False] * 3,
}


@pytest.mark.parametrize("name", PRESENT)
def test_roles_are_played_where_programs_share_a_variable_and_use_it(unit, name):
    """The routes are compared where a unit is made; what they agree on is written down here by hand."""
    problem, truth = unit(name)
    assert truth.plays.any(axis=1).tolist() == PRESENT[name]
    assert truth.null == (not any(PRESENT[name]))
    kinds = {(problem.roles[r][0], problem.nodes[n][0]) for r, n in zip(*np.nonzero(truth.plays), strict=True)}
    assert all(role == node for role, node in kinds)


def test_nodes_that_write_the_same_in_other_values_and_come_to_the_same_are_equally_right(unit):
    """In the share of rises the flag and its copy as a number are written by two MLPs in a row."""
    _, truth = unit("rising")
    counts = truth.plays.sum(axis=1).tolist()
    assert sorted(counts) == [1, 1, 2, 2]
    assert recoded(["a", "b", "a"], [1, 0, 1])
    assert not recoded(["a", "b", "c"], [1, 0, 1])
    assert not recoded(["a", "a"], [1, 1])


@pytest.mark.parametrize("name", ["addresses", "above_shared", "counts_unused"])
def test_the_certificate_refuses_another_truth(name, tmp_path, monkeypatch):
    casting = COMPILED.CASTINGS[name]
    honest = compiled.Casting.plays

    def otherwise(self, *arguments):
        plays = honest(self, *arguments)
        return np.roll(plays, 1, axis=1) if plays.any() else np.eye(*plays.shape, dtype=bool)

    monkeypatch.setattr(compiled.Casting, "plays", otherwise)
    with pytest.raises(certificate.Uncertified, match="disagree"):
        casting.unit(generator("refused", name), Workspace(tmp_path, {}))


def test_the_certificate_of_trained_models_refuses_another_node(tmp_path, monkeypatch):
    honest = trained.Encounter.plays
    monkeypatch.setattr(trained.Encounter, "plays", lambda self, *some: np.roll(honest(self, *some), 1, axis=1))
    with pytest.raises(trained.Uncertified, match="is given by shares"):
        TRAINED.ENCOUNTERS["ends_agree"].unit(0, generator("refused"), Workspace(tmp_path, {}))


def test_programs_that_hold_a_variable_in_other_values_alone_are_refused(tmp_path):
    """Of distinct symbols the number of larger ones tells the number of smaller ones: so is it the same?"""
    one, other = (compiled.Cast(COMPILED.PROGRAMS[name]) for name in ("sort_unique", "sort_descending"))
    casting = compiled.Casting("recoded", one, other, COMPILED.RICH, 24)
    with pytest.raises(certificate.Uncertified, match="in other values"):
        casting.unit(generator("recoded"), Workspace(tmp_path, {}))


@pytest.mark.parametrize("seed", range(2))
def test_a_moved_model_computes_the_same_and_its_nodes_stand_where_the_map_says(seed):
    config, weights = trained.load("ends_agree", seed)
    tokens = trained.Encounter("ends_agree", "ends_agree", 8).strings(8, np.random.default_rng(seed))
    moved = move(config, weights, tokens, np.random.default_rng(seed))
    assert (moved.config.n_layers, moved.config.d_model) == (config.n_layers + 1, config.d_model + AXES)
    renamed = moved.tokens[tokens]
    np.testing.assert_allclose(
        forward(moved.config, moved.weights, renamed), forward(config, weights, tokens), atol=1e-9, rtol=1e-9
    )
    before, after = (
        node_outputs(c, w, t) for c, w, t in ((config, weights, tokens), (moved.config, moved.weights, renamed))
    )
    for node, place in moved.nodes.items():
        one, other = before[source_names(config).index(node)], after[source_names(moved.config).index(place)]
        np.testing.assert_allclose(np.linalg.norm(other, axis=-1), np.linalg.norm(one, axis=-1), rtol=1e-8)
    decoys = [node for node in candidates(moved.config) if node not in moved.nodes.values()]
    clean = forward(moved.config, moved.weights, renamed)
    swapped = exchanged(moved.config, moved.weights, decoys, renamed, renamed[::-1])
    assert np.abs(swapped - clean).max() < 1e-9 * np.abs(clean).max()


def test_methods_see_effects_and_patterns_as_a_slow_forward_pass_does(unit):
    problem, _ = unit("ends_agree")
    side = Experiment(problem, 1).b
    config, weights = load_arrays(problem.model_b.path)
    partner = np.roll(np.arange(len(problem.inputs_b)), 1)
    swapped = exchanged(config, weights, problem.nodes, problem.inputs_b, problem.inputs_b[partner])
    change = np.linalg.norm(swapped - forward(config, weights, problem.inputs_b), axis=-1)[:, :, problem.scored]
    np.testing.assert_allclose(side.exchange_changes(partner), change, atol=1e-9)
    written = node_outputs(config, weights, problem.inputs_b)
    for node, pattern in side.patterns.items():
        layer, head = (int(number) for number in node[1:].split(".h"))
        stream = written[: source_names(config).index(f"a{layer}.h0")].sum(0)
        stream = stream + sum(weights[f"layers.{before}.o_bias"] for before in range(layer))
        value = stream @ weights[f"layers.{layer}.v"][head] + weights[f"layers.{layer}.v_bias"][head]
        handed = pattern @ value @ weights[f"layers.{layer}.o"][head]
        np.testing.assert_allclose(handed, written[source_names(config).index(node)], atol=1e-9)


def test_no_method_goes_beyond_the_budget(unit):
    problem, _ = unit("addresses")
    Experiment(problem, 7)
    with pytest.raises(Unsupported, match="the budget has"):
        Experiment(problem, 8)


def test_passes_that_are_planned_cover_those_that_are_counted(unit):
    problem, _ = unit("addresses")
    PASSES.clear()
    Experiment(problem, 2).signatures(np.random.default_rng(0), 2)
    assert 0 < PASSES["forward"] <= (2 * (len(problem.roles) + len(problem.nodes)) + 2 + 4) * len(problem.inputs_a)
