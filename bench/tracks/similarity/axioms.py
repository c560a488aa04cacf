"""What leaves each method's score as it is, measured: `python -P -m bench.tracks.similarity.axioms` prints the table.

A method is asked for the likeness of one candidate and one region without noise; then the columns of either side are
transformed. What a method declares in `INVARIANT_TO` must be what is found here.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float

from bench.core.catalogue import load_plugin
from bench.tracks.similarity.types import Problem

RUNS = 5
UNCHANGED = 1e-6  # of the score; eigenvalues leave nuclear norms exact to 1e-8
Columns = Float[np.ndarray, "stimuli columns"]


def similarity(method: Any, features: Columns, responses: Columns) -> float:
    """A method's score of one candidate and one region, whose two repeats are equal."""
    stimuli, owner = len(features), np.zeros(features.shape[1], int)
    repeats = np.stack([responses, responses])[None]
    problem = Problem(["c0"], features, owner, repeats, np.arange(stimuli) * RUNS // stimuli)
    choice = {"orders": 1} if "orders" in inspect.signature(method.solve).parameters else {}
    return float(method.solve(problem, np.random.default_rng(0), **choice).scores[0, 0])


def permute(columns: Columns, rng: np.random.Generator) -> Columns:
    return columns[:, rng.permutation(columns.shape[1])]


def rotate(columns: Columns, rng: np.random.Generator) -> Columns:
    return columns @ np.linalg.qr(rng.normal(size=(columns.shape[1],) * 2))[0]


def scale(columns: Columns, rng: np.random.Generator) -> Columns:
    return 7.3 * columns


def translate(columns: Columns, rng: np.random.Generator) -> Columns:
    return columns + 3 * rng.normal(size=columns.shape[1])


def map_invertibly(columns: Columns, rng: np.random.Generator) -> Columns:
    return columns @ (rng.normal(size=(columns.shape[1],) * 2) + 2 * np.eye(columns.shape[1]))


TRANSFORMATIONS: dict[str, Callable[[Columns, np.random.Generator], Columns]] = {
    "permutation": permute,
    "rotation": rotate,
    "scale": scale,
    "translation": translate,
    "invertible": map_invertibly,
}


def related(rng: np.random.Generator, stimuli: int = 40) -> tuple[Columns, Columns]:
    """Features, and noisy mixtures of them with unequal variances."""
    features = rng.normal(size=(stimuli, 8)) * np.linspace(1, 3, 8)
    return features, features @ rng.normal(size=(8, 6)) * np.linspace(1, 2, 6) + 4 * rng.normal(size=(stimuli, 6))


def invariances(method: Any, rng: np.random.Generator) -> tuple[str, ...]:
    """Transformations of the columns of either side that leave the score as it is."""
    features, responses = related(rng)
    before = similarity(method, features, responses)
    found = []
    for name, transform in TRANSFORMATIONS.items():
        after = [
            similarity(method, transform(features, rng), responses),
            similarity(method, features, transform(responses, rng)),
        ]
        if np.allclose(after, before, rtol=UNCHANGED, atol=UNCHANGED):
            found.append(name)
    return tuple(found)


def is_symmetric(method: Any, rng: np.random.Generator) -> bool:
    """Whether the two sides can change places."""
    features, responses = related(rng)
    both = similarity(method, features, responses), similarity(method, responses, features)
    return bool(np.isclose(*both, rtol=UNCHANGED, atol=UNCHANGED))


def unrelated(method: Any, rng: np.random.Generator, stimuli: int, columns: int, draws: int = 5) -> float:
    """Mean score of independent Gaussians."""
    shape = (stimuli, columns)
    return float(np.mean([similarity(method, rng.normal(size=shape), rng.normal(size=shape)) for _ in range(draws)]))


def main() -> None:
    print("method", "itself", "symmetric", "unrelated:40x10", "120x10", "40x400", *TRANSFORMATIONS, sep=" | ")
    for path in sorted((Path(__file__).parent / "methods").glob("[!_]*.py")):
        method, rng = load_plugin(path), np.random.default_rng(1)
        features, _ = related(rng)
        nothing = [unrelated(method, rng, *size) for size in ((40, 10), (120, 10), (40, 400))]
        held = invariances(method, rng)
        marks = ["yes" if name in held else "" for name in TRANSFORMATIONS]
        numbers = [f"{one:.2f}" for one in (similarity(method, features, features), *nothing)]
        print(path.stem, numbers[0], is_symmetric(method, rng), *numbers[1:], *marks, sep=" | ", flush=True)


if __name__ == "__main__":
    main()
