"""Trains many sparse autoencoders at once: seeds, penalties and kinds of initialisation stacked along a first axis.

    f = activate((x - b) E + e)        x' = f D + b        rows of D of length 1

Every parameter has a leading axis `models`; a step is one batched computation on one batch of rows that all models
share, and gradients do not mix, so that a stack is what its models are one by one (tests/oracle/test_dictionaries.py).
A kind of autoencoder says how it activates and what it adds to the squared error.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from bench.core.contract import count_passes

Parameters = dict[str, Tensor]
Rows = Float[Tensor, "rows width"]
Codes = Float[Tensor, "models rows latents"]


@dataclass(frozen=True)
class Autoencoder:
    """A linear encoder with a rectifier, squared error and nothing else; kinds of autoencoders override its parts.

    `unit_norm` keeps the rows of the decoder at length 1, without which a penalty on codes is evaded by long rows.
    """

    unit_norm: bool = True

    def start(self, directions: Float[Tensor, "models latents width"]) -> Parameters:
        """Parameters from unit directions: the encoder is the decoder's transpose."""
        models, latents, width = directions.shape
        return {
            "encoder": directions.transpose(1, 2).contiguous(),
            "bias": directions.new_zeros(models, 1, latents),
            "decoder": directions.clone(),
            "centre": directions.new_zeros(models, 1, width),
        }

    def directions(self, p: Parameters) -> Float[Tensor, "models latents width"]:
        return p["decoder"] / p["decoder"].norm(dim=2, keepdim=True) if self.unit_norm else p["decoder"]

    def before(self, p: Parameters, values: Rows) -> Codes:
        """What the encoder gives before it activates."""
        return torch.matmul(values - p["centre"], p["encoder"]) + p["bias"]

    def activate(self, p: Parameters, before: Codes) -> Codes:
        return torch.relu(before)

    def encode(self, p: Parameters, values: Rows) -> Codes:
        """Codes as they are used after training."""
        return self.activate(p, self.before(p, values))

    def squared_error(self, p: Parameters, values: Rows, codes: Codes) -> Float[Tensor, "models"]:
        return (values - torch.bmm(codes, self.directions(p)) - p["centre"]).square().sum(2).mean(1)

    def loss(self, p: Parameters, values: Rows) -> tuple[Float[Tensor, "models"], Codes]:
        """What each model minimises, and the codes, by which dead latents are known."""
        codes = self.activate(p, self.before(p, values))
        return self.squared_error(p, values, codes), codes

    def finish(self, p: Parameters, batches: Sequence[Rows]) -> Parameters:
        """Parameters that are set once after training (a threshold, say)."""
        return p


@dataclass(frozen=True)
class Schedule:
    """`budget` rows are drawn in batches; the rate falls to 0 over the last `decay` of the steps.

    After each `revive` of the steps, until `revive_until`, latents that fired on no row since the last time start
    anew at what is left of rows that are explained badly.
    """

    budget: int
    batch: int = 256
    rate: float = 0.005
    decay: float = 0.4
    revive: float = 0.05
    revive_until: float = 0.6

    @property
    def steps(self) -> int:
        return max(self.budget // self.batch, 1)

    def rate_at(self, step: int) -> float:
        return self.rate * min(1.0, (self.steps - step) / max(self.decay * self.steps, 1))

    def revives_after(self, step: int) -> bool:
        every = max(round(self.revive * self.steps), 1)
        return (step + 1) % every == 0 and step < self.revive_until * self.steps


@dataclass(frozen=True)
class Trained:
    """A stack of trained autoencoders of one kind."""

    kind: Autoencoder
    parameters: Parameters

    @torch.no_grad()
    def codes(self, values: Rows) -> Codes:
        """Codes, for decoder rows of length 1."""
        codes = self.kind.encode(self.parameters, values)
        return codes * self.parameters["decoder"].norm(dim=2)[:, None] if not self.kind.unit_norm else codes

    @torch.no_grad()
    def directions(self) -> Float[Tensor, "models latents width"]:
        """Decoder rows of length 1."""
        decoder = self.parameters["decoder"]
        return decoder / decoder.norm(dim=2, keepdim=True)

    @torch.no_grad()
    def active(self, values: Rows) -> Float[Tensor, "models"]:
        """Mean number of latents that fire on a row."""
        return (self.codes(values) > 0).to(values.dtype).sum(2).mean(1)

    @torch.no_grad()
    def lost(self, values: Rows) -> Float[Tensor, "models"]:
        """Mean squared error of a row."""
        return self.kind.squared_error(self.parameters, values, self.kind.encode(self.parameters, values))


def train(kind: Autoencoder, values: Rows, latents: int, seeds: Sequence[int], schedule: Schedule) -> Trained:
    """Adam on rows drawn with replacement; one model a seed. The order of rows depends on the schedule alone."""
    generators = [torch.Generator().manual_seed(seed) for seed in seeds]
    stream = torch.Generator().manual_seed(schedule.budget)
    drawn = [torch.randn(latents, values.shape[1], generator=g, dtype=values.dtype) for g in generators]
    started = torch.stack(drawn)
    p = kind.start(started / started.norm(dim=2, keepdim=True))
    for tensor in p.values():
        tensor.requires_grad_()
    optimiser = torch.optim.Adam(list(p.values()), lr=schedule.rate, foreach=True)
    fired = torch.zeros(len(seeds), latents, dtype=torch.bool)
    for step in range(schedule.steps):
        rows = draw(values, schedule.batch, stream)
        optimiser.param_groups[0]["lr"] = schedule.rate_at(step)
        fired |= _step(kind, p, optimiser, rows)
        if schedule.revives_after(step):
            _revive(kind, p, optimiser, draw(values, 4 * schedule.batch, stream), ~fired, generators)
            fired.zero_()
    count_passes("forward", schedule.steps * schedule.batch * len(seeds))
    count_passes("backward", schedule.steps * schedule.batch * len(seeds))
    frozen = {name: tensor.detach() for name, tensor in p.items()}
    return Trained(kind, kind.finish(frozen, [draw(values, schedule.batch, stream) for _ in range(20)]))


def draw(values: Rows, number: int, stream: torch.Generator) -> Rows:
    return values[torch.randint(len(values), (number,), generator=stream)]


def _step(kind: Autoencoder, p: Parameters, optimiser: torch.optim.Adam, rows: Rows) -> Bool[Tensor, "models latents"]:
    optimiser.zero_grad()
    losses, codes = kind.loss(p, rows)
    losses.sum().backward()
    optimiser.step()
    return (codes.detach() > 0).any(1)


@torch.no_grad()
def _revive(
    kind: Autoencoder,
    p: Parameters,
    optimiser: torch.optim.Adam,
    rows: Rows,
    dead: Bool[Tensor, "models latents"],
    generators: Sequence[torch.Generator],
) -> None:
    """Dead latents start anew, in the manner of Bricken et al. (2023): rows are drawn with chances that go as the
    square of their error. Departs in that the new direction is the row's residual, not the row."""
    if not dead.any():
        return
    residuals = rows - torch.bmm(kind.encode(p, rows), kind.directions(p)) - p["centre"]
    chances = residuals.square().sum(2).square() + torch.finfo(rows.dtype).tiny
    for model, generator in enumerate(generators):
        latents = dead[model].nonzero()[:, 0]
        if len(latents) == 0:
            continue
        chosen = torch.multinomial(chances[model], len(latents), replacement=True, generator=generator)
        fresh = residuals[model, chosen]
        fresh = fresh / fresh.norm(dim=1, keepdim=True).clamp_min(torch.finfo(rows.dtype).tiny)
        _restart(p, optimiser, model, latents, fresh)


def _restart(p: Parameters, optimiser: torch.optim.Adam, model: int, latents: Tensor, fresh: Tensor) -> None:
    """New directions of some latents of one model; Adam forgets what it knew of them."""
    p["decoder"][model, latents] = fresh
    p["encoder"][model, :, latents] = fresh.T
    p["bias"][model, :, latents] = 0.0
    for name in ("decoder", "encoder", "bias"):
        for moment in ("exp_avg", "exp_avg_sq"):
            kept = optimiser.state[p[name]][moment]
            if name == "decoder":
                kept[model, latents] = 0.0
            else:
                kept[model, :, latents] = 0.0
