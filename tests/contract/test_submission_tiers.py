"""A tier is earned: what a submission says of itself raises none, and foreign text stays text on the page."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from bench.core.contract import BadInput
from bench.core.plan import submitted_to
from bench.submissions import board, rounds
from bench.submissions.check import check
from bench.submissions.folder import MANIFEST, sha256
from leaderboard import notation, site
from tests import leaderboard_records as made_up
from tests.conftest import Copy
from tests.contract.test_site import Elements, pages
from tests.submitting import verification

GAP = f'class="sort">Public {notation.MINUS} hidden'
EVIL = '"><script>alert(1)</script>\u202e{{ 7*7 }}'


@pytest.fixture
def known(tmp_path: Path) -> rounds.Round:
    rounds.new_round("r1", tmp_path / "key", tmp_path)
    return rounds.read_round("r1", tmp_path, tmp_path / "key")


def tier_with(suite: Copy, packed: Path, known: rounds.Round, root: Path, **fields) -> dict:
    """The tier of the honest submission beside one verification record with these fields."""
    seen = check(packed, suite.root)
    record = verification(known, submission=packed.name, manifest_sha256=sha256(packed, MANIFEST))
    record |= fields
    if "seal" not in fields:
        record["seal"] = rounds.seal(known.secret(), record)
    path = known.verifications / f"{packed.name}.json"
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(record))
    return board.tier(seen, board.verifications(packed.name, root))


def test_without_a_verification_it_is_checked(suite: Copy, packed: Path) -> None:
    assert board.tier(check(packed, suite.root), []) == {"tier": "checked", "reason": "", "verification": None}


def test_a_record_of_an_open_round_verifies_and_says_that_it_is_open(suite, packed, known, tmp_path) -> None:
    found = tier_with(suite, packed, known, tmp_path)
    assert found["tier"] == "verified"
    assert found["verification"]["revealed"] is False
    assert found["verification"]["without"] == {"fixed": "a seed changes nothing"}


@pytest.mark.parametrize(
    ("fields", "words"),
    [({"manifest_sha256": "1" * 64}, "speaks of another manifest"), ({"round": "r2"}, "speaks of another round"),
     ({"key_sha256": "1" * 64}, "speaks of another round"), ({"agrees": "yes"}, "agrees is 'yes'")],
)  # fmt: skip
def test_a_record_of_something_else_verifies_nothing(suite, packed, known, tmp_path, fields, words) -> None:
    found = tier_with(suite, packed, known, tmp_path, **fields)
    assert found["tier"] == "checked"
    assert words in found["reason"]


def test_a_forged_seal_verifies_nothing_once_the_key_is_revealed(suite, packed, known, tmp_path) -> None:
    assert tier_with(suite, packed, known, tmp_path, seal="0" * 64)["tier"] == "verified"  # nobody could tell
    rounds.reveal("r1", tmp_path / "key", tmp_path)
    found = tier_with(suite, packed, known, tmp_path, seal="0" * 64)
    assert found["tier"] == "checked"
    assert "seal was not made with the round's key" in found["reason"]
    assert tier_with(suite, packed, known, tmp_path)["tier"] == "verified"


def test_who_disagrees_when_executed_again_stays_checked_and_the_page_says_so(suite, packed, known, tmp_path) -> None:
    wrong = [{"unit": "toy/normal-v1/wide/0", "reason": "the answer is another one"}]
    public = {"units": 9, "determinism": {"kind": "identical"}, "disagreements": wrong}
    found = tier_with(suite, packed, known, tmp_path, agrees=False, public=public)
    assert found["tier"] == "checked"
    assert found["reason"] == "executed again, 1 of 9 public units differ (round r1)"


@pytest.mark.parametrize("target", ["/dev/zero", "/etc/hostname", "nowhere"])
def test_a_manifest_that_is_a_link_stops_the_plan_with_a_remedy(tmp_path: Path, target: str) -> None:
    (tmp_path / "manifest.json").symlink_to(target)
    with pytest.raises(BadInput, match=r"manifest.json: .*run `.*"):
        submitted_to(tmp_path / "manifest.json")


# --- on the page --------------------------------------------------------------------------------------------------


def entry(name: str, tier: str, text: str = "plain", verification: dict | None = None) -> dict:
    return {
        "name": name, "tier": tier, "reason": text, "suite": made_up.SUITE, "track": "maze", "title": text,
        "verification": verification, "submitted": "2026-01-02", "handle": "ada", "authors": [{"name": text}],
        "licence": "MIT", "code": {"url": "https://example.org/a", "commit": "abcdef1"}, "training_data": text,
        "tuning": {"on": "dev", "runs": 3, "description": text}, "hashes": {},
        "method": {"file": None, "title": text, "description": text, "reference": text},
    }  # fmt: skip


def written(folder: Path) -> tuple[Path, Path]:
    """Made-up records in which `compass` was submitted and verified, and a hostile submission is self-reported."""
    estimate = {"mean": 0.5, "low": 0.4, "high": 0.6, "draws": 9, "reason": ""}
    scores = {"public": estimate, "hidden": estimate, "gap": estimate | {"mean": 0.25, "low": 0.125, "high": 0.375}}
    verified = {"round": "r1", "made": "2026-01-03", "revealed": True, "scores": scores, "protections": [],
                "without": {"caves": "a seed changes nothing"}, "hidden_units": 9}  # fmt: skip
    records, catalogue = made_up.write(folder)
    content = json.loads(catalogue.read_text())
    submitted = entry("compass", "verified", EVIL, verified)
    content["tracks"]["maze"]["methods"]["compass"]["submission"] = submitted
    content["submissions"] = [entry("2026-01-02_liar_eve", "self-reported", EVIL), submitted]
    catalogue.write_text(json.dumps(content))
    return records, catalogue


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tiers")
    site.build(*written(folder / "in"), folder / "out")
    return folder / "out"


def test_the_same_submissions_give_the_same_bytes_the_parquet_table_too(page: Path, tmp_path: Path) -> None:
    site.build(*written(tmp_path / "in"), tmp_path / "out")
    assert pages(tmp_path / "out") == pages(page)
    assert {"scores.parquet", "records.jsonl", "catalogue.json", "tasks/maze-mazes.html"} <= pages(page).keys()


def test_foreign_text_of_a_submission_stays_text(page: Path) -> None:
    for path in page.rglob("*.html"):
        text = path.read_text()
        assert "<script>alert" not in text
        assert "\u202e" not in text
        assert not [key for _, attrs in Elements(text).found for key in attrs if key.startswith("on")]
    assert "{{ 7*7 }}" in (page / "index.html").read_text()


def test_only_links_to_submitted_code_lead_out_of_the_page(page: Path) -> None:
    outside = {
        (tag, attrs["href"], attrs.get("rel"))
        for path in page.rglob("*.html")
        for tag, attrs in Elements(path.read_text()).found
        if re.match(r"[a-z]+:|//", attrs.get("href") or "") and attrs["href"] != "data:,"
    }
    assert outside == {("a", "https://example.org/a", "nofollow noopener external")}


def test_the_gap_stands_with_its_interval_beside_a_verified_row_and_a_dash_beside_others(page: Path) -> None:
    index = (page / "index.html").read_text()
    board_of = index[index.index('id="maze-truth-methods"') : index.index('id="maze-truth-controls"')]
    assert GAP in board_of
    assert board_of.count('data-sort="0.25">0.250<span class="by">± 0.125</span>') == 1
    assert "✓✓ verified" in board_of
    listed = index[index.index('id="submissions-table"') :]
    assert "· self-reported" in listed
    assert "caves: no hidden score, a seed changes nothing" in listed
    assert 'id="weather-truth-methods"' in index
    weather = index[index.index('id="weather-truth-methods"') :]
    assert GAP not in weather[: weather.index("</table>")]


def test_a_board_without_submissions_is_as_it_was(tmp_path: Path) -> None:
    site.build(*made_up.write(tmp_path / "in"), tmp_path / "out")
    index = (tmp_path / "out" / "index.html").read_text()
    assert GAP not in index
    assert "submissions-table" not in index


def test_a_task_page_says_whether_there_is_a_hidden_score(page: Path) -> None:
    assert "hidden rounds draw fresh units" in (page / "tasks/maze-mazes.html").read_text()
    assert "an answer could be replayed" in (page / "tasks/maze-oceans.html").read_text()
    assert "an answer could be replayed" in (page / "tasks/maze-cities.html").read_text()
