"""How often a test rejects: false-positive rates with their bounds, and power at a level that it keeps."""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool, Float
from scipy import special

LEVEL = 0.05
TOLERATED = 0.06  # a false-positive rate at .05 that is surely above this is too high
CONFIDENCE = 0.99


def rate_bound(hits: int, trials: int, confidence: float = CONFIDENCE) -> float:
    """One-sided lower bound of a rate, exact: the rate at which `hits` or more have probability 1 - confidence.

    Clopper and Pearson 1934, Biometrika 26:404-413.
    """
    return float(special.betaincinv(hits, trials - hits + 1, 1 - confidence)) if hits else 0.0


def is_invalid(p: Float[np.ndarray, "realisations"]) -> bool:
    """Whether p-values where nothing is there fall to .05 surely more often than in 6 of 100."""
    return rate_bound(int((p <= LEVEL).sum()), len(p)) > TOLERATED


def rejects_at_own_size(
    p: Float[np.ndarray, "some"], null: Float[np.ndarray, "realisations"], level: float = LEVEL, most: float = 1.0
) -> Bool[np.ndarray, "some"]:
    """p-values that fall below the threshold at which at most the share `level` of those under the null do, and not
    above `most`."""
    allowed = int(np.floor(level * len(null) * (1 + 1e-12)))
    return (p < np.sort(null)[allowed]) & (p <= most)


def power_at_kept_level(p: Float[np.ndarray, "*effects"], null: Float[np.ndarray, "realisations"]) -> float:
    """Share of effects found at level .05, or at the lower level at which the test's own size is .05.

    A test that rejects too often gains nothing by it; one that is too careful loses what its care costs.
    """
    return float(rejects_at_own_size(p, null, most=LEVEL).mean())


def power_report(found: Float[np.ndarray, "effects"], null: Float[np.ndarray, "realisations"]) -> dict[str, float]:
    """Power at a kept level, at .05 and at a size of .05, of p-values with an effect; the rate of those without."""
    return {
        "power": power_at_kept_level(found, null),
        "power_nominal": float((found <= LEVEL).mean()),
        "power_adjusted": float(rejects_at_own_size(found, null).mean()),
        "false_positives_beside": float((null <= LEVEL).mean()),
    }


def null_rates(p: Float[np.ndarray, "realisations"], name: str = "false_positives") -> dict[str, float]:
    """Shares of p <= .01, .05 and .10 where nothing is there."""
    return {f"{name}_{100 * level:02.0f}": float((p <= level).mean()) for level in (0.01, 0.05, 0.10)}


def verdict(p: Float[np.ndarray, "realisations"], name: str = "false_positives") -> dict[str, float]:
    """Whether a test is invalid where nothing is there, and the bound that says so."""
    return {
        "invalid": float(is_invalid(p)),
        f"{name}_bound": rate_bound(int((p <= LEVEL).sum()), len(p)),
    }
