"""Estimates on one board: cells of draws, normalised task and track scores, gates and mutants."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from typing import Any

import numpy as np

from bench.core import statistics
from bench.core.catalogue import planned_seeds
from bench.core.statistics import Estimate
from leaderboard.entries import GateResult, MutantResult, TaskScore
from leaderboard.units import Board, BoardUnit, is_crossed, sign


@dataclass(frozen=True)
class Weighted:
    """Cells of draws with the weight of each in a stratified mean."""

    cells: tuple[np.ndarray, ...]
    weights: tuple[float, ...]

    def estimate(self) -> Estimate:
        return statistics.stratified_mean(self.cells, self.weights)


def cells_of(board: Board, units: Iterable[BoardUnit]) -> list[list[list[BoardUnit]]]:
    """Units of one task as cells of draws. A draw is one unit; in a crossed task, whose seed i is the same subject in
    every instance, all of the task is one cell and a draw is a subject: the mean over its instances."""
    units = sorted(units)
    if units and is_crossed(board.track["tasks"][units[0].task]):
        return [[[u for u in units if u.seed == seed] for seed in sorted({u.seed for u in units})]]
    return [[[u] for u in units if u.instance == name] for name in sorted({u.instance for u in units})]


def _draws(board: Board, solver: str, cells: list[list[list[BoardUnit]]], metric: str) -> list[np.ndarray]:
    return [np.array([np.mean([board.used(solver, u, metric) for u in draw]) for draw in cell]) for cell in cells]


def _bounds(board: Board, cells: list[list[list[BoardUnit]]], metric: str, side: int) -> list[np.ndarray]:
    return [np.array([np.mean([board.bracket(u, metric)[side] for u in draw]) for draw in cell]) for cell in cells]


def live(board: Board, task: str | None = None, instance: str | None = None) -> list[BoardUnit]:
    return [u for u in board.units if not u.null and task in (None, u.task) and instance in (None, u.instance)]


def plain_mean(board: Board, solver: str, units: Iterable[BoardUnit], metric: str) -> Estimate | None:
    """Mean of a metric over the instances of one task, where it is counted for this solver."""
    mine = [u for u in units if (solver, u) in board.records or board.kinds[solver] == "method"]
    cells = cells_of(board, [u for u in mine if board.used(solver, u, metric) is not None])
    return statistics.stratified_mean(_draws(board, solver, cells, metric)) if cells else None


def normalised_cells(board: Board, solver: str, units: list[BoardUnit]) -> Weighted:
    """Linearised draws of mean(value - floor) / mean(ceiling - floor) over the instances of one task.

    Where lower is better both differences are negative and the ratio reads the same: 0 floor, 1 ceiling.
    """
    metric = board.headline() or ""
    cells = cells_of(board, units)
    floors, ceilings = _bounds(board, cells, metric, 0), _bounds(board, cells, metric, 1)
    gains = [x - floor for x, floor in zip(_draws(board, solver, cells, metric), floors, strict=True)]
    spans = [ceiling - floor for ceiling, floor in zip(ceilings, floors, strict=True)]
    ratio = statistics.ratio_of_means(gains, spans)
    return Weighted(ratio.draws, (1 / len(cells),) * len(cells))


def is_complete(board: Board, solver: str, units: Iterable[BoardUnit]) -> bool:
    """Whether a solver was planned on all of these: a method always is, a mutant only where its defect touches."""
    return board.kinds[solver] == "method" or all((solver, u) in board.records for u in units)


def scored_tasks(board: Board) -> list[str]:
    """Tasks that enter the track's mean: those with a bracket."""
    tasks = sorted({u.task for u in live(board)})
    return [task for task in tasks if not board.is_raw(task)]


def track_cells(board: Board, solver: str) -> Weighted | None:
    """Draws of a track's score: the mean over its tasks of normalised task scores; None where it has no task or the
    solver did not run on all of them."""
    tasks = scored_tasks(board)
    if not tasks or not all(is_complete(board, solver, live(board, task)) for task in tasks):
        return None
    parts = [normalised_cells(board, solver, live(board, task)) for task in tasks]
    return Weighted(
        tuple(cell for part in parts for cell in part.cells),
        tuple(weight / len(parts) for part in parts for weight in part.weights),
    )


def task_score(board: Board, solver: str, task: str) -> TaskScore:
    units = live(board, task)
    normalised = None
    if units and not board.is_raw(task) and is_complete(board, solver, units):
        normalised = normalised_cells(board, solver, units).estimate()
    metrics = {}
    for name, card in board.metrics.items():
        mine = [u for u in board.units if u.task == task and u.null == (card["units"] == "null")]
        estimate = plain_mean(board, solver, mine, name)
        if estimate is not None:
            metrics[name] = estimate
    return TaskScore(normalised, plain_mean(board, solver, units, board.column_metric(task)), metrics)


def instance_scores(board: Board, solver: str, task: str) -> dict[str, Estimate]:
    """Normalised score (raw where the task is raw) of each live instance that the solver ran on."""
    found: dict[str, Estimate | None] = {}
    for instance in sorted({u.instance for u in live(board, task)}):
        units = live(board, task, instance)
        if not is_complete(board, solver, units):
            continue
        if board.is_raw(task):
            found[instance] = plain_mean(board, solver, units, board.column_metric(task))
        elif board.has_span(units):
            found[instance] = normalised_cells(board, solver, units).estimate()
    return {instance: estimate for instance, estimate in found.items() if estimate is not None}


# -- gates --------------------------------------------------------------------------------------------------------


def gated_metrics(board: Board) -> dict[str, Mapping[str, Any]]:
    return {name: card for name, card in board.metrics.items() if "gate" in card}


def untested(board: Board, name: str, metric: str) -> GateResult:
    """A gate that no unit tests: its limit alone."""
    (limit,) = board.metrics[metric]["gate"].values()
    direction = "lower" if "max" in board.metrics[metric]["gate"] else "higher"
    return GateResult(metric, name, None, float(limit), direction, None)


def gate_result(board: Board, name: str, solver: str, metric: str) -> GateResult:
    """A method's mean on a gated metric (over tasks of the mean over instances) against the card's limit."""
    gate, value = untested(board, name, metric), _mean_over_tasks(board, solver, metric)
    if value is None:
        return gate
    passed = value.mean <= gate.limit if gate.direction == "lower" else value.mean >= gate.limit
    return replace(gate, value=value, passed=passed)


def _mean_over_tasks(board: Board, solver: str, metric: str) -> Estimate | None:
    null = board.metrics[metric]["units"] == "null"
    by_task: dict[str, list[BoardUnit]] = {}
    for unit in board.units:
        if unit.null == null and board.used(solver, unit, metric) is not None and is_complete(board, solver, [unit]):
            by_task.setdefault(unit.task, []).append(unit)
    parts = [_draws(board, solver, cells_of(board, units), metric) for _, units in sorted(by_task.items())]
    if not parts:
        return None
    weights = [1 / len(part) / len(parts) for part in parts for _ in part]
    return statistics.stratified_mean([cell for part in parts for cell in part], weights)


# -- mutants ------------------------------------------------------------------------------------------------------


def touched(card: Mapping[str, Any], task: str, instance: str) -> bool:
    return any(fnmatchcase(f"{task}/{instance}", pattern) for pattern in card["touches"])


def mutant_result(board: Board, mutant: str) -> MutantResult | None:
    """A mutant against its parent on the units that its defect touches, paired by unit, on the mutant's metric.

    Units where either has no valid answer cannot show that the defect costs anything: with one such unit the mutant
    does not count as losing. None where the defect touches nothing on this board.
    """
    card = board.track["mutants"][mutant]
    parent, metric = card["mutant_of"], card.get("metric") or board.headline() or ""
    null = board.metrics[metric]["units"] == "null"
    units = [u for u in board.units if touched(card, u.task, u.instance) and u.null == null]
    if not units:
        return None
    pairs = tuple(sorted({f"{u.task}/{u.instance}" for u in units}))
    estimate, p, reason = _paired(board, mutant, parent, metric, units)
    loses = estimate is not None and not reason and estimate.mean < 0 and p <= 1 - statistics.LEVEL
    if estimate is not None and not reason:
        reason = estimate.reason
    few = estimate is not None and len(units) < _planned(board, card, null)
    return MutantResult(mutant, parent, card["defect"], metric, pairs, len(units), estimate, loses, few, reason)


def _planned(board: Board, card: Mapping[str, Any], null: bool) -> int:
    """Units of a whole suite on which a mutant is compared: it need not lose on fewer."""
    return sum(
        planned_seeds(task)
        for task in board.track["tasks"].values()
        for instance in task["instances"]
        if task["board"] == board.name and instance["null"] == null and touched(card, task["id"], instance["id"])
    )


def _paired(
    board: Board, mutant: str, parent: str, metric: str, units: list[BoardUnit]
) -> tuple[Estimate | None, float, str]:
    """Mutant minus parent (turned so that negative is worse), its p value, and why it cannot be told."""
    for solver in (parent, mutant):
        missing = sum(board.value(solver, u, metric) is None for u in units)
        if missing:
            return None, 1.0, f"{solver} has no {metric} on {missing} of {len(units)} units"
    tasks = sorted({u.task for u in units})
    cells = [cell for task in tasks for cell in cells_of(board, [u for u in units if u.task == task])]
    turn = sign(board.metrics[metric])
    mine, sound = ([turn * x for x in _draws(board, solver, cells, metric)] for solver in (mutant, parent))
    estimate, p = statistics.difference(mine, sound)
    return estimate, p, ""
