"""Models trained on behaviour alone: what is right, the trainer, the gate, and the models that ship."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from bench.models import checkpoint, exhaustive
from bench.models.fitting import write_trained
from bench.models.siit import __main__ as siit
from bench.models.trained import behaviours
from bench.models.trained.__main__ import WEIGHTS, main
from bench.models.trained.behaviours import BEHAVIOURS
from bench.models.trained.training import GATE, Training, behaves
from bench.tracks.circuits.tasks import trained
from bench.tracks.frequencies.tasks import modular_addition
from bench.tracks.roles.tasks import induction

SHIPPED = sorted(WEIGHTS.glob("*/[0-9].safetensors"))
STAGES = sorted(WEIGHTS.glob("*/*-[0-9].safetensors"))


def as_json(value):
    return json.loads(json.dumps(value))


def repeated(row, place):
    """What a reader finds by hand: the symbol after the last earlier occurrence."""
    return next((row[j + 1] for j in range(place - 1, -1, -1) if row[j] == row[place]), None)


def nested(row):
    """Brackets by rewriting: take out "()" until nothing changes."""
    text = "".join("()"[symbol] for symbol in row)
    while "()" in text:
        text = text.replace("()", "")
    return not text


RIGHT = {
    "repeats_two": lambda row, i: {repeated(row, i)} - {None},
    "repeats_fixed": lambda row, i: {row[i] + 1} if row[i] < 6 else {repeated(row, i)} - {None},
    "repeats_first": lambda row, i: {row[0]} if row[i] == 0 else {repeated(row, i)} - {None},
    "successors": lambda row, i: {(row[i] + 1) % 16},
    "addition_17": lambda row, i: {(row[0] + row[1]) % 17} if i == 2 else set(),
    "brackets": lambda row, i: {int(nested(row[:-1]))} if i == 12 else set(),
    "greater_than": lambda row, i: set(range(row[1] + 1, 20)) if i == 3 else set(),
}


@pytest.mark.parametrize("name", sorted(RIGHT))
def test_right_answers_are_those_of_the_plain_words(name):
    strings = BEHAVIOURS[name].training(0)(60, np.random.default_rng(0))
    for tokens, right in zip(strings.tokens.tolist()[:60], strings.right[:60], strict=True):
        found = [set(np.flatnonzero(row).tolist()) for row in right]
        assert found == [RIGHT[name](tokens, place) for place in range(len(tokens))]


def test_half_of_the_bracket_strings_at_least_are_balanced_and_the_others_are_nearly():
    strings = BEHAVIOURS["brackets"].training(0)(2000, np.random.default_rng(1))
    balanced = strings.right[:, -1, 1]
    assert 0.5 < balanced.mean() < 0.75
    opened = (strings.tokens[~balanced] == behaviours.OPEN).sum(1)
    assert set(opened.tolist()) <= {5, 6, 7}


def test_pairs_that_train_and_others_are_all_pairs_and_differ_by_seed():
    one, other = (BEHAVIOURS["addition_17"].split(seed) for seed in (0, 1))
    assert [len(part.tokens) for part in one] == [231, 58]
    assert len(np.unique(np.concatenate([part.tokens for part in one]), axis=0)) == 289
    assert not np.array_equal(np.sort(one[0].tokens @ [17, 1, 0]), np.sort(other[0].tokens @ [17, 1, 0]))


def test_training_lowers_the_loss_and_resumes_to_the_same_bits(tmp_path):
    behaviour = replace(BEHAVIOURS["repeats_two"], batch=16)
    whole, first, rest = (Training(behaviour, 0) for _ in range(3))
    losses = [whole.advance() for _ in range(60)]
    assert np.mean(losses[-10:]) < 0.97 * np.mean(losses[:10])
    for _ in range(35):
        first.advance()
    first.save(tmp_path / "state.safetensors")
    rest.resume(tmp_path / "state.safetensors")
    for _ in range(25):
        rest.advance()
    for name, array in whole.arrays().items():
        np.testing.assert_array_equal(rest.arrays()[name], array)


def test_a_model_that_does_not_pass_is_not_written(tmp_path, capsys):
    assert main(["train", "brackets", "--seed", "0", "--steps", "2", "--out", str(tmp_path)]) == 1
    assert "brackets 0 is refused: behaviour" in capsys.readouterr().err
    assert not list(tmp_path.rglob("*.safetensors"))


def test_what_training_writes_is_a_model_and_a_record_of_the_kind_that_ships(tmp_path):
    training = Training(BEHAVIOURS["brackets"], 0)
    facts = {"behaviour": "brackets", **training.identity()}
    write_trained(tmp_path / "new" / "0.safetensors", training, training.arrays(), {"behaviour": 1.0}, facts)
    config, arrays = checkpoint.load_arrays(tmp_path / "new" / "0.safetensors")
    assert config == training.config
    np.testing.assert_array_equal(arrays["embed"], training.arrays()["embed"])
    written = json.loads((tmp_path / "new" / "0.json").read_text())
    shipped = json.loads((WEIGHTS / "brackets" / "0.json").read_text())
    assert written.keys() == shipped.keys()
    assert written["data_seeds"] == shipped["data_seeds"]
    assert (written["seed"], written["steps"], written["measured"]) == (0, 0, {"behaviour": 1.0})
    other = json.loads((siit.WEIGHTS / "balance" / "0.json").read_text())
    assert other.keys() | {"device"} == (shipped.keys() - facts.keys()) | {"program", "settings", "seed"}


def test_every_instance_has_a_model_for_each_seed():
    wanted = {"brackets", "greater_than"}
    for setting in [*induction.SETTINGS.values(), *modular_addition.SETTINGS.values()]:
        wanted |= {setting.read, setting.unread} - {None}
    assert wanted == set(BEHAVIOURS)
    assert [path.relative_to(WEIGHTS).as_posix() for path in SHIPPED] == [
        f"{name}/{seed}.safetensors" for name in sorted(wanted) for seed in BEHAVIOURS[name].seeds
    ]
    assert {f"{path.parent.name}/{path.stem}" for path in STAGES} == {
        f"addition_29/{stage}-{seed}" for stage in ("early", "half") for seed in BEHAVIOURS["addition_29"].stages
    }
    assert trained.MAX_SEEDS == induction.MAX_SEEDS == modular_addition.MAX_SEEDS == 3


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_a_shipped_model_behaves_on_fresh_strings_and_its_record_is_of_this_training(path):
    config, weights = checkpoint.load_arrays(path)
    behaviour, record = BEHAVIOURS[path.parent.name], json.loads(path.with_suffix(".json").read_text())
    found = behaves(config, weights, behaviour.fresh(int(path.stem), 256, np.random.default_rng([9, 2026])))
    assert found >= GATE
    assert record["measured"]["behaviour"] == pytest.approx(found, abs=0.01)
    identity = as_json(Training(behaviour, int(path.stem)).identity())
    assert {name: record[name] for name in identity} == identity
    assert record["device"] in ("cpu", "cuda")


@pytest.mark.parametrize("path", STAGES, ids=lambda path: path.stem)
def test_a_model_of_an_earlier_stage_knows_what_trains_it_and_not_the_rest(path):
    stage, seed = path.stem.split("-")
    config, weights = checkpoint.load_arrays(path)
    known, rest = (behaves(config, weights, part) for part in BEHAVIOURS["addition_29"].split(int(seed)))
    assert known >= GATE
    assert rest < 0.4 if stage == "early" else 0.5 <= rest < 0.9


@pytest.mark.parametrize("instance", sorted(trained.INSTANCES))
def test_models_lead_towards_what_is_right_after_clean_strings_and_far_less_after_corrupted(instance):
    for seed in range(3):
        clean, corrupted = trained.differing_pairs(instance, seed, trained.PAIRS, np.random.default_rng([3, seed]))
        assert len(clean.tokens) == trained.PAIRS
        config, weights = checkpoint.load_arrays(WEIGHTS / instance / f"{seed}.safetensors")
        towards = trained.direction(clean, corrupted)
        lead = [
            (exhaustive.forward(config, weights, strings.tokens) * towards).sum((1, 2))
            for strings in (clean, corrupted)
        ]
        assert (lead[0] > 0).mean() > 0.9
        assert lead[1].mean() < 0.5 * lead[0].mean()
