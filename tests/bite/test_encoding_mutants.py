"""Every encoding mutant loses to its sound parent on the units that its defect touches, and only there."""

import numpy as np
import pytest
from scipy import stats

from bench.core.catalogue import literal_facts, load_plugin
from bench.core.config import ROOT
from bench.core.contract import generator

TRACK = ROOT / "bench" / "tracks" / "encoding"
PLANTED, SCORE = load_plugin(TRACK / "tasks" / "planted.py"), load_plugin(TRACK / "score.py")
MUTANTS = {path.stem: literal_facts(path)[1] for path in sorted((TRACK / "mutants").glob("*.py"))}
SEEDS = range(5)


def scores(folder, name, instance, metric):
    solve = load_plugin(TRACK / folder / f"{name}.py").solve
    found = []
    for seed in SEEDS:
        problem, truth = PLANTED.generate(instance, seed, generator("bite", instance, seed), None)
        found.append(SCORE.score(problem, truth, solve(problem, generator("bite", name, seed)))[metric])
    return np.array(found)


def lost(mutant, instance):
    facts = MUTANTS[mutant]
    metric = facts.get("METRIC", "correlation")
    parent = scores("methods", facts["MUTANT_OF"], instance, metric)
    return scores("mutants", mutant, instance, metric) - parent


@pytest.mark.parametrize("mutant", MUTANTS)
def test_a_mutant_loses_to_its_parent_with_the_interval_off_zero(mutant):
    cells = [lost(mutant, name.removeprefix("planted/")) for name in MUTANTS[mutant]["TOUCHES"]]
    draws = np.mean(cells, axis=0)
    _, high = stats.t.interval(0.95, len(draws) - 1, draws.mean(), stats.sem(draws))
    assert high < 0
    assert all(cell.mean() < 0 for cell in cells)


@pytest.mark.parametrize(
    ("mutant", "instance"),
    [("absolute_epsilon", "linear_graded"), ("shuffled_folds", "linear_clear"), ("runs_joined", "linear_clear")],
)
def test_a_mutant_is_as_good_as_its_parent_where_its_defect_does_not_matter(mutant, instance):
    assert np.abs(lost(mutant, instance)).max() < 0.02


@pytest.mark.parametrize("control", ["autocorrelated_features", "matched_spectrum_features"])
@pytest.mark.parametrize("instance", ["linear_slow", "lagged_volts"])
def test_noise_features_score_0_within_their_null_spread_on_slow_responses(control, instance):
    found = scores("controls", control, instance, "correlation")
    low, high = stats.t.interval(0.99, len(found) - 1, found.mean(), stats.sem(found))
    assert low < 0 < high


def test_smooth_noise_predicts_under_shuffled_folds_what_it_cannot_predict_in_held_out_runs():
    """The leak that the grouped split of the task shuts: test samples whose neighbours are in the training set."""
    noise = load_plugin(TRACK / "controls" / "autocorrelated_features.py")
    ridge = load_plugin(TRACK / "methods" / "ridge.py")
    leaked, grouped = [], []
    for seed in SEEDS:
        problem, _ = PLANTED.generate("linear_slow", seed, generator("bite", seed), None)
        rng = generator("leak", seed)
        features = noise.smooth_noise(len(problem.train_groups), np.full(100, 0.95), rng)
        shuffled = rng.permutation(len(features))
        held_run = np.argsort(problem.train_groups == 5, kind="stable")
        for order, kept in ((shuffled, leaked), (held_run, grouped)):
            train, test = order[:-60], order[-60:]
            part = type(problem)(
                features[train], problem.train_responses[train], np.arange(len(train)), features[test],
                np.zeros(60, dtype=int), np.zeros(100, dtype=int), 1.0, 0, "z", "continuous",
            )  # fmt: skip
            predicted = ridge.solve(part, rng).predictions
            r = [np.corrcoef(a, b)[0, 1] for a, b in zip(predicted.T, problem.train_responses[test].T, strict=True)]
            kept.append(np.mean(r))
    assert np.mean(leaked) > 0.4
    assert abs(np.mean(grouped)) < 0.2
