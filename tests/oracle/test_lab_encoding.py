"""Folds, predictions, permutations and ceilings of a lab's recordings, against plain loops and planted truth."""

import dataclasses

import numpy as np
import pytest
from sklearn.linear_model import Ridge

from bench.core.contract import BadInput, generator
from bench.lab import encoding
from bench.lab.ceiling import find_ceiling
from bench.lab.features import Features, Model, align, random_vectors, stimuli_of
from bench.lab.settings import Encoding, completed
from bench.neuro.haemodynamics import GLOVER, convolve_events
from tests.lab_recordings import KINDS, LAG, RATE, SECONDS, made_recording

CHOSEN = completed(Encoding(lag=0.3, permutations=200, draws=2), "eeg")


def features_of(recording, alignment="average"):
    table = recording.events.sort_values(["run", "onset"], ignore_index=True)
    vectors = (table["trial_type"].to_numpy()[:, None] == np.array(KINDS)).astype(float)
    return align(table, [vectors], ["kind"], recording, dataclasses.replace(CHOSEN, alignment=alignment))


@pytest.fixture(scope="module")
def recording():
    return made_recording()


@pytest.fixture(scope="module")
def predicted(recording):
    folds = encoding.make_folds(recording, CHOSEN)
    return encoding.predict(features_of(recording), recording, folds, CHOSEN), folds


def test_an_event_stands_in_the_sample_at_which_it_began(recording):
    made = features_of(recording).values
    for row in recording.events.itertuples():
        sample = round(row.onset * RATE) + int((row.run - 1) * SECONDS * RATE)
        assert made[sample, KINDS.index(row.trial_type)] == 1
    assert made.sum() == len(recording.events)


def test_convolved_features_are_those_of_the_response_run_by_run(recording):
    made = features_of(recording, "glover").values
    for run in (1, 2, 3):
        events = recording.events[(recording.events["run"] == run) & (recording.events["trial_type"] == "low")]
        frames = np.arange(SECONDS * RATE) / RATE
        single = np.ones((len(events), 1))
        expected = convolve_events(events["onset"].to_numpy(), np.zeros(len(events)), single, frames, GLOVER)
        np.testing.assert_allclose(made[recording.runs == run, 0], expected[:, 0], atol=1e-12)


def test_every_sample_is_predicted_by_a_fold_that_did_not_train_on_its_run(recording):
    folds = encoding.make_folds(recording, CHOSEN)
    tested = np.concatenate([split.test for split in folds.splits])
    assert sorted(tested) == list(range(len(recording.values)))
    for split in folds.splits:
        assert not set(recording.runs[split.train]) & set(recording.runs[split.test])


def test_a_single_run_is_cut_into_blocks_with_gaps_on_either_side():
    one = made_recording(runs=1)
    folds = encoding.make_folds(one, CHOSEN)
    gap = int(CHOSEN.gap * RATE)
    assert len(folds.splits) == CHOSEN.blocks
    for split in folds.splits:
        distance = np.abs(split.train[:, None] - split.test).min(axis=1)
        assert distance.min() == gap + 1


def test_gaps_that_leave_little_to_train_on_are_refused():
    with pytest.raises(BadInput, match="give fewer blocks or a shorter gap"):
        encoding.make_folds(made_recording(runs=1), dataclasses.replace(CHOSEN, gap=20.0))


def test_planted_sites_are_predicted_and_the_others_are_not(recording, predicted):
    scores = encoding.site_scores(*predicted[:1], recording, predicted[1])
    ceiling = np.sqrt(0.5)  # as much noise as signal
    assert (scores[:2] > 0.85 * ceiling).all()
    assert (scores[:2] < 1.05 * ceiling).all()
    assert (np.abs(scores[2:]) < 0.1).all()


def test_a_lag_that_ends_before_the_response_predicts_nothing(recording):
    short = dataclasses.replace(CHOSEN, lag=LAG - 0.05)
    folds = encoding.make_folds(recording, short)
    scores = encoding.site_scores(encoding.predict(features_of(recording), recording, folds, short), recording, folds)
    assert (np.abs(scores) < 0.1).all()


def test_one_fold_is_the_ridge_of_scikit_learn_at_the_best_of_the_penalties(recording, predicted):
    """Lagged by hand; among the same penalties one of scikit-learn's fits is the prediction, site by site."""
    split, lags = predicted[1].splits[0], round(CHOSEN.lag * RATE)
    raw = features_of(recording).values
    train, test = (hand_lagged(raw, recording.runs, rows, split.train, lags) for rows in (split.train, split.test))
    centre, scale = train.mean(axis=0), train.std(axis=0)
    y = recording.values[split.train]
    candidates = [
        Ridge(alpha=penalty * len(train)).fit((train - centre) / scale, y).predict((test - centre) / scale)
        for penalty in np.logspace(-3, 4, 15)
    ]
    ours = predicted[0][split.test]
    nearest = np.min([np.abs(one - ours).max(axis=0) for one in candidates], axis=0)
    np.testing.assert_allclose(nearest, 0, atol=1e-8)


def hand_lagged(values, runs, rows, train, lags):
    standard = (values - values[train].mean(axis=0)) / values[train].std(axis=0)
    columns = []
    for lag in range(lags + 1):
        moved = np.array(
            [standard[r - lag] if r >= lag and runs[r - lag] == runs[r] else 0 * standard[r] for r in rows]
        )
        columns.append(moved)
    return np.concatenate(columns, axis=1)


@pytest.mark.parametrize("method", ["ridge", "banded_ridge"])
def test_batches_of_sites_change_nothing(recording, method):
    chosen = dataclasses.replace(CHOSEN, method=method)
    folds, features = encoding.make_folds(recording, chosen), features_of(recording)
    whole = encoding.predict(features, recording, folds, chosen)
    small = dataclasses.replace(chosen, targets_mb=1e-6)
    assert len(list(encoding.batches(recording, small))) == 4
    np.testing.assert_allclose(encoding.predict(features, recording, folds, small), whole, atol=1e-8)


def test_permuted_scores_are_those_of_a_fit_of_the_permuted_responses(recording, predicted):
    folds, features = predicted[1], features_of(recording)
    few = dataclasses.replace(CHOSEN, permutations=3)
    permuted = encoding.permuted_scores(features, recording, folds, few)
    rng = generator("lab permutations", recording.subject)
    for row in permuted:
        order = encoding.deal_blocks(folds.groups, round(CHOSEN.block * RATE), rng)
        other = dataclasses.replace(recording, values=recording.values[order])
        expected = encoding.site_scores(encoding.predict(features, other, folds, CHOSEN), other, folds)
        np.testing.assert_allclose(row, expected, atol=1e-10)
    one_by_one = dataclasses.replace(few, targets_mb=1e-6)
    np.testing.assert_allclose(encoding.permuted_scores(features, recording, folds, one_by_one), permuted, atol=1e-10)


def test_blocks_change_places_inside_their_group_alone_and_stay_whole():
    groups = np.repeat([0, 1], [100, 57])
    order = encoding.deal_blocks(groups, 10, np.random.default_rng(0))
    assert sorted(order) == list(range(157))
    assert (groups[order] == groups).all()
    breaks = np.count_nonzero(np.diff(order) != 1)
    assert 10 <= breaks <= 10 + 6 + 2  # ten and six blocks, each group turned once


@pytest.fixture(scope="module")
def nothing():
    """Two runs of noise at many sites, and the score of each under honest folds."""
    made, few = made_recording(runs=2, sites=80, signal=0.0), dataclasses.replace(CHOSEN, permutations=19)
    folds, features = encoding.make_folds(made, few), features_of(made)
    return made, few, folds, features, encoding.predict(features, made, folds, few)


def test_chance_gets_a_p_of_a_tenth_a_tenth_of_the_time(nothing):
    """80 sites, a fit of its own in each permutation: 8 are expected, with a deviation of 2.7."""
    made, few, folds, features, predicted = nothing
    scores = encoding.site_scores(predicted, made, folds)
    alone = (1 + (encoding.permuted_scores(features, made, folds, few) >= scores).sum(axis=0)) / 20
    assert 1 <= (alone <= 0.1).sum() <= 16


def test_permuting_predictions_alone_would_be_too_liberal(nothing):
    """Two runs train on each other, so that their scores rise and fall together, which predictions that are permuted
    as they are do not: their spread is too small by about the root of two. This is why the fit is repeated."""
    made, few, folds, features, predicted = nothing
    rng, scores = np.random.default_rng(0), encoding.site_scores(predicted, made, folds)
    orders = [encoding.deal_blocks(folds.groups, round(CHOSEN.block * RATE), rng) for _ in range(6)]
    naive = np.stack([encoding.site_scores(predicted[order], made, folds) for order in orders])
    assert naive.std() < 0.85 * scores.std()
    again = encoding.permuted_scores(features, made, folds, dataclasses.replace(few, permutations=3))
    assert 0.85 * scores.std() < again.std() < 1.2 * scores.std()


def test_the_largest_of_all_sites_is_a_harder_rule_than_each_site_alone():
    rng = np.random.default_rng(2)
    permuted, scores = rng.standard_normal((999, 50)), np.concatenate([[3.0, 6.0], rng.standard_normal(48)])
    by_max, by_rate = (encoding.adjusted_p(scores, permuted, name) for name in ("max", "fdr"))
    alone = (1 + (permuted >= scores).sum(axis=0)) / 1000
    assert by_max[1] == 0.001
    assert by_max[0] > alone[0]
    from scipy.stats import false_discovery_control

    np.testing.assert_allclose(by_rate, false_discovery_control(alone), atol=1e-12)


def test_noise_features_predict_nothing_and_keep_the_memory_of_the_features(recording):
    smooth = features_of(recording, "glover")
    drawn = encoding.noise_features(smooth, recording, np.random.default_rng(3))
    inner = np.diff(recording.runs) == 0

    def memory(values):
        standard = (values - values.mean(axis=0)) / values.std(axis=0)
        return (standard[1:] * standard[:-1])[inner].mean(axis=0)

    np.testing.assert_allclose(memory(drawn.values), np.minimum(memory(smooth.values), 0.99), atol=0.02)
    folds = encoding.make_folds(recording, CHOSEN)
    found = encoding.site_scores(encoding.predict(drawn, recording, folds, CHOSEN), recording, folds)
    assert np.abs(found).max() < 0.15


@pytest.mark.parametrize("signal", [0.5, 1.0, 2.0])
def test_the_ceiling_of_repeated_runs_is_the_planted_one(signal):
    """At half of the sites the reliability of a run is s^2 / (s^2 + 1), at the others 0."""
    repeated = made_recording(runs=4, repeated=True, sites=20, signal=signal)
    found = find_ceiling(features_of(repeated), repeated, CHOSEN.block)
    planted = np.sqrt(0.5 * signal**2 / (signal**2 + 1))
    assert found.repeats == 4
    assert found.low < planted < found.high
    assert found.high - found.low < 0.15


def test_without_repeats_the_ceiling_is_undetermined_and_says_so(recording):
    found = find_ceiling(features_of(recording), recording, CHOSEN.block)
    assert found.value is None
    assert found.reason.startswith("no stimulus sequence was shown in two runs")


def test_slower_samples_hold_the_same_slow_wave_and_the_runs_stay_apart():
    made = made_recording(runs=2, signal=0.0)
    wave = np.sin(2 * np.pi * np.arange(len(made.runs)) / RATE)[:, None] * np.ones(4)
    slow = encoding.slowed(dataclasses.replace(made, values=wave), 10.0)
    assert slow.sampling_rate == 10.0
    assert [int((slow.runs == run).sum()) for run in (1, 2)] == [600, 600]
    inner = np.r_[20:580, 620:1180]
    np.testing.assert_allclose(slow.values[inner], wave[::2][inner], atol=0.01)
    assert encoding.slowed(made, 30.0) is made


def test_random_vectors_are_the_same_wherever_a_stimulus_returns():
    first, second = random_vectors(["a", "b", "a", "c"], [3, 5], np.random.default_rng(0))
    np.testing.assert_array_equal(first[0], first[2])
    assert first.shape == (4, 3)
    assert second.shape == (4, 5)
    assert np.linalg.matrix_rank(first) == 3


def test_features_that_are_convolved_lose_the_drifts_that_the_responses_lost(recording):
    from bench.neuro.haemodynamics import high_pass
    from bench.neuro.recording import step

    told = dataclasses.replace(recording, provenance=[step("regress out", high_pass_s=20.0)])
    slow = Features(np.cumsum(np.ones((len(told.runs), 2)), axis=0), np.zeros(2, int), ["ramp"])
    chosen = dataclasses.replace(CHOSEN, alignment="glover")
    made = encoding.filtered(slow, told, chosen).values
    for run in (1, 2, 3):
        rows = told.runs == run
        np.testing.assert_allclose(made[rows], high_pass(slow.values[rows], 1 / RATE, 20.0), atol=1e-9)
    assert encoding.filtered(slow, told, CHOSEN) is slow


def test_stimuli_are_the_events_or_the_words_of_every_run(recording):
    import pandas as pd

    model = Model(None, "table", "trial_type", None, ["table"], None, (), 1.0)
    assert len(stimuli_of(model, recording)) == len(recording.events)
    words = pd.DataFrame({"onset": [1.0, 2.0], "duration": 0.1, "word": ["so", "n/a"]})
    shown = stimuli_of(dataclasses.replace(model, words=words, stimulus="word"), recording)
    assert shown[["run", "word"]].to_numpy().tolist() == [[1, "so"], [2, "so"], [3, "so"]]
    with pytest.raises(BadInput, match=r"no column 'colour' .*set `stimulus`"):
        stimuli_of(dataclasses.replace(model, stimulus="colour"), recording)
