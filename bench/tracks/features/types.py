"""Features: which directions are activations made of, and when is each of them active?

A problem holds activations that are sums of few directions out of many, and how many latents an answer may have. The
answer is a dictionary (one direction a latent), a confidence that each latent is a feature at all, and its codes on
held-out activations. On null units the activations have no preferred direction, and the right answer claims none.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32, Int
from scipy.sparse import csr_array

from bench.core.contract import InvalidAnswer, check_numbers

TITLE = "Features"
FAMILY = "features"
REPLICATE = "world drawn anew (directions, frequencies' order, codes, noise, offset and unit)"

TOY = ("planted_dictionary/complete", "planted_dictionary/null_few")

SCAFFOLD = {
    "directions": "rng.standard_normal((problem.latents, problem.test.shape[1])).astype(np.float32)",
    "confidence": "np.ones(problem.latents, np.float32)",
    "codes": "csr_array((len(problem.test), problem.latents), dtype=np.float32)",
    "offset": "problem.test.mean(axis=0)",
    "parents": "None",
}

CLAIMED = 0.5  # a latent with this confidence or more is claimed to be a feature


@dataclass(frozen=True)
class Problem:
    """What the method sees.

    `activations` are for training and `test` for codes; both are in one arbitrary unit and have an arbitrary offset.
    An answer has at most `latents` latents. `active` is how many latents are wanted active a sample, on average: on
    most instances as many as there are active features. `budget` is how many training samples a method may draw in
    all, repeats included; methods that fit all samples at once need not count.
    """

    activations: Float32[np.ndarray, "samples width"]
    test: Float32[np.ndarray, "tests width"]
    latents: int
    active: float
    budget: int


@dataclass(frozen=True)
class Truth:
    """What the activations were made of: test = codes @ directions + offset + noise.

    Directions have length 1 and codes are not negative. `parents[f]` is the feature without which f is never active,
    -1 for a root. `noise` is the standard deviation of the noise on each axis, in the activations' unit. A `null`
    unit has no features.
    """

    null: bool
    directions: Float32[np.ndarray, "features width"]
    codes: Float32[np.ndarray, "tests features"]
    parents: Int[np.ndarray, "features"]
    offset: Float32[np.ndarray, "width"]
    noise: float


@dataclass(frozen=True)
class Answer:
    """A dictionary: test activations are explained as codes @ directions + offset.

    `confidence[l]` in [0, 1] is how sure the method is that latent l is a feature: at `CLAIMED` and above it is
    claimed, and only claimed latents can find features or be false. A latent fires where its code is not 0.
    `parents[l]`, where given, is the latent without which l does not fire, -1 for none.
    """

    directions: Float32[np.ndarray, "latents width"]
    confidence: Float32[np.ndarray, "latents"]
    codes: csr_array
    offset: Float32[np.ndarray, "width"]
    parents: Int[np.ndarray, "latents"] | None = None


def check(problem: Problem, answer: Answer) -> None:
    """Raise `InvalidAnswer` where the answer has too many latents, other axes than the problem, or bad numbers."""
    latents, (tests, width) = len(answer.directions), problem.test.shape
    if latents > problem.latents:
        raise InvalidAnswer(f"answer has {latents} latents, allowed are {problem.latents}")
    check_numbers("directions", answer.directions, latents=latents, width=width)
    check_numbers("offset", answer.offset, width=width)
    check_numbers("confidence", answer.confidence, (0, 1), latents=latents)
    if answer.codes.shape != (tests, latents):
        raise InvalidAnswer(f"codes have shape {answer.codes.shape}, expected ({tests}, {latents})")
    try:
        answer.codes.check_format(full_check=True)
    except ValueError as error:
        raise InvalidAnswer(f"codes are no sparse array: {error}") from error
    check_numbers("codes", answer.codes.data, numbers=len(answer.codes.data))
    if answer.parents is not None and not ((answer.parents >= -1) & (answer.parents < latents)).all():
        raise InvalidAnswer(f"parents must be latents 0 to {latents - 1}, or -1 for none")
