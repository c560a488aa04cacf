"""The score stage: a trusted process that compares stored answers with the truth and runs no code of a method."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from bench.core import records, store
from bench.core.catalogue import literal_facts, load_plugin
from bench.core.contract import BadInput, generator
from bench.core.hashing import sha256_of
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

    def score(self, problem: Any, truth: Any, answer: Any, label: str, others: Sequence[Any] = ()) -> dict[str, float]:
        """The metrics of one answer, and of it beside the same method's `others` on siblings of its unit.

        Raises `BadInput` where score.py returns an undeclared or non-finite value.
        """
        values = self.module.score(problem, truth, answer)
        if others:
            values |= self.module.score_beside(problem, truth, answer, others)
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
    runs = list(planned_scores(spec))
    for number, run in enumerate(runs, 1):
        score_unit(scorer, run, entries[run.key], draws[run.key])
        progress(number, len(runs))
    write_json(output, {"units": [str(run.folder) for run in runs], "score_hash": spec["code"]})


@dataclass(frozen=True)
class Scored:
    """A unit's folder, and those of the same method's runs on its siblings: other seeds of an instance that says
    `"siblings": True`."""

    key: str
    folder: Path
    beside: tuple[Path, ...] = ()

    def answered(self) -> list[tuple[Path, str]]:
        """The siblings that have an answer, with its checksum."""
        found = [(folder, records.last(folder / RUN, "record")) for folder in self.beside]
        return [(folder, record["answer_sha256"]) for folder, record in found if record and record["status"] == "ok"]


def planned_scores(spec: Mapping[str, Any]) -> Iterable[Scored]:
    """Every run that a score job scores, method by method."""
    siblings = set(spec.get("siblings", ()))
    for path in spec["runs"]:
        folders = {key: Path(folder) for key, folder in read_json(Path(path))["units"].items()}
        cells: dict[str, list[str]] = {}
        for key in siblings & folders.keys():
            cells.setdefault(_instance(key), []).append(key)
        for key, folder in folders.items():
            others = sorted(set(cells.get(_instance(key), ())) - {key})
            yield Scored(key, folder, tuple(folders[other] for other in others))


def _instance(key: str) -> str:
    return key.rsplit("/", 1)[0]


def planned_entries(spec: Mapping[str, Any]) -> dict[str, Any]:
    """Where problem and truth of every unit of a score job lie."""
    return {key: entry for path in spec["problems"] for key, entry in read_json(Path(path))["units"].items()}


def floor_draws(keys: Iterable[str]) -> dict[str, int]:
    """How many draws of a floor control each unit makes, so that its instance has at least `FLOOR_DRAWS` of them."""
    seeds = Counter(_instance(key) for key in keys)
    return {key: math.ceil(FLOOR_DRAWS / seeds[_instance(key)]) for key in keys}


def score_hash(spec: Mapping[str, Any], draws: int, run: Scored) -> str:
    """What a score depends on besides answer and truth: the score's code, that of the controls, the draws, and the
    answers on siblings."""
    code = f"{spec['code'][:SHORT]}-{spec['brackets'][:SHORT]}-{draws}"
    beside = [checksum for _, checksum in run.answered()]
    return f"{code}-{sha256_of(beside)[:SHORT]}" if beside else code


def score_unit(scorer: Scorer, run: Scored, entry: Mapping[str, Any], draws: int) -> None:
    """Append a score record to a unit's folder unless one of this answer, truth and code stands there."""
    key, folder = run.key, run.folder
    record = records.last(folder / RUN, "record")
    if record is None:
        raise BadInput(f"{folder}: has no valid run record; run `bench verify --prune` and start again")
    if record["status"] != "ok":
        return
    identity = {
        "score_hash": score_hash(scorer.spec, draws, run),
        "answer_sha256": record["answer_sha256"], "truth_sha256": entry["truth_sha256"],
    }  # fmt: skip
    if records.last(folder / SCORE, "score", **identity):
        return
    problem = store.read(scorer.types.Problem, Path(entry["problem"]), key)
    truth = store.read(scorer.types.Truth, Path(entry["truth"]), key)
    label = f"{key} {record['method']}"
    answer, *others = (
        store.read(scorer.types.Answer, place / "answer", label)
        for place in (folder, *(sibling for sibling, _ in run.answered()))
    )
    values = scorer.score(problem, truth, answer, label, others)
    brackets = scorer.brackets(key, entry, draws)
    metrics = {
        name: {"version": card["version"], "value": values.get(name), **brackets[name]}
        for name, card in scorer.applicable(truth.null).items()
    }
    records.append(folder / SCORE, {**identity, "metrics": metrics}, "score")
