"""What was merged never changes: CI compares a pull request with its base."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from bench.core.contract import BadInput
from bench.submissions.history import history_faults

MERGED = "leaderboard/submissions/2026-01-02_mean_ada"
ROUND = "leaderboard/rounds/2026-a"
COMMITTED = {"name": "2026-a", "opened": "2026-01-02", "key_sha256": "0" * 64}


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout whose commit `main` holds one submission and one round with a record."""
    write(tmp_path, f"{MERGED}/records.jsonl", "a record\n")
    write(tmp_path, f"{MERGED}/answers/näme-v1/x/0/meta.json", "{}")
    write(tmp_path, f"{ROUND}.json", json.dumps(COMMITTED))
    write(tmp_path, f"{ROUND}/2026-01-02_mean_ada.json", "a verification")
    git(tmp_path, "init", "-q", "-b", "main")
    commit(tmp_path)
    git(tmp_path, "switch", "-q", "-c", "proposed")
    return tmp_path


def write(root: Path, name: str, text: str) -> None:
    (root / name).parent.mkdir(parents=True, exist_ok=True)
    (root / name).write_text(text)


def git(root: Path, *words: str) -> None:
    who = ("-c", "user.name=nobody", "-c", "user.email=nobody@example.org", "-c", "commit.gpgsign=false")
    subprocess.run(["git", "-C", str(root), *who, *words], check=True, capture_output=True)


def commit(root: Path) -> None:
    git(root, "add", "-A")
    git(root, "commit", "-q", "-m", "a change")


def faults(root: Path) -> list[str]:
    return [f"{fault.file} {fault.what}" for fault in history_faults("main", root)]


@pytest.mark.parametrize("committed", [True, False])
def test_an_edited_record_of_a_merged_submission_is_a_fault(checkout: Path, committed: bool) -> None:
    write(checkout, f"{MERGED}/records.jsonl", "a better record\n")
    if committed:
        commit(checkout)
    assert faults(checkout) == [f"{MERGED}/records.jsonl is part of a merged submission and was edited"]


def test_removing_renaming_linking_or_adding_to_a_merged_submission_is_a_fault(checkout: Path) -> None:
    (checkout / MERGED / "records.jsonl").rename(checkout / MERGED / "records-2.jsonl")
    answer = checkout / MERGED / "answers/näme-v1/x/0/meta.json"
    answer.unlink()
    answer.symlink_to("/etc/passwd")
    commit(checkout)
    assert faults(checkout) == [
        f"{MERGED}/answers/näme-v1/x/0/meta.json is part of a merged submission and became something else",
        f"{MERGED}/records-2.jsonl was added to a merged submission",
        f"{MERGED}/records.jsonl is part of a merged submission and was removed",
    ]


def test_a_new_submission_and_a_withdrawal_are_free(checkout: Path) -> None:
    write(checkout, "leaderboard/submissions/2026-02-03_median_bo/records.jsonl", "a record\n")
    write(checkout, f"{MERGED}/status.json", "{}")
    assert faults(checkout) == []
    commit(checkout)
    assert faults(checkout) == []


def test_a_withdrawal_is_not_taken_back(checkout: Path) -> None:
    git(checkout, "switch", "-q", "main")
    write(checkout, f"{MERGED}/status.json", "{}")
    commit(checkout)
    git(checkout, "switch", "-q", "-c", "later")
    (checkout / MERGED / "status.json").unlink()
    assert faults(checkout) == [f"{MERGED}/status.json is part of a merged submission and was removed"]


def test_a_round_may_gain_its_key_and_nothing_else(checkout: Path) -> None:
    revealed = COMMITTED | {"key": "1" * 64, "revealed": "2026-03-04"}
    write(checkout, f"{ROUND}.json", json.dumps(revealed))
    assert faults(checkout) == []
    write(checkout, f"{ROUND}.json", json.dumps(revealed | {"key_sha256": "2" * 64}))
    write(checkout, f"{ROUND}/2026-01-02_mean_ada.json", "another verification")
    assert faults(checkout) == [f"{ROUND}.json is of a round and was edited",
                                f"{ROUND}/2026-01-02_mean_ada.json is of a round and was edited"]  # fmt: skip


def test_what_the_base_gained_meanwhile_is_not_missed_here(checkout: Path) -> None:
    git(checkout, "switch", "-q", "main")
    write(checkout, "leaderboard/submissions/2026-02-03_median_bo/records.jsonl", "a record\n")
    commit(checkout)
    git(checkout, "switch", "-q", "proposed")
    assert faults(checkout) == []


def test_an_unknown_base_is_said_in_git_s_words(checkout: Path) -> None:
    with pytest.raises(BadInput, match=r"git merge-base: .*nowhere.*run it in a checkout that has the base commit"):
        history_faults("nowhere", checkout)
