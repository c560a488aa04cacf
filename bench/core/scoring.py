"""The score stage: a trusted process that compares stored answers with the truth and runs no code of a method."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from bench.core import records, store
from bench.core.catalogue import literal_facts, load_plugin
from bench.core.contract import BadInput, generator
from bench.core.plan import SHORT
from bench.core.records import RUN, SCORE, read_json, write_json

FLOOR_DRAWS = 200  # of a floor control, over the seeds of an instance


@dataclass(frozen=True)
class Scorer:
    """A track's score module with its metrics and controls."""

    spec: Mapping[str, Any]
    results: Path

    @cached_property
    def module(self) -> Any:
        return load_plugin(Path(self.spec["score"]))

    @cached_property
    def types(self) -> Any:
        return load_plugin(Path(self.spec["types"]))

    @cached_property
    def metrics(self) -> Mapping[str, Any]:
        return self.module.METRICS

    def applicable(self, null: bool) -> dict[str, Any]:
        return {name: card for name, card in self.metrics.items() if (card["units"] == "null") == null}

    def score(self, problem: Any, truth: Any, answer: Any, label: str) -> dict[str, float]:
        """The metrics of one answer. Raises `BadInput` where score.py returns an undeclared or non-finite value."""
        values = self.module.score(problem, truth, answer)
        for name, value in values.items():
            if name not in self.applicable(truth.null) or not math.isfinite(value):
                raise BadInput(f"{label}: score.py gives {name} = {value}; declare it in METRICS and keep it finite")
        return {name: float(value) for name, value in values.items()}

    def brackets(self, key: str, entry: Mapping[str, Any], draws: int) -> dict[str, dict[str, float | None]]:
        """Floor and ceiling of every metric on one unit; made once and kept under the hash of score and controls."""
        digest = f"{self.spec['brackets'][:SHORT]}-{entry['truth_sha256'][:SHORT]}-{draws}"
        path = self.results / "brackets" / key / f"{digest}.json"
        if not path.is_file():
            write_json(path, self._make_brackets(key, entry, draws))
        return read_json(path)

    def _make_brackets(self, key: str, entry: Mapping[str, Any], draws: int) -> dict[str, dict[str, float | None]]:
        problem = store.read(self.types.Problem, Path(entry["problem"]), key)
        truth = store.read(self.types.Truth, Path(entry["truth"]), key)
        cards = self.applicable(truth.null)
        closed = self.module.closed_form(problem, truth) if _uses(cards, "closed_form") else {}
        made: dict[str, dict[str, float]] = {}

        def bound(name: str, side: str) -> float | None:
            source = cards[name].get(side)
            if isinstance(source, Mapping):
                control, number = source["control"], draws if side == "floor" else 1
                kept = f"{control} {number}"
                made[kept] = made.get(kept) or self._control(control, key, problem, truth, number)
                return made[kept].get(name)
            return closed.get(name, {}).get(side) if source == "closed_form" else source

        return {name: {"floor": bound(name, "floor"), "ceiling": bound(name, "ceiling")} for name in cards}

    def _control(self, control: str, key: str, problem: Any, truth: Any, draws: int) -> dict[str, float]:
        """Mean score of `draws` independent answers of a control."""
        path = Path(self.spec["controls"][control])
        extra = {"truth": truth} if literal_facts(path)[1].get("READS_TRUTH") else {}
        solve = load_plugin(path).solve
        scores = [
            self.score(
                problem, truth, solve(problem, generator("bracket", key, control, draw), **extra), f"{key} {control}"
            )
            for draw in range(draws)
        ]
        return {name: float(np.mean([score[name] for score in scores])) for name in scores[0]}


def _uses(cards: Mapping[str, Any], source: str) -> bool:
    return any(card.get(side) == source for card in cards.values() for side in ("floor", "ceiling"))


def score(
    spec: Mapping[str, Any], config: Mapping[str, Any], output: Path, progress: Callable[[int, int], None]
) -> None:
    """Score every answer of a track that is not scored yet by this code; write the manifest."""
    scorer = Scorer(spec, Path(config["results"]))
    entries = planned_entries(spec)
    draws = floor_draws(entries)
    folders = [(key, folder) for path in spec["runs"] for key, folder in read_json(Path(path))["units"].items()]
    for number, (key, folder) in enumerate(folders, 1):
        score_unit(scorer, key, entries[key], Path(folder), draws[key])
        progress(number, len(folders))
    write_json(output, {"units": [folder for _, folder in folders], "score_hash": spec["code"]})


def planned_entries(spec: Mapping[str, Any]) -> dict[str, Any]:
    """Where problem and truth of every unit of a score job lie."""
    return {key: entry for path in spec["problems"] for key, entry in read_json(Path(path))["units"].items()}


def floor_draws(keys: Iterable[str]) -> dict[str, int]:
    """How many draws of a floor control each unit makes, so that its instance has at least `FLOOR_DRAWS` of them."""
    seeds = Counter(key.rsplit("/", 1)[0] for key in keys)
    return {key: math.ceil(FLOOR_DRAWS / seeds[key.rsplit("/", 1)[0]]) for key in keys}


def score_hash(spec: Mapping[str, Any], draws: int) -> str:
    """What a score depends on besides answer and truth: the score's code, that of the controls, and the draws."""
    return f"{spec['code'][:SHORT]}-{spec['brackets'][:SHORT]}-{draws}"


def score_unit(scorer: Scorer, key: str, entry: Mapping[str, Any], folder: Path, draws: int) -> None:
    """Append a score record to a unit's folder unless one of this answer, truth and code stands there."""
    record = records.last(folder / RUN, "record")
    if record is None:
        raise BadInput(f"{folder}: has no valid run record; run `bench verify --prune` and start again")
    if record["status"] != "ok":
        return
    identity = {
        "score_hash": score_hash(scorer.spec, draws),
        "answer_sha256": record["answer_sha256"], "truth_sha256": entry["truth_sha256"],
    }  # fmt: skip
    if records.last(folder / SCORE, "score", **identity):
        return
    problem = store.read(scorer.types.Problem, Path(entry["problem"]), key)
    truth = store.read(scorer.types.Truth, Path(entry["truth"]), key)
    answer = store.read(scorer.types.Answer, folder / "answer", f"{key} {record['method']}")
    values = scorer.score(problem, truth, answer, f"{key} {record['method']}")
    brackets = scorer.brackets(key, entry, draws)
    metrics = {
        name: {"version": card["version"], "value": values.get(name), **brackets[name]}
        for name, card in scorer.applicable(truth.null).items()
    }
    records.append(folder / SCORE, {**identity, "metrics": metrics}, "score")
