"""Made-up records of two tracks for tests of tables and page: the same bytes from the same arguments.

Track `maze` has two tasks on the truth board (one with a null instance) and two on the proxy board: one where the same
six walkers are seen in both instances and one method has no data for one of them, one raw map without replication.
Track `weather` has a headline whose direction is lower. No name here is a name of the suite.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import numpy as np

from bench.core.contract import generator

SUITE = "made_up-1"
HEX = "0123456789abcdef" * 4
LOG = 'Traceback (most recent call last):\n  File "method.py", line 7, in solve\nZeroDivisionError: <no> "way" & out\n'
SKILL = {
    "compass": 0.85, "wall_follower": 0.6, "guessing_well": 0.58, "dead_end_filler": 0.35, "chatterbox": 0.8,
    "crasher": 0.5, "full_map": 0.99, "random_turns": 0.0, "true_path": 1.0, "compass_reversed": 0.2,
    "barometer": 0.7, "yesterday": 0.4, "almanac": 0.45, "climatology": 0.0, "true_weather": 1.0,
    "barometer_offset": 0.3,
}  # fmt: skip


def _plugin(name: str, **facts: Any) -> dict[str, Any]:
    title = name.replace("_", " ").capitalize()
    return {"id": name, "title": title, "description": f"{title}, made up.", "reference": "Nobody (1900)"} | facts


def _metric(name: str, **facts: Any) -> dict[str, Any]:
    plain = {"id": name, "title": name.replace("_", " ").capitalize(), "version": 1, "role": "report", "units": "live"}
    return plain | {"range": [0, 1], "direction": "higher", "floor": None, "ceiling": None, "reference": ""} | facts


def _by_id(*cards: Mapping[str, Any]) -> dict[str, Any]:
    return {card["id"]: dict(card) for card in cards}


def _task(name: str, board: str, instances: str, **facts: Any) -> dict[str, Any]:
    """Instances as `open walled blank0`: one that ends in 0 is null."""
    shown = [
        {"id": x, "size": "small", "null": x.endswith("0"), "title": x.rstrip("0").capitalize()}
        for x in instances.split()
    ]
    return _plugin(name, version=1, board=board, seed_changes="truth", instances=shown) | facts


MAZE = {
    "title": "Ways out of mazes", "family": "search", "replicate": "maze", "description": "Find the way out.",
    "tasks": _by_id(
        _task("mazes", "truth", "hedge stone mirror blank0"),
        _task("caves", "truth", "dry flooded"),
        _task("cities", "proxy", "by_day by_night", seed_changes="inputs", max_seeds=6, seeds=6, data=["street_maps"]),
        _task("oceans", "proxy", "calm", seed_changes="nothing"),
    ),
    "methods": _by_id(
        _plugin("compass"), _plugin("wall_follower"), _plugin("guessing_well"), _plugin("dead_end_filler"),
        _plugin("chatterbox"), _plugin("crasher"), _plugin("full_map", unranked="reads the whole map at a high cost"),
    ),
    "controls": _by_id(_plugin("random_turns", role="floor"), _plugin("true_path", role="ceiling", reads_truth=True)),
    "mutants": _by_id(
        _plugin("compass_reversed", mutant_of="compass", touches=["mazes/hedge", "caves/dry"], defect="Turns round.")
    ),
    "metrics": _by_id(
        _metric("way_found", role="headline", floor=0.5, ceiling={"control": "true_path"}),
        _metric("way_found_raw"),
        _metric("steps_saved", range=[None, 1], floor=0.0, ceiling=1.0),
        _metric("false_ways", role="headline", units="null", direction="lower", gate={"max": 0.1}),
    ),
}  # fmt: skip

WEATHER = {
    "title": "Tomorrow's weather", "family": "prediction", "replicate": "week", "description": "Say what comes.",
    "tasks": _by_id(_task("coast", "truth", "spring autumn", seed_changes="inputs")),
    "methods": _by_id(_plugin("barometer"), _plugin("yesterday"), _plugin("almanac")),
    "controls": _by_id(_plugin("climatology", role="floor"), _plugin("true_weather", role="ceiling")),
    "mutants": _by_id(
        _plugin("barometer_offset", mutant_of="barometer", touches=["coast/s*"], defect="A day late.", metric="miss")
    ),
    "metrics": _by_id(
        _metric(
            "miss", role="headline", direction="lower", range=[0, None], floor={"control": "climatology"}, ceiling=0.0
        )
    ),
}  # fmt: skip

CATALOGUE = {
    "tracks": {"maze": MAZE, "weather": WEATHER},
    "datasets": {"street_maps": {"id": "street_maps", "version": 1, "title": "Street maps", "licence": "CC0-1.0"}},
}


def catalogue() -> dict[str, Any]:
    """A fresh copy, to be changed at will."""
    return copy.deepcopy(CATALOGUE)


def record(track: str, method: str, kind: str, task: Mapping[str, Any], instance: Mapping[str, Any], seed: int) -> dict:
    """A record of status `ok` without a score, with costs that depend on its name alone."""
    rng = generator("made-up cost", track, method, task["id"], instance["id"], seed)
    cpu = float(np.round(0.2 + 5 * (1 - SKILL.get(method, 0.5)) + rng.random(), 4))
    return {
        "schema": 1, "suite": SUITE, "track": track, "task": task["id"], "task_version": task["version"],
        "instance": instance["id"], "seed": seed, "null": instance["null"], "board": task["board"], "size": "small",
        "method": method, "kind": kind, "status": "ok", "reason": "", "log_tail": "", "run_hash": HEX,
        "problem_sha256": HEX, "answer_sha256": HEX, "environment_sha256": HEX,
        "versions": {"python": "3.11.9", "numpy": "2.4.0"},
        "hardware": {"cpu": "Abacus", "cores": 2, "memory_bytes": 8 << 30, "platform": "Linux", "gpu": None},
        "protections": ["bubblewrap", "rlimits"], "wall_seconds": round(1.1 * cpu, 4), "cpu_seconds": cpu,
        "peak_memory_bytes": int(rng.integers(50, 400)) << 20, "calibration_seconds": 0.25,
        "passes": {"forward": int(rng.integers(10, 900)), "backward": 4} if track == "maze" else None,
        "started": "2026-01-02T03:04:05Z", "score": None,
    }  # fmt: skip


def score(**metrics: tuple[float | None, float | None, float | None]) -> dict[str, Any]:
    """A score from `metric=(value, floor, ceiling)`."""
    return {
        "score_hash": HEX, "answer_sha256": HEX, "truth_sha256": HEX,
        "metrics": {
            name: {"version": 1, "value": value, "floor": floor, "ceiling": ceiling}
            for name, (value, floor, ceiling) in metrics.items()
        },
    }  # fmt: skip


def fail(entry: dict[str, Any], status: str, reason: str, log_tail: str = "") -> dict[str, Any]:
    return entry | {"status": status, "reason": reason, "log_tail": log_tail, "answer_sha256": None, "score": None}


def seeds_of(task: Mapping[str, Any]) -> range:
    return range(1 if task["seed_changes"] == "nothing" else task.get("seeds", 5))


def _ability(track: str, method: str, task: str, instance: str, seed: int) -> float:
    if method in ("true_path", "true_weather"):
        return 1.0
    rng = generator("made-up skill", track, method, task, instance, seed)
    return float(np.clip(SKILL.get(method, 0.5) + 0.08 * rng.standard_normal(), -0.2, 1.1))


def _maze_score(method: str, task: str, instance: str, seed: int, null: bool) -> dict[str, Any]:
    skill = _ability("maze", method, task, instance, seed)
    if null:
        return score(false_ways=(0.4 if method == "chatterbox" else round(0.05 * abs(1 - skill), 6), None, None))
    if task == "oceans":
        return score(
            way_found=(None, 0.5, None), way_found_raw=(round(0.3 * skill, 6), None, None), steps_saved=(None,) * 3
        )
    found = round(0.5 + 0.5 * skill * 0.97, 6)
    return score(
        way_found=(found, 0.5, 0.985),
        way_found_raw=(round(0.9 * found, 6), None, None),
        steps_saved=(round(skill**2, 6), 0.0, 1.0),
    )


def _weather_score(method: str, task: str, instance: str, seed: int) -> dict[str, Any]:
    level = float(np.round(2 + generator("made-up week", instance, seed).random(), 6))
    return score(miss=(round(level * (1 - _ability("weather", method, task, instance, seed)), 6), level, 0.0))


def _mishap(entry: dict[str, Any]) -> dict[str, Any]:
    """What goes wrong on this board: a crasher, a slow reference, and data that one method could not have."""
    place = (entry["method"], entry["task"], entry["instance"], entry["seed"])
    match place:
        case ("crasher", "mazes", "stone", seed):
            return fail(entry, "error", "ZeroDivisionError: no way out", LOG + f"seed {seed}\n")
        case ("crasher", "caves", "dry", 2):
            return fail(entry, "timeout", "took more than 60 CPU-seconds", "step 1\nstep 2\n")
        case ("full_map", "caves", "flooded", _):
            return fail(entry, "unsupported", "the planned passes exceed the budget")
        case ("wall_follower", "cities", "by_night", 5):
            return fail(entry, "skipped", "street_maps: no source and no mirror has night_5.csv")
    return entry


def records() -> Iterator[dict[str, Any]]:
    """All records, in the order in which `collect` writes them."""
    found = []
    for track, card in CATALOGUE["tracks"].items():
        for kind in ("method", "control", "mutant"):
            for method in card[f"{kind}s"]:
                for task in card["tasks"].values():
                    found += [
                        _one(track, method, kind, task, instance, seed)
                        for instance in task["instances"]
                        if _planned(card[f"{kind}s"][method], task["id"], instance["id"])
                        for seed in seeds_of(task)
                    ]
    order = ("track", "method", "task", "instance", "seed")
    yield from sorted(found, key=lambda entry: tuple(entry[name] for name in order))


def _planned(card: Mapping[str, Any], task: str, instance: str) -> bool:
    """A mutant runs only where its defect touches."""
    return any(fnmatchcase(f"{task}/{instance}", pattern) for pattern in card.get("touches", ["*"]))


def _one(track: str, method: str, kind: str, task: Mapping[str, Any], instance: Mapping[str, Any], seed: int) -> dict:
    entry = record(track, method, kind, task, instance, seed)
    place = (method, task["id"], instance["id"], seed)
    entry["score"] = _maze_score(*place, instance["null"]) if track == "maze" else _weather_score(*place)
    return _mishap(entry)


def write(folder: Path, entries: Any = None, facts: Any = None) -> tuple[Path, Path]:
    """Write `records.jsonl` and `catalogue.json` (of these entries and facts, where given) and return both paths."""
    folder.mkdir(parents=True, exist_ok=True)
    lines, cards = folder / "records.jsonl", folder / "catalogue.json"
    lines.write_text("".join(json.dumps(entry, sort_keys=True) + "\n" for entry in (entries or records())))
    cards.write_text(json.dumps(facts or CATALOGUE, indent=1, sort_keys=True) + "\n")
    return lines, cards
