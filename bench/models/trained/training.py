"""Training on behaviour alone: cross-entropy between the model's output and an even spread over the right answers."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import numpy as np
import torch
from torch import Tensor

from bench.models import exhaustive
from bench.models.checkpoint import Config, random_weights, written
from bench.models.fitting import Arrays, Fitting, run_swapped
from bench.models.trained.behaviours import Behaviour, Strings

GATE = 0.99


class Training(Fitting):
    """The model of one seed that learns a behaviour."""

    def __init__(self, behaviour: Behaviour, seed: int) -> None:
        start = random_weights(behaviour.config, np.random.default_rng([seed, 0]))
        scaled = {name: behaviour.scale(name) * array for name, array in start.items()}
        super().__init__(behaviour.config, scaled, seed, behaviour.pace)
        self.behaviour, self.draw = behaviour, behaviour.training(seed)

    def loss(self, rng: np.random.Generator) -> Tensor:
        strings = self.draw(self.behaviour.batch, rng)
        asked = self.tensor(strings.asked)
        right = self.tensor(strings.right)[asked].float()
        output = run_swapped(self.model(), self.tensor(strings.tokens))[0][asked]
        return torch.nn.functional.cross_entropy(output, right / right.sum(-1, keepdim=True))

    def identity(self) -> dict[str, Any]:
        told = {"title": self.behaviour.title, "seed": self.seed, "share": self.behaviour.share}
        told |= {name: getattr(self.behaviour, name) for name in ("start", "start_embed", "batch")}
        return told | {"pace": asdict(self.behaviour.pace), "config": written(self.behaviour.config)}


def behaves(config: Config, weights: Arrays, strings: Strings) -> float:
    """Share of the places where something is asked at which the largest logit is a right answer's, in float64 numpy."""
    output = exhaustive.forward(config, weights, strings.tokens)[strings.asked]
    chosen = output.argmax(axis=-1)
    return float(strings.right[strings.asked][np.arange(len(chosen)), chosen].mean())
