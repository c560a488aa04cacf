"""Semi-non-negative matrix factorisation: X = G F with codes G >= 0 and directions F of any sign.

Minimises |X - G F|^2 by turns: F by least squares, G by a multiplicative step that never raises the error (Ding, Li and
Jordan 2010, IEEE Transactions on Pattern Analysis and Machine Intelligence 32:45-55, equations 10 and 11).
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

Values = Float[np.ndarray, "samples width"]
Codes = Float[np.ndarray, "samples latents"]
Directions = Float[np.ndarray, "latents width"]


def fit_directions(values: Values, codes: Codes) -> Directions:
    """Least squares, of least length where codes do not determine it."""
    return np.linalg.pinv(codes.T @ codes, hermitian=True) @ (codes.T @ values)


def step_codes(values: Values, codes: Codes, directions: Directions) -> Codes:
    """G <- G sqrt( [(X F')+ + G (F F')-] / [(X F')- + G (F F')+] ), parts by sign."""
    toward, gram = values @ directions.T, directions @ directions.T
    up = np.maximum(toward, 0) + codes @ np.maximum(-gram, 0)
    down = np.maximum(-toward, 0) + codes @ np.maximum(gram, 0)
    return codes * np.sqrt(up / np.maximum(down, np.finfo(float).tiny))


def semi_nmf(values: Values, codes: Codes, rounds: int) -> tuple[Directions, Codes]:
    """From codes that are all above 0 (those at 0 would stay there)."""
    directions = fit_directions(values, codes)
    for _ in range(rounds):
        codes = step_codes(values, codes, directions)
        directions = fit_directions(values, codes)
    return directions, codes
