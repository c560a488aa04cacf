"""A round commits to a key before it is used, and everything that the key gives can be told once it is revealed."""

from __future__ import annotations

import hashlib
import hmac
import json
import stat
from pathlib import Path
from types import SimpleNamespace

import pytest

from bench.core.contract import BadInput, Unit
from bench.submissions import rounds, verify
from tests.submitting import verification

UNIT = ("toy", "normal", 1, "wide")


@pytest.fixture
def key_file(tmp_path: Path) -> Path:
    rounds.new_round("r1", tmp_path / "key", tmp_path)
    return tmp_path / "key"


def test_the_round_s_file_holds_the_hash_of_a_key_that_only_its_owner_can_read(key_file: Path, tmp_path: Path) -> None:
    key = bytes.fromhex(key_file.read_text())
    content = json.loads((tmp_path / "leaderboard/rounds/r1.json").read_text())
    assert content["key_sha256"] == hashlib.sha256(key).hexdigest()
    assert "key" not in content
    assert len(key) == 32
    assert stat.S_IMODE(key_file.stat().st_mode) == 0o600


def test_a_hidden_seed_is_128_bits_of_the_hmac_of_the_unit_s_name() -> None:
    key = bytes(range(32))
    digest = hmac.new(key, b"toy|normal|1|wide|7", hashlib.sha256).hexdigest()
    assert rounds.hidden_unit(key, *UNIT, 7) == Unit(*UNIT, int(digest[:32], 16))


def test_seeds_differ_between_keys_units_and_what_a_method_sees() -> None:
    units = [rounds.hidden_unit(bytes([k]) * 32, *UNIT, number) for k in range(3) for number in range(5)]
    shown = [rounds.shown_seed(bytes([7]) * 32, unit) for unit in units]
    assert len({*(unit.seed for unit in units), *shown}) == 30


def test_another_key_than_the_committed_one_is_refused(key_file: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.write_text("00" * 32)
    with pytest.raises(BadInput, match="is not the key whose SHA-256 round r1 published"):
        rounds.read_round("r1", tmp_path, other)
    with pytest.raises(BadInput, match="is not the key whose SHA-256"):
        rounds.reveal("r1", other, tmp_path)


def test_a_round_is_never_made_twice_and_revealed_once(key_file: Path, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="a round and its key never change"):
        rounds.new_round("r1", tmp_path / "key2", tmp_path)
    rounds.reveal("r1", key_file, tmp_path)
    assert rounds.read_round("r1", tmp_path).secret().hex() == key_file.read_text().strip()
    with pytest.raises(BadInput, match="is revealed already"):
        rounds.reveal("r1", key_file, tmp_path)


def test_an_edited_verification_is_told_from_a_sealed_one_once_the_key_is_known(key_file, tmp_path) -> None:
    known = rounds.read_round("r1", tmp_path, key_file)
    record = verification(known)
    path = known.verifications / "2026-01-02_mean_ada.json"
    path.parent.mkdir()
    path.write_text(json.dumps(record))
    assert rounds.round_faults(known) == []
    path.write_text(json.dumps(record | {"agrees": False}))
    assert "its seal was not made with the round's key" in rounds.round_faults(known)[0]
    assert rounds.round_faults(rounds.read_round("r1", tmp_path)) == []  # nobody can tell before the key is published
    rounds.reveal("r1", key_file, tmp_path)
    assert "forged or was edited" in rounds.round_faults(rounds.read_round("r1", tmp_path))[0]


@pytest.mark.parametrize(
    ("changes", "most", "board", "words"),
    [("nothing", None, "truth", "a seed changes nothing"), ("inputs", None, "truth", "for the same truth"),
     ("model", 3, "truth", "only 3 seeds exist"), ("truth", None, "proxy", "its truth is not known")],
)  # fmt: skip
def test_a_task_whose_answer_could_be_replayed_gives_no_hidden_score_and_says_why(changes, most, board, words) -> None:
    task = SimpleNamespace(facts={"SEED_CHANGES": changes, "BOARD": board}, max_seeds=most)
    assert words in verify.without_hidden(task)


@pytest.mark.parametrize("changes", ["truth", "model"])
def test_a_task_that_draws_fresh_truths_gives_a_hidden_score(changes: str) -> None:
    task = SimpleNamespace(facts={"SEED_CHANGES": changes, "BOARD": "truth"}, max_seeds=None)
    assert verify.without_hidden(task) is None


def record(value: float, answer: str = "a", status: str = "ok") -> dict:
    entry = {"value": value, "floor": 0.5, "ceiling": 1.0}
    return {"status": status, "reason": "", "answer_sha256": answer, "score": {"metrics": {"closeness": entry}}}


def test_agreement_is_what_the_method_declared() -> None:
    identical, within = {"kind": "identical"}, {"kind": "scores_within", "share": 0.1}
    assert verify.disagreement(record(0.8), record(0.8), identical) is None
    assert "another one" in verify.disagreement(record(0.8), record(0.8, "b"), identical)
    assert verify.disagreement(record(0.70), record(0.74, "b"), within) is None  # a tenth of the span is 0.05
    assert verify.disagreement(record(0.2), record(0.2499, "b"), within) is None
    assert "was 0.7 and is 0.78" in verify.disagreement(record(0.70), record(0.78, "b"), within)
    assert "status was ok and is error" in verify.disagreement(record(0.7), record(0.7, status="error"), within)


def test_a_run_that_could_see_the_truth_or_the_network_verifies_nothing() -> None:
    seen = {"track": "toy", "task": "normal", "task_version": 1, "instance": "wide", "seed": 0, "status": "ok"}
    verify.refuse_open([seen | {"protections": ["bubblewrap", *verify.CLOSED]}])
    for missing in verify.CLOSED:
        closed = [words for words in verify.CLOSED if words != missing]
        with pytest.raises(BadInput, match=f"ran without: {missing}"):
            verify.refuse_open([seen | {"protections": closed}])


def test_whoever_executes_a_revealed_round_again_sees_what_is_not_the_same(key_file: Path, tmp_path: Path) -> None:
    unit = {
        "task": "normal",
        "version": 1,
        "instance": "wide",
        "number": 0,
        "status": "ok",
        "metrics": {"closeness": 0.7},
    }
    known = rounds.read_round("r1", tmp_path, key_file)
    stored = verification(known, hidden={"units": [unit], "without": {}})
    assert verify.recheck(stored, {**stored, "made": "2027-01-01"}) == []
    better = {"units": [unit | {"metrics": {"closeness": 0.9}}], "without": {}}
    assert verify.recheck(stored, stored | {"hidden": better}) == ["normal/wide 0: closeness was 0.7 and is 0.9"]
    assert verify.recheck(stored, stored | {"agrees": False}) == ["agrees was True and is False"]


def test_answers_without_code_cannot_be_verified() -> None:
    seen = SimpleNamespace(folder=Path("dora"), manifest={"method": {"file": None}})
    with pytest.raises(BadInput, match="which nobody can execute again; it stays checked"):
        verify.verify(seen, [], None, {}, Path())
