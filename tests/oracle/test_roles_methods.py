"""Methods for node roles against independent routes: loops, closed forms, finite differences, exhaustive patching."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch

from bench.core.catalogue import load_plugin, read_tracks
from bench.core.config import ROOT
from bench.core.contract import Blob, Unsupported
from bench.models import checkpoint, exhaustive
from bench.models.checkpoint import Config, random_weights
from bench.models.graph import feeds, source_names
from bench.tracks.roles.experiment import Experiment
from bench.tracks.roles.types import Problem

TRACK = read_tracks(ROOT)["roles"]
CONFIG = Config(2, 3, 3, 9, 4, 5, 7, 7, 6)
EXAMPLES = 6


@pytest.fixture(scope="module")
def problem(tmp_path_factory):
    """A random network and random strings: identities do not ask for a trained one."""
    rng = np.random.default_rng(0)
    path = tmp_path_factory.mktemp("network") / "model.safetensors"
    checkpoint.save(path, CONFIG, random_weights(CONFIG, rng))
    tokens = rng.integers(7, size=(EXAMPLES, 6))
    source, at = np.array([0, 1, 2, 0, 1, 3]), np.array([1, 3, 4, 2, 2, 4])
    altered = tokens.copy()
    altered[np.arange(EXAMPLES), source] = (altered[np.arange(EXAMPLES), source] + 1) % 7
    heads = [node for node in source_names(CONFIG) if node.startswith("a")]
    return Problem(
        model=Blob.of(path), roles=["one", "other"], meanings=["one", "other"], heads=heads,
        role_of=np.array([0, 0, 1, 1, 1, 0]), tokens=tokens, altered=altered, source=source, at=at,
        answered=np.full(EXAMPLES, 5), answer=rng.integers(7, size=EXAMPLES), budget=100_000,
    )  # fmt: skip


def solved(problem, method, **parameters):
    return load_plugin(TRACK.methods[method].path).solve(problem, np.random.default_rng(0), **parameters)


def weights_of(problem):
    return checkpoint.load_arrays(problem.model.path)[1]


def margins(problem, output):
    rows = np.arange(EXAMPLES)
    last = output[rows, problem.answered]
    return last[rows, problem.answer] - last.mean(1)


def shares(problem, lost):
    """Losses [heads, examples] by role, as shares of the margin."""
    whole = margins(problem, exhaustive.forward(CONFIG, weights_of(problem), problem.tokens))
    roles = [problem.role_of == role for role in (0, 1)]
    return np.array([[row[at].sum() / whole[at].sum() for row in lost] for at in roles])


def patched(problem, donors):
    """Losses when each head's output is the donor's, by exhaustive patching."""
    names, weights = source_names(CONFIG), weights_of(problem)
    masks = np.stack([feeds(CONFIG) * (np.array(names) == head) for head in problem.heads]).astype(float)
    output = exhaustive.forward(CONFIG, weights, problem.tokens, donors, masks)
    whole = margins(problem, exhaustive.forward(CONFIG, weights, problem.tokens))
    return shares(problem, np.array([whole - margins(problem, one) for one in output]))


def nodes(problem, tokens):
    return exhaustive.node_outputs(CONFIG, weights_of(problem), tokens)


def attention_by_hand(problem):
    """Softmax of scaled dot products, head by head and query by query, from the stream of the node outputs."""
    weights, written = weights_of(problem), nodes(problem, problem.tokens)
    found, moved = np.zeros((6, EXAMPLES, 6)), np.zeros((6, EXAMPLES, 6, 9))
    for head, name in enumerate(problem.heads):
        layer, number = int(name[1]), head % 3
        before = source_names(CONFIG).index(f"a{layer}.h0")
        bias = sum((weights[f"layers.{early}.o_bias"] for early in range(layer)), np.zeros(9))
        stream = written[:before].sum(0) + bias
        q, k, v = (
            stream @ weights[f"layers.{layer}.{part}"][number] + weights[f"layers.{layer}.{part}_bias"][number]
            for part in "qkv"
        )
        for row in range(EXAMPLES):
            at = problem.at[row]
            odds = np.exp([q[row, at] @ k[row, place] / 2 for place in range(at + 1)])
            found[head, row, : at + 1] = odds / odds.sum()
            for place in range(at + 1):
                moved[head, row, place] = found[head, row, place] * v[row, place] @ weights[f"layers.{layer}.o"][number]
    return found, moved


def test_attention_patterns_are_softmax_of_dot_products_computed_by_hand(problem):
    found, _ = attention_by_hand(problem)
    at_source = found[:, np.arange(EXAMPLES), problem.source]
    expected = [[row[problem.role_of == role].mean() for row in at_source] for role in (0, 1)]
    np.testing.assert_allclose(solved(problem, "attention_pattern").scores, expected, atol=1e-12)


def test_attention_norms_are_those_of_what_is_moved_by_hand(problem):
    _, moved = attention_by_hand(problem)
    norms = np.linalg.norm(moved, axis=-1)
    share = np.array([norms[h] / norms[3 * (h // 3) : 3 * (h // 3) + 3].sum(axis=(0, 2))[:, None] for h in range(6)])
    at_source = share[:, np.arange(EXAMPLES), problem.source]
    expected = [[row[problem.role_of == role].mean() for row in at_source] for role in (0, 1)]
    np.testing.assert_allclose(solved(problem, "attention_norm").scores, expected, atol=1e-12)


def test_what_a_head_moves_to_a_place_sums_to_its_output_there(problem):
    experiment = Experiment(problem)
    written = nodes(problem, problem.tokens)[experiment.nodes][:, np.arange(EXAMPLES), problem.at]
    np.testing.assert_allclose(experiment.trace.moved.sum(2).numpy(), written, atol=1e-12)


def test_direct_parts_of_all_nodes_and_of_biases_sum_to_the_margin(problem):
    experiment, weights = Experiment(problem), weights_of(problem)
    parts = solved(problem, "logit_attribution").scores
    rows, unembed = np.arange(EXAMPLES), weights["unembed"] - weights["unembed"].mean(1, keepdims=True)
    others = [n for n in range(len(source_names(CONFIG))) if n not in experiment.nodes]
    rest = nodes(problem, problem.tokens)[others].sum(0) + weights["layers.0.o_bias"] + weights["layers.1.o_bias"]
    rest_logits = (rest[rows, problem.answered] @ unembed)[rows, problem.answer]
    rest_logits = rest_logits + (weights["unembed_bias"] - weights["unembed_bias"].mean())[problem.answer]
    np.testing.assert_allclose(parts.sum(1) + shares(problem, rest_logits[None])[:, 0], 1, atol=1e-10)


def test_zero_ablation_is_the_network_without_the_heads_output_matrix(problem):
    weights, lost = weights_of(problem), []
    whole = margins(problem, exhaustive.forward(CONFIG, weights, problem.tokens))
    for head, name in enumerate(problem.heads):
        changed = weights[f"layers.{name[1]}.o"].copy()
        changed[head % 3] = 0
        output = exhaustive.forward(CONFIG, {**weights, f"layers.{name[1]}.o": changed}, problem.tokens)
        lost.append(whole - margins(problem, output))
    np.testing.assert_allclose(solved(problem, "zero_ablation").scores, shares(problem, lost), atol=1e-10)


def test_mean_ablation_and_activation_patching_are_exhaustive_patching_with_their_donors(problem):
    clean, altered = nodes(problem, problem.tokens), nodes(problem, problem.altered)
    mean = np.broadcast_to(clean.mean(1, keepdims=True), clean.shape)
    np.testing.assert_allclose(solved(problem, "mean_ablation").scores, patched(problem, mean), atol=1e-10)
    np.testing.assert_allclose(solved(problem, "activation_patching").scores, patched(problem, altered), atol=1e-10)


def moved_at(problem, share):
    """Donors that are moved at `at` by a share of the way to the altered run."""
    clean, altered = nodes(problem, problem.tokens), nodes(problem, problem.altered)
    there = (np.arange(6) == problem.at[:, None])[None, :, :, None]
    return clean + share * there * (altered - clean)


def test_interchange_patches_the_position_alone(problem):
    np.testing.assert_allclose(
        solved(problem, "interchange").scores, patched(problem, moved_at(problem, 1)), atol=1e-10
    )


def test_attribution_patching_is_the_derivative_of_the_interchange(problem):
    small = 1e-5
    slope = (patched(problem, moved_at(problem, small)) - patched(problem, moved_at(problem, -small))) / (2 * small)
    np.testing.assert_allclose(solved(problem, "attribution_patching").scores, slope, atol=1e-7)


def test_integrated_gradients_are_complete(problem):
    found = solved(problem, "integrated_gradients", steps=40).scores
    np.testing.assert_allclose(found, patched(problem, moved_at(problem, 1)), atol=5e-3)
    assert np.abs(found - solved(problem, "attribution_patching").scores).max() > 1e-2


def test_passes_beyond_the_budget_are_declined(problem):
    poor = dataclasses.replace(problem, budget=EXAMPLES)
    assert np.isfinite(solved(poor, "attention_pattern").scores).all()
    with pytest.raises(Unsupported, match="more passes"):
        solved(poor, "zero_ablation")


def test_the_weight_norm_control_is_the_norm_of_the_product_of_value_and_output(problem):
    weights = weights_of(problem)
    answer = load_plugin(TRACK.controls["weight_norm"].path).solve(problem, np.random.default_rng(0))
    product = torch.as_tensor(weights["layers.1.v"][2]) @ torch.as_tensor(weights["layers.1.o"][2])
    assert answer.scores[0, 5] == pytest.approx(float(product.norm()))
