"""A module that tests name by its import path."""

import torch


def made() -> torch.nn.Module:
    """Two layers and a norm between them, always the same."""
    module = torch.nn.Sequential(torch.nn.Linear(2, 5), torch.nn.LayerNorm(5), torch.nn.Linear(5, 3))
    drawn = torch.Generator().manual_seed(0)
    for parameter in module[0].parameters():
        parameter.data = torch.randn(parameter.shape, generator=drawn)
    return module


def number() -> int:
    return 3


class Pair(torch.nn.Module):
    """One whose inner layer returns no tensor."""

    def __init__(self) -> None:
        super().__init__()
        self.inner = Twice()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.inner(x)[0]


class Twice(torch.nn.Module):
    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        return x, x
