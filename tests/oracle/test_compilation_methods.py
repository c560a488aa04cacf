"""Methods of circuit compilation against independent implementations and what their papers promise."""

from __future__ import annotations

from itertools import pairwise
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from bench.core.catalogue import load_plugin
from bench.core.config import ROOT
from bench.core.contract import Unsupported, generator
from bench.core.problems import Workspace
from bench.models.checkpoint import load_arrays
from bench.models.exhaustive import forward
from bench.tracks.circuit_compilation.experiment import Experiment
from bench.tracks.circuit_compilation.network import subnetwork
from bench.tracks.circuit_compilation.score import score

TRACK = ROOT / "bench/tracks/circuit_compilation"
TASK = load_plugin(TRACK / "tasks/planted.py")


@pytest.fixture(scope="module")
def unit(tmp_path_factory):
    folder = tmp_path_factory.mktemp("compilation")
    return lambda name, seed=0: TASK.generate(name, seed, generator("methods", name, seed), Workspace(folder, {}))


def method(name: str):
    return load_plugin(TRACK / f"methods/{name}.py")


def same_on_sample(problem, keep) -> bool:
    config, weights = load_arrays(problem.model.path)
    left = subnetwork(weights, problem.parts, keep)
    change = forward(config, weights, problem.inputs) - forward(config, left, problem.inputs)
    return bool(np.abs(change).max() <= problem.tolerance)


@pytest.mark.parametrize("name", ["gates", "cancelling_heads", "copies", "seldom"])
def test_backward_elimination_ends_where_no_part_can_go_alone(unit, name):
    problem, _ = unit(name)
    keep = method("backward_elimination").solve(problem, np.random.default_rng(0)).keep
    assert same_on_sample(problem, keep)
    for part in np.flatnonzero(keep):
        assert not same_on_sample(problem, keep & (np.arange(keep.size) != part))


def ddmin(items: list[int], test, pieces: int = 2) -> list[int]:
    """The recursion of Zeller and Hildebrandt (2002), figure 5, over lists; `test` says whether a set still fails."""
    if len(items) < 2:
        return items
    bounds = np.cumsum([0] + [len(piece) for piece in np.array_split(items, pieces)])
    subsets = [items[start:end] for start, end in pairwise(bounds)]
    for subset in subsets:
        if test(subset):
            return ddmin(subset, test, 2)
    for subset in subsets:
        complement = [item for item in items if item not in subset]
        if test(complement):
            return ddmin(complement, test, max(pieces - 1, 2))
    if pieces < len(items):
        return ddmin(items, test, min(len(items), 2 * pieces))
    return items


@pytest.mark.parametrize("seed", range(20))
def test_delta_debugging_is_ddmin(seed):
    rng = np.random.default_rng(seed)
    size = int(rng.integers(2, 20))
    needed = [set(rng.choice(size, rng.integers(1, size)).tolist()) for _ in range(2)]
    pair = set(rng.choice(size, 2, replace=False).tolist())

    def holds(kept: set[int]) -> bool:  # one of two sets, and of a pair both or none: not monotone
        return any(some <= kept for some in needed) and len(pair & kept) != 1

    fake = SimpleNamespace(
        problem=SimpleNamespace(parts=list(range(size))), rng=np.random.default_rng(seed),
        affords=lambda runs: True, equal=lambda keep: holds(set(np.flatnonzero(keep).tolist())),
    )  # fmt: skip
    order = np.random.default_rng(seed).permutation(size).tolist()
    expected = ddmin(order, lambda items: holds(set(items)))
    assert set(np.flatnonzero(method("delta_debugging").shrink(fake)).tolist()) == set(expected)


def test_taylor_importance_is_the_derivative_by_the_gate(unit):
    problem, _ = unit("gates")
    experiment = Experiment(problem, np.random.default_rng(0))
    found = experiment.gate_gradients(1)[0]
    signs = np.random.default_rng(0).choice([-1.0, 1.0], size=tuple(experiment.known.shape))
    ones, step = np.ones(len(problem.parts)), 1e-5
    for part in range(len(problem.parts)):
        gates = np.stack([ones, ones])
        gates[:, part] += [step, -step]
        with torch.no_grad():
            up, down = experiment.gated.outputs(experiment.inputs, torch.as_tensor(gates)).numpy()
        slopes = ((up - down) * signs).sum(axis=(1, 2)) / (2 * step)
        kinks = np.abs(np.stack([up, down]) - experiment.known.numpy()).max() > 1.5 * step  # a gate at its threshold
        if not kinks and np.allclose(up - experiment.known.numpy(), experiment.known.numpy() - down, atol=1e-9):
            assert found[part] == pytest.approx(np.sqrt(np.square(slopes).sum()), abs=1e-6)


@pytest.mark.parametrize("name", ["cancelling_units", "cancelling_heads"])
def test_parts_that_cancel_go_together_though_none_goes_alone(unit, name):
    problem, truth = unit(name)
    assert score(problem, truth, method("joint_elimination").solve(problem, np.random.default_rng(0)))["minimal"] == 1


def test_a_counterexample_saves_a_gate_that_the_sample_does_not_show(unit):
    units = [unit("seldom", seed) for seed in range(4)]
    blind, guided = (
        [score(*pair, method(name).solve(pair[0], np.random.default_rng(0)))["exact"] for pair in units]
        for name in ("backward_elimination", "counterexample_elimination")
    )
    assert np.mean(guided) == 1
    assert np.mean(blind) < 1


def test_no_method_goes_beyond_the_budget(unit):
    problem, _ = unit("gates")
    experiment = Experiment(problem, np.random.default_rng(0))
    experiment.budget.left = len(experiment.inputs) - 1
    with pytest.raises(Unsupported, match="more passes"):
        experiment.equal(experiment.everything())


@pytest.mark.parametrize("name", ["gates", "cancelling_heads"])
def test_the_reverse_sweep_is_a_loop_over_parts_from_the_output_down(unit, name):
    problem, _ = unit(name)
    keep = np.ones(len(problem.parts), bool)
    for part in range(len(problem.parts) - 1, -1, -1):
        keep[part] = False
        keep[part] = not same_on_sample(problem, keep)
    assert np.array_equal(method("reverse_sweep").solve(problem, np.random.default_rng(0)).keep, keep)


@pytest.mark.slow
def test_restarts_find_the_cheap_copy_more_often_than_one_order_does(unit):
    units = [unit("dear_copy", seed) for seed in range(3)]
    single, many = (
        [score(*pair, method(name).solve(pair[0], np.random.default_rng(0)))["compression"] for pair in units]
        for name in ("joint_elimination", "restarted_elimination")
    )
    assert np.mean(many) > np.mean(single)
