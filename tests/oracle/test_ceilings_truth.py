"""The track `ceilings`: reliability by closed form and by simulation, estimators against textbook formulas."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from bench.core.catalogue import load_plugin
from bench.core.config import ROOT
from bench.core.contract import InvalidAnswer, generator
from bench.kernels.correlation import correlate_columns
from bench.neuro import ceilings
from bench.neuro.repeats import halves, mean_response, mean_squares, pairwise, prophecy, random_halves
from bench.tracks.ceilings.types import Answer, Problem, check

TRACK = ROOT / "bench" / "tracks" / "ceilings"
PLANTED, SCORE = load_plugin(TRACK / "tasks" / "planted.py"), load_plugin(TRACK / "score.py")
ESTIMATORS = ("anova", "icc_consistency", "leave_one_out", "nsd_noise_ceiling", "pairwise_correlation", "split_half")


def method(name, kind="methods"):
    return load_plugin(TRACK / kind / f"{name}.py")


def made(instance, seed=0):
    return PLANTED.generate(instance, seed, generator("test", instance, seed), None)


def gaussian(repeats=4, stimuli=40, targets=5, snr=0.5, seed=0):
    rng = np.random.default_rng(seed)
    values = rng.normal(size=(1, stimuli, targets)) + rng.normal(size=(repeats, stimuli, targets)) / np.sqrt(snr)
    return Problem(values * 1e-6 + 3e-6, np.ones((repeats, stimuli), bool), "presentations", "V")


@pytest.mark.parametrize("instance", sorted(PLANTED.DESIGNS))
def test_the_planted_reliability_is_the_share_of_signal_in_simulated_means(instance):
    """One signal, 100 draws of the noise: the mean over targets and draws of the noise variance of the mean response is
    the closed form's, within 4 standard errors of it."""
    design, rng = PLANTED.DESIGNS[instance], np.random.default_rng(0)
    signal, present = PLANTED.draw_signal(design, rng), PLANTED.draw_present(design, rng)
    np.testing.assert_allclose(signal.var(axis=0), 1)
    gains = np.linspace(0.5, 1.5, design.repeats) if design.subjects else np.ones(design.repeats)
    rho = np.full(PLANTED.TARGETS, 0.3)
    variance = PLANTED.noise_variance(design, rho, gains, present)
    found = []
    for _ in range(100):
        noise = PLANTED.draw_noise(design, signal, variance, rng)
        found.append(mean_response(noise, present).var(axis=0).mean())
    expected = gains.mean() ** 2 * (1 / 0.3 - 1)
    assert np.mean(found) == pytest.approx(expected, abs=4 * np.std(found) / np.sqrt(100))


def test_the_root_of_the_planted_reliability_is_what_the_noiseless_signal_reaches():
    """Mean over the targets of `plenty` and five seeds of r(signal, mean) / sqrt(rho)."""
    ratios = []
    for seed in range(5):
        problem, truth = made("plenty", seed)
        r = correlate_columns(truth.noiseless, mean_response(problem.responses, problem.present))
        ratios.append(float((r / np.sqrt(truth.reliability)).mean()))
    assert np.mean(ratios) == pytest.approx(1, abs=0.02)


def test_missing_repeats_count_for_nothing():
    problem, _ = made("uneven")
    assert set(problem.present.sum(axis=0)) == {1, 2, 3, 4}
    spoilt = replace(problem, responses=np.where(problem.present[..., None], problem.responses, 1e3))
    for name in (
        "anova",
        "icc_consistency",
        "leave_one_out",
        "nsd_noise_ceiling",
        "pairwise_correlation",
        "split_half",
    ):
        answers = [method(name).solve(one, np.random.default_rng(0)).reliability for one in (problem, spoilt)]
        np.testing.assert_allclose(*answers, rtol=1e-9)


# -- estimators -------------------------------------------------------------------------------------------------------


def test_the_analysis_of_variance_is_the_textbook_one():
    """ICC(1, k) = (MSB - MSW) / MSB from sums of squares of scipy's one-way analysis."""
    problem = gaussian()
    found = method("anova").solve(problem, None)
    for target in range(5):
        f = stats.f_oneway(*problem.responses[:, :, target].T).statistic
        assert found.reliability[target] == pytest.approx(1 - 1 / f, rel=1e-9)
        low = 1 - stats.f.ppf(0.975, 39, 120) / f  # McGraw and Wong: 1 - 1 / (F / F quantile)
        assert found.low[target] == pytest.approx(low, rel=1e-9)
        assert found.high[target] == pytest.approx(1 - stats.f.ppf(0.025, 39, 120) / f, rel=1e-9)


def test_consistency_is_cronbachs_alpha():
    """k / (k - 1) (1 - sum of the repeats' variances / variance of their sum), whatever their offsets."""
    problem = gaussian()
    problem = replace(problem, responses=problem.responses + 1e-5 * np.arange(4)[:, None, None])
    values = problem.responses
    alpha = 4 / 3 * (1 - values.var(axis=1, ddof=1).sum(axis=0) / values.sum(axis=0).var(axis=0, ddof=1))
    np.testing.assert_allclose(method("icc_consistency").solve(problem, None).reliability, alpha, rtol=1e-9)


def test_the_intervals_cover_what_they_promise():
    """2,000 targets of Gaussian repeats with random signals: within 4 standard errors of .95."""
    rng = np.random.default_rng(0)
    snr = rng.uniform(0.05, 2, size=2000)
    values = rng.normal(size=(1, 40, 2000)) + rng.normal(size=(3, 40, 2000)) / np.sqrt(snr)
    problem = Problem(values, np.ones((3, 40), bool), "presentations", "z")
    for name in ("anova", "icc_consistency"):
        answer = method(name).solve(problem, None)
        rho = ceilings.reliability(snr, 3)
        inside = ((answer.low <= rho) & (rho <= answer.high)).mean()
        assert inside == pytest.approx(0.95, abs=4 * np.sqrt(0.95 * 0.05 / 2000))


def test_pairs_and_halves_are_those_of_the_balanced_estimators():
    problem = gaussian(repeats=2)
    one = ceilings.corrected_explained_variance(problem.responses)
    np.testing.assert_allclose(pairwise(problem.responses, problem.present), one, rtol=1e-9)
    np.testing.assert_allclose(prophecy(one, 1 / 2), ceilings.spearman_brown(one), rtol=1e-9)
    rng = np.random.default_rng(0)
    expected = ceilings.split_half(problem.responses, rng)
    np.testing.assert_allclose(method("split_half").solve(problem, rng).reliability, expected, rtol=1e-9)
    four = gaussian(repeats=4)
    expected = ceilings.split_half(four.responses, rng)
    np.testing.assert_allclose(method("split_half").solve(four, rng).reliability, expected, rtol=1e-9)


def test_random_halves_are_disjoint_and_of_the_size():
    present = np.arange(4)[:, None] < np.array([1, 2, 3, 4, 4])
    one, other = random_halves(present, 1, np.random.default_rng(0))
    assert not (one & other).any()
    assert ((one | other) <= present).all()
    assert one.sum(axis=0).tolist() == other.sum(axis=0).tolist() == [0, 1, 1, 1, 1]
    assert len(halves(np.ones((3, 5), bool), 1, 30, np.random.default_rng(0))) == 3
    assert len(halves(np.ones((6, 5), bool), 3, 30, np.random.default_rng(0))) == 10
    one, other = random_halves(np.ones((4, 6), bool), 2, np.random.default_rng(0))
    assert (one == one[:, :1]).all()
    assert (one ^ other).all()


@pytest.mark.parametrize(("snr", "others"), [(0.05, 1.0), (0.7, 3.0), (4.0, 9.0)])
def test_leave_one_out_is_solved_for_the_ratio_that_gave_it(snr, others):
    r = np.sqrt(ceilings.reliability(snr, 1) * snr / (snr + 1 / others))
    assert method("leave_one_out").ratio(np.array(r), others) == pytest.approx(snr, rel=1e-9)


def test_leave_one_out_averages_correlations_with_the_others():
    problem = gaussian()
    r, others = method("leave_one_out").left_out(problem)
    rest = [np.delete(problem.responses, repeat, axis=0).mean(axis=0) for repeat in range(4)]
    direct = [correlate_columns(one, other) for one, other in zip(problem.responses, rest, strict=True)]
    np.testing.assert_allclose(r, np.mean(direct, axis=0), rtol=1e-9)
    assert others == pytest.approx(3)


def test_the_noise_ceiling_of_the_natural_scenes_is_that_of_its_description():
    """z-score each repeat; noise sd = root mean variance over repeats; ncsnr; ncsnr^2 / (ncsnr^2 + 1 / R)."""
    problem = gaussian(snr=2.0)
    values = stats.zscore(problem.responses, axis=1, ddof=1)
    noise = values.var(axis=0, ddof=1).mean(axis=0)
    ncsnr = np.sqrt(1 - noise) / np.sqrt(noise)
    expected = ncsnr**2 / (ncsnr**2 + 1 / 4)
    np.testing.assert_allclose(method("nsd_noise_ceiling").solve(problem, None).reliability, expected, rtol=1e-9)


def test_the_density_of_empirical_bayes_is_that_of_a_scaled_f():
    bayes = method("empirical_bayes")
    found = bayes.density(np.array([0.7, 3.0]), 39, 80)
    expected = stats.f.pdf(np.array([[0.7], [3.0]]) * (1 - bayes.GRID), 39, 80) * (1 - bayes.GRID)
    np.testing.assert_allclose(found, expected / expected.max(axis=1, keepdims=True), rtol=1e-8)


def test_empirical_bayes_beats_single_targets_where_all_are_alike_and_finds_none_in_noise():
    rng = np.random.default_rng(0)
    values = rng.normal(size=(1, 40, 200)) + rng.normal(size=(3, 40, 200)) / np.sqrt(0.3)
    problem = Problem(values, np.ones((3, 40), bool), "presentations", "z")
    rho = ceilings.reliability(0.3, 3)
    errors = {
        name: np.sqrt(np.square(method(name).solve(problem, None).reliability - rho).mean())
        for name in ("empirical_bayes", "icc_consistency")
    }
    assert errors["empirical_bayes"] < errors["icc_consistency"] / 2


@pytest.mark.parametrize("name", ESTIMATORS)
def test_estimators_find_the_closed_form_with_many_stimuli_and_even_where_repeats_are_missing(name):
    """Mean over 200 targets of 400 stimuli, whose error lies below .01."""
    rng = np.random.default_rng(1)
    values = rng.normal(size=(1, 400, 200)) + rng.normal(size=(4, 400, 200)) / np.sqrt(0.4)
    for present in (np.ones((4, 400), bool), np.arange(4)[:, None] < 1 + np.arange(400) % 4):
        problem = Problem(np.where(present[..., None], values, 0), present, "presentations", "z")
        found = method(name).solve(problem, np.random.default_rng(0)).reliability
        rho = 0.4 / (0.4 + (1 / present.sum(axis=0)).mean())
        assert found.mean() == pytest.approx(rho, abs=0.025)


def test_offsets_of_targets_make_noise_reliable_for_the_mutant_alone():
    """The figure of the design notes: pure noise with voxel offsets has .99 when voxels are flattened."""
    rng = np.random.default_rng(0)
    values = rng.normal(size=(2, 100, 50)) + 12 * rng.normal(size=50)
    problem = Problem(values, np.ones((2, 100), bool), "presentations", "z")
    assert method("split_half_flattened", "mutants").solve(problem, rng).reliability.mean() > 0.99
    assert abs(method("split_half").solve(problem, rng).reliability.mean()) < 0.06


def test_nothing_repeated_is_refused():
    with pytest.raises(ValueError, match="no stimulus was repeated"):
        mean_squares(np.zeros((1, 5, 2)), np.ones((1, 5), bool), centred=False)


def test_answers_that_are_no_reliabilities_are_refused():
    problem = gaussian(targets=2)
    fine = np.array([-3.0, 1.0])
    check(problem, Answer(fine, fine - 1, fine))
    for bad in (
        Answer(np.array([0.5]), None, None),
        Answer(np.array([0.5, 1.2]), None, None),
        Answer(fine, fine, None),
        Answer(fine, fine, fine - 1),
    ):
        with pytest.raises(InvalidAnswer):
            check(problem, bad)


# -- scorers: (estimates, planted, noiseless, mean response) -> the true model's score ---------------------------------


def sound(found, r):
    return float(r.sum() / np.sqrt(np.maximum(found, 0)).sum())


def divided_by_reliability(found, r):
    return float(r.sum() / np.maximum(found, 0).sum())


def clipped(found, r):
    return float(np.minimum(r / np.sqrt(found), 1).mean())


def true_scores(scorer):
    scores = []
    for seed in range(8):
        problem, truth = made("few", seed)
        r = correlate_columns(truth.noiseless, mean_response(problem.responses, problem.present))
        scores.append(scorer(truth.reliability, r))
    return np.array(scores)


def test_under_the_right_ceiling_the_true_model_scores_1():
    scores = true_scores(sound)
    assert scores.mean() == pytest.approx(1, abs=0.015)
    problem, truth = made("few")
    values = SCORE.score(problem, truth, Answer(truth.reliability, None, None))
    r = correlate_columns(truth.noiseless, mean_response(problem.responses, problem.present))
    assert values["true_model_off"] == pytest.approx(abs(sound(truth.reliability, r) - 1))
    assert values["error"] == values["bias"] == 0


@pytest.mark.parametrize("scorer", [divided_by_reliability, clipped], ids=lambda one: one.__name__)
def test_a_broken_scorer_is_off_1_for_the_true_model(scorer):
    with pytest.raises(AssertionError):
        assert true_scores(scorer).mean() == pytest.approx(1, abs=0.015)


def test_an_error_of_either_sign_is_an_error_and_bias_may_cancel():
    problem, truth = made("few")
    off = np.where(np.arange(PLANTED.TARGETS) % 2 == 0, 0.1, -0.1)
    values = SCORE.score(problem, truth, Answer(truth.reliability + off, None, None))
    assert values["error"] == pytest.approx(0.1)
    assert values["bias"] == pytest.approx(0, abs=1e-12)
