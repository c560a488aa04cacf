"""docs/circuits-truth.md says what the generator makes."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.tracks.circuits import truth_table
from bench.tracks.circuits.tasks import tracr

PAGE = Path(__file__).resolve().parents[2] / "docs" / "circuits-truth.md"
WIDEST = ("jury", "shuffle_dyck2")
QUICK = ("pair_balance", "sort_unique", "count_rare", "first_occurrences", "polynomial", "ends_agree_unseen")
MARKS = (
    dict.fromkeys(tracr.INSTANCES, pytest.mark.slow)
    | dict.fromkeys(QUICK, ())
    | dict.fromkeys(WIDEST, pytest.mark.full)
)
INSTANCES = [pytest.param(name, marks=MARKS[name]) for name in tracr.INSTANCES]


def rows(columns: tuple[str, ...]) -> dict[str, dict[str, str]]:
    """The rows of the table with these columns, by their first cell."""
    text = PAGE.read_text().split(truth_table.line(columns), 1)[1].split("\n\n", 1)[0]
    cells = [[cell.strip() for cell in row.strip("|").split("|")] for row in text.strip().splitlines()[1:]]
    return {row[0]: dict(zip(columns, row, strict=True)) for row in cells}


@pytest.mark.parametrize("instance", INSTANCES)
def test_the_page_says_how_many_edges_are_live(instance: str) -> None:
    stated, made = rows(truth_table.COLUMNS)[instance], truth_table.row_of(instance)
    exact = [column for column in truth_table.COLUMNS if column not in truth_table.MEASURED]
    assert [stated[column] for column in exact] == [made[column] for column in exact]


@pytest.mark.parametrize("instance", tracr.INSTANCES)
def test_the_page_says_how_many_edges_there_are_at_each_granularity(instance: str) -> None:
    assert rows(("instance", *truth_table.GRANULARITY_COLUMNS))[instance] == truth_table.counts_of(instance)


def test_the_page_has_a_row_for_every_instance_and_no_other() -> None:
    assert list(rows(truth_table.COLUMNS)) == list(tracr.INSTANCES)
