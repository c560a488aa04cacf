"""Execute a submission again: on its public units, and on hidden ones whose truth nobody has seen.

The method runs in the sandbox and nowhere else. Its public answers must be the submitted ones, unit by unit, within the
determinism that it declared; its hidden score stands beside its public one, and the gap has an interval.
"""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import Any

from bench.core import records, statistics
from bench.core.catalogue import Plugin, Track, catalogue_json, read_plugin
from bench.core.collecting import joined_records
from bench.core.config import check_schema, load_config
from bench.core.contract import BadInput, Unit
from bench.core.plan import plan_units
from bench.core.running import planned_runs
from bench.core.stages import execute
from bench.core.statistics import Estimate
from bench.core.suites import Suite
from bench.core.worker import clear
from bench.submissions.check import Checked, key_of
from bench.submissions.folder import MANIFEST, sha256
from bench.submissions.rounds import Round, hidden_unit, seal, shown_seed
from bench.submissions.scores import close
from leaderboard import scores
from leaderboard.units import Board

CLOSED = ("no network", "truth and results not visible")
FRESH = ("truth", "model")
WHY_NOT = {
    "inputs": "a seed draws other inputs for the same truth, so that an answer can be replayed",
    "nothing": "a seed changes nothing, so that an answer can be replayed",
}


@dataclass(frozen=True)
class Execution:
    """One submission in one round, and where it runs."""

    seen: Checked
    round: Round
    config: Mapping[str, Any]
    root: Path

    @cached_property
    def track(self) -> Track:
        """The submission's track with no method but the submitted one, and no mutants."""
        assert self.seen.track is not None
        path = self.seen.folder.resolve() / self.seen.manifest["method"]["file"]
        method = read_plugin(path, "methods", self.seen.track.id)
        return dataclasses.replace(self.seen.track, methods={method.id: method}, mutants={})

    @property
    def method(self) -> str:
        return self.seen.manifest["method"]["id"]

    def run(self, label: str, units: Iterable[Unit], shown: Mapping[str, int]) -> list[dict[str, Any]]:
        """Joined records of the method and the controls on these units, all run anew; `shown` are seeds to be seen."""
        plan = plan_units(self.config, {self.track.id: self.track}, Suite(label, 1, tuple(units)), self.root)
        document = plan.document()
        for job in plan.jobs:
            described = dataclasses.asdict(job)
            if job.stage == "run":
                described["spec"]["shown_seeds"] = dict(shown)
                for planned in planned_runs(described["spec"], list(job.inputs), plan.results):
                    clear(planned.folder)
            execute(document, described)
        return joined_records(document)

    def mine(self, joined: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
        return [record for record in joined if record["method"] == self.method]


def without_hidden(task: Plugin) -> str | None:
    """Why a task gives no hidden score: the same truth for every seed, no fresh seed, or no known truth."""
    if task.facts["SEED_CHANGES"] not in FRESH:
        return WHY_NOT[task.facts["SEED_CHANGES"]]
    if task.max_seeds is not None:
        return f"only {task.max_seeds} seeds exist, all of them public"
    return None if task.facts["BOARD"] == "truth" else "its truth is not known"


def hidden_units(seen: Checked, key: bytes) -> tuple[dict[str, int], dict[str, Unit], dict[str, str]]:
    """Hidden units as number by key and unit by key, as many an instance as the suite has public ones; and the tasks
    without, with the reason."""
    assert seen.track is not None
    numbers: dict[str, int] = {}
    units: dict[str, Unit] = {}
    without: dict[str, str] = {}
    cells = Counter((unit.track, unit.task, unit.version, unit.instance) for unit in seen.units.values())
    for cell, count in sorted(cells.items()):
        reason = without_hidden(seen.track.tasks[cell[1]])
        if reason:
            without[cell[1]] = reason
        for number in range(0 if reason else count):
            unit = hidden_unit(key, *cell, number)
            units[unit.key], numbers[unit.key] = unit, number
    return numbers, units, without


def verify(seen: Checked, stated: list[dict[str, Any]], known: Round, overrides: Mapping[str, Any], root: Path) -> Any:
    """The verification record of a checked submission whose answers, scored by us, are `stated`.

    Raises `BadInput` where there is no code, and on a machine that cannot close the method in.
    """
    if seen.manifest["method"]["file"] is None:
        raise BadInput(f"{seen.folder}: holds answers without code, which nobody can execute again; it stays checked")
    assert seen.track is not None
    config = load_config({**overrides, "tracks": [seen.track.id], "methods": "all"}, root)
    execution = Execution(seen, known, config, root)
    public = execution.run(f"public-{known.name}", seen.units.values(), {})
    numbers, units, without = hidden_units(seen, known.secret())
    shown = {key: shown_seed(known.secret(), unit) for key, unit in units.items()}
    hidden = execution.run(f"hidden-{known.name}", units.values(), shown) if units else []
    ours = [*execution.mine(public), *execution.mine(hidden)]
    refuse_open(ours)
    found = list(disagreements(seen, stated, execution.mine(public)))
    record = {
        "schema": 1, "submission": seen.manifest["name"], "manifest_sha256": sha256(seen.folder, MANIFEST),
        "round": known.name, "key_sha256": known.content["key_sha256"], "made": date.today().isoformat(),
        "track": seen.track.id, "suite": seen.suite.label, "agrees": not found,
        "public": {"units": len(seen.units), "determinism": seen.manifest["method"]["determinism"],
                   "disagreements": found},
        "hidden": {"units": hidden_records(execution.mine(hidden), numbers), "without": without},
        "scores": compare(execution, public, hidden),
        "protections": sorted({words for one in ours for words in one["protections"]}),
        "hardware": records.hardware(), "versions": records.versions(),
    }  # fmt: skip
    record["seal"] = seal(known.secret(), record)
    check_schema(record, "verification", "verification record")
    return record


def refuse_open(ours: Iterable[Mapping[str, Any]]) -> None:
    """A run that could see the truth or the network verifies nothing."""
    for record in ours:
        missing = [words for words in CLOSED if words not in record["protections"] and record["status"] != "skipped"]
        if missing:
            raise BadInput(
                f"{key_of(record)}: ran without: {', '.join(missing)} ({'; '.join(record['protections'])}); "
                "verify on a machine with bubblewrap or namespaces"
            )


def disagreements(
    seen: Checked, stated: list[dict[str, Any]], again: Iterable[Mapping[str, Any]]
) -> Iterator[dict[str, str]]:
    """Public units on which the method, executed again, is not what was submitted."""
    determinism = seen.manifest["method"]["determinism"]
    before = {key_of(record): record for record in stated}
    for record in again:
        key = key_of(record)
        reason = disagreement(before[key], record, determinism)
        if reason:
            yield {"unit": key, "reason": reason}


def disagreement(before: Mapping[str, Any], now: Mapping[str, Any], determinism: Mapping[str, Any]) -> str | None:
    if before["status"] != now["status"]:
        return f"status was {before['status']} and is {now['status']} ({now['reason'][:200]})"
    if now["status"] != "ok":
        return None
    if determinism["kind"] == "identical":
        return None if before["answer_sha256"] == now["answer_sha256"] else "the answer is another one"
    first, second = before["score"]["metrics"], now["score"]["metrics"]
    for metric, entry in second.items():
        if not close(first[metric]["value"], entry["value"], entry, determinism["share"]):
            return f"{metric} was {first[metric]['value']} and is {entry['value']}"
    return None


def hidden_records(joined: Iterable[Mapping[str, Any]], numbers: Mapping[str, int]) -> list[dict[str, Any]]:
    """Hidden units in the order of their numbers: the order of their seeds would tell of these."""
    found = [_hidden_record(record, numbers) for record in joined]
    return sorted(found, key=lambda one: (one["task"], one["instance"], one["number"]))


def _hidden_record(record: Mapping[str, Any], numbers: Mapping[str, int]) -> dict[str, Any]:
    """What is published of a hidden unit: its number, never its seed."""
    metrics = record["score"]["metrics"] if record["score"] else {}
    return {
        "task": record["task"], "version": record["task_version"], "instance": record["instance"],
        "number": numbers[key_of(record)], "status": record["status"],
        "metrics": {name: entry["value"] for name, entry in metrics.items()},
    }  # fmt: skip


def compare(execution: Execution, public: list[dict[str, Any]], hidden: list[dict[str, Any]]) -> dict[str, Any]:
    """Public and hidden score on the tasks that have hidden units, and public minus hidden with its interval."""
    tasks = {record["task"] for record in hidden}
    cells = [_cells(execution, [one for one in joined if one["task"] in tasks]) for joined in (public, hidden)]
    first, second = cells
    if first is None or second is None:
        return {"public": None, "hidden": None, "gap": None}
    weights = [*first.weights, *(-weight for weight in second.weights)]
    gap = statistics.stratified_mean([*first.cells, *second.cells], weights)
    return {"public": plain(first.estimate()), "hidden": plain(second.estimate()), "gap": plain(gap)}


def _cells(execution: Execution, joined: list[dict[str, Any]]) -> scores.Weighted | None:
    card = catalogue_json({execution.track.id: execution.track}, {})["tracks"][execution.track.id]
    truths = [record for record in joined if record["board"] == "truth"]
    board = Board.of("truth", card, truths)
    return scores.track_cells(board, execution.method) if truths else None


def plain(estimate: Estimate) -> dict[str, Any]:
    return {name: getattr(estimate, name) for name in ("mean", "low", "high", "draws", "reason")}


def recheck(stored: Mapping[str, Any], again: Mapping[str, Any]) -> list[str]:
    """Where a stored record of a revealed round is not what executing it once more gives; dates and machine aside."""
    determinism = stored["public"]["determinism"]
    faults = [
        f"{name} was {stored[name]!r} and is {again[name]!r}"
        for name in ("manifest_sha256", "suite", "agrees")
        if stored[name] != again[name]
    ]
    for before, now in zip(stored["hidden"]["units"], again["hidden"]["units"], strict=True):
        share = determinism.get("share", statistics.ROUNDING)
        for metric, value in now["metrics"].items():
            bare = {"floor": None, "ceiling": None}
            if not close(before["metrics"].get(metric), value, bare, share):
                unit = f"{now['task']}/{now['instance']} {now['number']}"
                faults.append(f"{unit}: {metric} was {before['metrics'].get(metric)} and is {value}")
    return faults
