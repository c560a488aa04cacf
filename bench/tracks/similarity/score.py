"""Whether the candidate that is most alike is the source, how far off it is, and what is claimed where there is none.

With C candidates of which k are equally right for a region, a random order has

    top-1 = k / C      reciprocal rank = sum over r of (1/r) (k / C) (C - r choose k - 1) / (C - 1 choose k - 1)

Ties share: of t candidates with the best score, of which u are right, the top-1 is u / t.
"""

from __future__ import annotations

from math import comb

import numpy as np
from jaxtyping import Bool, Float

from bench.tracks.similarity.types import Answer, Problem, Truth

LEVEL = 0.05
METRICS = {
    "top1": {
        "title": "Source found", "version": 1, "role": "headline", "units": "live", "range": [0, 1],
        "direction": "higher", "floor": "closed_form", "ceiling": 1.0,
        "reference": "Kornblith et al. (2019), ICML, arXiv:1905.00414, section 6.1 (identifying corresponding layers)",
        "description": "Share of regions whose most alike candidate is a source.",
    },
    "reciprocal_rank": {
        "title": "Reciprocal rank", "version": 1, "role": "report", "units": "live", "range": [0, 1],
        "direction": "higher", "floor": "closed_form", "ceiling": 1.0,
        "reference": "Voorhees (1999), The TREC-8 question answering track report, TREC",
        "description": "Mean over regions of 1 / the rank of the best source, ties at their middle.",
    },
    "layer_error": {
        "title": "Layer error", "version": 1, "role": "report", "units": "live", "range": [0, 1],
        "direction": "lower", "floor": "closed_form", "ceiling": 0.0,
        "reference": "Han, Poggio and Cheung (2023), ICML, arXiv:2302.06677 (distance from the true layer)",
        "description": "How many layers the most alike one lies from the source, over the number of steps there are.",
    },
    "detected": {
        "title": "Regions explained", "version": 1, "role": "report", "units": "live", "range": [0, 1],
        "direction": "higher", "floor": None, "ceiling": 1.0,
        "reference": "Kriegeskorte, Mur and Bandettini (2008), Frontiers in Systems Neuroscience 2:4 (relatedness)",
        "description": "Share of regions with p <= .05; all of them where the method gives no p.",
    },
    "claim_brier": {
        "title": "Calibration of claims", "version": 1, "role": "report", "units": "live", "range": [0, 1],
        "direction": "lower", "floor": None, "ceiling": 0.0,
        "reference": "Brier (1950), Monthly Weather Review 78:1-3",
        "description": "Mean squared distance of the probability stated for the likeliest candidate to whether it is"
        " a source; only where the method states any.",
    },
    "overconfidence": {
        "title": "Overconfidence", "version": 1, "role": "report", "units": "live", "range": [-1, 1],
        "direction": "lower", "floor": None, "ceiling": 0.0,
        "reference": "Lichtenstein, Fischhoff and Phillips (1982), in Judgment under uncertainty, ch. 22",
        "description": "Mean probability of the likeliest candidate less the share that are sources.",
    },
    "false_claims": {
        "title": "Claims where nothing is", "version": 1, "role": "headline", "units": "null", "range": [0, 1],
        "direction": "lower", "floor": None, "ceiling": 0.0, "gate": {"max": 0.1},
        "reference": "Kriegeskorte, Mur and Bandettini (2008), Frontiers in Systems Neuroscience 2:4 (relatedness)",
        "description": "Share of unrelated regions with p <= .05; all of them where the method gives no p.",
    },
}  # fmt: skip


def score(problem: Problem, truth: Truth, answer: Answer) -> dict[str, float]:
    claimed = claims(answer)
    if truth.null:
        return {"false_claims": float(claimed.mean())}
    found = {
        "top1": float(top_share(answer.scores, truth.sources.astype(float)).mean()),
        "reciprocal_rank": float((1 / best_rank(answer.scores, truth.sources)).mean()),
        "detected": float(claimed.mean()),
    }
    if truth.ordered:
        found["layer_error"] = float(top_share(answer.scores, layer_errors(truth)).mean())
    return found | ({} if answer.probability is None else calibration(answer.probability, truth))


def claims(answer: Answer) -> Bool[np.ndarray, "regions"]:
    """Which regions the answer says are explained; without p, all of them."""
    return np.ones(len(answer.scores), bool) if answer.p is None else answer.p <= LEVEL


def top_share(
    scores: Float[np.ndarray, "regions candidates"], worth: Float[np.ndarray, "regions candidates"]
) -> np.ndarray:
    """Worth of each region's best candidate; the mean of those that tie."""
    best = scores == scores.max(axis=1, keepdims=True)
    return (worth * best).sum(axis=1) / best.sum(axis=1)


def best_rank(
    scores: Float[np.ndarray, "regions candidates"], sources: Bool[np.ndarray, "regions candidates"]
) -> np.ndarray:
    """Rank of each region's best source, from 1; the middle of the ranks that it shares with wrong candidates."""
    highest = np.where(sources, scores, -np.inf).max(axis=1, keepdims=True)
    above, level = (scores > highest).sum(axis=1), ((scores == highest) & ~sources).sum(axis=1)
    return 1 + above + level / 2


def layer_errors(truth: Truth) -> Float[np.ndarray, "regions candidates"]:
    """Steps from each candidate to the nearest source of a region, over the number of steps from first to last."""
    steps = np.abs(truth.depth[:, None] - truth.depth[None, :])
    nearest = np.where(truth.sources[:, None, :], steps, np.inf).min(axis=2)
    return nearest / (truth.depth.max() - truth.depth.min())


def calibration(probability: Float[np.ndarray, "regions candidates"], truth: Truth) -> dict[str, float]:
    stated, right = probability.max(axis=1), top_share(probability, truth.sources.astype(float))
    return {
        "claim_brier": float(np.square(stated - right).mean()),
        "overconfidence": float((stated - right).mean()),
    }


def closed_form(problem: Problem, truth: Truth) -> dict[str, dict[str, float]]:
    """What a random order of the candidates scores."""
    if truth.null:
        return {}
    count, right = truth.sources.shape[1], truth.sources.sum(axis=1)
    found = {
        "top1": {"floor": float((right / count).mean())},
        "reciprocal_rank": {"floor": float(np.mean([random_reciprocal(count, int(k)) for k in right]))},
    }
    return found | ({"layer_error": {"floor": float(layer_errors(truth).mean())}} if truth.ordered else {})


def random_reciprocal(count: int, right: int) -> float:
    """Expected 1 / rank of the best of `right` among `count` candidates in random order."""
    firsts = [comb(count - rank, right - 1) / comb(count, right) for rank in range(1, count - right + 2)]
    return float(sum(chance / rank for rank, chance in enumerate(firsts, 1)))
