"""Tables of a few hand-made records whose answers are known by hand."""

from __future__ import annotations

import json
import os
import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bench.core.contract import BadInput
from leaderboard.tables import MutantResult, Row, Tables, TrackTable, best_first, build, load
from tests import leaderboard_records as made_up

PLAIN = {"way_found": (0.75, 0.5, 1.0)}
METHODS = ("compass", "wall_follower", "crasher", "full_map")
WOBBLE = (0.0, 0.02, -0.02, 0.04, -0.04)


@dataclass
class Run:
    """Records under construction on tasks of the made-up track `maze`."""

    track: str = "maze"
    catalogue: dict[str, Any] = field(default_factory=made_up.catalogue)
    records: list[dict[str, Any]] = field(default_factory=list)

    @property
    def card(self) -> dict[str, Any]:
        return self.catalogue["tracks"][self.track]

    def add(
        self, method: str, place: str, seed: int = 0, kind: str = "method", status: str = "ok", **metrics: Any
    ) -> dict[str, Any]:
        """A record at `task/instance`; metrics as `name=(value, floor, ceiling)`."""
        task = self.card["tasks"][place.split("/")[0]]
        instance = next(i for i in task["instances"] if i["id"] == place.split("/")[1])
        entry = made_up.record(self.track, method, kind, task, instance, seed)
        entry["score"] = made_up.score(**metrics) if status == "ok" else None
        if status != "ok":
            entry = made_up.fail(entry, status, f"it was {status}", "last words")
        self.records.append(entry)
        return entry

    def fill(self, method: str, places: str, level: float, *, seeds: int = 5, kind: str = "method") -> None:
        """A method at a level of way_found (floor 0.5, ceiling 1), wobbling by seed."""
        for place in places.split():
            for seed in range(seeds):
                self.add(method, place, seed, kind, way_found=(level + WOBBLE[seed], 0.5, 1.0))

    def tables(self) -> Tables:
        return build(sorted(self.records, key=lambda r: tuple(r[n] for n in ORDER)), self.catalogue)

    def table(self, board: str = "truth") -> TrackTable:
        return next(table for table in self.tables().tracks if table.board == board)

    def rows(self, board: str = "truth") -> dict[str, Row]:
        return {row.method: row for row in self.table(board).rows}


ORDER = ("track", "method", "task", "instance", "seed")


@pytest.fixture
def run() -> Run:
    return Run()


# -- scores ---------------------------------------------------------------------------------------------------------


def test_a_tasks_score_is_the_ratio_of_means_and_not_the_mean_of_ratios(run: Run):
    run.add("compass", "mazes/hedge", way_found=(0.3, 0.1, 0.5))
    run.add("compass", "mazes/stone", way_found=(0.9, 0.8, 0.9))
    score = run.rows()["compass"].tasks["mazes"].normalised
    assert score.mean == pytest.approx((0.2 + 0.1) / (0.4 + 0.1))
    assert score.mean != pytest.approx((0.5 + 1.0) / 2)


def test_a_tracks_score_is_the_mean_over_tasks_however_many_instances_they_have(run: Run):
    run.fill("compass", "mazes/hedge mazes/stone mazes/mirror", 0.9)
    run.fill("compass", "caves/dry", 0.6)
    assert run.rows()["compass"].score.mean == pytest.approx((0.8 + 0.2) / 2)


def test_a_scores_interval_is_the_stratified_t_interval(run: Run):
    run.fill("compass", "mazes/hedge", 0.8)
    row = run.rows()["compass"]
    draws = (0.3 + np.array(WOBBLE)) / 0.5
    assert row.score.error == pytest.approx(draws.std(ddof=1) / np.sqrt(5))
    assert row.score.df == pytest.approx(4)
    assert row.instances["mazes"]["hedge"].mean == pytest.approx(0.6)


def test_where_lower_is_better_the_floor_is_zero_and_the_ceiling_one():
    run = Run("weather")
    run.add("barometer", "coast/spring", miss=(0.5, 2.0, 0.0))
    run.add("yesterday", "coast/spring", miss=(2.0, 2.0, 0.0))
    rows = run.rows()
    assert rows["barometer"].score.mean == pytest.approx(0.75)
    assert rows["yesterday"].score.mean == 0.0


def test_means_never_cross_boards(run: Run):
    run.fill("compass", "mazes/hedge", 0.9)
    run.fill("compass", "cities/by_day", 0.6)
    assert run.rows("truth")["compass"].score.mean == pytest.approx(0.8)
    assert run.rows("proxy")["compass"].score.mean == pytest.approx(0.2)
    assert [(t.track, t.board) for t in run.tables().tracks] == [("maze", "truth"), ("maze", "proxy")]


def test_null_units_are_never_in_the_mean(run: Run):
    run.fill("compass", "mazes/hedge", 0.9)
    before = run.rows()["compass"].score
    for seed in range(5):
        run.add("compass", "mazes/blank0", seed, false_ways=(0.09, None, None))
    after = run.rows()["compass"]
    assert after.score == before
    assert after.tasks["mazes"].metrics["false_ways"].mean == pytest.approx(0.09)
    assert list(after.instances["mazes"]) == ["hedge"]


def test_every_metric_keeps_its_plain_mean(run: Run):
    run.add("compass", "mazes/hedge", way_found=(0.3, 0.1, 0.5), steps_saved=(0.4, 0.0, 1.0))
    run.add("compass", "mazes/stone", way_found=(0.9, 0.8, 0.9), steps_saved=(0.8, 0.0, 1.0))
    task = run.rows()["compass"].tasks["mazes"]
    assert task.raw.mean == pytest.approx(0.6)
    assert task.metrics["steps_saved"].mean == pytest.approx(0.6)


def test_one_draw_has_no_interval_and_ranks_nothing(run: Run):
    for method in ("compass", "wall_follower"):
        run.add(method, "mazes/hedge", **PLAIN)
    row = run.rows()["compass"]
    assert (row.status, row.rank, row.score.low) == ("not resolvable", None, None)
    assert "1 of at least 3 draws" in row.reason
    assert "1 of at least 3 draws" in run.table().note


# -- failures -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", ["error", "timeout", "oom", "nan", "invalid_answer", "no_answer", "unsupported"])
def test_a_crash_never_beats_a_bad_answer(run: Run, status: str):
    run.add("compass", "mazes/hedge", way_found=(0.9, 0.5, 1.0))
    run.add("wall_follower", "mazes/hedge", way_found=(0.2, 0.5, 1.0))
    run.add("crasher", "mazes/hedge", status=status)
    rows = run.rows()
    assert rows["crasher"].score.mean == pytest.approx(-0.6)
    assert rows["crasher"].score.mean == rows["wall_follower"].score.mean
    assert rows["crasher"].coverage == (0, 1)


def test_a_crash_scores_the_floor_where_all_answers_are_better(run: Run):
    run.add("compass", "mazes/hedge", way_found=(0.9, 0.5, 1.0))
    run.add("crasher", "mazes/hedge", status="error")
    assert run.rows()["crasher"].score.mean == 0.0


def test_a_crash_scores_the_larger_value_where_lower_is_better():
    run = Run("weather")
    run.add("barometer", "coast/spring", miss=(3.0, 2.0, 0.0))
    run.add("yesterday", "coast/spring", status="error")
    run.add("barometer", "coast/autumn", miss=(1.0, 2.0, 0.0))
    run.add("yesterday", "coast/autumn", status="error")
    scores = run.rows()["yesterday"].instances["coast"]
    assert (scores["spring"].mean, scores["autumn"].mean) == (-0.5, 0.0)


def test_controls_and_mutants_do_not_set_what_a_crash_scores(run: Run):
    run.add("compass", "mazes/hedge", way_found=(0.9, 0.5, 1.0))
    run.add("crasher", "mazes/hedge", status="error")
    run.add("random_turns", "mazes/hedge", kind="control", way_found=(0.1, 0.5, 1.0))
    run.add("compass_reversed", "mazes/hedge", kind="mutant", way_found=(0.0, 0.5, 1.0))
    assert run.rows()["crasher"].score.mean == 0.0


def test_a_failed_unit_is_shown_with_reason_and_log_and_stays_in_the_mean(run: Run):
    run.fill("compass", "mazes/hedge", 0.9)
    run.fill("crasher", "mazes/hedge", 0.9, seeds=4)
    run.add("crasher", "mazes/hedge", 4, status="error")
    row = run.rows()["crasher"]
    assert [(f.unit, f.status, f.reason, f.log_tail) for f in row.failures] == [
        ("mazes-v1/hedge/4", "error", "it was error", "last words")
    ]
    assert row.score.draws == 5
    assert row.records[4].metrics["way_found"].value is None
    assert row.records[4].metrics["way_found"].used == 0.5
    assert run.tables().problems == row.failures


def test_an_answer_without_the_headline_scores_as_a_failure_where_others_have_it(run: Run):
    run.add("compass", "mazes/hedge", way_found=(0.9, 0.5, 1.0))
    run.add("crasher", "mazes/hedge", way_found=(None, 0.5, 1.0))
    assert run.rows()["crasher"].score.mean == 0.0


def test_a_unit_without_a_record_counts_against_the_method_alone(run: Run):
    run.fill("compass", "mazes/hedge mazes/stone", 0.9)
    run.fill("crasher", "mazes/hedge", 0.9)
    row = run.rows()["crasher"]
    assert row.coverage == (5, 10)
    assert row.score.mean == pytest.approx(0.4)


def test_a_unit_that_nobody_answered_is_dropped_with_a_reason(run: Run):
    run.fill("compass", "mazes/hedge", 0.9)
    run.add("compass", "mazes/stone", status="error")
    table = run.table()
    assert table.methods[0].score.mean == pytest.approx(0.8)
    assert [unit for unit, _ in table.dropped] == ["mazes-v1/stone/0"]
    assert "no method and no control" in table.dropped[0][1]
    assert table.methods[0].failures[0].unit == "mazes-v1/stone/0"


# -- skipped --------------------------------------------------------------------------------------------------------


def test_a_unit_skipped_for_one_method_leaves_the_table_of_all(run: Run):
    run.fill("compass", "mazes/hedge", 0.9)
    run.fill("wall_follower", "mazes/hedge", 0.6, seeds=4)
    run.add("wall_follower", "mazes/hedge", 4, status="skipped")
    rows, table = run.rows(), run.table()
    assert table.dropped == (("mazes-v1/hedge/4", "skipped for wall_follower: it was skipped"),)
    assert (rows["compass"].score.draws, rows["wall_follower"].score.draws) == (4, 4)
    assert rows["compass"].score.mean == pytest.approx((0.4 + np.mean(WOBBLE[:4])) / 0.5)
    assert rows["compass"].coverage == rows["wall_follower"].coverage == (4, 4)
    assert [entry.dropped for entry in rows["compass"].records] == [False] * 4 + [True]


def test_a_method_skipped_everywhere_takes_nothing_off_and_says_why(run: Run):
    run.fill("compass", "mazes/hedge", 0.9)
    for seed in range(5):
        run.add("crasher", "mazes/hedge", seed, status="skipped")
    rows = run.rows()
    assert run.table().dropped == ()
    assert rows["compass"].coverage == (5, 5)
    assert (rows["crasher"].status, rows["crasher"].score) == ("unranked", None)
    assert rows["crasher"].reason == "skipped on every unit: it was skipped"


def test_a_control_that_was_skipped_takes_nothing_off(run: Run):
    run.fill("compass", "mazes/hedge", 0.9)
    run.fill("true_path", "mazes/hedge", 0.95, kind="control", seeds=4)
    run.add("true_path", "mazes/hedge", 4, "control", status="skipped")
    assert run.table().dropped == ()
    assert run.rows()["compass"].score.draws == 5


def test_a_data_set_that_nobody_has_leaves_an_empty_board_that_says_so(run: Run):
    for seed in range(3):
        run.add("compass", "cities/by_day", seed, status="skipped")
    table = run.table("proxy")
    assert len(table.dropped) == 3
    assert table.methods[0].score is None
    assert table.note == table.methods[0].reason == "no live unit is left to score"


# -- raw ------------------------------------------------------------------------------------------------------------


def test_a_task_without_brackets_is_raw_and_outside_the_mean(run: Run):
    run.fill("compass", "cities/by_day", 0.9)
    run.add("compass", "oceans/calm", way_found=(None, 0.5, None), way_found_raw=(0.2, None, None))
    table = run.table("proxy")
    row, oceans = table.methods[0], table.tasks[1]
    assert (oceans.task, oceans.raw, oceans.metric, oceans.replayable) == ("oceans", True, "way_found_raw", True)
    assert row.score.mean == pytest.approx(0.8)
    assert row.tasks["oceans"].normalised is None
    assert row.tasks["oceans"].raw.mean == row.instances["oceans"]["calm"].mean == 0.2


def test_a_headline_without_a_ceiling_is_shown_raw_under_its_own_name(run: Run):
    run.add("compass", "oceans/calm", way_found=(0.7, 0.5, None))
    assert run.table("proxy").tasks[0].metric == "way_found"
    assert run.rows("proxy")["compass"].tasks["oceans"].raw.mean == 0.7


def test_a_board_may_have_a_headline_of_its_own(run: Run):
    metrics = run.catalogue["tracks"]["maze"]["metrics"]
    metrics["steps_saved"] |= {"role": "headline", "board": "proxy"}
    for task in ("oceans/calm", "mazes/hedge"):
        run.add("compass", task, way_found=(0.7, 0.5, 1.0), steps_saved=(0.3, 0.0, 1.0))
    assert (run.table("proxy").headline["id"], run.table("truth").headline["id"]) == ("steps_saved", "way_found")
    assert run.rows("proxy")["compass"].score.mean == pytest.approx(0.3)
    assert run.rows("truth")["compass"].score.mean == pytest.approx(0.4)


def test_a_board_of_raw_tasks_alone_has_no_score_and_no_rank(run: Run):
    for method in ("compass", "wall_follower"):
        run.add(method, "oceans/calm", way_found_raw=(0.2, None, None))
    table = run.table("proxy")
    assert [(row.status, row.score, row.rank) for row in table.methods] == [("unranked", None, None)] * 2
    assert table.note.startswith("raw scores only")


def test_a_crash_on_a_raw_task_scores_the_worst_value_there(run: Run):
    run.add("compass", "oceans/calm", way_found_raw=(0.2, None, None))
    run.add("crasher", "oceans/calm", status="error")
    assert run.rows("proxy")["crasher"].tasks["oceans"].raw.mean == 0.2


def test_a_unit_without_a_bracket_among_bracketed_ones_is_taken_off_with_a_reason(run: Run):
    run.fill("compass", "mazes/hedge", 0.9)
    run.add("compass", "mazes/stone", way_found=(None, 0.5, None), way_found_raw=(0.1, None, None))
    table = run.table()
    assert table.methods[0].score.mean == pytest.approx(0.8)
    assert [(unit, "no floor and ceiling" in reason) for unit, reason in table.dropped] == [("mazes-v1/stone/0", True)]


def test_a_ceiling_below_its_floor_gives_no_normalised_score(run: Run):
    run.add("compass", "mazes/hedge", way_found=(0.4, 0.5, 0.3))
    assert run.table().tasks[0].raw
    assert run.rows()["compass"].score is None


# -- gates ----------------------------------------------------------------------------------------------------------


def gated_run(false_ways: float) -> Run:
    run = Run()
    for method, level in (("compass", 0.9), ("wall_follower", 0.7), ("crasher", 0.6)):
        run.fill(method, "mazes/hedge mazes/stone", level)
        for seed in range(5):
            run.add(method, "mazes/blank0", seed, false_ways=(false_ways if method == "compass" else 0.0, None, None))
    return run


def test_a_method_that_fails_its_gate_is_listed_with_the_reason_and_not_ranked():
    run = gated_run(0.2)
    rows = run.rows()
    assert (rows["compass"].status, rows["compass"].rank) == ("gated", None)
    assert rows["compass"].reason == "False ways 0.2 is above 0.1 on the truth board"
    assert rows["compass"].score.mean == pytest.approx(0.8)
    assert rows["wall_follower"].rank == (1, 1)
    assert rows["crasher"].rank == (2, 2)
    assert [row.method for row in run.table().methods] == ["wall_follower", "crasher", "compass"]


def test_a_method_at_the_limit_passes():
    (gate,) = gated_run(0.1).rows()["compass"].gates
    assert (gate.passed, gate.limit, gate.direction, gate.board) == (True, 0.1, "lower", "truth")


def test_a_gate_that_fails_on_the_truth_board_holds_on_the_proxy_board():
    run = gated_run(0.2)
    for method in ("compass", "wall_follower", "crasher"):
        run.fill(method, "cities/by_day", 0.9)
    assert run.rows("proxy")["compass"].status == "gated"
    assert run.rows("proxy")["wall_follower"].status == "ranked"


def test_a_gate_that_no_unit_tests_is_shown_as_untested(run: Run):
    run.fill("compass", "mazes/hedge", 0.9)
    run.fill("crasher", "mazes/hedge", 0.6)
    (gate,) = run.rows()["compass"].gates
    assert (gate.passed, gate.value) == (None, None)
    assert run.rows()["compass"].status == "ranked"


def test_crashing_on_null_units_opens_no_gate():
    run = gated_run(0.0)
    run.records = [r for r in run.records if not (r["method"] == "crasher" and r["null"])]
    for seed in range(5):
        run.add("crasher", "mazes/blank0", seed, status="error")
    row = run.rows()["crasher"]
    assert (row.status, row.gates[0].value.mean) == ("gated", 1.0)


def test_a_control_that_answers_nothing_on_a_board_has_no_score_there(run: Run):
    run.fill("compass", "mazes/hedge mazes/stone", 0.9)
    for place in ("mazes/hedge", "mazes/stone"):
        run.add("true_path", place, kind="control", status="unsupported")
    row = run.rows()["true_path"]
    assert (row.score, row.tasks, row.coverage) == (None, {}, (0, 2))


def test_declining_a_null_unit_opens_no_gate_unless_another_was_answered():
    run = gated_run(0.0)
    nulls = [record for record in run.records if record["method"] == "compass" and record["null"]]
    nulls[0].update(status="unsupported", score=None)
    assert run.rows()["compass"].gates[0].value.mean == 0.0
    for record in nulls:
        record.update(status="unsupported", score=None)
    assert run.rows()["compass"].gates[0].value.mean == 1.0


def test_a_method_that_could_not_run_where_the_gate_is_tested_is_untested_and_not_gated():
    run = gated_run(0.0)
    for method in ("compass", "full_map"):
        run.fill(method, "cities/by_day", 0.9)
    for place in ("mazes/hedge", "mazes/blank0"):
        run.add("full_map", place, status="skipped")
    (gate,) = run.rows("proxy")["full_map"].gates
    assert (gate.passed, gate.value) == (None, None)
    assert run.rows("truth")["full_map"].gates == (gate.__class__("false_ways", "truth", None, 0.1, "lower", None),)


def test_a_gate_with_a_smallest_value_blocks_what_lies_below(run: Run):
    run.card["metrics"]["steps_saved"]["gate"] = {"min": 0.3}
    del run.card["metrics"]["false_ways"]["gate"]
    for method, saved in (("compass", 0.2), ("wall_follower", 0.3)):
        for seed in range(5):
            run.add(method, "mazes/hedge", seed, way_found=(0.9, 0.5, 1.0), steps_saved=(saved, 0.0, 1.0))
    rows = run.rows()
    assert rows["compass"].reason == "Steps saved 0.2 is below 0.3 on the truth board"
    assert rows["wall_follower"].status != "gated"


# -- ranks ----------------------------------------------------------------------------------------------------------


def test_unranked_references_controls_and_mutants_take_no_rank(run: Run):
    run.fill("compass", "mazes/hedge caves/dry", 0.9)
    run.fill("wall_follower", "mazes/hedge caves/dry", 0.7)
    run.fill("full_map", "mazes/hedge caves/dry", 0.95)
    run.fill("true_path", "mazes/hedge caves/dry", 0.96, kind="control")
    run.fill("compass_reversed", "mazes/hedge caves/dry", 0.5, kind="mutant")
    table, rows = run.table(), run.rows()
    assert (rows["compass"].rank, rows["wall_follower"].rank) == ((1, 1), (2, 2))
    assert (rows["full_map"].status, rows["full_map"].reason) == ("unranked", "reads the whole map at a high cost")
    assert [rows[name].rank for name in ("full_map", "true_path", "compass_reversed")] == [None] * 3
    assert [row.method for row in table.methods] == ["compass", "wall_follower", "full_map"]
    assert [row.method for row in table.controls + table.mutants] == ["true_path", "compass_reversed"]


def test_methods_that_the_draws_cannot_tell_apart_share_their_ranks(run: Run):
    run.fill("compass", "mazes/hedge", 0.8)
    for seed in range(5):
        run.add("wall_follower", "mazes/hedge", seed, way_found=(0.8 + 2 * WOBBLE[::-1][seed], 0.5, 1.0))
    rows = run.rows()
    assert rows["compass"].rank == rows["wall_follower"].rank == (1, 2)


def test_subjects_seen_in_every_instance_are_one_draw_each(run: Run):
    """Two instances of the same six walkers are six draws, not twelve: copying an instance adds no evidence."""
    walkers = np.array([0.6, 0.7, 0.8, 0.9, 0.75, 0.65])
    for seed, level in enumerate(walkers):
        for instance in ("by_day", "by_night"):
            run.add("compass", f"cities/{instance}", seed, way_found=(float(level), 0.5, 1.0))
    score = run.rows("proxy")["compass"].score
    assert (score.draws, score.df) == (6, pytest.approx(5))
    assert score.error == pytest.approx((walkers / 0.5).std(ddof=1) / np.sqrt(6))


def test_a_subject_who_lacks_an_instance_leaves_the_task(run: Run):
    for seed in range(5):
        for instance in ("by_day", "by_night"):
            status = "skipped" if (seed, instance) == (4, "by_night") else "ok"
            run.add("compass", f"cities/{instance}", seed, status=status, way_found=(0.6 + 0.05 * seed, 0.5, 1.0))
    table = run.table("proxy")
    assert [unit for unit, _ in table.dropped] == ["cities-v1/by_day/4", "cities-v1/by_night/4"]
    assert table.methods[0].score.draws == 4


def test_the_methods_of_a_track_are_named_best_first_from_its_newest_board(tmp_path: Path):
    assert best_first("maze", tmp_path) == []
    for age, (suite, best) in enumerate([("newest", "wall_follower"), ("older", "compass")]):
        run = Run()
        run.fill("compass", "mazes/hedge mazes/stone", 0.9 if best == "compass" else 0.7)
        run.fill("wall_follower", "mazes/hedge mazes/stone", 0.8)
        records, _ = made_up.write(tmp_path / suite, run.records, run.catalogue)
        os.utime(records, (1e9 - age, 1e9 - age))
    assert best_first("maze", tmp_path) == ["wall_follower", "compass"]
    assert best_first("weather", tmp_path) == []


# -- mutants --------------------------------------------------------------------------------------------------------


def mutant_result(level: float, where: str = "mazes/hedge caves/dry", spread: float = 1.0) -> MutantResult:
    run = Run()
    run.fill("compass", "mazes/hedge mazes/stone caves/dry", 0.9)
    for place in where.split():
        for seed in range(5):
            value = level + spread * WOBBLE[::-1][seed]
            run.add("compass_reversed", place, seed, "mutant", way_found=(value, 0.5, 1.0))
    (result,) = run.table().mutant_results
    return result


def test_a_mutant_is_compared_with_its_parent_on_the_units_that_its_defect_touches():
    result = mutant_result(0.6)
    assert (result.parent, result.touches, result.units) == ("compass", ("caves/dry", "mazes/hedge"), 10)
    assert result.difference.mean == pytest.approx(-0.3)
    assert result.difference.high < 0
    assert (result.loses, result.reason) == (True, "")


def test_a_mutant_whose_interval_holds_zero_does_not_lose():
    result = mutant_result(0.89)
    assert result.difference.low < 0 < result.difference.high
    assert not result.loses


def test_a_mutant_that_is_better_does_not_lose():
    assert not mutant_result(0.99).loses


def test_a_mutant_on_fewer_draws_than_a_whole_suite_has_is_called_undecided_and_not_unbeaten():
    verdicts = {}
    for level in (0.6, 0.89):
        run = Run()
        run.fill("compass", "mazes/hedge", 0.9)
        for seed in range(5):
            run.add("compass_reversed", "mazes/hedge", seed, "mutant", way_found=(level + WOBBLE[-1 - seed], 0.5, 1.0))
        verdicts[level] = run.table().mutant_results[0].verdict
    assert verdicts == {0.6: "loses", 0.89: "too few draws"}
    assert mutant_result(0.89).verdict == "does not lose"


def test_a_mutant_that_crashes_has_not_shown_that_its_defect_costs_anything():
    run = Run()
    run.fill("compass", "mazes/hedge caves/dry", 0.9)
    for place in ("mazes/hedge", "caves/dry"):
        for seed in range(5):
            run.add("compass_reversed", place, seed, "mutant", status="error")
    (result,) = run.table().mutant_results
    assert (result.loses, result.difference) == (False, None)
    assert result.reason == "compass_reversed has no way_found on 10 of 10 units"


def test_a_mutants_difference_is_negative_for_worse_where_lower_is_better():
    run = Run("weather")
    for seed in range(5):
        run.add("barometer", "coast/spring", seed, miss=(0.5 + WOBBLE[seed], 2.0, 0.0))
        run.add("barometer_offset", "coast/spring", seed, "mutant", miss=(1.0 - WOBBLE[seed], 2.0, 0.0))
    (result,) = run.table().mutant_results
    assert result.difference.mean == pytest.approx(-0.5)
    assert result.loses


def test_a_mutant_of_a_null_metric_is_compared_on_null_units(run: Run):
    run.card["mutants"]["compass_reversed"] |= {"metric": "false_ways", "touches": ["mazes/*"]}
    run.fill("compass", "mazes/hedge", 0.9)
    run.fill("compass_reversed", "mazes/hedge", 0.9, kind="mutant")
    for seed in range(5):
        run.add("compass", "mazes/blank0", seed, false_ways=(0.1 + WOBBLE[seed], None, None))
        run.add("compass_reversed", "mazes/blank0", seed, "mutant", false_ways=(0.5, None, None))
    (result,) = run.table().mutant_results
    assert (result.touches, result.units, result.loses) == (("mazes/blank0",), 5, True)


def test_a_mutant_that_ran_on_some_of_the_units_has_no_track_score(run: Run):
    run.fill("compass", "mazes/hedge mazes/stone caves/dry", 0.9)
    run.fill("compass_reversed", "mazes/hedge", 0.6, kind="mutant")
    row = run.rows()["compass_reversed"]
    assert (row.score, row.rank, list(row.instances["mazes"])) == (None, None, ["hedge"])


# -- costs, facts and input -----------------------------------------------------------------------------------------


def test_cost_is_the_mean_of_a_unit_relative_to_the_calibration_of_its_own_run(run: Run):
    for seed, (cpu, calibration) in enumerate([(2.0, 0.5), (3.0, 0.25), (1.0, None)]):
        entry = run.add("compass", "mazes/hedge", seed, **PLAIN)
        entry |= {"cpu_seconds": cpu, "calibration_seconds": calibration, "peak_memory_bytes": 100 + seed}
        entry["passes"] = {"forward": 5} if seed else {"forward": 1, "backward": 2}
    row = run.rows()["compass"]
    assert row.cost == pytest.approx((4 + 12) / 2)
    assert (row.cpu_seconds, row.peak_memory_bytes) == (6.0, 102)
    assert row.passes == {"backward": 2, "forward": 11}


def test_the_made_up_suite_gives_all_boards(tmp_path: Path):
    tables = load(*made_up.write(tmp_path))
    assert [(t.track, t.board) for t in tables.tracks] == [("maze", "truth"), ("maze", "proxy"), ("weather", "truth")]
    assert tables.n_records == sum(tables.statuses.values())
    assert len(tables.problems) == tables.n_records - tables.statuses["ok"]
    assert tables.hardware == ("Abacus, 2 cores, 8 GiB, Linux",)
    assert tables.versions == {"numpy": ("2.4.0",), "python": ("3.11.9",)}
    assert all(result.loses for table in tables.tracks for result in table.mutant_results)


def test_the_order_of_lines_does_not_matter(tmp_path: Path):
    entries = list(made_up.records())
    expected = load(*made_up.write(tmp_path / "ordered", entries))
    random.Random(4).shuffle(entries)
    assert load(*made_up.write(tmp_path / "shuffled", entries)) == expected


def test_tables_come_out_the_same_twice(tmp_path: Path):
    paths = made_up.write(tmp_path)
    assert repr(load(*paths)) == repr(load(*paths))


def broken(tmp_path: Path, change: Mapping[str, Any]) -> tuple[Path, Path]:
    lines, cards = made_up.write(tmp_path, list(made_up.records())[:3])
    with lines.open("a") as file:
        file.write(json.dumps({**next(made_up.records()), **change}) + "\n")
    return lines, cards


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"status": "fine"}, "line 4 is not a joined record"),
        ({"score": {"metrics": {}}}, "line 4 is not a joined record"),
        ({}, "stands there 2 times"),
        ({"suite": "other-2", "seed": 99}, "never merged"),
        ({"method": "stranger"}, "lacks maze/methods/stranger"),
        ({"track": "unheard"}, "lacks unheard/methods"),
    ],
)
def test_malformed_records_are_refused_in_one_sentence(tmp_path: Path, change: dict[str, Any], message: str):
    with pytest.raises(BadInput, match=message):
        load(*broken(tmp_path, change))


def test_a_line_cut_short_is_named(tmp_path: Path):
    lines, cards = made_up.write(tmp_path)
    lines.write_text(lines.read_text()[:-30])
    with pytest.raises(BadInput, match=f"line {len(list(made_up.records()))} is not a joined record"):
        load(lines, cards)


def test_no_records_are_refused(tmp_path: Path):
    lines, cards = made_up.write(tmp_path)
    lines.write_text("")
    with pytest.raises(BadInput, match="holds no record"):
        load(lines, cards)
