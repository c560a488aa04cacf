"""For method authors: describe the catalogue, scaffold a method, check its contract."""

from __future__ import annotations

import ast
import dataclasses
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from bench.core import records
from bench.core.catalogue import IDENTIFIER, Plugin, Track, pick, read_plugin, read_tracks
from bench.core.config import load_config
from bench.core.contract import DEV_SEED, BadInput, Unit
from bench.core.plan import Plan, plan_units, touches
from bench.core.records import RUN
from bench.core.running import answer_checksum, planned_runs
from bench.core.stages import execute
from bench.core.suites import Suite, units_of

SCAFFOLD = '''"""{title}.

Says in words what is computed, and departs from the paper in nothing so far.
"""

from __future__ import annotations

{imports}

from bench.tracks.{track}.types import Answer, Problem

REFERENCE = "{name}: not published yet"


def solve(problem: Problem, rng: np.random.Generator) -> Answer:
    """Starts as an answer that knows nothing; replace it."""
    return Answer(
{fields}
    )
'''
TOY_SEEDS = 2
WORDS = {
    "NEEDS": ("gradients", "gpu"),
    "INVARIANT_TO": ("scale", "permutation", "translation", "rotation", "invertible"),
}


def describe(content: Mapping[str, Any]) -> str:
    """The catalogue as an indented list."""
    lines = []
    for name, track in content["tracks"].items():
        lines.append(f"{name}: {track['title']}")
        for kind in ("tasks", "methods", "controls", "mutants"):
            lines += [f"  {kind}"] + [f"    {key:28} {card['title']}" for key, card in track[kind].items()]
        lines += ["  metrics"] + [f"    {key:28} {card['title']}" for key, card in track["metrics"].items()]
    lines += ["data sets"] + [f"    {key:28} {card['title']}" for key, card in content["datasets"].items()]
    return "\n".join(lines)


def scaffold(track: str, name: str, root: Path) -> Path:
    """Write a method file that runs and knows nothing yet. Raises `BadInput` where the name is bad or taken."""
    known = read_tracks(root)
    pick(track, known, "track")
    if not IDENTIFIER.match(name):
        raise BadInput(f"new-method: {name!r} is not a good id; use lower-case letters, digits and _")
    path = known[track].path / "methods" / f"{name}.py"
    if name in known[track].solvers:
        raise BadInput(f"new-method: {track} has a {name} already ({path}); choose another name")
    path.write_text(scaffolded(known[track], name))
    return path


def scaffolded(track: Track, name: str) -> str:
    """The text of a new method: the answer is the literal `SCAFFOLD` of types.py, field name to expression.

    What the expressions name is imported as types.py imports it. Raises `BadInput` where there is no such literal.
    """
    if "SCAFFOLD" not in track.facts:
        raise BadInput(f"new-method: {track.types} has no SCAFFOLD; add one (docs/contract.md)")
    answer = track.facts["SCAFFOLD"]
    fields = "\n".join(f"        {field}={text}," for field, text in answer.items())
    named = {"np"} | {
        node.id for text in answer.values() for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Name)
    }
    imports = "\n".join(_imports_of(named, track.types))
    title = name.replace("_", " ").capitalize()
    return SCAFFOLD.format(title=title, track=track.id, name=name, imports=imports, fields=fields)


def _imports_of(names: set[str], path: Path) -> list[str]:
    """The import statements by which a file knows `names`, one a name, plain imports first."""
    nodes = [node for node in ast.parse(path.read_text()).body if isinstance(node, ast.Import | ast.ImportFrom)]
    found = []
    for node in sorted(nodes, key=lambda node: isinstance(node, ast.ImportFrom)):
        wanted = [alias for alias in node.names if (alias.asname or alias.name) in names]
        if isinstance(node, ast.Import):
            found += [ast.unparse(ast.Import([alias])) for alias in wanted]
        elif wanted:
            found.append(ast.unparse(ast.ImportFrom(node.module, wanted, node.level)))
    return found


def find_method(tracks: Mapping[str, Track], track: str, method: str) -> tuple[Track, Plugin]:
    """A method by id or by path; one that lies elsewhere is added to its track for this run."""
    known = tracks[pick(track, tracks, "track")]
    if method.endswith(".py"):
        if not Path(method).is_file():
            raise BadInput(f"{method}: no such file; give the path of a method file or an id")
        plugin = read_plugin(Path(method).resolve(), "methods", track)
        return dataclasses.replace(known, methods={**known.methods, plugin.id: plugin}), plugin
    return known, known.solvers[pick(method, known.solvers, f"method of {track}")]


def check_method(track: str, method: str, overrides: Mapping[str, Any], root: Path) -> list[str]:
    """The contract checks of one method on toy units: every fault as a sentence, none if it keeps the contract."""
    known, plugin = find_method(read_tracks(root), track, method)
    faults = static_faults(plugin)
    chosen = list(toys(known, plugin))
    seeds = range(DEV_SEED, DEV_SEED + (1 if len(chosen) > 1 else TOY_SEEDS))  # two units show state that is kept
    units = [unit for task, instance in chosen for unit in units_of(task, instance, seeds)]
    statuses, answers = _solve(known, plugin, units, overrides, root, "check")
    faults += [
        f"{key}: {record['status']}: {record['reason']}"
        for key, record in statuses.items()
        if record["status"] not in ("ok", "unsupported")
    ]
    if "ok" not in {record["status"] for record in statuses.values()}:
        return [*faults, "answers no toy unit"]
    _, again = _solve(known, plugin, units[::-1], overrides, root, "check-again")
    return faults + _unrepeatable(plugin, [key for key in answers if answers[key] != again[key]])


def _unrepeatable(plugin: Plugin, otherwise: list[str]) -> list[str]:
    """Faults of answers that came out otherwise when units were solved in the reverse order."""
    if plugin.facts.get("REPEATABLE", True):
        return [f"{key}: answers otherwise when the order of units is reversed; keep no state" for key in otherwise]
    return [] if otherwise else ["answers alike in every order of units, though its REPEATABLE is False"]


def static_faults(plugin: Plugin) -> list[str]:
    """Faults that reading the file shows: no solve, bad parameters, words that `NEEDS` or `INVARIANT_TO` lack."""
    tree = ast.parse(plugin.path.read_text())
    solve = next((node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == "solve"), None)
    if solve is None:
        return ["has no function solve(problem, rng, ...)"]
    faults = (
        []
        if [arg.arg for arg in solve.args.args] == ["problem", "rng"]
        else ["solve must take (problem, rng) and keyword-only parameters"]
    )
    missing = [
        a.arg
        for a, default in zip(solve.args.kwonlyargs, solve.args.kw_defaults, strict=True)
        if default is None and a.arg != "truth"
    ]
    faults += [f"parameter {name} has no default" for name in missing]
    words = [(fact, word) for fact, known in WORDS.items() for word in plugin.facts.get(fact, ()) if word not in known]
    return faults + [f"{fact} holds {word!r}; known are {', '.join(WORDS[fact])}" for fact, word in words]


def toys(track: Track, plugin: Plugin) -> Iterable[tuple[Plugin, str]]:
    """The track's toy instances, the literal `TOY` of types.py (`task/instance`); a mutant's are those it touches.

    A mutant that touches no toy is tried on the first instance that it does touch.
    """
    named = [tuple(name.split("/")) for name in track.facts["TOY"]]
    chosen = [(track.tasks[task], instance) for task, instance in named]
    if plugin.kind != "mutants":
        return chosen
    every = [(task, instance) for task in track.tasks.values() for instance in task.facts["INSTANCES"]]
    touched = [at for at in every if touches_instance(plugin, *at)]
    return [at for at in chosen if at in touched] or touched[:1]


def touches_instance(mutant: Plugin, task: Plugin, instance: str) -> bool:
    """Whether a mutant's defect touches an instance of a task."""
    return touches(mutant, Unit(task.track, task.id, task.facts["VERSION"], instance, 0))


def development_plan(
    track: Track, plugin: Plugin | None, units: list[Unit], overrides: Mapping[str, Any], root: Path, label: str
) -> Plan:
    """The plan of units in a results folder of their own, `dev`; of all of the track's solvers, or of one."""
    config = load_config({**overrides, "tracks": [track.id]}, root)
    config["results"] = str(Path(config["results"]) / "dev")
    suite = Suite(label, 0, tuple(units))
    return plan_units(config, {track.id: track}, suite, root, only=plugin.id if plugin else None)


def _solve(track, plugin, units, overrides, root, label):
    """Run records and answer checksums by unit, from problem and run jobs alone."""
    plan = development_plan(track, plugin, units, overrides, root, label)
    document = plan.document()
    document["config"]["results"] = str(plan.results)
    for stage in ("data", "problems"):
        for job in plan.stage(stage):
            execute(document, dataclasses.asdict(job))
    found: dict[str, Any] = {}
    answers: dict[str, str | None] = {}
    for job in plan.stage("run"):
        spec = {
            **job.spec,
            "units": [unit.key for unit in units if unit.key in job.spec["units"]],
            "code": job.spec["code"],
        }
        for planned in planned_runs(spec, list(job.inputs), plan.results):
            (planned.folder / RUN).unlink(missing_ok=True)
        execute(document, dataclasses.asdict(dataclasses.replace(job, spec=spec)))
        for planned in planned_runs(spec, list(job.inputs), plan.results):
            found[planned.unit.key] = records.last(planned.folder / RUN, "record")
            answers[planned.unit.key] = answer_checksum(planned.folder / "answer")
    return found, answers
