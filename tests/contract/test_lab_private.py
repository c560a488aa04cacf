"""A page is for everybody: what is marked private never gets onto it."""

import json

import pytest

from bench.core.contract import BadInput
from leaderboard import site
from tests import leaderboard_records as made_up


@pytest.mark.parametrize("mark", [True, "yes", None, 1])
def test_a_private_record_among_public_ones_is_refused_and_nothing_is_written(tmp_path, mark):
    entries = list(made_up.records())
    entries[7]["private"] = mark
    records, catalogue = made_up.write(tmp_path, entries)
    with pytest.raises(BadInput, match="is marked private; take private results out"):
        site.build(records, catalogue, tmp_path / "page")
    assert not (tmp_path / "page").exists()


def test_the_same_records_without_the_mark_make_a_page(tmp_path):
    records, catalogue = made_up.write(tmp_path)
    assert not any("private" in json.loads(line) for line in records.read_text().splitlines())
    site.build(records, catalogue, tmp_path / "page")
    assert (tmp_path / "page" / "index.html").is_file()
