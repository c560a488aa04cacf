"""A causal variable small enough for pencil and paper: two switches a and b side by side, and the output 2 a + b.

Token t stands for a = t // 2 and b = t % 2; its embedding is (a, b, 0). The model does nothing but read the output off
the stream at each of two positions; only the second one is intervened on and scored. The variable is a, at `embed`.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from bench.core.contract import Blob
from bench.models.checkpoint import Config, save, shapes
from bench.tracks.variables.types import Answer, Problem, Truth

CONFIG = Config(n_layers=1, n_heads=1, n_kv_heads=1, d_model=3, d_head=1, d_mlp=0, d_vocab=4, d_out=1, n_ctx=2)
AXES = np.eye(3)
A, B, IDLE = AXES[:, :1], AXES[:, 1:2], AXES[:, 2:]
BASE, SOURCE = np.array([[3, 0], [3, 0], [3, 0], [3, 1], [3, 0]]), np.array([[0, 3], [0, 2], [0, 1], [0, 0], [0, 0]])
"""At the second position: a and b change, only a, only b, only b, nothing. At the first, what must not count."""


def switches(folder: Path, null: bool = False) -> tuple[Problem, Truth]:
    """The problem and its truth; a null claims the same variable of `pos`, where it is not."""
    weights = {name: np.zeros(shape) for name, shape in shapes(CONFIG).items()}
    weights["embed"][:, 0], weights["embed"][:, 1] = [0, 0, 1, 1], [0, 1, 0, 1]
    weights["unembed"][:, 0] = [2, 1, 0]
    path = folder / "switches.safetensors"
    save(path, CONFIG, weights)
    own, other = 1.0 * BASE[..., None], 1.0 * SOURCE[..., None]
    labels = 2 * (SOURCE // 2)[..., None] + 1.0 * (BASE % 2)[..., None]
    second, sites = np.array([False, True]), ["pos", "a0.h0"] if null else ["embed", "pos", "a0.h0", "resid0"]
    problem = Problem(
        Blob(path, "0" * 64), BASE, SOURCE, labels, BASE // 2, SOURCE // 2, second, second, sites, "number", 0.01, 3, 1,
        1000,
    )  # fmt: skip
    right = np.array([site in ("embed", "resid0") and not null for site in sites])
    bases = np.where(right[:, None, None], A, 0.0)
    return problem, Truth(null, right, bases, BASE, SOURCE, labels, own, other)


def answer(basis: np.ndarray, site: str = "embed", found: bool = True) -> Answer:
    return Answer(site, np.asarray(basis, float), found)


def turned(angle: float) -> np.ndarray:
    """The direction of a, turned towards the idle axis."""
    return np.cos(angle) * A + np.sin(angle) * IDLE


def in_classes(problem: Problem, truth: Truth) -> tuple[Problem, Truth]:
    """The same numbers as one of four classes (for what looks at labels alone)."""
    classes = {
        name: np.eye(4)[np.asarray(getattr(truth, name)[..., 0], int)]
        for name in ("labels", "base_outputs", "source_outputs")
    }
    return replace(problem, outputs="class"), replace(truth, **classes)


READ = np.array([3.0, 2.0, 1.5, -1.0, 0.7])
"""How the output adds up five switches."""


def turned_switches(folder: Path, rng: np.random.Generator, pairs: int = 96, width: int = 10) -> tuple[Problem, Truth]:
    """Five switches along drawn orthonormal directions; the variable is the first, and its direction the only answer.

    Exchanging b b^T of the change moves the output by (change, b) (b, read): the label's move for all changes if and
    only if b (b, read) = 3 * direction of the first switch.
    """
    bits = (np.arange(32)[:, None] >> np.arange(5)) % 2 * 1.0
    directions = np.linalg.qr(rng.normal(size=(width, width)))[0][:, :5]
    config = replace(CONFIG, d_model=width, d_vocab=32, n_ctx=1)
    weights = {name: np.zeros(shape) for name, shape in shapes(config).items()}
    weights["embed"], weights["unembed"] = bits @ directions.T, (directions @ READ)[:, None]
    path = folder / "turned_switches.safetensors"
    save(path, config, weights)
    base, source = rng.integers(32, size=(2, pairs, 1))
    own, other = bits[base] @ READ[:, None], bits[source] @ READ[:, None]
    labels = own + READ[0] * (bits[source] - bits[base])[..., :1]
    here, sites = np.array([True]), ["embed", "pos"]
    problem = Problem(
        Blob(path, "0" * 64), base, source, labels, base % 2, source % 2, here, here, sites, "number", 0.01, width, 1,
        10**6,
    )  # fmt: skip
    bases = np.array([1.0, 0.0])[:, None, None] * directions[:, :1]
    return problem, Truth(False, np.array([True, False]), bases, base, source, labels, own, other)
