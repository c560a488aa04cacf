"""Suites: which units a run holds. Frozen ones are files; `next` is everything that exists."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from bench.core.catalogue import Plugin, Track, pick
from bench.core.config import check_schema, read_yaml
from bench.core.contract import BadInput, Unit

NEXT = "next"


class Outdated(BadInput):
    """A frozen suite whose tasks have newer versions: older code can run it."""


SUITE_FILE = re.compile(r"^(?P<name>[a-z][a-z0-9_]*)-(?P<version>[0-9]+)$")


@dataclass(frozen=True)
class Suite:
    """A selection of units under a name and a version (0 for the unfrozen `next`).

    `methods` names, by track, the only methods that the suite runs where the config asks for all; a track that is not
    named there runs all of its methods.
    """

    name: str
    version: int
    units: tuple[Unit, ...]
    methods: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def label(self) -> str:
        return self.name if self.name == NEXT else f"{self.name}-{self.version}"


def suite_files(root: Path) -> dict[str, dict[int, Path]]:
    """Name to version to file of the frozen suites."""
    found: dict[str, dict[int, Path]] = {}
    for path in sorted((root / "config" / "suites").glob("*.yaml")):
        match = SUITE_FILE.match(path.stem)
        if match is None:
            raise BadInput(f"{path}: a suite's file is called <name>-<version>.yaml; rename it")
        found.setdefault(match["name"], {})[int(match["version"])] = path
    return found


def load_suite(name: str, tracks: Mapping[str, Track], root: Path) -> Suite:
    """A suite by name (its newest version) or by `name-version`. Raises `BadInput` where it or a unit is unknown."""
    if name == NEXT:
        return Suite(NEXT, 0, tuple(all_units(tracks)))
    files = suite_files(root)
    match = SUITE_FILE.match(name)
    stem = pick(match["name"] if match else name, [*files, NEXT], "suite")
    version = int(match["version"]) if match else max(files[stem])
    if version not in files[stem]:
        raise BadInput(f"suite: {stem} has no version {version}; there are {', '.join(map(str, files[stem]))}")
    path = files[stem][version]
    content = read_yaml(path)
    check_schema(content, "suite", str(path), root)
    if (content["name"], content["version"]) != (stem, version):
        raise BadInput(f"{path}: says {content['name']}-{content['version']}; its name and content must agree")
    methods = dict(_frozen_methods(content.get("methods", {}), tracks, path))
    return Suite(stem, version, tuple(_frozen_units(content["tracks"], tracks, path)), methods)


def _frozen_methods(
    content: Mapping[str, list[str]], tracks: Mapping[str, Track], path: Path
) -> Iterable[tuple[str, tuple[str, ...]]]:
    for track, chosen in content.items():
        known = tracks[pick(track, tracks, f"{path}: track")].methods
        yield track, tuple(pick(method, known, f"{path}: method of {track}") for method in chosen)


def _frozen_units(content: Mapping[str, Any], tracks: Mapping[str, Track], path: Path) -> Iterable[Unit]:
    for track, tasks in content.items():
        known = tracks[pick(track, tracks, f"{path}: track")]
        for task, chosen in tasks.items():
            plugin = known.tasks[pick(task, known.tasks, f"{path}: task of {track}")]
            if plugin.facts["VERSION"] != chosen["version"]:
                raise Outdated(
                    f"{path}: {track}/{task} is frozen at version {chosen['version']}, the task file has "
                    f"{plugin.facts['VERSION']}; check out the older code or run a newer suite"
                )
            for instance, seeds in chosen["instances"].items():
                pick(instance, plugin.facts["INSTANCES"], f"{path}: instance of {track}/{task}")
                if plugin.max_seeds is not None and max(seeds) >= plugin.max_seeds:
                    raise BadInput(
                        f"{path}: {track}/{task} is frozen with seed {max(seeds)}, and there are {plugin.max_seeds}"
                        " (from 0 on); run another version of the suite"
                    )
                yield from (Unit(track, task, chosen["version"], instance, seed) for seed in seeds)


def all_units(tracks: Mapping[str, Track], sizes: Iterable[str] = ("small", "large", "gpu")) -> Iterable[Unit]:
    """Every instance of the given sizes with every seed that a suite plans."""
    sizes = set(sizes)
    for track in tracks.values():
        for task in track.tasks.values():
            for instance, facts in task.facts["INSTANCES"].items():
                if facts["size"] in sizes:
                    yield from units_of(task, instance, range(task.seeds))


def chosen_units(tracks: Mapping[str, Track], patterns: Iterable[str]) -> Iterable[Unit]:
    """Units by patterns `track/task/instance`, each with `:N` behind it for the first N seeds.

    Raises `BadInput` where a pattern fits no instance.
    """
    every = list(all_units(tracks))
    for pattern in patterns:
        names, _, most = pattern.partition(":")
        if most and not most.isdigit():
            raise BadInput(f"units {pattern!r}: {most!r} is no number of seeds; write for example {names}:3")
        fits = [unit for unit in every if fnmatch.fnmatch(f"{unit.track}/{unit.task}/{unit.instance}", names)]
        if not fits:
            raise BadInput(
                f"units {pattern!r} fit no instance; `interpbench catalogue` lists them as track, task, instance"
            )
        yield from (unit for unit in fits if not most or unit.seed < int(most))


def units_of(task: Plugin, instance: str, seeds: Iterable[int]) -> Iterable[Unit]:
    return (Unit(task.track, task.id, task.facts["VERSION"], instance, seed) for seed in seeds)


def freeze(
    name: str, description: str, units: Iterable[Unit], root: Path, methods: Mapping[str, list[str]] | None = None
) -> Path:
    """Write the next version of a suite from units, and from the only methods that it runs, where it names any.

    Raises `BadInput` where it would hold nothing and where its name is none.
    """
    if name == NEXT or not SUITE_FILE.match(f"{name}-1"):
        raise BadInput(
            f"suite {name!r}: a suite's name is lower-case letters, digits and _, and not {NEXT}; choose one"
        )
    units = sorted(set(units))
    if not units:
        raise BadInput(f"suite {name}: no unit fits; widen the tracks, sizes or seeds")
    version = max(suite_files(root).get(name, {0: None})) + 1
    tracks: dict[str, Any] = {}
    for unit in units:
        task = tracks.setdefault(unit.track, {}).setdefault(unit.task, {"version": unit.version, "instances": {}})
        task["instances"].setdefault(unit.instance, []).append(unit.seed)
    path = root / "config" / "suites" / f"{name}-{version}.yaml"
    content = {"name": name, "version": version, "description": description, "tracks": tracks}
    content |= {"methods": {track: sorted(chosen) for track, chosen in methods.items()}} if methods else {}
    path.write_text(yaml.safe_dump(content, sort_keys=False, default_flow_style=None, width=120))
    return path
