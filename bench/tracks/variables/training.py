"""Subspaces trained by gradient through the model: the loss of an interchange, and the descent."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor

from bench.core.contract import count_passes
from bench.tracks.variables.experiment import Experiment

Projection = Callable[[float], Float[Tensor, "changed width"]]
"""The matrix that takes the change of a site to what is exchanged of it, given the share of training that is done."""


def interchange_loss(
    experiment: Experiment, site: str, projection: Float[Tensor, "changed width"], change: Tensor
) -> Tensor:
    """Mean squared difference between output and label at scored positions of the pairs for fitting.

    Squared and not cross-entropy: labels are one-hot vectors that the models here reach, or numbers.
    """
    output = experiment.output(site, change @ projection, experiment.fit)
    scored = torch.as_tensor(experiment.problem.scored)
    return (output - experiment.labels[experiment.fit])[:, scored].square().mean()


def descend(
    experiment: Experiment,
    site: str,
    parameters: list[Tensor],
    projection: Projection,
    penalty: Callable[[float], Tensor | float],
    *,
    steps: int,
    rate: float,
    change: Tensor | None = None,
) -> None:
    """Adam on the loss plus a penalty, in place; all pairs for fitting in every step.

    What the projection is applied to is the `change` of the site's value, or of its features where these are given.
    """
    optimiser = torch.optim.Adam(parameters, lr=rate)
    change = (experiment.change(site) if change is None else change)[experiment.fit]
    steps = experiment.steps(steps)
    for step in range(steps):
        optimiser.zero_grad()
        done = step / steps
        loss = interchange_loss(experiment, site, projection(done), change) + penalty(done)
        loss.backward()
        count_passes("backward", len(change))
        optimiser.step()


def orthonormal(matrix: Float[Tensor, "width dimension"]) -> Float[Tensor, "width dimension"]:
    """An orthonormal basis of the columns' span, by QR; differentiable."""
    return torch.linalg.qr(matrix).Q


def falling(first: float, last: float, done: float) -> float:
    """A temperature that falls geometrically from `first` to `last`."""
    return first * (last / first) ** done


def train_mask(
    experiment: Experiment,
    site: str,
    directions: Float[np.ndarray, "width candidates"],
    steps: int,
    rate: float,
    sparsity: float,
) -> Float[np.ndarray, "width chosen"]:
    """The directions whose mask, trained on the counterfactuals, ends above one half; at least the likeliest one."""
    basis = torch.as_tensor(directions, dtype=experiment.model.dtype)
    return directions[
        :, trained_mask(experiment, site, basis.T, experiment.change(site) @ basis, steps, rate, sparsity)
    ]


def trained_mask(
    experiment: Experiment,
    site: str,
    directions: Float[Tensor, "features width"],
    change: Float[Tensor, "pairs pos features"],
    steps: int,
    rate: float,
    sparsity: float,
) -> Bool[np.ndarray, "features"]:
    """Which features to exchange: those whose mask ends above one half, at least the likeliest one.

    Minimises loss + sparsity * mean mask, with mask sigmoid(m / T), m from 0 and T from 1 to 0.01. `change` is that of
    each feature from base to source, and `directions` what a unit of it adds to the site.
    """
    logits = torch.zeros(len(directions), requires_grad=True)

    def mask(done: float) -> Tensor:
        return torch.sigmoid(logits / falling(1.0, 0.01, done))

    descend(
        experiment, site, [logits], lambda done: mask(done)[:, None] * directions,
        lambda done: sparsity * mask(done).mean(), steps=steps, rate=rate, change=change,
    )  # fmt: skip
    chosen = logits.detach().numpy() > 0
    chosen[int(logits.argmax())] = True
    return chosen
