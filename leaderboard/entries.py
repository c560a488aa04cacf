"""What a table holds, as plain frozen data: page and terminal show these and compute nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bench.core.statistics import Estimate


@dataclass(frozen=True)
class Value:
    """One metric on one unit. `used` is what entered the means: `value`, or what a failed unit scores instead."""

    value: float | None
    used: float | None
    floor: float | None
    ceiling: float | None


@dataclass(frozen=True)
class UnitRecord:
    """One method on one unit; `key` is `task-v1/instance/seed` and unique within a row."""

    key: str
    task: str
    instance: str
    seed: int
    null: bool
    status: str  # ok error timeout oom nan invalid_answer no_answer unsupported skipped
    reason: str
    dropped: bool  # taken off the table for all methods
    metrics: Mapping[str, Value]
    cost: float | None  # CPU-seconds over the calibration kernel's, timed in the same run
    cpu_seconds: float
    wall_seconds: float
    peak_memory_bytes: int
    passes: Mapping[str, int] | None
    run_hash: str
    answer_sha256: str | None


@dataclass(frozen=True)
class Failure:
    """A unit without a valid answer, with the reason and the end of the log."""

    track: str
    method: str
    kind: str
    unit: str  # UnitRecord.key
    status: str
    reason: str
    log_tail: str


@dataclass(frozen=True)
class GateResult:
    """A method's mean on a gated metric against the limit; `passed` is None where no unit tested it."""

    metric: str
    board: str
    value: Estimate | None
    limit: float
    direction: str  # lower: the value must not exceed the limit; higher: it must reach it
    passed: bool | None


@dataclass(frozen=True)
class TaskScore:
    """One method on one task: the normalised score (None: raw task), and every metric's plain mean over instances.

    `raw` is the mean of the column's metric in its own units; `metrics` holds what live and null units give.
    """

    normalised: Estimate | None
    raw: Estimate | None
    metrics: Mapping[str, Estimate]


@dataclass(frozen=True)
class TaskColumn:
    """A task as a column. `metric` is what the column shows; `raw` where no unit of it has a bracket."""

    task: str
    title: str
    instances: tuple[tuple[str, str, bool], ...]  # id, title, null
    seed_changes: str  # truth model inputs nothing
    replayable: bool  # the seed changes nothing
    raw: bool
    metric: str
    metric_title: str
    direction: str
    units: int  # live units that are scored
    card: Mapping[str, Any]


@dataclass(frozen=True)
class Row:
    """A method, control or mutant on one board. Only rows with status `ranked` carry a rank interval."""

    method: str
    title: str
    kind: str  # method control mutant
    status: str  # ranked gated unranked "not resolvable"
    reason: str  # why it is not ranked; empty where it is
    score: Estimate | None  # normalised, over the tasks that are not raw
    rank: tuple[int, int] | None  # 1 is best
    gates: tuple[GateResult, ...]
    coverage: tuple[int, int]  # valid answers, units planned and not dropped
    cost: float | None  # mean relative cost of a unit
    cpu_seconds: float  # sum
    wall_seconds: float  # sum
    peak_memory_bytes: int  # largest
    passes: Mapping[str, int] | None  # sums
    tasks: Mapping[str, TaskScore]
    instances: Mapping[str, Mapping[str, Estimate]]  # task -> live instance -> normalised (raw where the task is raw)
    failures: tuple[Failure, ...]
    records: tuple[UnitRecord, ...]
    card: Mapping[str, Any]


@dataclass(frozen=True)
class MutantResult:
    """A mutant against its sound parent on the units that its defect touches. `difference` is mutant minus parent,
    turned so that negative is worse whatever the metric's direction; `loses` where its interval lies below zero. One
    that does not lose on `few` units, fewer than a whole suite has, need not be a fault."""

    mutant: str
    parent: str
    defect: str
    metric: str
    touches: tuple[str, ...]  # task/instance pairs
    units: int
    difference: Estimate | None
    loses: bool
    few: bool
    reason: str  # why there is no difference or no interval

    @property
    def verdict(self) -> str:
        return "loses" if self.loses else "too few draws" if self.few else "does not lose"


@dataclass(frozen=True)
class TrackTable:
    """A track on one board. `methods` stand best first: ranked, then unresolved, gated, unranked."""

    track: str
    title: str
    family: str
    description: str
    board: str  # truth proxy
    replicate: str
    headline: Mapping[str, Any]  # the live headline metric's card, with "id"
    null_headline: Mapping[str, Any] | None
    metrics: Mapping[str, Mapping[str, Any]]
    tasks: tuple[TaskColumn, ...]
    methods: tuple[Row, ...]
    controls: tuple[Row, ...]
    mutants: tuple[Row, ...]
    mutant_results: tuple[MutantResult, ...]
    dropped: tuple[tuple[str, str], ...]  # unit key, reason: taken off for all methods
    note: str  # why nothing here is scored or ranked; empty where it is

    @property
    def rows(self) -> tuple[Row, ...]:
        return self.methods + self.controls + self.mutants


@dataclass(frozen=True)
class Tables:
    """All boards of one suite, and what the run was made on."""

    suite: str
    tracks: tuple[TrackTable, ...]
    datasets: Mapping[str, Mapping[str, Any]]
    problems: tuple[Failure, ...]  # every unit that is not ok, in the order of track, method, unit
    n_records: int
    statuses: Mapping[str, int]
    hardware: tuple[str, ...]
    versions: Mapping[str, tuple[str, ...]]
    protections: tuple[tuple[str, ...], ...]
    submissions: tuple[Mapping[str, Any], ...]  # every submission to this suite, also those that are on no board
