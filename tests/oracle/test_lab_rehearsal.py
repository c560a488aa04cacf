"""Truth planted into a lab's own design: it is what is said, and whoever looks finds it when there is enough."""

import dataclasses
from functools import partial

import numpy as np
import pandas as pd
import pytest

from bench import cli
from bench.core.contract import generator
from bench.lab import group, rehearsal
from bench.lab.features import align
from bench.lab.settings import Encoding, completed
from tests.contract.test_lab import FAST, place, write_model
from tests.lab_recordings import KINDS, made_recording

CHOSEN = completed(Encoding(method="lagged_ridge", lag=0.3, permutations=60), "eeg")


@pytest.fixture(autouse=True)
def few_permutations(monkeypatch):
    monkeypatch.setattr(rehearsal, "PERMUTATIONS", 19)


@pytest.fixture(scope="module")
def recording():
    return made_recording(runs=2, sites=24)


@pytest.fixture(scope="module")
def layers(recording):
    table = recording.events.sort_values(["run", "onset"], ignore_index=True)
    drawn = [generator("layers", number).standard_normal((len(table), 3)) for number in range(2)]
    return [align(table, [one], [str(number)], recording, CHOSEN) for number, one in enumerate(drawn)]


@pytest.fixture(scope="module")
def design(recording, layers):
    left = rehearsal.residuals(recording, rehearsal.together(layers), CHOSEN)
    return rehearsal.enlarge(left, layers, 2, 0)


def planted(design, share):
    lags = rehearsal.candidate_lags(design.recording, CHOSEN)
    return rehearsal.plant(design, share, lags, generator("test", share)), lags


def test_noise_keeps_spectra_and_what_sites_share_and_loses_its_timing(recording, layers):
    left = rehearsal.residuals(recording, rehearsal.together(layers), CHOSEN)
    made = rehearsal.enlarge(left, layers, 2, 0)
    assert np.unique(made.recording.runs).tolist() == [1, 2, 3, 4]
    first = left.values[left.runs == 1]
    for run in (1, 3):
        again = made.noise[made.recording.runs == run]
        ratio = np.abs(np.fft.rfft(again, axis=0))[1:] / np.abs(np.fft.rfft(first, axis=0))[1:]
        np.testing.assert_allclose(ratio[:-1], np.broadcast_to(ratio[0], ratio[:-1].shape), rtol=1e-6)
        between = np.corrcoef(first[:, 0], first[:, 1])[0, 1]
        assert np.corrcoef(again[:, 0], again[:, 1])[0, 1] == pytest.approx(between, abs=0.02)
        assert abs(np.corrcoef(again[:, 0], first[:, 0])[0, 1]) < 0.2
    one, other = (made.noise[made.recording.runs == run, 0] for run in (1, 3))
    assert abs(np.corrcoef(one, other)[0, 1]) < 0.2


@pytest.mark.parametrize("share", [0.1, 0.5])
def test_the_share_of_the_variance_that_is_signal_is_the_planted_one(design, share):
    """By least squares on the planted layer at the planted lag, which knows nothing of how responses were mixed."""
    made, _ = planted(design, share)
    explained = []
    for site in range(24):
        features = design.layers[made.layer[site]]
        x = rehearsal.delayed(features, made.recording.runs, int(made.lag[site])).values
        y = made.recording.values[:, site]
        fit = x @ np.linalg.lstsq(x, y, rcond=None)[0]
        explained.append(fit.var() / y.var())
    assert np.mean(explained) == pytest.approx(share, abs=0.03)


def test_layers_and_lags_take_turns(design):
    made, lags = planted(design, 0.1)
    assert np.bincount(made.layer).tolist() == [12, 12]
    assert [int((made.lag == lag).sum()) for lag in lags] == [6, 6, 6, 6]


def test_what_is_planted_strongly_is_found_and_without_signal_there_is_only_chance(design):
    made, lags = planted(design, 0.3)
    lagged = rehearsal.ask(made, design.layers, lags, CHOSEN)
    assert (lagged["layer"], lagged["found"]) == (1.0, 1.0)
    plain = rehearsal.ask(made, design.layers, lags, dataclasses.replace(CHOSEN, method="ridge"))
    assert plain["lag"] == 1.0
    assert plain["layer"] < 0.9  # without lags it sees a quarter of the sites
    nothing, _ = planted(design, 0.0)
    chance = rehearsal.ask(nothing, design.layers, lags, CHOSEN)
    assert chance["layer"] < 0.85
    assert chance["found"] < 0.25


def test_with_features_that_are_aligned_already_there_is_no_lag_to_find(design):
    aligned = dataclasses.replace(CHOSEN, lag=0.0, method="ridge")
    lags = rehearsal.candidate_lags(design.recording, aligned)
    assert lags.tolist() == [0]
    made = rehearsal.plant(design, 0.3, lags, generator("aligned"))
    told = rehearsal.ask(made, design.layers, lags, aligned)
    assert np.isnan(told["lag"])
    assert told["layer"] == 1.0


def test_enough_is_the_fewest_runs_that_answer_for_nine_sites_of_ten():
    rows = [("a", 0.0, 2, 1.0), ("a", 0.1, 2, 0.5), ("a", 0.1, 4, 0.9), ("a", 0.1, 8, 1.0), ("b", 0.1, 2, 0.3)]
    table = pd.DataFrame(rows, columns=["method", "signal_share", "runs", "layer"])
    told = rehearsal.enough(table, "layer")
    assert told["method"].tolist() == ["a", "b"]
    assert told["runs_for_layer"].iloc[0] == 4
    assert np.isnan(told["runs_for_layer"].iloc[1])


def test_the_command_tells_what_was_found_and_what_would_be_enough(tmp_path, capsys, monkeypatch):
    place(tmp_path, made_recording(runs=2, sites=8))
    (tmp_path / "settings.yaml").write_text(FAST)
    monkeypatch.setattr(group, "rehearse", partial(rehearsal.rehearse, shares=(0.0, 0.3), times=(1,)))
    model = write_model(tmp_path / "model", KINDS, "table: features.tsv\nbands: {one: [first], two: [second]}\n")
    given = ("--task", "made", "--features", str(model), "--settings", str(tmp_path / "settings.yaml"))
    cli.main(["calibrate", str(tmp_path), str(tmp_path), *given])
    told = capsys.readouterr().out
    assert "runs_for_layer" in told
    table = pd.read_csv(tmp_path / "lab" / "task-made_rehearsal.tsv", sep="\t")
    assert len(table) == 4
    strong = table[(table["signal_share"] == 0.3) & (table["method"] == "lagged_ridge")]
    assert strong["found"].item() == 1.0
