"""Keeping a results folder true: resuming, verifying, cleaning, citing, and giving answers away."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import psutil

from bench.core import lifeline, records, store
from bench.core.catalogue import load_plugin, pick, read_tracks
from bench.core.citing import bibliography
from bench.core.config import load_config
from bench.core.contract import BadInput
from bench.core.plan import Plan, make_plan
from bench.core.records import RUN, SCORE, read_json, write_json
from bench.core.running import planned_runs
from bench.core.suites import NEXT, Outdated, suite_files

LAST_RUN = "last_run.json"
POINTER = Path(".snakemake") / "interpbench.json"  # in the folder that Snakemake works in


def last_run(plan: Plan, root: Path) -> None:
    """Note the configuration and the process of the newest run for `resume`, and where the note lies."""
    note = {"config": dict(plan.config), "root": str(root), "snakemake": os.environ[lifeline.VARIABLE]}
    write_json(plan.results / LAST_RUN, note)
    write_json(POINTER, {"last_run": str((plan.results / LAST_RUN).resolve())})


def running_processes(results: Path) -> list[str]:
    """The Snakemake that was started last on these results, while it lives, and every stage that still runs."""
    note = results / LAST_RUN
    name = read_json(note).get("snakemake") if note.is_file() else None  # notes of older code name no process
    snakemake = lifeline.find_workflow(name) if name else None
    locks = {str(path.resolve()) for path in (results / "locks").glob("*")}
    holders = [f"snakemake {snakemake.pid}"] if snakemake else []
    for process in psutil.process_iter(["pid", "name"]):
        try:
            opened = {file.path for file in process.open_files()}
        except (psutil.AccessDenied, psutil.NoSuchProcess):
            continue
        if locks & opened:
            holders.append(f"{process.info['name']} {process.info['pid']}")
    return holders


def refuse_while_running(verb: str, results: Path) -> None:
    """Raise `BadInput` while a run or a stage on these results lives."""
    busy = running_processes(results)
    if busy:
        raise BadInput(f"{verb}: {', '.join(busy)} still runs; wait for it or end it")


def resume(arguments: Sequence[str], root: Path) -> None:
    """Unlock and start Snakemake again with the configuration of the newest run. Raises `BadInput` while one runs."""
    if not POINTER.is_file() or not (note := Path(read_json(POINTER)["last_run"])).is_file():
        raise BadInput("resume: no run was started from this folder; start one with `snakemake --cores all`")
    config = read_json(note)["config"]
    refuse_while_running("resume", note.parent)
    arguments = [argument for argument in arguments if argument != "--"] or ["--cores", "all"]
    given = [f"{key}={_config_text(value)}" for key, value in config.items() if value not in ("", [])]
    snakemake = [sys.executable, "-m", "snakemake", "--snakefile", str(root / "Snakefile")]
    subprocess.run([*snakemake, "--unlock", "--config", *given], check=True)
    os.execv(sys.executable, [*snakemake, *arguments, "--config", *given])


def _config_text(value: Any) -> str:
    return ",".join(map(str, value)) if isinstance(value, list) else str(value)


def verify(plan: Plan, prune: bool) -> list[str]:
    """Every entry of these results that is malformed, incomplete or stale under this plan; removed with `prune`.

    Raises `BadInput` on `prune` while something runs: a unit that is being solved has no record yet.
    """
    if prune:
        refuse_while_running("verify --prune", plan.results)
    faults = [*_bad_manifests(plan), *_bad_units(plan), *_stale_units(plan), *_stale_pages(plan)]
    if prune:
        for path, _ in faults:
            shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
        for marker in plan.results.glob("*/.built-*"):
            if faults:
                marker.unlink()
    return [f"{path}: {reason}" for path, reason in faults]


def _bad_units(plan: Plan) -> Iterator[tuple[Path, str]]:
    for folder in sorted((plan.results / "units").glob("*/*/*/*/*/*")):
        reason = unit_fault(folder)
        if reason:
            yield folder, reason


def unit_fault(folder: Path) -> str | None:
    """Why a unit's folder cannot be believed: no record, a malformed one, or an answer that is not the recorded one."""
    try:
        found = list(records.read_lines(folder / RUN, "record"))
        if (folder / SCORE).exists():
            list(records.read_lines(folder / SCORE, "score"))
        recorded = found[-1]["answer_sha256"] if found else None
        if recorded is not None and recorded != store.checksum(folder / "answer"):
            return "the answer is not the one that was recorded"
    except (BadInput, OSError) as error:
        return str(error)
    return None if found else "the record is empty"


def _bad_manifests(plan: Plan) -> Iterator[tuple[Path, str]]:
    """Stage outputs that point to units which are gone, malformed, or not what their hash says."""
    for job in plan.jobs:
        path = Path(job.output)
        if path.exists():
            reason = _manifest_fault(plan, job, path)
            if reason:
                yield path, reason


def _manifest_fault(plan: Plan, job: Any, path: Path) -> str | None:
    try:
        content = read_json(path)
    except BadInput as error:
        return str(error)
    if job.stage == "data":
        return "missing data: will be tried again" if "missing" in content else _absent([content["folder"]])
    if job.stage == "problems":
        return _absent(
            [entry[name] for entry in content["units"].values() for name in ("problem", "truth") if name in entry]
        )
    if job.stage == "run":
        try:
            undone = [run.unit.key for run in planned_runs(job.spec, list(job.inputs), plan.results) if not run.done]
        except BadInput as error:
            return str(error)
        return f"{len(undone)} units without a valid record, {undone[0]} first" if undone else None
    if job.stage == "submission":
        return _absent([content["place"]] if content["place"] else [])
    unscored = [folder for folder in map(Path, content["units"]) if unit_fault(folder) or not _scored(folder)]
    return f"{len(unscored)} units without a valid score, {unscored[0]} first" if unscored else None


def _absent(paths: Iterable[str]) -> str | None:
    gone = [path for path in paths if not Path(path).is_dir()]
    return f"{len(gone)} folders are gone, {gone[0]} first" if gone else None


def _scored(folder: Path) -> bool:
    record = records.last(folder / RUN, "record")
    return record is not None and (record["status"] != "ok" or records.last(folder / SCORE, "score") is not None)


def _stale_units(plan: Plan) -> Iterator[tuple[Path, str]]:
    """Answers to planned units that were given by other code, in another environment or to another problem, and by
    none that is current."""
    for job in plan.stage("run"):
        if not all(Path(path).is_file() for path in job.inputs):
            continue  # problems are to be made again first; whether these answers fit them shows then
        for run in planned_runs(job.spec, list(job.inputs), plan.results):
            if not run.folder.exists():
                solver = f"{job.spec['track']}/{job.spec['method']}"
                for folder in sorted(run.folder.parent.glob("*")):
                    yield folder, f"{solver}: its code, types, environment or problem changed since"


def _stale_pages(plan: Plan) -> Iterator[tuple[Path, str]]:
    """A built page whose plan is not today's."""
    current = f".built-{plan.hash}"
    for marker in sorted((plan.results / plan.suite.name).glob(".built-*")):
        if marker.name != current:
            yield marker, "the page was built from an older code or config"


def clean(overrides: Mapping[str, Any], root: Path, dry_run: bool) -> list[Path]:
    """Remove prepared data, stage outputs, units, problems, truths and blobs that no plan refers to.

    Plans are those of every suite and of every run of these results that today's code would plan as it was planned.
    Raises `BadInput` while something runs, and where a plug-in or a suite cannot be read: what it refers to is not
    known then.
    """
    results = Path(load_config(overrides, root)["results"])
    refuse_while_running("clean", results)
    plans = _plans_today(overrides, results, root)
    wanted = {Path(job.output) for plan in plans for job in plan.jobs}
    kept = {Path(path) for output in wanted if output.exists() for path in _referred(output)}
    stale = [path for path in results.glob("stages/**/*.json") if path not in wanted]
    stale += [path for tree in ("problems", "truths") for path in results.glob(f"{tree}/*/*/*/*/*") if path not in kept]
    stale += [path for path in results.glob("units/*/*/*/*/*/*") if path not in kept]
    stale += [path for path in results.glob("plans/*.json") if path.stem not in {plan.hash for plan in plans}]
    stale += [path for path in results.glob("data/*-*") if str(path) not in {str(folder) for folder in kept}]
    stale += [path for path in results.glob("submissions/*/*") if path not in kept]
    stale += [path for name in ("dev", "shown", "scratch/*") for path in results.glob(name)]
    if not dry_run:
        for path in stale:
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    unshared = [path for path in results.glob("blobs/*") if path.stat().st_nlink == 1]
    for path in [] if dry_run else unshared:
        path.unlink()
    return sorted(stale) + sorted(unshared)


def _plans_today(overrides: Mapping[str, Any], results: Path, root: Path) -> list[Plan]:
    """The plans of all suites, and again those that the runs of these results were planned by."""
    names = [f"{name}-{version}" for name, versions in suite_files(root).items() for version in versions]
    suites = [_plan_unless(Outdated, {**overrides, "suite": name}, root) for name in [*names, NEXT]]
    configs = [{**read_json(path)["config"], **overrides} for path in sorted(results.glob("plans/*.json"))]
    again = [_plan_again(config, root) for config in {json.dumps(c, sort_keys=True): c for c in configs}.values()]
    return [plan for plan in (*suites, *again) if plan]


def _plan_again(config: Mapping[str, Any], root: Path) -> Plan | None:
    """The plan of an earlier run, or None where it names a suite, method or key that is gone by now.

    Raises `BadInput` where its plug-ins cannot be read.
    """
    read_tracks(root, config["plugin_paths"])
    return _plan_unless(BadInput, config, root)


def _plan_unless(refusal: type[BadInput], config: Mapping[str, Any], root: Path) -> Plan | None:
    try:
        return make_plan(config, root)
    except refusal:
        return None


def _referred(output: Path) -> Iterator[str]:
    content = read_json(output)
    yield from (content[name] for name in ("folder", "place") if content.get(name))  # of a data set, of a submission
    for value in content["units"].values() if isinstance(content.get("units"), dict) else ():
        yield from ([value] if isinstance(value, str) else [value[k] for k in ("problem", "truth") if k in value])


def export(plan: Plan, track: str, method: str, unit: str) -> Any:
    """An answer in the layout of the track's `exchange.py`. Raises `BadInput` where there is no such answer yet."""
    known = plan.tracks[pick(track, plan.tracks, "track")]
    exchange = known.path / "exchange.py"
    if not exchange.is_file():
        raise BadInput(f"{track}: the track has no exchange.py, so its answers have no layout but their own")
    solver = known.solvers[pick(method, known.solvers, f"method of {track}")]
    key = f"{track}/{unit}"
    folders = _manifest(plan, "run", key, method=solver.id)
    record = records.last(Path(folders[key]) / RUN, "record")
    if record is None or record["status"] != "ok":
        raise BadInput(f"{key}: {method} has no valid answer there ({record['status'] if record else 'no record'})")
    types = load_plugin(known.types)
    problem = store.read(types.Problem, Path(_manifest(plan, "problems", key)[key]["problem"]), key)
    answer = store.read(types.Answer, Path(folders[key]) / "answer", f"{key} {method}")
    return load_plugin(exchange).export(problem, answer)


def _manifest(plan: Plan, stage: str, key: str, **wanted: str) -> Mapping[str, Any]:
    """The manifest of the job of a stage that holds a unit."""
    for job in plan.stage(stage):
        if wanted.items() <= job.spec.items() and Path(job.output).is_file():
            units = read_json(Path(job.output))["units"]
            if key in units:
                return units
    raise BadInput(f"{key}: nothing of it is in {plan.results} for suite {plan.suite.label}; run it, or name its suite")


def cite(plan: Plan) -> str:
    """BibTeX of the methods, tasks and data sets that a plan runs, each work once."""
    methods = {(job.spec["track"], job.spec["method"]) for job in plan.stage("run") if job.spec["kind"] == "method"}
    entries = [
        (f"{track}/{name}", plan.tracks[track].methods[name].facts["REFERENCE"]) for track, name in sorted(methods)
    ]
    tasks = {(job.spec["track"], job.spec["task"]) for job in plan.stage("problems")}
    entries += [
        (f"{track}/{task}", plan.tracks[track].tasks[task].facts["REFERENCE"])
        for track, task in sorted(tasks)
        if "REFERENCE" in plan.tracks[track].tasks[task].facts
    ]
    from bench.core import data

    cards = data.cards(plan.root / "datasets")
    entries += [(name, cards[name]["citation"]) for name in sorted({job.spec["dataset"] for job in plan.stage("data")})]
    return bibliography(entries)
