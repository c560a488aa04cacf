"""The planted generators meet their theory: noise, reliability by two routes, the oracle, what linear models see."""

import dataclasses

import numpy as np
import pytest
from scipy import stats

from bench.core.catalogue import load_plugin
from bench.core.config import ROOT
from bench.core.contract import generator
from bench.kernels.correlation import correlate_folds
from bench.kernels.regression import lagged_design
from bench.neuro.ceilings import split_half

TRACK = ROOT / "bench" / "tracks" / "encoding"
PLANTED = load_plugin(TRACK / "tasks" / "planted.py")
SCORE = load_plugin(TRACK / "score.py")
ORACLE = load_plugin(TRACK / "controls" / "oracle.py")
LIVE = [name for name, facts in PLANTED.INSTANCES.items() if not facts["null"]]
NULL = [name for name, facts in PLANTED.INSTANCES.items() if facts["null"]]
live = pytest.mark.parametrize("instance", LIVE)


def make(instance, seed, design=None):
    """A unit as the suite makes it."""
    PLANTED.DESIGNS, kept = PLANTED.DESIGNS | {instance: design or PLANTED.DESIGNS[instance]}, PLANTED.DESIGNS
    try:
        return PLANTED.generate(instance, seed, generator("test", instance, seed), None)
    finally:
        PLANTED.DESIGNS = kept


def world(instance, seed=0, **changes):
    design = dataclasses.replace(PLANTED.DESIGNS[instance], **changes)
    return design, PLANTED.draw_world(design, np.random.default_rng(seed))


def within_interval(draws, expected, level=0.999):
    """Whether the t interval of the mean holds `expected`; at .999 one in a thousand sound generators fails."""
    low, high = stats.t.interval(level, len(draws) - 1, np.mean(draws), stats.sem(draws))
    return low <= expected <= high


@pytest.mark.parametrize("memory", [0.0, 0.6, 0.9])
def test_autoregressive_series_have_the_stated_memory_and_lose_the_stated_variance_with_their_mean(memory):
    groups = np.repeat(np.arange(500), 40)
    series = PLANTED.autoregressive(groups, 1, memory, np.random.default_rng(0)).reshape(500, 40)
    kept = series.var(axis=1)
    assert within_interval(kept, PLANTED.kept_variance(40, memory))
    step = np.square(np.diff(series, axis=1)).mean(axis=1)  # the mean drops out: 2 (1 - memory)
    assert within_interval(step, 2 * (1 - memory))


def test_the_kept_variance_is_that_of_the_covariance_matrix():
    covariance = 0.7 ** np.abs(np.subtract.outer(np.arange(9), np.arange(9)))
    centring = np.eye(9) - 1 / 9
    assert PLANTED.kept_variance(9, 0.7) == pytest.approx(np.trace(centring @ covariance @ centring) / 9)


@live
def test_the_stated_reliability_is_that_of_split_halves_of_simulated_repeats(instance):
    """Closed form against simulation: 24 repeats, halves of 12, prophesied to the repeats of the instance."""
    design, drawn = world(instance, test_runs=12)
    repeats = PLANTED.draw_repeats(drawn, design, 24, np.random.default_rng(1))[:, drawn.training :]
    runs = drawn.groups[drawn.training :]
    halves = np.random.default_rng(2)
    whole = np.mean([split_half(repeats[:, runs == run], halves, splits=20) for run in np.unique(runs)], axis=0)
    single = whole / (24 - 23 * whole)
    found = design.repeats * single / (1 + (design.repeats - 1) * single)
    np.testing.assert_allclose(found.mean(), PLANTED.stated_reliability(drawn, design).mean(), atol=0.03)


@pytest.mark.parametrize("instance", [name for name in LIVE if not PLANTED.DESIGNS[name].is_counts])
def test_the_ratio_of_signal_to_noise_variance_is_the_stated_one(instance):
    design, drawn = world(instance)
    noise = PLANTED.draw_repeats(drawn, design, 40, np.random.default_rng(1)) - drawn.signal
    kept = noise.var(axis=(0, 1)) / PLANTED.kept_variance(design.rows, design.noise_memory)
    ratio = drawn.signal.var(axis=0) / kept
    np.testing.assert_allclose(ratio / np.geomspace(*design.snr, design.targets), 1, atol=0.15)


@live
def test_the_oracle_scores_1_within_its_interval(instance):
    scores = []
    for seed in range(40):
        problem, truth = make(instance, seed)
        scores.append(SCORE.score(problem, truth, ORACLE.solve(problem, None, truth=truth)))
    assert within_interval([score["correlation"] for score in scores], 1.0)
    assert np.mean([score["r2"] for score in scores]) == pytest.approx(1.0, abs=0.08)


@live
def test_the_oracle_scores_1_where_there_is_no_noise(instance):
    problem, truth = make(instance, 0)
    still = dataclasses.replace(truth, test_responses=truth.noiseless, reliability=np.ones(len(truth.selected)))
    found = SCORE.score(problem, still, ORACLE.solve(problem, None, truth=still))
    assert found["correlation"] == pytest.approx(1, abs=1e-12)
    assert found["r2"] == pytest.approx(1, abs=1e-12)


@pytest.mark.parametrize("depth", [0.5, 1.1])
def test_a_linear_model_of_a_modulated_gain_reaches_the_share_that_theory_states(depth):
    """corr(a e^(d u), a) = exp(-d^2 / 2) for independent standard normal a and u; in long runs, without noise."""
    _, drawn = world("gain_weak", depth=depth, rows=20_000, train_runs=1, test_runs=1)
    x, y = drawn.features[:20_000], drawn.signal[:20_000]
    weights = np.linalg.lstsq(x, y, rcond=None)[0]
    r = correlate_folds(drawn.features[20_000:] @ weights, drawn.signal[20_000:], np.zeros(20_000))
    assert r.mean() == pytest.approx(np.exp(-(depth**2) / 2), abs=0.02)


@pytest.mark.parametrize("instance", ["linear_clear", "collinear", "sparse", "banded", "lagged_volts"])
def test_the_planted_signal_is_a_weighted_sum_of_the_features_that_the_instance_names(instance):
    design, drawn = world(instance, rows=300)
    x = lagged_design(drawn.features, drawn.groups, np.arange(design.max_lag + 1))
    x = np.column_stack([x / x.std(axis=0), drawn.groups[:, None] == np.unique(drawn.groups)])
    left = drawn.signal - x @ np.linalg.lstsq(x, drawn.signal, rcond=None)[0]
    assert left.var() < 0.01  # signals are standardised run by run, which a common weight cannot follow
    if instance == "banded":
        few = x[:, [*range(5), *range(-11, 0)]]
        assert (drawn.signal - few @ np.linalg.lstsq(few, drawn.signal, rcond=None)[0]).var() < 0.01


def test_counts_have_the_mean_and_the_variance_of_their_rate():
    design, drawn = world("counts")
    counts = PLANTED.draw_repeats(drawn, design, 400, np.random.default_rng(0))
    assert counts.mean() == pytest.approx(drawn.signal.mean(), rel=0.02)
    assert counts.var(axis=0).mean() == pytest.approx(drawn.signal.mean(), rel=0.02)
    assert (counts == np.round(counts)).all()


@pytest.mark.parametrize("instance", NULL)
def test_null_responses_are_drawn_without_the_features(instance):
    """The same noise comes with quite other features: nothing of them enters, and no reliability is claimed."""
    design, drawn = world(instance)
    other = dataclasses.replace(drawn, features=np.zeros_like(drawn.features))
    first, second = (PLANTED.draw_repeats(one, design, 1, np.random.default_rng(3)) for one in (drawn, other))
    np.testing.assert_array_equal(first, second)
    assert np.ptp(drawn.signal) == 0
    _, truth = make(instance, 0)
    assert truth.null
    assert truth.reliability is None


@pytest.mark.parametrize(("instance", "size"), [("lagged_volts", 1e-5), ("lagged_tesla", 1e-13), ("linear_clear", 1.0)])
def test_responses_come_in_real_units(instance, size):
    problem, truth = make(instance, 0)
    assert 0.5 < truth.noiseless.std() / size < 2
    assert 0.5 < problem.train_responses.std() / size < 10


@live
def test_another_seed_is_another_truth_and_the_same_seed_the_same(instance):
    (first, truth), (again, same), (_, other) = make(instance, 0), make(instance, 0), make(instance, 1)
    np.testing.assert_array_equal(first.train_responses, again.train_responses)
    np.testing.assert_array_equal(truth.test_responses, same.test_responses)
    assert np.abs(correlate_folds(truth.noiseless, other.noiseless, first.test_groups)).mean() < 0.5
