"""Sparse autoencoders: activations as sums of few directions out of many.

    f(x) = relu((x - c) E + e)        x' = c + f(x) D        rows of D of length 1

minimises the mean over x of |x - x'|^2 + sparsity * sum f(x), with c the mean of the activations (Cunningham et al.
2023, Sparse autoencoders find highly interpretable features in language models, arXiv:2309.08600, section 2; Bricken et
al. 2023, Towards monosemanticity). Activations are divided by their root-mean-square norm first, so that neither the
penalty nor the rate depends on their units.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor


@dataclass(frozen=True)
class Autoencoder:
    """`decoder` has one row of unit length for every feature; `scale` is what activations are divided by."""

    encoder: Float[Tensor, "width features"]
    offset: Float[Tensor, "features"]
    decoder: Float[Tensor, "features width"]
    centre: Float[Tensor, "width"]
    scale: float

    def encode(self, values: Float[Tensor, "*rows width"]) -> Float[Tensor, "*rows features"]:
        """The features of activations, in the activations' units."""
        return torch.relu((values - self.centre) @ self.encoder + self.offset * self.scale)

    def decode(self, features: Float[Tensor, "*rows features"]) -> Float[Tensor, "*rows width"]:
        return features @ self.decoder + self.centre


def loss(
    values: Float[Tensor, "rows width"],
    encoder: Float[Tensor, "width features"],
    offset: Float[Tensor, "features"],
    decoder: Float[Tensor, "features width"],
    sparsity: float,
) -> Float[Tensor, ""]:
    """Of centred activations and a decoder of unit rows."""
    features = torch.relu(values @ encoder + offset)
    return (values - features @ decoder).square().sum(1).mean() + sparsity * features.sum(1).mean()


def train(
    values: Float[Tensor, "rows width"],
    features: int,
    sparsity: float,
    generator: torch.Generator,
    *,
    steps: int = 300,
    rate: float = 0.01,
) -> Autoencoder:
    """Adam on all rows in every step, from random unit directions with the encoder as the decoder's transpose."""
    centre = values.mean(0)
    scale = float((values - centre).square().sum(1).mean().sqrt()) or 1.0
    inputs = (values - centre) / scale
    free = torch.randn(features, values.shape[1], generator=generator, dtype=values.dtype)
    decoder = _unit(free).requires_grad_()
    encoder = _unit(free).T.clone().requires_grad_()
    offset = torch.zeros(features, dtype=values.dtype, requires_grad=True)
    optimiser = torch.optim.Adam([encoder, offset, decoder], lr=rate)
    for _ in range(steps):
        optimiser.zero_grad()
        loss(inputs, encoder, offset, _unit(decoder), sparsity).backward()
        optimiser.step()
    return Autoencoder(encoder.detach(), offset.detach(), _unit(decoder).detach(), centre, scale)


def _unit(rows: Float[Tensor, "features width"]) -> Float[Tensor, "features width"]:
    return rows / rows.norm(dim=1, keepdim=True)
