"""Vertices of fMRIPrep's surface output: planted responses come out of them, and what is wrong with a file is said."""

import nibabel
import numpy as np
import pytest

from bench.core.contract import BadInput
from bench.neuro.fmri import surface
from bench.neuro.fmri.settings import read_settings
from tests import fmri_trees

SIX = read_settings({"confounds": "motion6"})
PLANTED = fmri_trees.AMPLITUDE / fmri_trees.TOP


@pytest.fixture
def tree(tmp_path):
    tree = fmri_trees.derived_tree(tmp_path)
    fmri_trees.add_surfaces(tree, "01")
    return tree


def test_planted_responses_come_out_of_the_right_hemisphere(tree):
    recording, trials = surface.prepare_surface(tree.root, "01", "listen", SIX, "fsaverage5")
    assert recording.values.shape == (2 * fmri_trees.VOLUMES, 58)
    assert set(recording.sites["kind"]) == {"vertex"}
    kinds, names = trials.events["trial_type"].to_numpy(), recording.sites["name"]
    assert not {"L_5", "R_5"} & set(names)
    for side, own, other in (("L", "tone", "word"), ("R", "word", "tone")):
        planted = names.isin([f"{side}_{number}" for number in range(5)]).to_numpy()
        assert trials.values[kinds == own][:, planted].mean() == pytest.approx(PLANTED, rel=0.1)
        assert abs(trials.values[kinds == other][:, planted].mean()) < 0.1 * PLANTED
    assert recording.time_reference == 0.5


def test_places_of_fsaverage5_are_those_of_the_wheel_in_metres():
    table = surface.vertex_table((10242, 10242), "fsaverage5")
    assert len(table) == 20484
    assert table.loc[table["name"] == "L_0", "x"].item() < 0 < table.loc[table["name"] == "R_0", "x"].item()
    assert table[["x", "y", "z"]].abs().max().max() < 0.12
    assert list(surface.vertex_table((30, 30), "fsnative")) == ["name", "kind"]


@pytest.mark.parametrize(
    ("what", "says"),
    [
        (lambda tree: tree.surface("01", 1, "R").unlink(), "hemi-R_space-fsaverage5_bold.func.gii is missing"),
        (lambda tree: tree.surface("01", 1, "L").write_text("<no gifti"), "cannot be read as GIFTI"),
        (
            lambda tree: nibabel.GiftiImage(
                darrays=[nibabel.gifti.GiftiDataArray(np.ones(30, np.float32))] * 7
            ).to_filename(tree.surface("01", 2, "R")),
            "has 48 volumes and its other side 7",
        ),
    ],
)
def test_a_hemisphere_that_is_wrong_is_named(tree, what, says):
    what(tree)
    with pytest.raises(BadInput, match="subject 01") as refusal:
        surface.prepare_surface(tree.root, "01", "listen", SIX, "fsaverage5")
    assert says in str(refusal.value)


def test_another_space_is_named_with_those_that_are_there(tree):
    with pytest.raises(BadInput, match="'fsaverage6' is not known; did you mean fsaverage5"):
        surface.prepare_surface(tree.root, "01", "listen", SIX, "fsaverage6")
