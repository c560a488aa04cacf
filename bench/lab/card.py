"""The trust card: a raw score, what it could reach, what noise reaches, and how likely chance makes it."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from jaxtyping import Float

from bench.core.contract import generator
from bench.core.statistics import Estimate, difference, step_down, stratified_mean
from bench.lab import encoding
from bench.lab.ceiling import Ceiling, find_ceiling
from bench.lab.features import Features, Model, feature_sets
from bench.lab.settings import Encoding
from bench.neuro.recording import Recording

NOISE = "noise features"
CONTROLS = ("random weights", "random vectors", "surface", NOISE)


@dataclass(frozen=True)
class Score:
    """One set of features: the score at each site and the means over sites of its draws (one, but for controls)."""

    sites: Float[np.ndarray, "sites"]
    draws: list[float]

    @property
    def mean(self) -> float:
        return float(np.mean(self.draws))


@dataclass(frozen=True)
class Card:
    """One recording. `p_mean` is of the mean over sites, `p_sites` of each site, corrected over all of them.

    `permuted` are the permutations' means over sites, which the group's p is made of.
    """

    subject: str
    session: str | None
    samples: int
    sampling_rate: float
    runs: int
    scheme: str
    sites: pd.DataFrame
    scores: Mapping[str, Score]
    ceiling: Ceiling
    p_mean: float
    p_sites: Float[np.ndarray, "sites"]
    permuted: Float[np.ndarray, "permutations"]

    @property
    def name(self) -> str:
        return f"sub-{self.subject}" + (f"_ses-{self.session}" if self.session else "")

    @property
    def normalised(self) -> float | None:
        """Raw score over the ceiling, unclipped; None where there is none."""
        return None if self.ceiling.value is None else self.scores["model"].mean / self.ceiling.value


def make_card(recording: Recording, session: str | None, model: Model, chosen: Encoding, cache: Path) -> Card:
    """Everything about one recording. `chosen` is `completed`. Raises `BadInput` where it cannot be analysed."""
    folds = encoding.make_folds(recording, chosen)
    scores: dict[str, Score] = {}
    for name, draws in feature_sets(model, recording, chosen, cache):
        made = [encoding.filtered(one, recording, chosen) for one in draws]
        found = [encoding.predict(one, recording, folds, chosen) for one in made]
        scores[name] = _score(found, recording, folds)
        if name == "model":
            features = made[0]
    scores[NOISE] = _score(noise_predictions(features, recording, folds, chosen), recording, folds)
    permuted = encoding.permuted_scores(features, recording, folds, chosen)
    raw = scores["model"]
    return Card(
        recording.subject, session, len(recording.values), recording.sampling_rate, len(np.unique(recording.runs)),
        folds.scheme, recording.sites, scores, find_ceiling(features, recording, chosen.block),
        p_of(raw.mean, permuted.mean(axis=1)), encoding.adjusted_p(raw.sites, permuted, chosen.correction),
        permuted.mean(axis=1),
    )  # fmt: skip


def noise_predictions(
    features: Features, recording: Recording, folds: encoding.Folds, chosen: Encoding
) -> list[np.ndarray]:
    drawn = [
        encoding.noise_features(features, recording, generator("lab noise", recording.subject, draw))
        for draw in range(chosen.draws)
    ]
    return [encoding.predict(one, recording, folds, chosen) for one in drawn]


def _score(predictions: Sequence[np.ndarray], recording: Recording, folds: encoding.Folds) -> Score:
    sites = [encoding.site_scores(one, recording, folds) for one in predictions]
    return Score(np.mean(sites, axis=0), [float(one.mean()) for one in sites])


def p_of(score: float, permuted: Float[np.ndarray, "permutations"]) -> float:
    """One-sided; never 0 (Phipson and Smyth 2010)."""
    return float((1 + (permuted >= score).sum()) / (1 + len(permuted)))


@dataclass(frozen=True)
class Group:
    """All recordings. `means` are over subjects (sessions averaged first), `beside` the model less each control with
    its p (adjusted over the controls); `p` holds these very subjects fixed: it says nothing of others."""

    cards: list[Card]
    skipped: dict[str, str]
    means: dict[str, Estimate]
    beside: dict[str, tuple[Estimate, float]]
    p: float


def make_group(cards: list[Card], skipped: dict[str, str]) -> Group:
    names = list(cards[0].scores)
    by_subject = {name: _subjects(cards, [card.scores[name].mean for card in cards]) for name in names}
    controls = [name for name in names if name in CONTROLS]
    found = [difference([by_subject["model"]], [by_subject[name]]) for name in controls]
    adjusted = step_down(np.array([p for _, p in found]))
    permuted = np.mean([card.permuted for card in cards], axis=0)
    return Group(
        cards, skipped, {name: stratified_mean([values]) for name, values in by_subject.items()},
        {name: (one, float(p)) for name, (one, _), p in zip(controls, found, adjusted, strict=True)},
        p_of(float(np.mean([card.scores["model"].mean for card in cards])), permuted),
    )  # fmt: skip


def _subjects(cards: Sequence[Card], values: Sequence[float]) -> np.ndarray:
    """The mean of each subject's sessions."""
    table = pd.Series(values, index=[card.subject for card in cards])
    return table.groupby(level=0).mean().to_numpy()


def as_json(group: Group, facts: Mapping[str, Any]) -> dict[str, Any]:
    """The whole card as plain data; `facts` are of the data set, the model and the settings."""
    return {
        **facts,
        "skipped": group.skipped,
        "p_fixed_subjects": group.p,
        "means": {name: dataclasses.asdict(one) for name, one in group.means.items()},
        "model_less_control": {
            name: {**dataclasses.asdict(one), "p_adjusted": p} for name, (one, p) in group.beside.items()
        },
        "recordings": [_plain(card) for card in group.cards],
    }


def _plain(card: Card) -> dict[str, Any]:
    ceiling = {key: getattr(card.ceiling, key) for key in ("value", "low", "high", "repeats", "reason")}
    return {
        "subject": card.subject, "session": card.session, "samples": card.samples, "runs": card.runs,
        "sampling_rate_hz": card.sampling_rate, "folds": card.scheme, "sites": len(card.sites),
        "raw": card.scores["model"].mean, "ceiling": ceiling, "normalised": card.normalised, "p": card.p_mean,
        "sites_below_05": int((card.p_sites < 0.05).sum()), "scores": {k: v.draws for k, v in card.scores.items()},
    }  # fmt: skip


def site_table(cards: Sequence[Card]) -> pd.DataFrame:
    """A row a recording and site: raw score, corrected p, reliability of one run, normalised score, and controls."""
    return pd.concat([_site_rows(card) for card in cards], ignore_index=True)


def _site_rows(card: Card) -> pd.DataFrame:
    table = card.sites[["name", "kind"]].assign(subject=card.subject, session=card.session or "n/a")
    reliability = card.ceiling.reliability
    known = np.full(len(table), np.nan) if reliability is None else reliability
    root = np.sqrt(np.where(known > 0, known, np.nan))
    scores = {name.replace(" ", "_"): score.sites for name, score in card.scores.items()}
    return table.assign(p=card.p_sites, reliability=known, normalised=scores["model"] / root, **scores)
