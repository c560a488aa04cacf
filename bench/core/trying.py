"""`try`: one method on dev seeds beside controls and the best methods, in a few minutes.

What runs by default is the track's toy instances (or its literal `TRY`), the method and all controls, and then the
other methods, the best of the newest board first, for as long as the given minutes last: no job is started later.
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.core import data
from bench.core.authoring import development_plan, find_method
from bench.core.catalogue import Plugin, Track, catalogue_json, pick, read_tracks
from bench.core.collecting import collect
from bench.core.contract import DEV_SEED, BadInput, Unit
from bench.core.plan import Plan
from bench.core.stages import execute
from bench.core.suites import units_of


@dataclass(frozen=True)
class Extent:
    """How much `try` does: dev seeds an instance, named instances (else the toys), minutes for the other methods.

    `everything` is every method on every small instance, however long it takes; `mutants` adds those of the methods.
    """

    seeds: int = 3
    instances: Sequence[str] = ()
    minutes: float = 3.0
    everything: bool = False
    mutants: bool = False


def try_method(
    track: str, method: str, overrides: Mapping[str, Any], extent: Extent, best: Sequence[str], root: Path
) -> tuple[Path, list[str]]:
    """Run a method and those beside it on dev seeds; `best` names others in the order in which they are wanted.

    Returns the folder with the joined records, and the methods for which there was no time.
    """
    started = time.monotonic()
    whole, tried = find_method(read_tracks(root), track, method)
    units = [unit for task, name in _instances(whole, extent) for unit in units_of(task, name, dev_seeds(task, extent))]
    known = whole if extent.mutants else _without_mutants(whole, tried)
    plan = development_plan(known, None, units, overrides, root, "dev")
    _execute(plan, [job for job in plan.jobs if job.stage in ("data", "problems")])
    always = {tried.id, tried.facts.get("MUTANT_OF"), *known.controls}
    left_out = []
    for name in _order(known, tried, best):
        late = not extent.everything and time.monotonic() - started > 60 * extent.minutes
        if late and name not in always:
            left_out.append(name)
        else:
            _execute(plan, [job for job in plan.stage("run") if job.spec["method"] == name])
    return _collected(_without(known, left_out), units, overrides, root), left_out


def _collected(known: Track, units: list[Unit], overrides: Mapping[str, Any], root: Path) -> Path:
    plan = development_plan(known, None, units, overrides, root, "dev")
    _execute(plan, plan.stage("score"))
    folder = plan.results / "dev"
    collect(plan.document(), catalogue_json({known.id: known}, data.cards(root / "datasets")), folder)
    return folder


def _execute(plan: Plan, jobs: Iterable[Any]) -> None:
    document = plan.document()
    for job in jobs:
        execute(document, dataclasses.asdict(job))


def _without_mutants(track: Track, tried: Plugin) -> Track:
    """The track without its mutants, but for the one that is tried."""
    return dataclasses.replace(track, mutants={tried.id: tried} if tried.kind == "mutants" else {})


def _without(track: Track, names: Iterable[str]) -> Track:
    """The track without some of its methods and the mutants of these."""
    names = set(names)
    methods = {name: plugin for name, plugin in track.methods.items() if name not in names}
    mutants = {
        name: plugin
        for name, plugin in track.mutants.items()
        if name not in names and plugin.facts["MUTANT_OF"] not in names
    }
    return dataclasses.replace(track, methods=methods, mutants=mutants)


def _order(track: Track, tried: Plugin, best: Sequence[str]) -> list[str]:
    """The tried method, controls, then other methods as they are wanted; mutants follow their parent."""
    parent = tried.facts.get("MUTANT_OF", tried.id)
    others = [*(name for name in best if name in track.methods), *track.methods]
    order = []
    for name in dict.fromkeys([parent, *track.controls, *others]):
        order += [name, *(mutant.id for mutant in track.mutants.values() if mutant.facts["MUTANT_OF"] == name)]
    return [name for name in order if name in track.solvers]


def _instances(track: Track, extent: Extent) -> list[tuple[Plugin, str]]:
    """Tasks and instances that are tried. Raises `BadInput` on one that is not there."""
    known = {f"{task.id}/{name}": (task, name) for task in track.tasks.values() for name in task.facts["INSTANCES"]}
    if extent.instances:
        return [known[pick(name, known, f"instance of {track.id}")] for name in extent.instances]
    if extent.everything:
        return [at for at in known.values() if at[0].facts["INSTANCES"][at[1]]["size"] == "small"]
    return [known[name] for name in track.facts.get("TRY", track.facts["TOY"])]


def dev_seeds(task: Plugin, extent: Extent) -> range:
    """Seeds that never score on a board; where only so many exist (subjects), the first ones."""
    if extent.seeds < 1:
        raise BadInput(f"--seeds: {extent.seeds} is too few; give at least 1")
    if task.max_seeds is not None:
        return range(min(extent.seeds, task.max_seeds))
    return range(DEV_SEED, DEV_SEED + extent.seeds)
