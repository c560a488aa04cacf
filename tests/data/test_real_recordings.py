"""The tasks on real recordings: shapes, training apart from test, and that the stimulus predicts the response."""

import os
from pathlib import Path

import numpy as np
import pytest

from bench.core import data
from bench.core.catalogue import load_plugin
from bench.core.contract import BadInput, generator
from bench.core.problems import Workspace

ROOT = Path(data.__file__).parents[2]
TASKS = ROOT / "bench" / "tracks" / "encoding" / "tasks"


@pytest.fixture(scope="module")
def workspace(tmp_path_factory):
    """Recordings that an installed package holds, and the others where a mirror is named."""
    store, mirror = tmp_path_factory.mktemp("store"), os.environ.get("INTERPBENCH_MIRROR")
    names = ["grasshopper", "event_fmri"] + ["alice", "stories260k"] * bool(mirror)
    folders = {name: data.obtain(name, ROOT / "datasets", store, Path(mirror) if mirror else None) for name in names}
    return Workspace(store / "blobs", folders)


def make(name, instance, workspace, seed=0):
    return load_plugin(TASKS / f"{name}.py").generate(instance, seed, generator("test"), workspace)


def delayed(features, groups, lags):
    """Features at each lag, side by side; rows whose past lies in another group have zeros."""
    columns = []
    for lag in lags:
        moved = np.zeros_like(features)
        rows = np.flatnonzero(np.concatenate([np.zeros(lag, bool), groups[lag:] == groups[: len(groups) - lag]]))
        moved[rows] = features[rows - lag]
        columns.append(moved)
    return np.concatenate(columns, axis=1)


def predicted(problem, lags):
    """Least squares on standardised, delayed features, with a slight ridge."""
    mean, spread = problem.train_features.mean(0), problem.train_features.std(0)
    train = delayed((problem.train_features - mean) / spread, problem.train_groups, lags)
    test = delayed((problem.test_features - mean) / spread, problem.test_groups, lags)
    centre = problem.train_responses.mean(0)
    gram = train.T @ train + 0.01 * len(train) * np.eye(train.shape[1])
    return test @ np.linalg.solve(gram, train.T @ (problem.train_responses - centre)) + centre


@pytest.mark.parametrize(
    ("name", "instance", "least"),
    [
        ("grasshopper", "slow", 0.3),
        ("grasshopper", "fast", 0.3),
        ("grasshopper", "fast_to_slow", 0.2),
        ("event_fmri", "first", 0.3),
        ("event_fmri", "middle", 0.4),
        ("event_fmri", "last", 0.4),
    ],
)
def test_the_past_of_the_stimulus_predicts_the_response_and_its_present_alone_does_not(
    workspace, name, instance, least
):
    problem, truth = make(name, instance, workspace)
    observed = truth.test_responses[:, 0]
    assert np.corrcoef(predicted(problem, range(problem.max_lag + 1))[:, 0], observed)[0, 1] > least
    assert np.corrcoef(predicted(problem, [0])[:, 0], observed)[0, 1] < 0.1


def test_receptor_spikes_are_all_counted(workspace):
    problem, truth = make("grasshopper", "fast_to_slow", workspace)
    assert problem.train_responses.sum() == 868
    assert truth.test_responses.sum() == 929
    assert problem.sampling_rate == 1000
    assert problem.train_features[:, 0].max() < 71.2  # dB SPL: the header's intensity is that of the loudest sample


@pytest.mark.parametrize(("name", "instance"), [("grasshopper", "slow"), ("event_fmri", "middle")])
def test_no_group_is_trained_and_tested_on(workspace, name, instance):
    problem, truth = make(name, instance, workspace)
    assert not set(problem.train_groups) & set(problem.test_groups)
    assert not truth.null
    assert truth.reliability is None  # one repetition determines no ceiling


needs_mirror = pytest.mark.skipif(
    "INTERPBENCH_MIRROR" not in os.environ, reason="INTERPBENCH_MIRROR names no data mirror"
)


@needs_mirror
def test_word_rate_predicts_the_listeners_temporal_lobes(workspace):
    scores = []
    for instance in ("beginning", "middle", "end"):
        for listener in range(27):
            problem, truth = make("alice", instance, workspace, listener)
            rate, heard = (
                features[:, problem.bands == 0] for features in (problem.train_features, problem.test_features)
            )
            slope = (rate * problem.train_responses).sum(0) / np.square(rate).sum(0)
            scores.append([np.corrcoef((heard * slope)[:, t], truth.test_responses[:, t])[0, 1] for t in range(6)])
    mean, error = np.mean(scores, axis=0), np.std(scores, axis=0, ddof=1) / np.sqrt(len(scores))
    assert (mean > 3 * error)[[0, 2, 3]].all()  # LATL, LPTL, LIPL
    assert mean[2] > 0.1


@needs_mirror
def test_a_listener_sees_the_same_features_and_other_responses(workspace):
    (first, truth), (second, _) = (make("alice", "middle", workspace, listener) for listener in (0, 26))
    np.testing.assert_array_equal(first.train_features, second.train_features)
    assert np.abs(first.train_responses - second.train_responses).max() > 0.1
    assert first.train_features.shape[1] == 2 + 6 * 20
    assert np.bincount(first.bands).tolist() == [1, 1] + [20] * 6
    assert truth.reliability.shape == (6,)
    assert 0 < truth.reliability.min() < truth.reliability.max() < 0.5
    with pytest.raises(BadInput, match="seed 27 is no listener"):
        make("alice", "middle", workspace, 27)


@needs_mirror
@pytest.mark.parametrize(
    ("instance", "rows"), [("beginning", 362 - 121 - 8), ("middle", 362 - 121 - 16), ("end", 362 - 120 - 8)]
)
def test_training_and_test_keep_their_gap_and_nothing_of_it_is_left(workspace, instance, rows):
    problem, _ = make("alice", instance, workspace)
    assert len(problem.train_features) == rows
    assert not np.isnan(problem.train_features).any()
    assert not np.isnan(problem.train_responses).any()
    assert len(set(problem.test_groups)) == 1
    assert len(set(problem.train_groups)) == 4


@needs_mirror
def test_test_responses_do_not_shape_the_training_problem(workspace, tmp_path):
    """Another response in the held-out third leaves features, training responses and selection as they were."""
    from safetensors.numpy import load_file, save_file

    alice = load_plugin(TASKS / "alice.py")
    before, held = make("alice", "end", workspace)
    arrays = load_file(workspace.data["alice"] / "recording.safetensors")
    changed = arrays["responses"].copy()
    changed[:, 242:] *= np.random.default_rng(0).uniform(0.5, 2, (27, 120, 6))
    for path in workspace.data["alice"].iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    save_file(arrays | {"responses": changed}, tmp_path / "recording.safetensors")
    elsewhere = Workspace(workspace.blobs, {**workspace.data, "alice": tmp_path})
    after, moved = alice.generate("end", 0, generator("test"), elsewhere)
    np.testing.assert_array_equal(before.train_responses, after.train_responses)
    np.testing.assert_array_equal(before.train_features, after.train_features)
    np.testing.assert_array_equal(held.selected, moved.selected)
    assert np.abs(held.test_responses - moved.test_responses).max() > 1


def test_words_are_spelled_as_running_text():
    alice = load_plugin(TASKS / "alice.py")
    text, ends = alice.spelled(["what", "'s", "the", "use", "did", "n't"])
    assert text == "what's the use didn't"
    assert [text[:end].split()[-1] for end in ends] == ["what", "what's", "the", "use", "did", "didn't"]
