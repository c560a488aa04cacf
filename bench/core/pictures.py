"""Pictures of units: what a track's `picture.py` says of a unit and of every answer to it, as JSON for the page.

A track may have a `picture.py` with `picture(problem, truth)` and `drawn(problem, answer)`, both plain JSON. One unit
of an instance is drawn, that of the smallest seed: the others differ in disguise.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from bench.core import records, store
from bench.core.catalogue import load_plugin
from bench.core.records import RUN, read_json, write_json
from bench.core.scoring import planned_entries

FOLDER = "pictures"
SOURCE = "picture.py"


def draw(document: Mapping[str, Any], folder: Path) -> None:
    """Write `<track>.<unit>.json` for the drawn units of a suite and remove those that it no longer has."""
    made = {
        folder / FOLDER / f"{content['track']}.{content['unit'].replace('/', '.')}.json": content
        for job in document["jobs"].values()
        if job["stage"] == "score" and Path(job["spec"]["score"]).with_name(SOURCE).is_file()
        for content in _pictures(job["spec"])
    }
    for path in (folder / FOLDER).glob("*.json"):
        if path not in made:
            path.unlink()
    for path, content in made.items():
        write_json(path, content)


def _pictures(spec: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    drawing = load_plugin(Path(spec["score"]).with_name(SOURCE))
    types = load_plugin(Path(spec["types"]))
    entries = planned_entries(spec)
    for key, folders in answered(spec).items():
        problem = store.read(types.Problem, Path(entries[key]["problem"]), key)
        truth = store.read(types.Truth, Path(entries[key]["truth"]), key)
        answers = {
            method: drawing.drawn(problem, store.read(types.Answer, folder / "answer", f"{key} {method}"))
            for method, folder in sorted(folders.items())
        }
        unit = key.removeprefix(f"{spec['track']}/")
        yield {"track": spec["track"], "unit": unit, **drawing.picture(problem, truth), "answers": answers}


def answered(spec: Mapping[str, Any]) -> dict[str, dict[str, Path]]:
    """Folders of the valid answers to each drawn unit, by method."""
    drawn = first_seeds(planned_entries(spec))
    found: dict[str, dict[str, Path]] = {}
    for path in spec["runs"]:
        for key, folder in read_json(Path(path))["units"].items():
            record = records.last(Path(folder) / RUN, "record") if key in drawn else None
            if record and record["status"] == "ok":
                found.setdefault(key, {})[record["method"]] = Path(folder)
    return found


def first_seeds(keys: Iterable[str]) -> set[str]:
    """Of every instance the unit with the smallest seed."""
    first: dict[str, int] = {}
    for key in keys:
        instance, seed = key.rsplit("/", 1)
        first[instance] = min(int(seed), first.get(instance, int(seed)))
    return {f"{instance}/{seed}" for instance, seed in first.items()}
