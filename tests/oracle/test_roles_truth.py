"""Strengths of roles by two routes, what theory says of the heads that play them, and the gates of the truth."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from bench.core.catalogue import load_plugin
from bench.core.config import ROOT
from bench.core.contract import BadInput, generator
from bench.core.problems import Workspace
from bench.models import exhaustive
from bench.models.checkpoint import Config, load_arrays, random_weights
from bench.models.compiled.certificate import Uncertified
from bench.models.fitting import run_swapped
from bench.models.side_by_side import disguised, joined
from bench.models.transformer import Transformer
from bench.tracks.roles import movement
from bench.tracks.roles.experiment import Experiment
from bench.tracks.roles.tasks import induction

TASK = load_plugin(ROOT / "bench/tracks/roles/tasks/induction.py")
SHAPE = Config(2, 3, 3, 10, 4, 6, 7, 7, 6)


@pytest.fixture(scope="module")
def unit(tmp_path_factory):
    folder = tmp_path_factory.mktemp("roles")
    return lambda name, seed=0: TASK.generate(name, seed, generator("roles", name, seed), Workspace(folder, {}))


def drawn(role, name, seed, count=8):
    setting = induction.SETTINGS[name]
    config, weights = induction.load(setting, seed)
    return config, weights, induction.draw_examples(role, config, setting, count, np.random.default_rng([seed, 8]))


def by_swapping(config, weights, examples):
    """The same strengths through the torch model that trains, one head and one example's position at a time."""
    double = {name: torch.as_tensor(np.asarray(array, np.float64)) for name, array in weights.items()}
    model = Transformer.of_tensors(config, double)
    tokens, altered = torch.as_tensor(examples.tokens), torch.as_tensor(examples.altered)
    output, clean = run_swapped(model, tokens)
    donors = clean.clone()
    other = run_swapped(model, altered)[1]
    for row, at in enumerate(examples.at):
        donors[:, row, at] = other[:, row, at]
    inputs, found = 2, []
    for head in range(len(clean) - inputs):
        swap = torch.zeros(clean.shape[:2], dtype=torch.bool)
        swap[inputs + head] = True
        patched = run_swapped(model, tokens, donors, swap)[0]
        found.append(np.mean([_margin(patched, examples, row) for row in range(len(tokens))]))
    whole = np.mean([_margin(output, examples, row) for row in range(len(tokens))])
    return 1 - np.array(found) / whole


def _margin(output, examples, row):
    logits = output[row, examples.answered[row]]
    return float(logits[examples.answer[row]] - logits.mean())


@pytest.mark.parametrize("name", ["two_heads", "first_symbol", "beside"])
def test_exhaustive_patching_and_swapping_in_torch_find_the_same_strengths(name):
    for role in induction.SETTINGS[name].roles:
        config, weights, examples = drawn(role, name, 1)
        expected = by_swapping(config, weights, examples)
        np.testing.assert_allclose(movement.strengths(config, weights, examples), expected, atol=1e-9)


@pytest.mark.parametrize("name", ["two_heads", "four_heads", "fixed_successors", "first_symbol"])
def test_heads_play_the_roles_in_the_layers_and_by_the_attention_that_theory_says(name, unit):
    for seed in range(3):
        problem, truth = unit(name, seed)
        experiment = Experiment(problem)
        attention = experiment.by_role(experiment.trace.attention[:, experiment.rows, problem.at, problem.source])
        evenly = experiment.by_role(torch.as_tensor(1 / (problem.at + 1.0))[None])
        layer = np.array([int(head[1]) for head in problem.heads])
        before, after = truth.strengths[problem.roles.index("previous_token")], truth.strengths[1]
        assert np.abs(before[layer == 1]).max() < 1e-9  # nothing between its output there and the answer reads it
        assert before.argmax() < len(layer) / 2
        assert layer[after.argmax()] == 1
        for role, strongest in enumerate(truth.strengths.argmax(axis=1)):
            assert attention[role, strongest] > 2 * evenly[role]


def test_an_answer_stands_where_the_strings_say_and_altered_strings_differ_at_the_source_alone():
    for name in induction.INSTANCES:
        setting = induction.SETTINGS[name]
        for role in setting.roles:
            config, _, examples = drawn(role, name, 0, 30)
            differs = examples.tokens != examples.altered
            assert (differs == (np.arange(config.n_ctx) == examples.source[:, None])).all()
            for row in range(30):
                tokens, at, asked = examples.tokens[row].tolist(), examples.at[row], examples.answered[row]
                if role == "first_symbol":
                    assert tokens[asked] == 0
                    assert (examples.source[row], at, examples.answer[row]) == (0, asked, tokens[0])
                    continue
                earlier = tokens.index(tokens[asked])
                assert tokens[:asked].count(tokens[asked]) == 1
                place = {"previous_token": (earlier, earlier + 1), "induction": (earlier + 1, asked)}[role]
                assert (examples.source[row], at) == place
                follows = tokens[earlier + 1] if setting.read != "successors" else (tokens[asked] + 1) % 16
                assert examples.answer[row] == follows
                assert examples.altered[row, examples.source[row]] not in tokens


def test_an_unread_model_beside_moves_nothing_and_the_read_one_is_what_it_was():
    config, weights, examples = drawn("induction", "beside", 0)
    alone, own = induction.load(induction.SETTINGS["four_heads"], 0)
    both, single = movement.strengths(config, weights, examples), movement.strengths(alone, own, examples)
    layers = both.reshape(2, 8)
    np.testing.assert_allclose(layers[:, :4].ravel(), single, atol=1e-9)
    assert np.abs(layers[:, 4:]).max() < 1e-12


def test_a_disguise_computes_the_same_and_its_order_says_where_heads_went():
    rng = np.random.default_rng(5)
    weights, tokens = random_weights(SHAPE, rng), rng.integers(7, size=(3, 6))
    other, orders = disguised(SHAPE, weights, rng)
    np.testing.assert_allclose(
        exhaustive.forward(SHAPE, other, tokens), exhaustive.forward(SHAPE, weights, tokens), atol=1e-10
    )
    before, after = (np.linalg.norm(exhaustive.node_outputs(SHAPE, w, tokens), axis=-1) for w in (weights, other))
    for layer, order in enumerate(orders):
        rows = 2 + 4 * layer + np.arange(3)
        np.testing.assert_allclose(after[rows], before[rows][order], atol=1e-10)


def test_models_side_by_side_give_the_output_of_the_one_that_is_read():
    rng = np.random.default_rng(6)
    read, unread = random_weights(SHAPE, rng), random_weights(SHAPE, rng)
    tokens = rng.integers(7, size=(3, 6))
    config, weights = joined(SHAPE, read, unread)
    np.testing.assert_allclose(
        exhaustive.forward(config, weights, tokens), exhaustive.forward(SHAPE, read, tokens), atol=1e-10
    )
    nodes = exhaustive.node_outputs(config, weights, tokens)
    alone = exhaustive.node_outputs(SHAPE, unread, tokens)
    np.testing.assert_allclose(nodes[2 + 3 : 2 + 6, ..., 10:], alone[2:5], atol=1e-10)
    normed = replace(SHAPE, norm="layernorm")
    with pytest.raises(BadInput, match="norm"):
        joined(normed, random_weights(normed, rng), random_weights(normed, rng))


def test_players_lie_above_a_tenfold_gap_or_are_not_named():
    assert movement.players(np.array([0.5, 0.01, 0.4, 0.001])).tolist() == [True, False, True, False]
    assert movement.players(np.array([0.5, 0.2, 0.08, 0.03])) is None
    assert movement.players(np.array([0.5, 0.0, -0.3])).tolist() == [True, False, False]


def test_null_units_are_certified_and_neither_a_null_nor_a_live_model_passes_as_the_other(unit):
    for name, seed in (("successors", 0), ("successors", 1), ("successors", 2), ("unread", 0)):
        truth = unit(name, seed)[1]
        assert truth.null
        assert not truth.plays.any()
    config, weights, examples = drawn("induction", "four_heads", 0, 40)
    with pytest.raises(Uncertified, match="null unit"):
        movement.make_truth(config, weights, [examples], null=True)
    config, weights, examples = drawn("induction", "successors", 0, 40)
    with pytest.raises(Uncertified, match="no head"):
        movement.make_truth(config, weights, [examples], null=False)


def test_strengths_hold_on_strings_drawn_anew(unit):
    config, weights, examples = drawn("induction", "four_heads", 0, 192)
    halves = [movement.strengths(config, weights, examples.take(rows)) for rows in np.split(np.arange(192), 2)]
    np.testing.assert_allclose(halves[0], halves[1], atol=0.1 * halves[0].max())


def test_a_problem_is_another_model_for_another_draw(unit):
    first, second = unit("two_heads", 0)[0], unit("two_heads", 1)[0]
    assert first.model.sha256 != second.model.sha256
    config, weights = load_arrays(first.model.path)
    assert weights["embed"].shape == (config.d_vocab, config.d_model)
