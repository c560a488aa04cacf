"""How well the held-out responses are predicted, relative to what their noise lets any model reach.

Correlations are taken in every test group and averaged, so that differences between the groups' means count for
nothing; a constant prediction has r = 0. With rho_t the reliability of the test responses of target t, the sums run
over the selected targets and nothing is clipped:

    correlation = sum_t r_t / sum_t sqrt(rho_t),    r2 = sum_t R^2_t / sum_t rho_t.

Where the data do not determine the reliability of every selected target (no repeats, or an estimate that is not
positive) the two are left out, and `correlation_raw` and `r2_raw`, plain means over targets, stand alone.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

from bench.kernels.correlation import correlate_folds, determination
from bench.kernels.poisson import poisson_nats
from bench.tracks.encoding.types import Answer, Problem, Truth

METRICS = {
    "correlation": {
        "title": "Correlation over its ceiling", "version": 1, "role": "headline", "units": "live",
        "range": [None, None], "direction": "higher", "floor": 0.0, "ceiling": 1.0,
        "reference": "Spearman (1904), American Journal of Psychology 15:72-101; Hsu et al. (2004), Network 15:91-109",
        "description": "Mean over test groups of r, summed over targets, over the sum of the roots of the reliability;"
        " not clipped: noise takes a perfect model a little above or below 1.",
    },
    "correlation_raw": {
        "title": "Correlation, raw", "version": 1, "role": "report", "units": "live",
        "range": [-1, 1], "direction": "higher", "floor": 0.0, "ceiling": None,
        "reference": "Pearson (1895), Proceedings of the Royal Society 58:240-242",
        "description": "Mean over test groups and targets of r; what it can reach depends on the noise.",
    },
    "r2": {
        "title": "Explained share of the explainable variance", "version": 1, "role": "report", "units": "live",
        "range": [None, None], "direction": "higher", "floor": 0.0, "ceiling": 1.0,
        "reference": "Campbell and Thompson (2008), Review of Financial Studies 21:1509-1531; Hsu et al. (2004)",
        "description": "R^2 against the training mean, summed over targets, over the sum of the reliabilities.",
    },
    "r2_raw": {
        "title": "Out-of-sample R^2, raw", "version": 1, "role": "report", "units": "live",
        "range": [None, 1], "direction": "higher", "floor": 0.0, "ceiling": None,
        "reference": "Campbell and Thompson (2008), Review of Financial Studies 21:1509-1531, eq. 1",
        "description": "Mean over targets of R^2 against the mean of the training responses.",
    },
    "bits_per_spike": {
        "title": "Bits per spike", "version": 1, "role": "report", "units": "live",
        "range": [None, None], "direction": "higher", "floor": 0.0, "ceiling": None,
        "reference": "Pei, Ye et al. (2021), Neural Latents Benchmark, arXiv:2109.04463 (co-smoothing bits per spike)",
        "description": "Poisson log-likelihood gained over each target's mean training rate, in bits, per spike; left"
        " out where responses are no counts, and where a rate is negative or is 0 where something was counted.",
    },
    "false_positive_r2": {
        "title": "R^2 above 0 where nothing is to be predicted", "version": 1, "role": "headline", "units": "null",
        "range": [0, 1], "direction": "lower", "floor": None, "ceiling": None, "gate": {"max": 0.02},
        "reference": "Campbell and Thompson (2008), Review of Financial Studies 21:1509-1531, eq. 1",
        "description": "Mean over targets of the out-of-sample R^2 where it is above 0, else 0.",
    },
}  # fmt: skip


def score(problem: Problem, truth: Truth, answer: Answer) -> dict[str, float]:
    chosen = truth.selected
    predicted, observed = answer.predictions[:, chosen], truth.test_responses[:, chosen]
    r2 = determination(predicted, observed, problem.train_responses[:, chosen].mean(axis=0))
    if truth.null:
        return {"false_positive_r2": float(np.maximum(r2, 0).mean())}
    r = correlate_folds(predicted, observed, problem.test_groups)
    values = {"correlation_raw": float(r.mean()), "r2_raw": float(r2.mean())}
    rho = None if truth.reliability is None else truth.reliability[chosen]
    if rho is not None and (rho > 0).all():
        values |= {"correlation": over_ceiling(r, np.sqrt(rho)), "r2": over_ceiling(r2, rho)}
    constant = np.tile(problem.train_responses[:, chosen].mean(axis=0), (len(observed), 1))
    if problem.response_kind == "counts" and are_rates(predicted, observed) and are_rates(constant, observed):
        values["bits_per_spike"] = bits_per_spike(predicted, constant, observed)
    return values


def over_ceiling(values: Float[np.ndarray, "targets"], ceilings: Float[np.ndarray, "targets"]) -> float:
    """Ratio of sums over targets: a target counts by what there is to be reached. The mean of ratios would be led by
    the noise of the least reliable ones."""
    return float(values.sum() / ceilings.sum())


def are_rates(predicted: Float[np.ndarray, "time targets"], counts: Float[np.ndarray, "time targets"]) -> bool:
    """Whether there are counts and these rates allow them: none negative, none 0 where something was counted."""
    return bool(counts.any() and (predicted >= 0).all() and (predicted[counts > 0] > 0).all())


def bits_per_spike(
    rates: Float[np.ndarray, "time targets"],
    constant: Float[np.ndarray, "time targets"],
    counts: Float[np.ndarray, "time targets"],
) -> float:
    """(nats of the constant rate - nats of the predicted one) / (spikes ln 2), summed over time and targets."""
    gained = poisson_nats(constant, counts).sum() - poisson_nats(rates, counts).sum()
    return float(gained / (counts.sum() * np.log(2)))
