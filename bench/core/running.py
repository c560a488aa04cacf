"""The run stage: one method on all its units, each unit once, whatever happens to the method."""

from __future__ import annotations

import fcntl
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from bench.core import records, store
from bench.core.calibration import calibrate
from bench.core.catalogue import literal_facts
from bench.core.contract import CONTRACT_VERSION, BadInput, Unit
from bench.core.hashing import code_hash, sha256_of
from bench.core.plan import SHORT
from bench.core.records import RUN, SCHEMA_VERSION, read_json, write_json
from bench.core.supervisor import Assignment, Limits, Outcome, supervise

GIB = 2**30
LIMITS = {
    "small": Limits(cpu_seconds=120, memory_bytes=4 * GIB),
    "large": Limits(cpu_seconds=1800, memory_bytes=16 * GIB),
    "gpu": Limits(cpu_seconds=3600, memory_bytes=32 * GIB),
}


@dataclass(frozen=True)
class UnitRun:
    """One unit of a run job: its problem, the hash that names the run, and the folder that holds its record."""

    unit: Unit
    entry: Mapping[str, Any]
    run_hash: str
    folder: Path

    @property
    def done(self) -> bool:
        """Whether a valid record of exactly this run exists, with the answer that it speaks of."""
        record = records.last(self.folder / RUN, "record", run_hash=self.run_hash)
        if record is None:
            return False
        return record["answer_sha256"] is None or answer_checksum(self.folder / "answer") == record["answer_sha256"]


def answer_checksum(folder: Path) -> str | None:
    """Checksum of a stored answer, or None where it is not whole."""
    try:
        return store.checksum(folder)
    except OSError:
        return None


def planned_runs(spec: Mapping[str, Any], inputs: list[str], results: Path) -> list[UnitRun]:
    """The units of a run job with their hashes, from the problem manifests that the job was given."""
    entries: dict[str, Any] = {}
    for path in inputs:
        entries |= read_json(Path(path))["units"]
    lacking = {"skipped": spec["skipped"]} if "skipped" in spec else {}
    return [_unit_run(Unit.from_key(key), {**entries[key], **lacking}, spec, results) for key in spec["units"]]


def _unit_run(unit: Unit, entry: Mapping[str, Any], spec: Mapping[str, Any], results: Path) -> UnitRun:
    identity = [
        CONTRACT_VERSION,
        spec["code"],
        spec["lock"],
        unit.key,
        entry.get("problem_sha256"),
        entry.get("skipped"),
    ]
    run_hash = sha256_of(identity)
    place = results / "units" / unit.track / spec["method"] / Path(*unit.key.split("/")[1:]) / run_hash[:SHORT]
    return UnitRun(unit, entry, run_hash, place)


def run(
    spec: Mapping[str, Any],
    inputs: list[str],
    config: Mapping[str, Any],
    root: Path,
    output: Path,
    progress,
    threads: int = 1,
) -> None:
    """Solve what is not solved yet and write the manifest. Raises `BadInput` where the code changed since the plan."""
    results = Path(config["results"])
    check_unchanged(spec, root)
    with locked(results / "locks" / f"{spec['track']}-{spec['method']}-{spec['size']}"):
        runs = planned_runs(spec, inputs, results)
        todo = [run for run in runs if not run.done]
        for planned in [run for run in todo if "skipped" in run.entry]:
            _write_record(planned, _skipped(planned), spec, calibration=None)
        pending = {run.unit.key: run for run in todo if "skipped" not in run.entry}
        progress(len(runs) - len(pending), len(runs))
        calibration = calibrate(threads) if pending else None
        outcomes = _outcomes(spec, list(pending.values()), root, results, threads)
        for number, (planned, outcome) in enumerate(zip(pending.values(), outcomes, strict=True), 1):
            _write_record(planned, outcome, spec, calibration)
            progress(len(runs) - len(pending) + number, len(runs))
    write_json(output, {"units": {run.unit.key: str(run.folder) for run in runs}})


def check_unchanged(spec: Mapping[str, Any], root: Path) -> None:
    """Raise `BadInput` where a method's code is no longer what was planned (an edit while the workflow runs)."""
    parent = literal_facts(Path(spec["path"]))[1].get("MUTANT_OF") if spec["kind"] == "mutant" else None
    extra = [root / "bench" / "tracks" / spec["track"] / "methods" / f"{parent}.py"] if parent else []
    if code_hash([Path(spec["path"]), Path(spec["types"]), *extra], root) != spec["code"]:
        raise BadInput(f"{spec['path']}: the code changed since the run was planned; start snakemake again")


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold an advisory lock while a job runs; it dies with the process. Raises `BadInput` where another holds it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise BadInput(
                f"{path}: another run holds this lock; wait for it or end it, then `bench resume`"
            ) from error
        yield


def _outcomes(
    spec: Mapping[str, Any], runs: list[UnitRun], root: Path, results: Path, threads: int
) -> Iterator[Outcome]:
    assignments = []
    for planned in runs:
        shutil.rmtree(planned.folder, ignore_errors=True)
        planned.folder.mkdir(parents=True)
        truth = Path(planned.entry["truth"]).resolve() if spec["reads_truth"] else None
        unit, problem = _shown(planned, spec, results)
        assignments.append(Assignment(unit, problem.resolve(), truth, (planned.folder / "answer").resolve()))
    if not assignments:
        return iter(())
    return supervise(
        Path(spec["path"]).resolve(), Path(spec["types"]).resolve(), assignments, LIMITS[spec["size"]],
        parameters={}, root=root, readable=[], scratch=results.resolve() / "scratch",
        threads=threads, hidden=[] if spec["reads_truth"] else [results / "truths"],
    )  # fmt: skip


def _shown(planned: UnitRun, spec: Mapping[str, Any], results: Path) -> tuple[Unit, Path]:
    """Unit and problem folder under the names that the method sees.

    A hidden unit goes by another seed (`shown_seeds` of the spec), in its name, its random generator and its folder:
    with the seed and a copy of the task's generator a method could make the truth itself.
    """
    seed = spec.get("shown_seeds", {}).get(planned.unit.key)
    problem = Path(planned.entry["problem"])
    if seed is None:
        return planned.unit, problem
    unit = replace(planned.unit, seed=seed)
    place = results / "shown" / unit.key
    if not place.is_dir():
        partial = place.with_name(f".{place.name}.partial")
        shutil.rmtree(partial, ignore_errors=True)
        shutil.copytree(problem, partial, copy_function=_linked)
        partial.replace(place)
    return unit, place


def _linked(source: str, target: str) -> None:
    store.share(Path(source), Path(target))


def _skipped(planned: UnitRun) -> dict[str, Any]:
    return {"status": "skipped", "reason": planned.entry["skipped"]}


def _write_record(
    planned: UnitRun, outcome: Outcome | dict[str, Any], spec: Mapping[str, Any], calibration: float | None
) -> None:
    unit = planned.unit
    record = {
        "schema": SCHEMA_VERSION, "track": unit.track, "task": unit.task, "task_version": unit.version,
        "instance": unit.instance, "seed": unit.seed, "method": spec["method"], "kind": spec["kind"],
        **spec["unit_facts"][unit.key],
        "run_hash": planned.run_hash, "problem_sha256": planned.entry.get("problem_sha256"),
        "answer_sha256": None, "environment_sha256": spec["lock"], "versions": records.versions(),
        "hardware": records.hardware(), "calibration_seconds": calibration,
        "log_tail": "", "protections": [], "wall_seconds": 0.0, "cpu_seconds": 0.0, "peak_memory_bytes": 0,
        "passes": None, "started": "",
    }  # fmt: skip
    if isinstance(outcome, dict):
        record |= outcome
    else:
        record |= {
            name: getattr(outcome, name)
            for name in (
                "status",
                "reason",
                "log_tail",
                "wall_seconds",
                "cpu_seconds",
                "peak_memory_bytes",
                "passes",
                "started",
            )
        } | {"protections": list(outcome.protections)}
        if outcome.status == "ok":
            record["answer_sha256"] = store.checksum(outcome.assignment.answer)
    records.append(planned.folder / RUN, record, "record")
