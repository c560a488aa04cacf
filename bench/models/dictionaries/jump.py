"""The jump of JumpReLU and its count, with straight-through gradients for the threshold.

    jump(z, t) = z H(z - t)          d/dt := -(t / w) K((z - t) / w)
    count(z, t) = H(z - t)           d/dt := -(1 / w) K((z - t) / w)          d/dz := 0

with K the rectangle of width and area 1 and w the bandwidth (Rajamanoharan et al. 2024, Jumping ahead,
arXiv:2407.14435, equations 11 and 12).
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor


def near(z: Tensor, threshold: Tensor, width: float) -> Tensor:
    """K((z - t) / w)."""
    return (((z - threshold) / width).abs() < 0.5).to(z.dtype)


class Jump(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, z: Tensor, threshold: Tensor, width: float) -> Tensor:
        ctx.save_for_backward(z, threshold)
        ctx.width = width
        return z * (z > threshold)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, Tensor, None]:
        (gradient,), (z, threshold) = gradients, ctx.saved_tensors
        pull = -threshold / ctx.width * near(z, threshold, ctx.width) * gradient
        return gradient * (z > threshold), pull.sum_to_size(threshold.shape), None


class Count(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, z: Tensor, threshold: Tensor, width: float) -> Tensor:
        ctx.save_for_backward(z, threshold)
        ctx.width = width
        return (z > threshold).to(z.dtype)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[None, Tensor, None]:
        (gradient,), (z, threshold) = gradients, ctx.saved_tensors
        pull = -near(z, threshold, ctx.width) / ctx.width * gradient
        return None, pull.sum_to_size(threshold.shape), None
