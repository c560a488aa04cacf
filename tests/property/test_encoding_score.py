"""What the score of an encoding model promises whatever the data."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import d2_tweedie_score

from bench.core.catalogue import load_plugin
from bench.core.config import ROOT
from bench.tracks.encoding.types import Answer, Problem, Truth

SCORE = load_plugin(ROOT / "bench" / "tracks" / "encoding" / "score.py")
GROUPS = np.repeat([0, 1, 2], [30, 40, 50])


def case(kind="continuous", null=False, seed=0):
    """Three targets, of which the last is not selected, and an answer that correlates with all."""
    rng = np.random.default_rng(seed)
    signal = rng.normal(size=(120, 3))
    responses = signal + rng.normal(size=(120, 3))
    training = rng.normal(size=(50, 3))
    if kind == "counts":
        signal, responses, training = np.exp(signal), rng.poisson(np.exp(signal)).astype(float), np.exp(training)
    problem = Problem(
        np.zeros((50, 1)), training, np.zeros(50, dtype=int), np.zeros((120, 1)), GROUPS, np.zeros(1, dtype=int),
        1.0, 0, "spikes/bin" if kind == "counts" else "V", kind,
    )  # fmt: skip
    truth = Truth(null, responses, np.array([True, True, False]), np.array([0.5, 0.2, 0.9]), None)
    return problem, truth, Answer(signal)


def score(problem, truth, answer):
    return SCORE.score(problem, truth, answer)


@pytest.mark.parametrize("unit", [1e-13, 1e-6, 1e6])
@pytest.mark.parametrize("null", [True, False])
def test_the_unit_of_the_responses_changes_no_score(unit, null):
    problem, truth, answer = case(null=null)
    scaled = score(
        dataclasses.replace(problem, train_responses=unit * problem.train_responses),
        dataclasses.replace(truth, test_responses=unit * truth.test_responses),
        Answer(unit * answer.predictions),
    )
    assert scaled == pytest.approx(score(problem, truth, answer), rel=1e-9)


def test_the_correlation_is_the_sum_of_r_over_the_sum_of_roots_of_reliability():
    problem, truth, answer = case()
    r = [
        np.mean([np.corrcoef(answer.predictions[g, t], truth.test_responses[g, t])[0, 1] for g in np.split(*ROWS)])
        for t in range(2)
    ]
    found = score(problem, truth, answer)
    assert found["correlation"] == pytest.approx(sum(r) / (np.sqrt(0.5) + np.sqrt(0.2)), rel=1e-9)
    assert found["correlation_raw"] == pytest.approx(np.mean(r), rel=1e-9)


ROWS = (np.arange(120), [30, 70])


def test_scores_above_1_are_kept():
    problem, truth, _ = case()
    low = dataclasses.replace(truth, reliability=np.full(3, 0.04))
    perfect = Answer(truth.test_responses)
    assert score(problem, low, perfect)["correlation"] == pytest.approx(5)
    found = score(problem, low, perfect)
    assert found["r2"] == pytest.approx(25)
    highest = {name: SCORE.METRICS[name]["range"][1] for name in found}
    assert all(high is None or found[name] <= high for name, high in highest.items())
    assert score(problem, low, Answer(-truth.test_responses))["correlation"] == pytest.approx(-5)


def test_the_training_mean_scores_0_on_everything():
    problem, truth, _ = case()
    constant = Answer(np.tile(problem.train_responses.mean(axis=0), (120, 1)))
    assert set(score(problem, truth, constant).values()) == {0.0}
    problem, truth, _ = case("counts")
    constant = Answer(np.tile(problem.train_responses.mean(axis=0), (120, 1)))
    assert score(problem, truth, constant) == pytest.approx(
        dict.fromkeys(("correlation", "correlation_raw", "r2", "r2_raw", "bits_per_spike"), 0.0), abs=1e-12
    )


def test_targets_that_are_not_selected_change_nothing():
    problem, truth, answer = case()
    changed = answer.predictions.copy()
    changed[:, 2] = 7.0
    assert score(problem, truth, Answer(changed)) == score(problem, truth, answer)


@pytest.mark.parametrize("reliability", [None, [0.5, 0.0, 0.9], [0.5, -0.1, 0.9]])
def test_scores_are_raw_where_reliability_is_not_determined(reliability):
    problem, truth, answer = case()
    given_up = dataclasses.replace(truth, reliability=None if reliability is None else np.array(reliability))
    found = score(problem, given_up, answer)
    assert set(found) == {"correlation_raw", "r2_raw"}
    assert found["correlation_raw"] == score(problem, truth, answer)["correlation_raw"]


def test_the_reliability_of_a_target_that_is_not_selected_does_not_matter():
    problem, truth, answer = case()
    bad = dataclasses.replace(truth, reliability=np.array([0.5, 0.2, -1.0]))
    assert score(problem, bad, answer) == score(problem, truth, answer)


def test_bits_per_spike_are_the_share_of_deviance_times_the_bits_of_the_null():
    """Against scikit-learn: D^2 = 1 - deviance / deviance of the mean, and deviances are twice differences of nats."""
    problem, truth, answer = case("counts")
    y, rates = truth.test_responses[:, :1], answer.predictions[:, :1]
    one = dataclasses.replace(truth, selected=np.array([True, False, False]))
    mean = np.full(50, y.mean())  # the null of scikit-learn is the test mean
    same = dataclasses.replace(problem, train_responses=np.column_stack([mean, problem.train_responses[:, 1:]]))
    positive = y[y > 0]
    null_deviance = 2 * ((positive * np.log(positive / y.mean())).sum() - (y - y.mean()).sum())
    expected = d2_tweedie_score(y[:, 0], rates[:, 0], power=1) * null_deviance / 2 / np.log(2) / y.sum()
    assert score(same, one, answer)["bits_per_spike"] == pytest.approx(expected, rel=1e-9)


def test_bits_per_spike_are_left_out_for_continuous_responses_and_for_what_is_no_rate():
    assert "bits_per_spike" not in score(*case())
    problem, truth, answer = case("counts")
    assert score(problem, truth, answer)["bits_per_spike"] > 0
    assert "bits_per_spike" not in score(problem, truth, Answer(answer.predictions - answer.predictions.max()))
    silent = truth.test_responses == 0
    quiet, impossible = (Answer(np.where(rows, 0.0, answer.predictions)) for rows in (silent, ~silent))
    assert score(problem, truth, quiet)["bits_per_spike"] > score(problem, truth, answer)["bits_per_spike"]
    assert "bits_per_spike" not in score(problem, truth, impossible)


def test_bits_per_spike_are_left_out_where_training_or_test_has_no_spikes():
    problem, truth, answer = case("counts")
    never = dataclasses.replace(problem, train_responses=np.zeros_like(problem.train_responses))
    assert "bits_per_spike" not in score(never, truth, answer)
    silent = dataclasses.replace(truth, test_responses=np.zeros_like(truth.test_responses))
    assert "bits_per_spike" not in score(problem, silent, answer)


@given(factor=st.floats(-3, 3))
def test_a_false_finding_is_an_r2_above_0_and_never_a_negative_one(factor):
    problem, truth, _ = case(null=True)
    found = score(problem, truth, Answer(factor * truth.test_responses))
    assert set(found) == {"false_positive_r2"}
    mean = problem.train_responses.mean(axis=0)
    share = 1 - ((1 - factor) ** 2 * truth.test_responses**2).sum(0) / ((truth.test_responses - mean) ** 2).sum(0)
    assert found["false_positive_r2"] == pytest.approx(np.maximum(share, 0)[:2].mean(), abs=1e-9)


def test_every_score_is_declared_with_the_units_it_applies_to():
    for args in (case(), case("counts"), case(null=True)):
        for name in score(*args):
            assert (SCORE.METRICS[name]["units"] == "null") == args[1].null
