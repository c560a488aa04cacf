"""Finds tracks, tasks, methods, controls, mutants and metrics by folder; reads their cards without importing them."""

from __future__ import annotations

import ast
import difflib
import hashlib
import importlib
import importlib.util
import inspect
import re
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

from bench.core.contract import BadInput

REPOSITORY = Path(__file__).resolve().parents[2]
KINDS = ("tasks", "methods", "controls", "mutants")
IDENTIFIER = re.compile(r"^[a-z][a-z0-9_]*$")
DEFAULT_SEEDS = 5
REQUIRED = {
    "tasks": ("VERSION", "BOARD", "SEED_CHANGES", "INSTANCES"),
    "methods": ("REFERENCE",),
    "controls": ("ROLE",),
    "mutants": ("MUTANT_OF", "TOUCHES", "DEFECT"),
}


@dataclass(frozen=True)
class Plugin:
    """A task, method, control or mutant: one file, known by its stem."""

    kind: str
    track: str
    id: str
    path: Path
    title: str
    description: str
    facts: Mapping[str, Any] = field(repr=False)

    def card(self) -> dict[str, Any]:
        """The plug-in's literal facts in lower case, with id, title and description."""
        return {"id": self.id, "title": self.title, "description": self.description} | {
            name.lower(): value for name, value in self.facts.items()
        }

    @property
    def seeds(self) -> int:
        """How many seeds a suite plans for a task."""
        return planned_seeds(self.card())

    @property
    def max_seeds(self) -> int | None:
        """How many seeds exist (subjects, say); None: as many as one likes."""
        return most_seeds(self.card())


def planned_seeds(card: Mapping[str, Any]) -> int:
    """How many seeds a suite plans for the task of a card: `seeds`, or 5, and never more than there are."""
    wanted, most = card.get("seeds", DEFAULT_SEEDS), most_seeds(card)
    return wanted if most is None else min(wanted, most)


def most_seeds(card: Mapping[str, Any]) -> int | None:
    """How many seeds of a task exist, or None where there is no end of them."""
    return 1 if card["seed_changes"] == "nothing" else card.get("max_seeds")


@dataclass(frozen=True)
class Track:
    """A folder of `bench/tracks` with its plug-ins by kind and id."""

    id: str
    path: Path
    title: str
    description: str
    facts: Mapping[str, Any] = field(repr=False)
    tasks: Mapping[str, Plugin] = field(repr=False)
    methods: Mapping[str, Plugin] = field(repr=False)
    controls: Mapping[str, Plugin] = field(repr=False)
    mutants: Mapping[str, Plugin] = field(repr=False)
    metrics: Mapping[str, Mapping[str, Any]] = field(repr=False)

    @property
    def types(self) -> Path:
        return self.path / "types.py"

    @property
    def score(self) -> Path:
        return self.path / "score.py"

    @property
    def solvers(self) -> dict[str, Plugin]:
        """Everything that answers problems: methods, controls and mutants."""
        return {**self.methods, **self.controls, **self.mutants}


def literal_facts(path: Path) -> tuple[str, dict[str, Any]]:
    """A file's docstring and its upper-case literal assignments, read by `ast`. Raises `BadInput` on bad syntax."""
    try:
        tree = ast.parse(path.read_text(), filename=str(path))
    except SyntaxError as error:
        raise BadInput(f"{path}: line {error.lineno} is not valid Python ({error.msg}); mend the file") from error
    facts = {}
    for node in tree.body:
        if isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.targets[0], ast.Name):
            name = node.targets[0].id
            if name.isupper() and not name.startswith("_"):
                try:
                    facts[name] = ast.literal_eval(node.value)
                except ValueError:
                    continue  # computed constants are code, not facts
    return ast.get_docstring(tree) or "", facts


def read_plugin(path: Path, kind: str, track: str) -> Plugin:
    """The card of one plug-in file. Raises `BadInput` where its name or a required fact is missing."""
    if not IDENTIFIER.match(path.stem):
        raise BadInput(f"{path}: the file's name is its id and must match {IDENTIFIER.pattern}; rename it")
    doc, facts = literal_facts(path)
    missing = [name for name in REQUIRED[kind] if name not in facts]
    if missing or not doc:
        what = ", ".join(missing) or "a docstring whose first line is the title"
        raise BadInput(f"{path}: a file in {kind}/ needs the literal {what}; add it (docs/contract.md)")
    title, _, description = doc.partition("\n")
    return Plugin(kind, track, path.stem, path, title.rstrip("."), inspect.cleandoc(description), facts)


def read_track(folder: Path, plugin_paths: Iterable[Path] = ()) -> Track:
    """A track's card and plug-ins, its own and those below `<plugin path>/<track>/`."""
    if not (folder / "score.py").is_file():
        raise BadInput(f"{folder}: a track has a score.py, this one has none; write it or move the folder away")
    doc, facts = literal_facts(folder / "types.py")
    places = [folder, *(Path(extra) / folder.name for extra in plugin_paths)]
    plugins = {kind: _plugins(places, kind, folder.name) for kind in KINDS}
    metrics = literal_facts(folder / "score.py")[1].get("METRICS")
    if metrics is None:
        raise BadInput(f"{folder / 'score.py'}: METRICS is missing or not literal; write it as a literal table")
    return Track(folder.name, folder, facts["TITLE"], doc, facts, metrics=metrics, **plugins)


def _plugins(places: list[Path], kind: str, track: str) -> dict[str, Plugin]:
    found: dict[str, Plugin] = {}
    for place in places:
        for path in sorted((place / kind).glob("[!_]*.py")):
            if path.stem in found:
                raise BadInput(f"{path}: {track} has a {kind[:-1]} of this name at {found[path.stem].path}; rename it")
            found[path.stem] = read_plugin(path, kind, track)
    return found


def read_tracks(root: Path, plugin_paths: Iterable[Path] = ()) -> dict[str, Track]:
    """All tracks below `root/bench/tracks` and below each plug-in folder (there, folders with a `types.py`)."""
    plugin_paths = [Path(path).resolve() for path in plugin_paths]
    for path in plugin_paths:
        if not path.is_dir():
            raise BadInput(f"plugin_paths: {path} is not a folder; name an existing one or take it out of the config")
    folders = [root / "bench" / "tracks", *plugin_paths]
    types = [path for folder in folders for path in sorted(folder.glob("*/types.py"))]
    return {path.parent.name: read_track(path.parent, plugin_paths) for path in types}


def pick(name: str, known: Iterable[str], what: str) -> str:
    """`name` if it is known; otherwise `BadInput` with the nearest known names as the remedy."""
    known = sorted(known)
    if name in known:
        return name
    near = difflib.get_close_matches(name, known, n=3, cutoff=0.5)
    remedy = f"did you mean {' or '.join(near)}?" if near else f"known are {', '.join(known) or 'none'}"
    raise BadInput(f"{what}: {name!r} is not known; {remedy}")


def load_plugin(path: Path) -> ModuleType:
    """The module of a plug-in file: by its dotted name inside this repository, executed by path elsewhere."""
    if path.is_relative_to(REPOSITORY):
        return importlib.import_module(".".join(path.relative_to(REPOSITORY).with_suffix("").parts))
    return load_by_path(path)


def load_by_path(path: Path) -> ModuleType:
    """A Python file executed as a module of its own, which no package name can hide."""
    name = f"plugin_{hashlib.sha256(str(path).encode()).hexdigest()[:16]}"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise BadInput(f"{path}: not a Python file; name the method's .py file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses look their module up by name
    spec.loader.exec_module(module)
    return module


def catalogue_json(tracks: Mapping[str, Track], datasets: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """The whole catalogue as plain data (`bench catalogue --json`)."""
    return {"tracks": {name: _track_json(track) for name, track in tracks.items()}, "datasets": dict(datasets)}


def _track_json(track: Track) -> dict[str, Any]:
    def cards(plugins: Mapping[str, Plugin]) -> dict[str, Any]:
        return {name: plugin.card() for name, plugin in plugins.items()}

    tasks = cards(track.tasks)
    for card in tasks.values():
        card["instances"] = [{"id": name, **facts} for name, facts in card["instances"].items()]
    return {
        "title": track.title,
        "family": track.facts["FAMILY"],
        "replicate": track.facts["REPLICATE"],
        "description": track.description,
        "tasks": tasks,
        "methods": cards(track.methods),
        "controls": cards(track.controls),
        "mutants": cards(track.mutants),
        "metrics": {name: {"id": name, **facts} for name, facts in track.metrics.items()},
    }
