"""A compact convolutional network.

Trials are whitened across channels; learned spatial filters, a temporal convolution of each, an exponential linear
unit, means of short windows, dropout and a linear read-out; trained by Adam on the cross-entropy of equally weighted
classes for a fixed number of steps with weight decay. The pattern is the covariance of the sensors with the log-odds,
at the sample at which they correlate best; the attribution the spread of gradient times input summed over samples.

Departs from EEGNet (Lawhern et al. 2018) in filtering space before time, in one layer of convolutions where they have
two, and in having no batch normalisation.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from bench.kernels.discriminant import shrunk_covariance
from bench.kernels.riemann import of_eigenvalues
from bench.tracks.decoding.experiment import DataSet, Decoder, decode
from bench.tracks.decoding.types import Answer, Problem

REFERENCE = "Lawhern et al. (2018), Journal of Neural Engineering 15:056013, doi:10.1088/1741-2552/aace8c"
FILTERS, LENGTH, WINDOWS = 8, 11, 10


class Network(nn.Module):
    """Scores of whitened trials."""

    def __init__(self, channels: int, time: int, classes: int) -> None:
        super().__init__()
        windows = min(WINDOWS, time)
        self.space = nn.Parameter(torch.randn(FILTERS, channels) / channels**0.5)
        self.time = nn.Parameter(torch.randn(FILTERS, LENGTH) / LENGTH**0.5)
        self.offset = nn.Parameter(torch.zeros(FILTERS, 1))
        read = nn.Linear(FILTERS * windows, classes)
        self.tail = nn.Sequential(nn.ELU(), nn.AdaptiveAvgPool1d(windows), nn.Flatten(), nn.Dropout(0.3), read)

    def forward(self, trials: Tensor) -> Tensor:
        lags = torch.arange(trials.shape[2])
        lags = lags - lags[:, None] + LENGTH // 2  # the convolution as one product a filter is the fastest on a CPU
        kernel = self.time[:, lags.clamp(0, LENGTH - 1)] * ((lags >= 0) & (lags < LENGTH))
        filtered = torch.einsum("fc,nct->fnt", self.space, trials) @ kernel + self.offset[:, None]
        return self.tail(filtered.swapaxes(0, 1))


def solve(problem: Problem, rng: np.random.Generator, *, steps: int = 30, decay: float = 0.1) -> Answer:
    return decode(problem, lambda data: fit(data, rng, steps, decay))


def fit(data: DataSet, rng: np.random.Generator, steps: int, decay: float) -> Decoder:
    samples = np.moveaxis(data.trials, 1, 2).reshape(-1, data.trials.shape[1])
    covariance = shrunk_covariance(samples - samples.mean(axis=0))
    whitening = of_eigenvalues(covariance, lambda values: values**-0.5)  # in double precision: tesla squared are small
    white = as_tensor(whitening @ data.trials)
    network = train(white, data, int(rng.integers(2**62)), steps, decay)
    odds = scores_of(network, white)
    return Decoder(
        lambda trials: scores_of(network, as_tensor(whitening @ trials)),
        pattern=strongest_covariance(data.trials, odds[:, -1] - odds[:, 0]) if data.classes == 2 else None,
        attribution=(whitening @ gradients(network, white) * data.trials).sum(axis=2).std(axis=0),
    )


def as_tensor(trials: np.ndarray) -> Tensor:
    return torch.as_tensor(trials, dtype=torch.float32)


def scores_of(network: Network, white: Tensor) -> np.ndarray:
    with torch.no_grad():
        return network(white).double().numpy()


def train(white: Tensor, data: DataSet, seed: int, steps: int, decay: float) -> Network:
    """A network after `steps` full passes; torch's global state is left as it was."""
    labels = torch.as_tensor(data.labels)
    weight = len(labels) / (data.classes * torch.bincount(labels, minlength=data.classes).clamp(min=1))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network, loss = Network(white.shape[1], white.shape[2], data.classes), nn.CrossEntropyLoss(weight.float())
        optimiser = torch.optim.AdamW(network.parameters(), lr=2e-2, weight_decay=decay)
        for _ in range(steps):
            optimiser.zero_grad()
            loss(network(white), labels).backward()
            optimiser.step()
    return network.eval()


def gradients(network: Network, white: Tensor) -> np.ndarray:
    """Of the score of the likeliest class less the mean of all, with respect to the whitened trials."""
    inputs = white.clone().requires_grad_()
    scores = network(inputs)
    (scores.max(dim=1).values - scores.mean(dim=1)).sum().backward()
    assert inputs.grad is not None
    return inputs.grad.double().numpy()


def strongest_covariance(trials: np.ndarray, odds: np.ndarray) -> np.ndarray:
    """Covariance of the sensors with the log-odds at the sample of largest |correlation|."""
    centred = trials - trials.mean(axis=0)
    shared = np.einsum("nct,n->ct", centred, odds - odds.mean()) / len(odds)
    return shared[:, np.abs(shared / centred.std(axis=0)).max(axis=0).argmax()]
