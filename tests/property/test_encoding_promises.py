"""What every encoding method and control promises: units, no look at other test rows, silence on constants."""

import dataclasses

import numpy as np
import pytest

from bench.core.catalogue import literal_facts, load_plugin
from bench.core.config import ROOT
from bench.core.contract import Unsupported, generator
from bench.tracks.encoding.types import check

TRACK = ROOT / "bench" / "tracks" / "encoding"
PLANTED = load_plugin(TRACK / "tasks" / "planted.py")
METHODS = {path.stem: path for path in sorted((TRACK / "methods").glob("*.py"))}
NOISE = {name: TRACK / "controls" / f"{name}.py" for name in ("autocorrelated_features", "matched_spectrum_features")}
SCALED = [name for name, path in METHODS.items() if "scale" in literal_facts(path)[1].get("INVARIANT_TO", ())]
every = pytest.mark.parametrize("method", METHODS)


def problem_for(method, instance="lagged_volts"):
    chosen = "counts" if method == "poisson_glm" else instance
    return PLANTED.generate(chosen, 0, generator("property", chosen), None)[0]


def predict(method, problem):
    answer = load_plugin({**METHODS, **NOISE}[method]).solve(problem, generator("method", method))
    check(problem, answer)
    return answer.predictions


@pytest.mark.parametrize("method", SCALED)
@pytest.mark.parametrize("unit", [1e-13, 1e-6, 1e3])
def test_predictions_scale_with_the_unit_of_the_responses(method, unit):
    problem = problem_for(method)
    scaled = dataclasses.replace(problem, train_responses=unit * problem.train_responses)
    expected = predict(method, problem)
    np.testing.assert_allclose(predict(method, scaled), unit * expected, rtol=0, atol=1e-6 * unit * np.ptp(expected))


@pytest.mark.parametrize("method", METHODS)
def test_predictions_do_not_depend_on_the_units_of_the_features(method):
    problem = problem_for(method)
    units = np.array([1e-13, 1e6])[problem.bands % 2]
    scaled = dataclasses.replace(
        problem, train_features=problem.train_features * units, test_features=problem.test_features * units
    )
    expected = predict(method, problem)
    np.testing.assert_allclose(predict(method, scaled), expected, rtol=0, atol=1e-6 * np.ptp(expected))


@every
def test_what_is_predicted_for_a_run_does_not_depend_on_the_other_test_runs(method):
    problem = problem_for(method)
    kept = problem.test_groups == problem.test_groups[0]
    alone = dataclasses.replace(
        problem, test_features=problem.test_features[kept], test_groups=problem.test_groups[kept]
    )
    expected = predict(method, problem)
    np.testing.assert_allclose(predict(method, alone), expected[kept], rtol=0, atol=1e-9 * np.ptp(expected))


@every
def test_a_feature_that_is_constant_in_training_has_no_part(method):
    problem = problem_for(method)
    wild = np.random.default_rng(0).normal(size=(len(problem.test_features), 1))
    added = dataclasses.replace(
        problem,
        train_features=np.column_stack([problem.train_features, np.full(len(problem.train_features), 0.3)]),
        test_features=np.column_stack([problem.test_features, wild]),
        bands=np.append(problem.bands, problem.bands[-1]),
    )
    flat = dataclasses.replace(added, test_features=np.column_stack([problem.test_features, np.full_like(wild, 0.3)]))
    expected = predict(method, flat)
    np.testing.assert_allclose(predict(method, added), expected, rtol=0, atol=1e-9 * np.ptp(expected))


@pytest.mark.parametrize("method", ["lagged_ridge", "banded_ridge", "poisson_glm"])
def test_an_offset_of_the_features_is_no_step_at_the_start_of_a_run(method):
    problem = problem_for(method)
    offset = 30 * problem.train_features.std(axis=0)
    moved = dataclasses.replace(
        problem, train_features=problem.train_features + offset, test_features=problem.test_features + offset
    )
    expected = predict(method, problem)
    np.testing.assert_allclose(predict(method, moved), expected, rtol=0, atol=1e-6 * np.ptp(expected))


@every
def test_inputs_are_left_as_they_were_and_the_same_seed_gives_the_same_answer(method):
    problem, same = problem_for(method), problem_for(method)
    np.testing.assert_array_equal(predict(method, problem), predict(method, problem))
    for field in dataclasses.fields(problem):
        np.testing.assert_array_equal(getattr(problem, field.name), getattr(same, field.name))


@every
def test_a_single_run_and_a_single_target_are_enough(method):
    problem = problem_for(method)
    one = dataclasses.replace(
        problem, train_groups=np.zeros_like(problem.train_groups), train_responses=problem.train_responses[:, :1]
    )
    assert predict(method, one).shape == (len(problem.test_features), 1)


@every
def test_more_features_than_samples_are_no_obstacle(method):
    problem = problem_for(method)
    few = np.arange(len(problem.train_groups)) % len(problem.train_groups) < 40
    wide = np.random.default_rng(0).normal(size=(40 + len(problem.test_groups), 90))
    made = dataclasses.replace(
        problem, train_features=wide[:40], train_responses=problem.train_responses[few],
        train_groups=np.repeat(np.arange(4), 10), test_features=wide[40:], bands=np.arange(90) % 3, max_lag=1,
    )  # fmt: skip
    assert np.isfinite(predict(method, made)).all()


def test_poisson_regression_declines_continuous_responses_with_the_reason():
    with pytest.raises(Unsupported, match="needs counts, these responses are continuous"):
        load_plugin(METHODS["poisson_glm"]).solve(problem_for("ridge"), generator(0))


def test_poisson_regression_predicts_silence_for_a_silent_target():
    problem = problem_for("poisson_glm")
    responses = problem.train_responses.copy()
    responses[:, 2] = 0
    responses[problem.train_groups != 1, 3] = 0
    rates = predict("poisson_glm", dataclasses.replace(problem, train_responses=responses))
    assert (rates[:, 2] == 0).all()
    assert (rates[:, 3] >= 0).all()


def test_poisson_regression_extrapolates_no_rate_beyond_those_it_has_fitted():
    problem = problem_for("poisson_glm")
    far = dataclasses.replace(problem, test_features=30 * problem.test_features)
    assert (predict("poisson_glm", far).max(axis=0) <= 3 * predict("poisson_glm", problem).max(axis=0)).all()


def test_the_oracle_declines_where_nothing_was_planted():
    problem, truth = PLANTED.generate("linear_clear", 0, generator("property"), None)
    oracle = load_plugin(TRACK / "controls" / "oracle.py")
    with pytest.raises(Unsupported, match="recorded, not planted"):
        oracle.solve(problem, None, truth=dataclasses.replace(truth, noiseless=None))


def test_new_phases_keep_spectra_and_cross_spectra_and_lose_the_timing():
    control = load_plugin(NOISE["matched_spectrum_features"])
    groups = np.repeat([0, 1], [64, 75])
    features = np.random.default_rng(0).normal(size=(139, 3)).cumsum(axis=0)
    surrogate = control.randomise_phases(features, groups, np.random.default_rng(1))
    for group in (0, 1):
        old, new = (np.fft.rfft(one[groups == group], axis=0) for one in (features, surrogate))
        np.testing.assert_allclose(np.abs(new[1:-1]), np.abs(old[1:-1]), rtol=1e-6)
        np.testing.assert_allclose(new[1:-1, 0] / new[1:-1, 1], old[1:-1, 0] / old[1:-1, 1], rtol=1e-6)
        np.testing.assert_allclose(new[0], old[0], rtol=1e-9)
        assert np.abs(np.corrcoef(surrogate[groups == group, 0], features[groups == group, 0])[0, 1]) < 0.9


def test_smooth_noise_has_the_memory_that_was_asked_for():
    control = load_plugin(NOISE["autocorrelated_features"])
    noise = control.smooth_noise(20_000, np.array([0.0, 0.5, 0.95]), np.random.default_rng(0))
    found = [np.corrcoef(column[1:], column[:-1])[0, 1] for column in noise.T]
    np.testing.assert_allclose(found, [0.0, 0.5, 0.95], atol=0.03)
