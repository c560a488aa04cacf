"""Subnetworks against a slow obvious forward pass; planted minima by brute force, by formula and part by part."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from bench.core.catalogue import load_plugin
from bench.core.config import ROOT
from bench.core.contract import generator
from bench.core.problems import Workspace
from bench.models.checkpoint import Config, load_arrays, random_weights, shapes
from bench.models.exhaustive import forward
from bench.models.transformer import Transformer
from bench.tracks.circuit_compilation import network, planting
from bench.tracks.circuit_compilation.gated import Gated
from bench.tracks.circuit_compilation.score import equal_inputs

TASK = load_plugin(ROOT / "bench/tracks/circuit_compilation/tasks/planted.py")
COMPILED = load_plugin(ROOT / "bench/tracks/circuit_compilation/tasks/compiled.py")
CONFIG = Config(
    n_layers=2, n_heads=3, n_kv_heads=3, d_model=6, d_head=2, d_mlp=4, d_vocab=5, d_out=2, n_ctx=4, norm="layernorm"
)


@pytest.fixture(scope="module")
def unit(tmp_path_factory):
    folder = tmp_path_factory.mktemp("compilation")
    return lambda name, seed=0: TASK.generate(name, seed, generator("compilation", name, seed), Workspace(folder, {}))


def smaller_forward(config: Config, weights: dict, kept: set[str], tokens: list[int]) -> np.ndarray:
    """One input through a network that has the kept heads and units and no others, one position at a time."""

    def normed(x, name):
        x = (x - x.mean()) / np.sqrt(x.var() + config.norm_eps)
        return x * weights[name] + weights[f"{name}_bias"]

    stream = [weights["embed"][token] + weights["pos"][place] for place, token in enumerate(tokens)]
    for layer in range(config.n_layers):
        at = f"layers.{layer}."
        read, written = [normed(x, at + "norm1") for x in stream], [weights[at + "o_bias"].copy() for _ in stream]
        for head in (head for head in range(config.n_heads) if f"a{layer}.h{head}" in kept):
            q, k, v = (
                [x @ weights[at + letter][head] + weights[f"{at}{letter}_bias"][head] for x in read] for letter in "qkv"
            )
            for place in range(len(tokens)):
                odds = np.exp([q[place] @ k[other] / np.sqrt(config.d_head) for other in range(place + 1)])
                mixed = sum(share * v[other] for other, share in enumerate(odds / odds.sum()))
                written[place] += mixed @ weights[at + "o"][head]
        stream = [x + more for x, more in zip(stream, written, strict=True)]
        for place, x in enumerate(stream):
            read_here, total = normed(x, at + "norm2"), weights[at + "mlp_out_bias"].copy()
            for unit in (unit for unit in range(config.d_mlp) if f"m{layer}.u{unit}" in kept):
                active = max(0.0, read_here @ weights[at + "mlp_in"][:, unit] + weights[at + "mlp_in_bias"][unit])
                total += active * weights[at + "mlp_out"][unit]
            stream[place] = x + total
    return np.array([normed(x, "final_norm") @ weights["unembed"] + weights["unembed_bias"] for x in stream])


def test_silenced_weights_and_gates_are_the_network_that_lacks_the_parts():
    rng = np.random.default_rng(0)
    weights, tokens = random_weights(CONFIG, rng), rng.integers(CONFIG.d_vocab, size=(3, 4))
    parts = network.parts_of(CONFIG, weights)
    masks = rng.random((5, len(parts))) < 0.6
    gated = Gated(Transformer(CONFIG, weights, torch.float64), parts).outputs(tokens, torch.as_tensor(masks * 1.0))
    for mask, by_gates in zip(masks, gated.numpy(), strict=True):
        kept = {part for part, stays in zip(parts, mask, strict=True) if stays}
        expected = np.array([smaller_forward(CONFIG, weights, kept, list(row)) for row in tokens])
        silenced = forward(CONFIG, network.subnetwork(weights, parts, mask), tokens)
        np.testing.assert_allclose(silenced, expected, atol=1e-12)
        np.testing.assert_allclose(by_gates, expected, atol=1e-12)


def test_silencing_leaves_the_given_weights_alone():
    weights = random_weights(CONFIG, np.random.default_rng(0))
    before = {name: array.copy() for name, array in weights.items()}
    parts = network.parts_of(CONFIG, weights)
    network.subnetwork(weights, parts, np.zeros(len(parts), bool))
    assert all(np.array_equal(before[name], weights[name]) for name in weights)


@pytest.mark.parametrize("config", [CONFIG, replace(CONFIG, gated=True), replace(CONFIG, d_mlp=0)])
def test_parameters_of_all_parts_are_those_of_all_heads_and_units(config):
    weights = random_weights(config, np.random.default_rng(0))
    own = {"q", "k", "v", "q_bias", "k_bias", "v_bias", "o", "mlp_in", "mlp_in_bias", "mlp_gate", "mlp_out"}
    expected = sum(np.prod(shape) for name, shape in shapes(config).items() if name.rsplit(".", 1)[-1] in own)
    assert network.parameters_of(config, network.parts_of(config, weights)).sum() == expected


def test_every_input_is_listed_once():
    allowed = np.array([[1, 0, 0, 0], [0, 1, 1, 0], [1, 0, 1, 1]], bool)
    inputs = network.every_input(allowed)
    assert len(np.unique(inputs, axis=0)) == len(inputs) == network.domain_size(allowed) == 6
    assert allowed[np.arange(3), inputs].all()
    drawn = network.draw_inputs(allowed, 200, np.random.default_rng(0))
    assert np.array_equal(np.unique(drawn, axis=0), np.unique(inputs, axis=0))


@pytest.mark.parametrize("name", ["gates", "cancelling_heads", "cancelling_units", "copies", "dear_copy", "seldom"])
def test_every_planted_circuit_is_exact_and_lacks_no_part(unit, name):
    problem, truth = unit(name)
    for circuit in truth.circuits:
        assert equal_inputs(problem, circuit).all()
        for part in np.flatnonzero(circuit):
            keep = circuit.copy()
            keep[part] = False
            assert not equal_inputs(problem, keep).all()


@pytest.mark.parametrize("name", ["cancelling_units", "dear_copy", "seldom"])
def test_parts_off_the_programs_axes_change_nothing_whatever_else_is_kept(unit, name):
    problem, _ = unit(name)
    plan, rng = TASK.PLANS[name], np.random.default_rng(1)
    dressed = planting.dress(plan.compiled, plan.outfit, plan.sample(rng), rng)
    parts = network.parts_of(dressed.config, dressed.weights)
    off = np.ones(len(parts), bool)
    off[planting.whereabouts(plan.compiled, dressed)] = False
    assert 0 < off.sum() < len(parts)
    inputs = rng.integers(dressed.config.d_vocab, size=(8, problem.inputs.shape[1]))
    for _ in range(10):
        one = rng.random(len(parts)) < 0.5
        other = np.where(off, rng.random(len(parts)) < 0.5, one)
        one, other = (
            forward(dressed.config, network.subnetwork(dressed.weights, parts, keep), inputs) for keep in (one, other)
        )
        np.testing.assert_allclose(one, other, atol=1e-9)


def test_brute_force_in_torch_finds_what_a_loop_in_numpy_finds():
    plan = TASK.PLANS["cancelling_heads"]
    config, weights = plan.compiled.config, plan.compiled.weights
    parts, inputs = network.parts_of(config, weights), network.every_input(plan.allowed)
    costs, every = network.parameters_of(config, parts), np.ones(inputs.shape[1], bool)
    subsets = [np.array([number >> bit & 1 for bit in range(len(parts))], bool) for number in range(2 ** len(parts))]
    candidates = (keep for keep in subsets if _equal(config, weights, parts, keep, inputs[::5], every))
    exact = [keep for keep in candidates if _equal(config, weights, parts, keep, inputs, every)]
    least = min(keep @ costs for keep in exact)
    expected = {keep.tobytes() for keep in exact if keep @ costs == least}
    assert {keep.tobytes() for keep in plan.cheapest(costs)} == expected
    assert len(expected) == 2


def _equal(config, weights, parts, keep, inputs, scored) -> bool:
    left = network.subnetwork(weights, parts, keep)
    return bool((network.deviations(config, weights, left, inputs, scored) <= planting.TOLERANCE).all())


def test_a_plan_whose_formula_counts_otherwise_makes_no_unit(tmp_path: Path):
    wrong = replace(TASK.PLANS["copies"], units=3)
    with pytest.raises(ValueError, match="3 heads and 2 units suffice"):
        wrong.unit(np.random.default_rng(0), Workspace(tmp_path, {}))


def test_a_circuit_of_a_program_that_two_parts_can_leave_makes_no_unit(tmp_path: Path):
    plan, rng = COMPILED.PLANS["balance"], np.random.default_rng(0)
    dressed = planting.dress(plan.compiled, plan.outfit, plan.sample(rng), rng)
    problem = plan.problem(dressed, rng, Workspace(tmp_path, {}))
    circuit = plan.smallest(dressed)[0]
    planting.require_minimal(dressed, problem, circuit)
    spare = np.flatnonzero(~circuit)
    with pytest.raises(ValueError, match="not minimal"):
        planting.require_minimal(dressed, problem, circuit | (np.arange(circuit.size) == spare[0]))


@pytest.mark.parametrize("name", ["balance", "balance_threes", "shares_cancelling"])
def test_the_smallest_circuits_of_programs_are_exact_in_float64_numpy(tmp_path: Path, name):
    problem, truth = COMPILED.generate(name, 0, generator("compiled", name), Workspace(tmp_path, {}))
    assert all(equal_inputs(problem, circuit).all() for circuit in truth.circuits)


def test_of_a_null_nothing_can_go_and_empty_slots_are_no_parts(unit):
    problem, truth = unit("nothing_to_drop")
    assert truth.null
    assert truth.circuits.all()
    config, weights = load_arrays(problem.model.path)
    assert problem.parts == network.parts_of(config, weights)
    for part in range(len(problem.parts)):
        keep = np.arange(len(problem.parts)) != part
        assert not equal_inputs(problem, keep).all()
