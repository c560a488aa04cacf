"""Alignment of subjects: generators against theory, methods against fmralign and closed forms, scores by hand."""

import dataclasses

import numpy as np
import pytest
from fmralign.methods.optimal_transport import OptimalTransport
from fmralign.methods.procrustes import scaled_procrustes
from scipy.linalg import orthogonal_procrustes
from sklearn.linear_model import Ridge

from bench.core.catalogue import load_plugin
from bench.core.config import ROOT
from bench.core.contract import InvalidAnswer, generator
from bench.kernels.regression import PENALTIES
from bench.tracks.subjects import alignment, score
from bench.tracks.subjects.types import Answer, check

TRACK = ROOT / "bench" / "tracks" / "subjects"
TASK = load_plugin(TRACK / "tasks" / "planted.py")
METHODS = {path.stem: load_plugin(path) for path in sorted((TRACK / "methods").glob("*.py"))}
LIVE = [name for name, facts in TASK.INSTANCES.items() if not facts["null"]]
every = pytest.mark.parametrize("method", METHODS)


def make(instance, seed=0, **changes):
    """A unit as the suite makes it, with its design changed."""
    with pytest.MonkeyPatch.context() as patch:
        design = dataclasses.replace(TASK.DESIGNS[instance], **changes)
        patch.setattr(TASK, "DESIGNS", TASK.DESIGNS | {instance: design})
        return TASK.generate(instance, seed, generator("subjects", instance, seed), None)


def solve(method, problem):
    return METHODS[method].solve(problem, np.random.default_rng(0))


# -- generators -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("instance", LIVE)
def test_signals_have_variance_1_and_noise_the_stated_one(instance):
    problem, truth = make(instance, test=3000)
    assert truth.signal.var(axis=0).mean() == pytest.approx(1, abs=0.1)
    snr = TASK.DESIGNS[instance].snr
    assert problem.test.var(axis=1).mean() == pytest.approx(1 + 1 / snr, rel=0.1)


@pytest.mark.parametrize("instance", LIVE)
def test_the_truth_is_a_map_of_what_subjects_share_and_of_nothing_they_do_not(instance):
    """Second route: without noise the first subject's signal is regressed on the others' responses."""
    problem, truth = make(instance, snr=1e12, test=1000)
    others = np.concatenate(list(problem.test[:, :500]), axis=1), np.concatenate(list(problem.test[:, 500:]), axis=1)
    weights = np.linalg.lstsq(others[0], truth.signal[:500], rcond=1e-6)[0]
    left = truth.signal[500:] - others[1] @ weights
    assert left.var() < (0.2 if instance == "compressed" else 1e-3) * truth.signal.var()
    if instance == "in_place":
        np.testing.assert_allclose(problem.test[0], truth.signal, atol=1e-5)
    if instance == "permuted":
        match = np.corrcoef(problem.test[0].T, truth.signal.T)[:60, 60:] > 1 - 1e-9
        np.testing.assert_array_equal(match.sum(axis=0), 1)


def test_on_null_units_no_regression_finds_anything():
    problem, truth = make("null_unrelated", snr=1e12, test=2000)
    assert truth.null
    features = problem.test[0]
    weights = np.linalg.lstsq(features[:1000], truth.signal[:1000], rcond=1e-6)[0]
    assert np.square(truth.signal[1000:] - features[1000:] @ weights).mean() > 0.9 * truth.signal[1000:].var()


# -- methods --------------------------------------------------------------------------------------------------------


def test_the_rotation_is_scipys_and_fmraligns():
    rng = np.random.default_rng(0)
    source, target = rng.normal(size=(2, 80, 30))
    found = alignment.rotation(source, target)
    np.testing.assert_allclose(found @ found.T, np.eye(30), atol=1e-10)
    np.testing.assert_allclose(found, orthogonal_procrustes(source, target)[0], atol=1e-8)
    np.testing.assert_allclose(found, scaled_procrustes(source, target, scaling=False)[0], atol=1e-8)
    found = alignment.rotation(source[:20], target[:20])  # 20 samples determine 20 of 30 directions
    np.testing.assert_allclose(
        found, scaled_procrustes(source[:20], target[:20], scaling=False, primal=False)[0], atol=1e-8
    )
    assert np.linalg.matrix_rank(found) == 20


@pytest.mark.filterwarnings("ignore:Sinkhorn")  # fmralign works in single precision
def test_the_coupling_is_fmraligns():
    rng = np.random.default_rng(0)
    source = rng.normal(size=(50, 12))
    target = source[:, rng.permutation(12)] + 0.5 * rng.normal(size=(50, 12))
    found = METHODS["optimal_transport"].coupling(source, target, 0.05)
    theirs = OptimalTransport(reg=0.05, max_iter=5000, tol=1e-9).fit(source, target).R
    np.testing.assert_allclose(found, theirs, atol=1e-4)
    np.testing.assert_allclose(found.sum(axis=0), 1 / 12, atol=1e-3)


def test_ridge_is_scikit_learns_at_the_penalty_it_chooses():
    problem, _ = make("few_stimuli", voxels=8, latents=3)
    train, others = alignment.standardise(problem.train, problem.test)
    found = METHODS["ridge"].align(train, problem.train_groups, others)
    features, new = (np.concatenate(list(part), axis=1) for part in (train[1:], others))
    tried = [Ridge(penalty * len(features)).fit(features, train[0]).predict(new) for penalty in PENALTIES]
    nearest = np.min([np.abs(one - found).max(axis=0) for one in tried], axis=0)
    assert nearest.max() < 1e-8


def test_the_shared_response_model_is_a_plain_loop_of_procrustes_problems():
    rng = np.random.default_rng(0)
    train = rng.normal(size=(3, 40, 9))
    courses, maps = METHODS["shared_response"].shared(train, 4, 5)
    whole = np.concatenate(list(train), axis=1)
    values, vectors = np.linalg.eigh(whole @ whole.T)
    expected = vectors[:, ::-1][:, :4] * np.sqrt(values[::-1][:4] / 3)
    for _ in range(5):
        plain = []
        for own in train:
            gram = own.T @ expected  # polar factor by an eigendecomposition
            inner, basis = np.linalg.eigh(gram.T @ gram)
            plain.append(gram @ basis / np.sqrt(inner) @ basis.T)
        expected = np.mean([own @ one for own, one in zip(train, plain, strict=True)], axis=0)
    np.testing.assert_allclose(courses @ courses.T, expected @ expected.T, atol=1e-8)  # signs of components are free
    for one, other in zip(maps, plain, strict=True):
        np.testing.assert_allclose(one.T @ one, np.eye(4), atol=1e-10)
        np.testing.assert_allclose(one @ one.T, other @ other.T, atol=1e-8)


def test_hyperalignment_makes_three_passes_as_written_out():
    rng = np.random.default_rng(0)
    train = rng.normal(size=(4, 50, 6))
    turn = lambda source, target: source @ orthogonal_procrustes(source, target)[0]  # noqa: E731
    first = [train[0]]
    for own in train[1:]:
        first.append(turn(own, np.mean(first, axis=0)))
    second = [turn(own, np.mean(first[:s] + first[s + 1 :], axis=0)) for s, own in enumerate(train)]
    np.testing.assert_allclose(METHODS["hyperalignment"].common_space(train), np.mean(second, axis=0), atol=1e-10)


@pytest.mark.parametrize("method", ["procrustes", "hyperalignment", "shared_response", "ridge"])
def test_rotations_of_one_signal_are_undone_where_there_is_no_noise(method):
    """Closed form: Y_s = S R_s, each of full rank, so that every rotation is determined."""
    rng = np.random.default_rng(0)
    signal = rng.normal(size=(300, 8))
    seen = np.stack([signal @ np.linalg.qr(rng.normal(size=(8, 8)))[0] for _ in range(4)])
    train, test = seen[:, :200], seen[:, 200:]
    groups = np.repeat(np.arange(5), 40)
    if method == "shared_response":
        found = METHODS[method].predict(train, test[1:], 8, 10)
    else:
        found = METHODS[method].align(train, groups, test[1:])
    assert np.abs(np.corrcoef(found.ravel(), test[0].ravel())[0, 1]) > 0.9999


def test_a_permutation_is_undone_by_transport_where_there_is_no_noise():
    rng = np.random.default_rng(0)
    signal = rng.normal(size=(200, 10))
    order = rng.permutation(10)
    found = METHODS["optimal_transport"].coupling(signal, signal[:, order], 0.02)
    np.testing.assert_allclose(10 * found, np.eye(10)[:, order], atol=1e-3)


@every
def test_units_of_voxels_change_no_decision(method):
    problem, _ = make("few_stimuli")
    units = np.geomspace(1e-13, 1e6, len(problem.train))[:, None, None]
    changed = dataclasses.replace(problem, train=problem.train * units, test=problem.test * units[1:])
    first, second = solve(method, problem), solve(method, changed)
    np.testing.assert_allclose(second.predictions / units[0], first.predictions, atol=1e-6)
    assert second.expected == pytest.approx(first.expected, abs=1e-6)


@every
def test_what_a_method_expects_is_what_it_reaches_on_noisy_responses(method):
    """Mean over units: expected on training groups held out, reached on the test responses with noise added."""
    gaps = []
    for seed in range(3):
        problem, truth = make("rotated", seed, voxels=24, latents=5, test=400)
        answer = solve(method, problem)
        noisy = truth.signal + np.random.default_rng(seed).normal(size=truth.signal.shape) * np.sqrt(2)
        gaps.append(score.correlate_columns(answer.predictions, noisy).mean() - answer.expected)
    assert -0.02 < np.mean(gaps) < 0.1  # a little more data than in a fold


# -- scores ---------------------------------------------------------------------------------------------------------


def mean_of_flattened(problem, truth, answer):
    return {"signal_correlation": float(np.corrcoef(answer.predictions.ravel(), truth.signal.ravel())[0, 1])}


def overlapping_rivals(predicted, signal, groups):
    """Every other segment is a rival, those that share a sample with the right one as well."""
    rows = score.segment_starts(groups)[:, None] + np.arange(score.SEGMENT)
    r = score.segments(predicted, rows) @ score.segments(signal, rows).T
    return float((r.argmax(axis=1) == np.arange(len(r))).mean())


def ties_won(predicted, signal, groups):
    starts = score.segment_starts(groups)
    rows = starts[:, None] + np.arange(score.SEGMENT)
    r = score.segments(predicted, rows) @ score.segments(signal, rows).T
    rivals = np.where(np.abs(starts[:, None] - starts) >= score.SEGMENT, r, -np.inf)
    return float((np.diag(r) >= rivals.max(axis=1)).mean())


def knowing_each_voxels_mean_scores_nothing(scored):
    problem, truth = make("rotated")
    moved = dataclasses.replace(truth, signal=truth.signal + 10 * np.arange(60))
    found = scored(problem, moved, Answer(np.tile(10.0 * np.arange(60), (120, 1)), 0.0))
    assert found["signal_correlation"] == 0


def silence_recognises_no_segment(matching):
    _, truth = make("rotated")
    assert matching(0 * truth.signal, truth.signal, np.repeat(np.arange(6), 20)) == 0


def blurred_time_is_no_error_of_segments_that_overlap(matching):
    """A prediction half a sample late still matches its own segment better than any that shares no sample with it."""
    signal = make("rotated")[1].signal
    assert matching(0.4 * signal + 0.6 * np.roll(signal, 1, axis=0), signal, np.repeat(np.arange(6), 20)) > 0.8


def test_the_sound_scorer_keeps_its_sentences_and_broken_ones_break_them():
    knowing_each_voxels_mean_scores_nothing(score.score)
    silence_recognises_no_segment(score.segment_matching)
    blurred_time_is_no_error_of_segments_that_overlap(score.segment_matching)
    for broken, sentence in (
        (mean_of_flattened, knowing_each_voxels_mean_scores_nothing),
        (ties_won, silence_recognises_no_segment),
        (overlapping_rivals, blurred_time_is_no_error_of_segments_that_overlap),
    ):
        with pytest.raises(AssertionError):
            sentence(broken)


def test_chance_of_segments_is_what_random_predictions_reach_and_the_oracle_is_perfect():
    problem, truth = make("rotated")
    rng = np.random.default_rng(0)
    noise = [rng.normal(size=truth.signal.shape) for _ in range(40)]
    found = np.mean([score.segment_matching(one, truth.signal, problem.test_groups) for one in noise])
    chance = score.closed_form(problem, truth)["segment_matching"]["floor"]
    assert found == pytest.approx(chance, abs=0.006)
    oracle = load_plugin(TRACK / "controls" / "oracle.py").solve(problem, None, truth=truth)
    assert score.score(problem, truth, oracle) == {"signal_correlation": pytest.approx(1), "segment_matching": 1}


def test_only_what_is_expected_above_0_is_a_false_expectation():
    problem, truth = make("null_unrelated")
    for expected, false in ((0.3, 0.3), (-0.3, 0.0)):
        assert score.score(problem, truth, Answer(truth.signal, expected)) == {"false_expectation": false}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"predictions": np.zeros((3, 60))}, "predictions have shape"),
        ({"predictions": np.full((120, 60), np.nan)}, "7200 values that are not finite"),
        ({"expected": 1.5}, "give a correlation"),
    ],
)
def test_answers_that_do_not_fit_are_refused(change, words):
    problem, truth = make("rotated")
    with pytest.raises(InvalidAnswer, match=words):
        check(problem, dataclasses.replace(Answer(truth.signal, 0.0), **change))
