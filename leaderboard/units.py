"""The units of one track on one board, and what every method, control and mutant scores on each.

A failed unit scores the worse of the floor and the worst valid score of any method there. A unit that was skipped
for one method is dropped for all, and so is one that no method and no control answered.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from leaderboard.entries import UnitRecord, Value

KINDS = ("method", "control", "mutant")
Bracket = tuple[float | None, float | None]


@dataclass(frozen=True, order=True)
class BoardUnit:
    """One task instance with one seed, as a board sees it."""

    task: str
    instance: str
    seed: int
    version: int
    null: bool

    @property
    def key(self) -> str:
        return f"{self.task}-v{self.version}/{self.instance}/{self.seed}"


def unit_of(record: Mapping[str, Any]) -> BoardUnit:
    return BoardUnit(record["task"], record["instance"], record["seed"], record["task_version"], record["null"])


def sign(card: Mapping[str, Any]) -> int:
    """1 where higher is better, -1 where lower is."""
    return -1 if card["direction"] == "lower" else 1


def is_crossed(task: Mapping[str, Any]) -> bool:
    """Whether seed i is the same draw (listener, animal) in every instance: where only so many seeds exist."""
    return (task.get("max_seeds") or 1) > 1


@dataclass(frozen=True)
class Board:
    """The records of one track on one board, by solver and unit, with the track's catalogue entry."""

    name: str  # truth proxy
    track: Mapping[str, Any]
    records: Mapping[tuple[str, BoardUnit], Mapping[str, Any]]
    kinds: Mapping[str, str]  # solver -> method control mutant

    @classmethod
    def of(cls, name: str, track: Mapping[str, Any], records: Iterable[Mapping[str, Any]]) -> Board:
        records = list(records)
        return cls(
            name,
            track,
            {(record["method"], unit_of(record)): record for record in records},
            {record["method"]: record["kind"] for record in records},
        )

    @property
    def metrics(self) -> Mapping[str, Mapping[str, Any]]:
        return self.track["metrics"]

    def headline(self, null: bool = False) -> str | None:
        """The headline metric of this board: the one that names the board, or else the one that names none."""
        units = "null" if null else "live"
        found = [name for name, card in self.metrics.items() if card["role"] == "headline" and card["units"] == units]
        own = [name for name in found if self.metrics[name].get("board") == self.name]
        general = [name for name in found if "board" not in self.metrics[name]]
        return next(iter(own + general), None)

    def solvers(self, kind: str) -> list[str]:
        return sorted(name for name, mine in self.kinds.items() if mine == kind)

    @cached_property
    def all_units(self) -> list[BoardUnit]:
        return sorted({unit for _, unit in self.records})

    @cached_property
    def units(self) -> list[BoardUnit]:
        """Units that count: live ones with a bracket or on a raw task, and null ones."""
        return [unit for unit in self.all_units if unit not in self.dropped]

    def value(self, solver: str, unit: BoardUnit, metric: str) -> float | None:
        """A valid answer's own value, None where there is none."""
        record = self.records.get((solver, unit))
        return ((record or {}).get("score") or {"metrics": {}})["metrics"].get(metric, {}).get("value")

    def values(self, unit: BoardUnit, metric: str, kinds: Iterable[str] = ("method",)) -> list[float]:
        """Valid values of all solvers of these kinds."""
        found = [self.value(name, unit, metric) for kind in kinds for name in self.solvers(kind)]
        return [value for value in found if value is not None]

    @cached_property
    def _brackets(self) -> dict[tuple[BoardUnit, str], Bracket]:
        found: dict[tuple[BoardUnit, str], Bracket] = {}
        for kind in KINDS:
            for (name, unit), record in self.records.items():
                if self.kinds[name] == kind and record["score"]:
                    for metric, entry in record["score"]["metrics"].items():
                        found.setdefault((unit, metric), (entry["floor"], entry["ceiling"]))
        return found

    def bracket(self, unit: BoardUnit, metric: str) -> Bracket:
        return self._brackets.get((unit, metric), (None, None))

    def is_bracketed(self, unit: BoardUnit, metric: str) -> bool:
        """Whether a value can be normalised here: floor and ceiling are known and somebody has the metric."""
        known = None not in self.bracket(unit, metric)
        return known and bool(self.values(unit, metric, ("method", "control")))

    # -- what is taken off for all ------------------------------------------------------------------------------

    @cached_property
    def absent(self) -> dict[str, str]:
        """Methods that were skipped on each of their units while another ran (they need a GPU, say), with the reason.
        They are not on this board and take nothing off."""
        ran = {name for (name, _), record in self.records.items() if record["status"] != "skipped"}
        methods = self.solvers("method")
        return {name: self._skip_reason(name) for name in methods if name not in ran and ran.intersection(methods)}

    @property
    def present(self) -> set[str]:
        return set(self.kinds) - set(self.absent)

    def _skip_reason(self, solver: str) -> str:
        return next(record["reason"] for (name, _), record in self.records.items() if name == solver)

    @cached_property
    def dropped(self) -> dict[BoardUnit, str]:
        """Units taken off for all, with the reason."""
        found = self._skipped() | self._unanswered()
        found |= {unit: reason for unit, reason in self._unbracketed(found).items() if unit not in found}
        for task, card in self.track["tasks"].items():
            if is_crossed(card):
                found |= self._incomplete(task, found)
        return dict(sorted(found.items()))

    def _skipped(self) -> dict[BoardUnit, str]:
        found: dict[BoardUnit, str] = {}
        for (name, unit), record in sorted(self.records.items(), key=lambda item: (item[0][1], item[0][0])):
            if record["status"] == "skipped" and self.kinds[name] == "method" and name not in self.absent:
                found.setdefault(unit, f"skipped for {name}: {record['reason']}")
        return found

    def _unanswered(self) -> dict[BoardUnit, str]:
        answered = {unit for (name, unit), record in self.records.items() if record["status"] == "ok"}
        reason = "no method and no control has a valid answer, so its floor and ceiling are not known"
        return {unit: reason for unit in self.all_units if unit not in answered}

    def _unbracketed(self, found: Mapping[BoardUnit, str]) -> dict[BoardUnit, str]:
        """Units without a bracket in a task that has some with: they would change what the mean is over."""
        headline = self.headline()
        reason = f"{headline} has no floor and ceiling here, so it is outside the mean"
        live = [unit for unit in self.all_units if not unit.null and unit not in found]
        return {
            unit: reason
            for unit in live
            if headline and not self.is_bracketed(unit, headline) and not self._is_raw(unit.task, live)
        }

    def _incomplete(self, task: str, found: Mapping[BoardUnit, str]) -> dict[BoardUnit, str]:
        """Seeds of a crossed task that lack an instance: the draw is the seed's mean over instances."""
        kept = [unit for unit in self.all_units if unit.task == task and unit not in found and not unit.null]
        instances = {unit.instance for unit in kept}
        counts = {seed: sum(unit.seed == seed for unit in kept) for seed in {unit.seed for unit in kept}}
        reason = "its seed lacks another instance, and the draw is a seed's mean over instances"
        return {unit: reason for unit in kept if counts[unit.seed] < len(instances)}

    def _is_raw(self, task: str, live: Iterable[BoardUnit]) -> bool:
        return not self.has_span([unit for unit in live if unit.task == task])

    def has_span(self, units: Iterable[BoardUnit]) -> bool:
        """Whether the headline's ceilings lie above its floors (below, where lower is better) on average."""
        headline = self.headline()
        if headline is None:
            return False
        bounds = [self.bracket(unit, headline) for unit in units if self.is_bracketed(unit, headline)]
        total = sum(ceiling - floor for floor, ceiling in bounds if floor is not None and ceiling is not None)
        return sign(self.metrics[headline]) * total > 0

    def is_raw(self, task: str) -> bool:
        """Whether no unit of a task has a bracket (or its ceilings lie no higher than its floors)."""
        return task in self._raw_tasks

    @cached_property
    def _raw_tasks(self) -> set[str]:
        live = [unit for unit in self.units if not unit.null]
        return {task for task in self.track["tasks"] if self._is_raw(task, live)}

    # -- what a failed unit scores -------------------------------------------------------------------------------

    def column_metric(self, task: str) -> str:
        """What a task's column shows: the headline; on a raw task `<headline>_raw`, or else the first live metric
        that any method has."""
        headline = self.headline() or ""
        if not self.is_raw(task):
            return headline
        units = [unit for unit in self.units if unit.task == task and not unit.null]
        order = [f"{headline}_raw", headline, *(n for n, card in self.metrics.items() if card["units"] == "live")]
        having = [name for name in order if any(self.values(unit, name) for unit in units)]
        return having[0] if having else headline

    @cached_property
    def _columns(self) -> dict[str, str]:
        return {task: self.column_metric(task) for task in {unit.task for unit in self.units}}

    def used(self, solver: str, unit: BoardUnit, metric: str) -> float | None:
        """What enters the means: the value, or what a failed unit scores; None where the metric is not counted."""
        value = self.value(solver, unit, metric)
        return self.failed_score(solver, unit, metric) if value is None else value

    def declines(self, solver: str, unit: BoardUnit, metric: str) -> bool:
        """Whether a solver declared this unit unsupported while it answered others to which the metric applies."""
        declared = self.records.get((solver, unit), {}).get("status") == "unsupported"
        return declared and any(self.value(solver, other, metric) is not None for other in self.units)

    def failed_score(self, solver: str, unit: BoardUnit, metric: str) -> float | None:
        """The worse of the floor and the worst valid score of any method on this unit.

        A gated metric without a floor (a rate of false findings) takes the bad end of its range instead, so that
        crashing on null units opens no gate; not so a unit that a method declines as unsupported, if it answered other
        null units. A metric that is neither bracketed, gated nor the column of its task is
        left out: only the methods that have it show it.
        """
        card, floor = self.metrics[metric], self.bracket(unit, metric)[0]
        gated = "gate" in card or (card["role"] == "headline" and card["units"] == "null")
        if not (gated or self.is_bracketed(unit, metric) or self._columns.get(unit.task) == metric):
            return None
        if floor is None and gated and not (self.declines(solver, unit, metric) and self.values(unit, metric)):
            floor = card["range"][0 if sign(card) > 0 else 1]
        found = self.values(unit, metric) + ([] if floor is None else [floor])
        return (min if sign(card) > 0 else max)(found, default=None)

    # -- rows of the audit trail ---------------------------------------------------------------------------------

    def entries(self, solver: str) -> tuple[UnitRecord, ...]:
        return tuple(self._entry(solver, unit) for unit in self.all_units if (solver, unit) in self.records)

    def _entry(self, solver: str, unit: BoardUnit) -> UnitRecord:
        record = self.records[solver, unit]
        applicable = [name for name, card in self.metrics.items() if (card["units"] == "null") == unit.null]
        metrics = {
            name: Value(
                self.value(solver, unit, name), self._used_or_none(solver, unit, name), *self.bracket(unit, name)
            )
            for name in applicable
        }
        return UnitRecord(
            unit.key, unit.task, unit.instance, unit.seed, unit.null, record["status"], record["reason"],
            unit in self.dropped, metrics, relative_cost(record), record["cpu_seconds"], record["wall_seconds"],
            record["peak_memory_bytes"], record["passes"], record["run_hash"], record["answer_sha256"],
        )  # fmt: skip

    def _used_or_none(self, solver: str, unit: BoardUnit, metric: str) -> float | None:
        return None if unit in self.dropped else self.used(solver, unit, metric)


def relative_cost(record: Mapping[str, Any]) -> float | None:
    """CPU-seconds over those of the calibration kernel timed in the same run."""
    return record["cpu_seconds"] / record["calibration_seconds"] if record["calibration_seconds"] else None
