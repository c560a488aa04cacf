"""Toy models of superposition: more features than dimensions, stored by a model that has learned to.

    h = W x        x' = relu(W' h + b)        minimise the mean of |x - x'|^2

with each input 0 with chance `sparsity`, else uniform on [0, 1] (Elhage et al. 2022, Toy models of superposition,
transformer-circuits.pub). Many models are trained at once.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor

Weights = Float[Tensor, "models hidden features"]
Biases = Float[Tensor, "models features"]


def draw_inputs(
    sparsity: Float[Tensor, "models"], rows: int, features: int, generator: torch.Generator
) -> Float[Tensor, "models rows features"]:
    shape = (len(sparsity), rows, features)
    sizes = torch.rand(shape, generator=generator, dtype=sparsity.dtype)
    return sizes * (torch.rand(shape, generator=generator, dtype=sparsity.dtype) >= sparsity[:, None, None])


def reconstruct(inputs: Float[Tensor, "models rows features"], weights: Weights, biases: Biases) -> Tensor:
    hidden = inputs @ weights.transpose(1, 2)
    return torch.relu(hidden @ weights + biases[:, None])


def train_toys(
    features: int,
    hidden: int,
    sparsity: Sequence[float],
    generator: torch.Generator,
    *,
    steps: int = 4000,
    rows: int = 512,
    rate: float = 0.01,
) -> tuple[Weights, Biases]:
    """One model for each sparsity, by Adam with a rate that falls to 0 along a cosine; float32."""
    chance = torch.tensor(sparsity, dtype=torch.float32)
    weights = torch.randn(len(chance), hidden, features, generator=generator) / features**0.5
    biases = torch.zeros(len(chance), features)
    optimiser = torch.optim.Adam([weights.requires_grad_(), biases.requires_grad_()], lr=rate)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, steps)
    for _ in range(steps):
        inputs = draw_inputs(chance, rows, features, generator)
        optimiser.zero_grad()
        (inputs - reconstruct(inputs, weights, biases)).square().sum(2).mean(1).sum().backward()
        optimiser.step()
        schedule.step()
    return weights.detach(), biases.detach()


def dimensionality(weights: Weights) -> Float[Tensor, "models features"]:
    """Share of a dimension that each feature has: |W_i|^2 / sum_j (W_i . W_j / |W_i|)^2; 0 for a feature without any.

    1/2 in an antipodal pair, 2/3 in a triangle, 3/4 in a tetrahedron, 2/5 in a pentagon, 3/8 in a square antiprism.
    """
    square = weights.square().sum(1)
    overlap = torch.einsum("mhi,mhj->mij", weights, weights).square().sum(2)
    return torch.where(square > 0, square.square() / overlap.clamp_min(torch.finfo(weights.dtype).tiny), 0.0)
