"""From config and catalogue to jobs: what must be made, where it goes, and by which hash it is known.

Every declared output carries in its path the hash of what it is made from, so that a stale file is simply not the
file that is asked for, with or without Snakemake's metadata. Nothing here imports a plug-in.
"""

from __future__ import annotations

import fnmatch
import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from bench.core import data
from bench.core.catalogue import Plugin, Track, pick, read_tracks
from bench.core.config import ROOT, load_config, mirror_of
from bench.core.contract import BadInput, Unit
from bench.core.hashing import code_hash, sha256_file, sha256_of
from bench.core.records import hardware, read_json
from bench.core.suites import Suite, load_suite

SHORT = 12  # characters of a hash in a path


@dataclass(frozen=True)
class Job:
    """One job of a stage: its name, the file it declares, what it needs, and its literal specification."""

    stage: str
    name: str
    output: str
    inputs: tuple[str, ...] = ()
    spec: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Plan:
    """All jobs of one run, in the order of the stages."""

    config: Mapping[str, Any]
    suite: Suite
    tracks: Mapping[str, Track]
    root: Path
    jobs: tuple[Job, ...]

    @property
    def results(self) -> Path:
        return Path(self.config["results"])

    def stage(self, stage: str) -> list[Job]:
        return [job for job in self.jobs if job.stage == stage]

    @cached_property
    def hash(self) -> str:
        return sha256_of([self.suite.label, [job.output for job in self.jobs]])[:SHORT]

    def document(self) -> dict[str, Any]:
        """The plan as plain data: what the stages read."""
        return {
            "config": dict(self.config),
            "suite": self.suite.label,
            "root": str(self.root),
            "hash": self.hash,
            "jobs": {f"{job.stage}/{job.name}": asdict(job) for job in self.jobs},
        }

    def write(self) -> Path:
        """Write the plan below the results folder. Raises `BadInput` where that folder cannot be written."""
        path = self.results / "plans" / f"{self.hash}.json"
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            partial = path.with_suffix(".partial")
            partial.write_text(json.dumps(self.document(), indent=1, sort_keys=True))
            partial.replace(path)
        except OSError as error:
            raise BadInput(
                f"results: {path.parent} cannot be written ({error.strerror}); free it or set results=FOLDER"
            ) from error
        return path


def make_plan(overrides: Mapping[str, Any], root: Path = ROOT) -> Plan:
    """The plan of a run. Raises `BadInput` on an unknown track, method or suite, and where nothing is left to run."""
    config = load_config(overrides, root)
    everything = read_tracks(root, config["plugin_paths"])
    return plan_units(config, everything, load_suite(config["suite"], everything, root), root)


def plan_units(
    config: Mapping[str, Any], tracks: Mapping[str, Track], suite: Suite, root: Path, only: str | None = None
) -> Plan:
    """The plan of a suite's units, as far as the config chooses their tracks, methods and seeds; `only` one solver."""
    chosen = _chosen_tracks(config, tracks)
    units = _chosen_units(suite, chosen, config)
    builder = _Builder(config, chosen, root, only, suite.methods, suite.label)
    jobs = [job for name in chosen for job in builder.track_jobs(name, [unit for unit in units if unit.track == name])]
    return Plan(config, replace(suite, units=units), chosen, root, tuple(_unique(jobs)))


def _chosen_tracks(config: Mapping[str, Any], tracks: Mapping[str, Track]) -> dict[str, Track]:
    names = tracks if config["tracks"] == "all" else [pick(name, tracks, "tracks") for name in config["tracks"]]
    if config["methods"] != "all":
        known = {method for name in names for method in tracks[name].methods}
        for method in config["methods"]:
            pick(method, known, "methods")
    return {name: tracks[name] for name in names}


def _chosen_units(suite: Suite, tracks: Mapping[str, Track], config: Mapping[str, Any]) -> tuple[Unit, ...]:
    most = float("inf") if config["seeds"] == "suite" else config["seeds"]
    cells: dict[tuple, list[Unit]] = {}
    for unit in suite.units:
        if unit.track in tracks:
            cells.setdefault((unit.track, unit.task, unit.instance), []).append(unit)
    units = tuple(unit for cell in cells.values() for rank, unit in enumerate(sorted(cell)) if rank < most)
    if not units:
        raise BadInput(f"suite: {suite.label} has no unit of {', '.join(tracks)}; choose another suite or more tracks")
    return units


def _unique(jobs: Iterable[Job]) -> Iterable[Job]:
    return {job.output: job for job in jobs}.values()


@dataclass(frozen=True)
class _Builder:
    config: Mapping[str, Any]
    tracks: Mapping[str, Track]
    root: Path
    only: str | None = None
    of_suite: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    label: str = ""

    @property
    def stages(self) -> Path:
        return Path(self.config["results"]) / "stages"

    @cached_property
    def datasets(self) -> dict[str, Any]:
        return data.cards(self.root / "datasets")

    def lock(self, environment: str) -> str:
        path = self.root / "envs" / f"{environment}.lock"
        if not path.is_file():
            raise BadInput(f"ENV {environment!r}: {path} does not exist; add the lock or use ENV = 'base'")
        return sha256_file(path)

    def track_jobs(self, track: str, units: list[Unit]) -> Iterable[Job]:
        """Data, problem, run, score and submission jobs of one track, in this order."""
        if not units:
            return
        problems = [job for task in self.tasks(track, units) for job in self.problem_jobs(track, task, units)]
        names = {name for job in problems for name in job.spec["datasets"]}
        runs = [job for plugin in self.solvers(track) for job in self.run_jobs(track, plugin, units, problems)]
        yield from (self.data_job(name) for name in sorted(names))
        yield from problems
        yield from runs
        score = self.score_job(track, problems, runs)
        yield score
        yield from self.submission_jobs(track, score)

    def tasks(self, track: str, units: Iterable[Unit]) -> list[str]:
        return sorted({unit.task for unit in units})

    def solvers(self, track: str) -> list[Plugin]:
        """The chosen methods, all controls, and the mutants of the chosen methods.

        Where the config asks for all methods the suite may name some; a solver that is asked for alone always runs.
        """
        known, chosen = self.tracks[track], self.config["methods"]
        some = self.of_suite.get(track, known.methods) if chosen == "all" else chosen
        methods = [m for m in known.methods.values() if m.id in some or m.id == self.only]
        ids = {method.id for method in methods}
        mutants = [m for m in known.mutants.values() if m.facts["MUTANT_OF"] in ids]
        solvers = [*methods, *known.controls.values(), *mutants]
        return [plugin for plugin in solvers if self.only in (None, plugin.id)]

    def data_job(self, name: str) -> Job:
        """Fetch and prepare one data set. A mirror that holds it is another source: what was missing is tried again."""
        card = self.datasets[pick(name, self.datasets, "data set")]
        folder = self.root / "datasets" / name
        mirror = mirror_of(self.config)
        source = "mirror" if mirror and (mirror / str(card.get("mirror", {}).get("folder"))).is_dir() else "source"
        key = data.prepared_hash(folder)[:SHORT]
        return Job("data", name, str(self.stages / "data" / f"{name}.{source}.{key}.json"), (), {"dataset": name})

    def problem_jobs(self, track: str, task: str, units: list[Unit]) -> Iterable[Job]:
        plugin = self.tracks[track].tasks[task]
        mine = sorted(unit for unit in units if unit.task == task)
        if plugin.facts.get("SPLIT"):
            for instance in sorted({unit.instance for unit in mine}):
                yield self.problem_job(plugin, f"{task}.{instance}", [u for u in mine if u.instance == instance])
        else:
            yield self.problem_job(plugin, task, mine)

    def problem_job(self, plugin: Plugin, name: str, units: list[Unit]) -> Job:
        sources = [self.data_job(dataset) for dataset in plugin.facts.get("DATA", ())]
        code = code_hash([plugin.path, self.tracks[plugin.track].types], self.root)
        keys = [unit.key for unit in units]
        key = sha256_of([code, keys, [job.output for job in sources]])[:SHORT]
        spec: dict[str, Any] = {
            "track": plugin.track,
            "task": plugin.id,
            "path": str(plugin.path),
            "units": keys,
            "code": code,
        }
        spec["datasets"] = {job.name: job.output for job in sources}
        output = self.stages / "problems" / plugin.track / f"{name}.{key}.json"
        return Job("problems", f"{plugin.track}/{name}", str(output), tuple(job.output for job in sources), spec)

    def run_jobs(self, track: str, plugin: Plugin, units: list[Unit], problems: list[Job]) -> Iterable[Job]:
        by_size: dict[str, list[Unit]] = {}
        for unit in sorted(units):
            if plugin.kind != "mutants" or touches(plugin, unit):
                size = self.tracks[track].tasks[unit.task].facts["INSTANCES"][unit.instance]["size"]
                by_size.setdefault(size, []).append(unit)
        for size, mine in by_size.items():
            yield self.run_job(track, plugin, size, mine, problems)

    def run_job(self, track: str, plugin: Plugin, size: str, units: list[Unit], problems: list[Job]) -> Job:
        keys = [unit.key for unit in units]
        needed = [job for job in problems if not set(keys).isdisjoint(job.spec["units"])]
        parent = [self.tracks[track].methods[plugin.facts["MUTANT_OF"]].path] if plugin.kind == "mutants" else []
        code = code_hash([plugin.path, self.tracks[track].types, *parent], self.root)
        environment = plugin.facts.get("ENV", "base")
        lock = self.lock(environment)
        lacking = lacks(plugin)
        key = sha256_of([code, lock, keys, [job.output for job in needed], *lacking.values()])[:SHORT]
        output = self.stages / "run" / track / f"{plugin.id}.{size}.{key}.json"
        spec = {
            "track": track, "method": plugin.id, "kind": plugin.kind[:-1], "path": str(plugin.path), "size": size,
            "types": str(self.tracks[track].types), "units": keys, "code": code, "environment": environment,
            "lock": lock, "reads_truth": bool(plugin.facts.get("READS_TRUTH")),
            "unit_facts": {unit.key: self.unit_facts(unit) for unit in units}, **lacking,
        }  # fmt: skip
        inputs = tuple(job.output for job in needed)
        return Job("run", f"{track}/{plugin.id}/{size}", str(output), inputs, spec)

    def unit_facts(self, unit: Unit) -> dict[str, Any]:
        """What a record says of a unit beside its identity: null, board and size."""
        task = self.tracks[unit.track].tasks[unit.task]
        instance = task.facts["INSTANCES"][unit.instance]
        return {"null": instance["null"], "board": task.facts["BOARD"], "size": instance["size"]}

    def is_sibling(self, key: str) -> bool:
        """Whether a unit's answers are also scored beside those on the other seeds of its instance."""
        unit = Unit.from_key(key)
        return bool(self.tracks[unit.track].tasks[unit.task].facts["INSTANCES"][unit.instance].get("siblings"))

    def score_job(self, track: str, problems: list[Job], runs: list[Job]) -> Job:
        known = self.tracks[track]
        controls = {name: str(plugin.path) for name, plugin in known.controls.items()}
        code = code_hash([known.score, known.types], self.root)
        brackets = code_hash([known.score, known.types, *(Path(path) for path in controls.values())], self.root)
        inputs = tuple(job.output for job in [*problems, *runs])
        key = sha256_of([code, brackets, inputs])[:SHORT]
        spec = {
            "track": track, "types": str(known.types), "score": str(known.score), "code": code, "brackets": brackets,
            "controls": controls, "problems": [j.output for j in problems], "runs": [j.output for j in runs],
            "siblings": [key for job in problems for key in job.spec["units"] if self.is_sibling(key)],
        }  # fmt: skip
        return Job("score", track, str(self.stages / "score" / f"{track}.{key}.json"), inputs, spec)

    def submission_jobs(self, track: str, score: Job) -> Iterable[Job]:
        """Score the answers that were submitted to this suite's units of a track; none where only some of them run."""
        whole = self.only is None and self.config["seeds"] == "suite" and self.config["methods"] == "all"
        for path in sorted((self.root / "leaderboard" / "submissions").glob("*/manifest.json")) if whole else ():
            if submitted_to(path) == (self.label, track):
                yield self.submission_job(path.parent, track, score)

    def submission_job(self, folder: Path, track: str, score: Job) -> Job:
        """Its hash is that of what was submitted, of the rounds that speak of it, and of the scorer."""
        rounds = self.root / "leaderboard" / "rounds"
        read = [folder / name for name in ("manifest.json", "records.jsonl", "status.json")]
        read += sorted([*rounds.glob("*.json"), *rounds.glob(f"*/{folder.name}.json")])
        content = [(path.name, sha256_file(path)) for path in read if path.is_file()]
        scorer = {name: score.spec[name] for name in score.spec if name != "runs"}
        key = sha256_of([content, scorer])[:SHORT]
        output = self.stages / "submission" / track / f"{folder.name}.{key}.json"
        inputs = tuple(score.spec["problems"])
        return Job("submission", f"{track}/{folder.name}", str(output), inputs, {**scorer, "folder": str(folder)})


def submitted_to(manifest: Path) -> tuple[str, str]:
    """Suite and track of a submission. Raises `BadInput` where its manifest does not say."""
    remedy = f"run `interpbench check-submission {manifest.parent}` and mend or remove it"
    if not manifest.is_file():  # a link to a device would never end
        raise BadInput(f"{manifest}: is not a plain file; {remedy}")
    try:
        stated = read_json(manifest)
        return stated["suite"]["label"], stated["method"]["track"]
    except (KeyError, TypeError) as error:
        raise BadInput(f"{manifest}: names no suite and track; {remedy}") from error


def lacks(plugin: Plugin) -> dict[str, str]:
    """Why none of a solver's units can run on this machine, as `skipped`; nothing where they can."""
    if "gpu" in plugin.facts.get("NEEDS", ()) and hardware()["gpu"] is None:
        return {"skipped": "needs a GPU, and this machine shows none"}
    return {}


def touches(mutant: Plugin, unit: Unit) -> bool:
    """Whether a mutant's defect touches a unit: `TOUCHES` holds `task/instance` patterns."""
    return any(fnmatch.fnmatch(f"{unit.task}/{unit.instance}", pattern) for pattern in mutant.facts["TOUCHES"])
