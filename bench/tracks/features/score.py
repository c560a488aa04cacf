"""How many true directions a dictionary finds, how well its latents detect them, and whether it invents any.

With M the one-to-one matching of claimed latents and true directions that has the largest sum of |cosine|,

    recovery = sum over M of |cosine| / number of true directions

so that latents that are few, copies of each other, or not claimed cost what they do not find. A random dictionary of
the allowed size scores far above 0 (.49 for 40 directions and as many latents in 20 dimensions): it is drawn anew on
every unit and is the floor. Detection is judged on the test activations, latent by latent; where two features point in
opposite ways, |cosine| cannot tell their latents apart, so that its matching is by the cosine with the direction in
which a latent writes when it fires. A direction without a latent counts 0. On null units every claimed latent is false.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int

from bench.kernels.matching import assign, copied, cosines
from bench.tracks.features.types import CLAIMED, Answer, Problem, Truth

FOUND = 0.9  # |cosine| from which a direction counts as found
COPY = 0.95  # cosine from which two latents are copies

METRICS = {
    "recovery": {
        "title": "Directions recovered", "version": 1, "role": "headline", "units": "live", "range": [0, 1],
        "direction": "higher", "floor": {"control": "random_dictionary"}, "ceiling": {"control": "oracle"},
        "reference": "Sharkey et al. (2022), Taking features out of superposition with sparse autoencoders (mean max"
        " cosine); Chanin et al. (2026), SynthSAEBench (Hungarian matching)",
        "description": "Sum of |cosine| of the best matching of claimed latents, over the number of true directions.",
    },
    "found": {
        "title": "Directions found", "version": 1, "role": "report", "units": "live", "range": [0, 1],
        "direction": "higher", "floor": {"control": "random_dictionary"}, "ceiling": 1.0,
        "reference": "Paulo and Belrose (2025), Sparse autoencoders trained on the same data learn different features,"
        " arXiv:2501.16615 (thresholded matching)",
        "description": "Share of true directions whose matched latent has |cosine| of .9 or more.",
    },
    "f1": {
        "title": "Detection F1", "version": 1, "role": "report", "units": "live", "range": [0, 1],
        "direction": "higher", "floor": {"control": "random_dictionary"}, "ceiling": {"control": "oracle"},
        "reference": "Chanin et al. (2026), SynthSAEBench; sae-lens, synthetic evaluations",
        "description": "F1 of a matched latent's firing as a detector of its feature, mean over features.",
    },
    "precision": {
        "title": "Detection precision", "version": 1, "role": "report", "units": "live", "range": [0, 1],
        "direction": "higher", "floor": {"control": "random_dictionary"}, "ceiling": {"control": "oracle"},
        "reference": "Chanin et al. (2026), SynthSAEBench; sae-lens, synthetic evaluations",
        "description": "Share of a matched latent's firings on which its feature is active, mean over features.",
    },
    "recall": {
        "title": "Detection recall", "version": 1, "role": "report", "units": "live", "range": [0, 1],
        "direction": "higher", "floor": {"control": "random_dictionary"}, "ceiling": {"control": "oracle"},
        "reference": "Chanin et al. (2026), SynthSAEBench; sae-lens, synthetic evaluations",
        "description": "Share of a feature's active samples on which its matched latent fires, mean over features.",
    },
    "uniqueness": {
        "title": "Uniqueness", "version": 1, "role": "report", "units": "live", "range": [0, 1],
        "direction": "higher", "floor": None, "ceiling": 1.0,
        "reference": "Chanin et al. (2026), SynthSAEBench; sae-lens, synthetic evaluations",
        "description": "Distinct nearest features of the claimed latents, over the number of claimed latents; 0 of"
        " none.",
    },
    "duplicated": {
        "title": "Latents that are copies", "version": 1, "role": "report", "units": "live", "range": [0, 1],
        "direction": "lower", "floor": None, "ceiling": 0.0,
        "reference": "Bricken et al. (2023), Towards monosemanticity (feature splitting)",
        "description": "Share of claimed latents with another claimed one at a cosine of .95 or more.",
    },
    "dead": {
        "title": "Dead latents", "version": 1, "role": "report", "units": "live", "range": [0, 1],
        "direction": "lower", "floor": None, "ceiling": 0.0,
        "reference": "Gao et al. (2024), Scaling and evaluating sparse autoencoders, arXiv:2406.04093, section 2.4",
        "description": "Share of an answer's latents that fire on no test activation.",
    },
    "explained_variance": {
        "title": "Variance explained", "version": 1, "role": "report", "units": "live", "range": [None, 1],
        "direction": "higher", "floor": {"control": "random_dictionary"}, "ceiling": {"control": "oracle"},
        "reference": "Gao et al. (2024), arXiv:2406.04093, section 2 (1 - normalised mean squared error)",
        "description": "1 - squared error of codes @ directions + offset over the test activations' variance.",
    },
    "l0": {
        "title": "Latents active a sample", "version": 1, "role": "report", "units": "live", "range": [0, None],
        "direction": "lower", "floor": None, "ceiling": None,
        "reference": "Cunningham et al. (2023), arXiv:2309.08600, section 2",
        "description": "Mean number of latents that fire on a test activation.",
    },
    "shrinkage": {
        "title": "Relative reconstruction bias", "version": 1, "role": "report", "units": "live",
        "range": [None, None], "direction": "higher", "floor": None, "ceiling": {"control": "oracle"},
        "reference": "Rajamanoharan et al. (2024), Improving dictionary learning with gated sparse autoencoders,"
        " arXiv:2404.16014, equation 10",
        "description": "|x'|^2 / x.x' over the test activations less the offset: below 1 codes are too small.",
    },
    "absorption": {
        "title": "Absorption", "version": 1, "role": "report", "units": "live", "range": [-1, 1],
        "direction": "lower", "floor": None, "ceiling": 0.0,
        "reference": "Chanin et al. (2024), A is for absorption, arXiv:2409.14507",
        "description": "A parent's recall where it is active without a child, less that where a child is active; mean"
        " over planted pairs whose parent has a latent.",
    },
    "tree_f1": {
        "title": "Tree recovered", "version": 1, "role": "report", "units": "live", "range": [0, 1],
        "direction": "higher", "floor": {"control": "random_dictionary"}, "ceiling": {"control": "oracle"},
        "reference": "Muchane et al. (2025), Incorporating hierarchical semantics in sparse autoencoder architectures,"
        " arXiv:2506.01197 (hierarchy); F1 of edges is ours",
        "description": "F1 of the parents of claimed latents against those of the features they are matched with.",
    },
    "false_features": {
        "title": "False features", "version": 1, "role": "headline", "units": "null", "range": [0, 1],
        "direction": "lower", "floor": None, "ceiling": None, "gate": {"max": 0.1},
        "reference": "Heap et al. (2025), Sparse autoencoders can interpret randomly initialized transformers,"
        " arXiv:2501.17727",
        "description": "Claimed latents over allowed latents, where no direction is special.",
    },
    "any_false_feature": {
        "title": "Any false feature", "version": 1, "role": "report", "units": "null", "range": [0, 1],
        "direction": "lower", "floor": None, "ceiling": None,
        "reference": "Heap et al. (2025), arXiv:2501.17727",
        "description": "Whether any latent is claimed where no direction is special.",
    },
}  # fmt: skip


@dataclass(frozen=True)
class Matched:
    """Feature `features[i]` is matched with latent `latents[i]`, a claimed one, at `similarity[i]`."""

    features: Int[np.ndarray, "pairs"]
    latents: Int[np.ndarray, "pairs"]
    similarity: Float[np.ndarray, "pairs"]


def score(problem: Problem, truth: Truth, answer: Answer) -> dict[str, float]:
    claimed = answer.confidence >= CLAIMED
    if truth.null:
        return {"false_features": claimed.sum() / problem.latents, "any_false_feature": float(claimed.any())}
    codes = answer.codes.toarray().astype(np.float64)
    pairs, detectors = match(truth, answer, claimed), match_detectors(truth, answer, claimed, codes)
    return {
        "recovery": pairs.similarity.sum() / len(truth.directions),
        "found": (pairs.similarity >= FOUND).sum() / len(truth.directions),
        **detection(truth, detectors, codes),
        **redundancy(truth, answer.directions[claimed]),
        "dead": float(np.mean((codes == 0).all(axis=0))) if codes.shape[1] else 0.0,
        "l0": float((codes != 0).sum(axis=1).mean()),
        **reconstruction(problem, answer, codes),
        **hierarchy(truth, answer, detectors, codes, claimed),
    }


def match(truth: Truth, answer: Answer, claimed: Bool[np.ndarray, "latents"]) -> Matched:
    """The one-to-one matching of features and claimed latents with the largest sum of |cosine|."""
    return _matched(np.abs(cosines(truth.directions, answer.directions[claimed])), claimed)


def match_detectors(
    truth: Truth, answer: Answer, claimed: Bool[np.ndarray, "latents"], codes: Float[np.ndarray, "tests latents"]
) -> Matched:
    """By the cosine with the direction in which a latent writes: its own, or the opposite where codes are negative."""
    written = np.where(codes.sum(axis=0) < 0, -1.0, 1.0)[claimed]
    return _matched(written * cosines(truth.directions, answer.directions[claimed]), claimed)


def _matched(similarity: Float[np.ndarray, "features claimed"], claimed: Bool[np.ndarray, "latents"]) -> Matched:
    features, latents = assign(similarity)
    return Matched(features, np.flatnonzero(claimed)[latents], similarity[features, latents])


def detection(truth: Truth, pairs: Matched, codes: Float[np.ndarray, "tests latents"]) -> dict[str, float]:
    """Means over features that are active on any test activation; a feature without latent counts 0."""
    active, fires = truth.codes > 0, np.zeros(truth.codes.shape, bool)
    fires[:, pairs.features] = codes[:, pairs.latents] != 0
    seen = active.any(axis=0)
    both = (active & fires).sum(axis=0)[seen]
    true, said = active.sum(axis=0)[seen], fires.sum(axis=0)[seen]
    return {
        "precision": float(np.mean(both / np.maximum(said, 1))),
        "recall": float(np.mean(both / true)),
        "f1": float(np.mean(2 * both / (true + said))),
    }


def redundancy(truth: Truth, directions: Float[np.ndarray, "claimed width"]) -> dict[str, float]:
    if len(directions) == 0:
        return {"uniqueness": 0.0, "duplicated": 0.0}
    nearest = np.abs(cosines(truth.directions, directions)).argmax(axis=0)
    return {"uniqueness": len(np.unique(nearest)) / len(directions), "duplicated": copied(directions, COPY)}


def reconstruction(problem: Problem, answer: Answer, codes: Float[np.ndarray, "tests latents"]) -> dict[str, float]:
    """The bias is left out where nothing is reconstructed."""
    again = codes @ answer.directions.astype(np.float64)
    values = problem.test.astype(np.float64) - answer.offset
    scale = np.abs(values).max() or 1.0  # squares of small units stay in range
    again, values = again / scale, values / scale
    lost, there = np.square(values - again).sum(), np.square(values - values.mean(axis=0)).sum()
    product = float((again * values).sum())
    bias = {"shrinkage": float(np.square(again).sum() / product)} if product else {}
    return {"explained_variance": float(1 - lost / there), **bias}


def hierarchy(truth, answer, pairs, codes, claimed) -> dict[str, float]:
    """Absorption and the tree, on units that have a tree; the tree where the answer gives parents."""
    if not (truth.parents >= 0).any():
        return {}
    found = absorption(truth, pairs, codes)
    values = {} if np.isnan(found) else {"absorption": found}
    return values if answer.parents is None else values | {"tree_f1": tree_f1(truth, answer, pairs, claimed)}


def absorption(truth: Truth, pairs: Matched, codes: Float[np.ndarray, "tests latents"]) -> float:
    """Mean over pairs of child and matched parent; NaN where there are none to judge."""
    active, latent = truth.codes > 0, dict(zip(pairs.features.tolist(), pairs.latents.tolist(), strict=True))
    gaps = []
    for child in np.flatnonzero(truth.parents >= 0):
        parent = int(truth.parents[child])
        alone = active[:, parent] & ~active[:, truth.parents == parent].any(axis=1)
        if parent in latent and alone.any() and active[:, child].any():
            fires = codes[:, latent[parent]] != 0
            gaps.append(fires[alone].mean() - fires[active[:, child]].mean())
    return float(np.mean(gaps)) if gaps else float("nan")


def tree_f1(truth: Truth, answer: Answer, pairs: Matched, claimed: Bool[np.ndarray, "latents"]) -> float:
    """F1 of the answer's edges among claimed latents, named by the features that they are matched with.

    An edge at a latent that no feature is matched with is false.
    """
    assert answer.parents is not None
    feature = np.full(len(claimed), -1)
    feature[pairs.latents] = pairs.features
    children = np.flatnonzero(claimed & (answer.parents >= 0))
    said = [(feature[child], feature[answer.parents[child]]) for child in children]
    right = sum(child >= 0 and parent >= 0 and truth.parents[child] == parent for child, parent in said)
    return float(2 * right / (len(said) + (truth.parents >= 0).sum()))
