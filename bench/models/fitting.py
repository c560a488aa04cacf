"""Training that can be stopped and goes on to the same bits: weights, the optimiser's moments, the number of steps.

A kind of training says what its loss is; batches depend on (seed, step) alone. A GPU is used where torch sees one.
"""

from __future__ import annotations

import json
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from safetensors.torch import load_file, save_file
from torch import Tensor

from bench.models import checkpoint
from bench.models.checkpoint import Config
from bench.models.transformer import Transformer

FRESH, FINAL = 2, 3  # second words of the seeds of strings that measure, and of those that the record is taken on
MOMENTS = ("exp_avg", "exp_avg_sq", "step")
Arrays = dict[str, np.ndarray]


@dataclass(frozen=True)
class Pace:
    """The numbers of AdamW (Loshchilov and Hutter 2019; without decay it is Adam): the rate grows over `warmup` steps,
    gradients are cut at the norm `clip`."""

    rate: float
    betas: tuple[float, float] = (0.9, 0.99)
    decay: float = 0.0
    clip: float = 1.0
    warmup: int = 100


def best_device() -> str:
    """ "cuda" where torch sees a GPU, else "cpu"."""
    return "cuda" if torch.cuda.is_available() else "cpu"


class Fitting(ABC):
    """A model in training."""

    def __init__(self, config: Config, start: Mapping[str, np.ndarray], seed: int, pace: Pace) -> None:
        self.config, self.seed, self.pace, self.step, self.cpu_seconds = config, seed, pace, 0, 0.0
        self.device = best_device()
        self.weights = {
            name: torch.tensor(array, dtype=torch.float32, device=self.device).requires_grad_()
            for name, array in start.items()
        }
        self.optimiser = torch.optim.AdamW(
            list(self.weights.values()), lr=pace.rate, betas=pace.betas, weight_decay=pace.decay
        )

    @abstractmethod
    def loss(self, rng: np.random.Generator) -> Tensor:
        """What a step makes smaller; all chance comes from `rng`."""

    @abstractmethod
    def identity(self) -> dict[str, Any]:
        """What tells this training from another one."""

    def tensor(self, array: np.ndarray) -> Tensor:
        """An array where the weights are."""
        return torch.from_numpy(np.ascontiguousarray(array)).to(self.device)

    def model(self) -> Transformer:
        """The model of the weights as they are now, through which gradients flow to them."""
        return Transformer.of_tensors(self.config, self.weights)

    def advance(self) -> float:
        """One step; the loss before it."""
        loss = self.loss(np.random.default_rng([self.seed, 1, self.step]))
        self.optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(list(self.weights.values()), self.pace.clip)
        for group in self.optimiser.param_groups:
            group["lr"] = self.pace.rate * min(1.0, (self.step + 1) / self.pace.warmup)
        self.optimiser.step()
        self.step += 1
        return float(loss.detach())

    def arrays(self) -> Arrays:
        """The weights as they are now."""
        return {name: tensor.detach().cpu().numpy().copy() for name, tensor in self.weights.items()}

    def save(self, path: Path) -> None:
        """State in one safetensors file, the step number and what identifies the run in its metadata."""
        tensors = {name: tensor.detach() for name, tensor in self.weights.items()}
        for name, tensor in self.weights.items():
            tensors |= {f"{name}|{moment}": self.optimiser.state[tensor][moment] for moment in MOMENTS}
        save_file({name: tensor.contiguous() for name, tensor in tensors.items()}, path, {"state": self._identity()})
        noted = {"step": self.step, "cpu_seconds": self.cpu_seconds, "run": self._identity()}
        path.with_suffix(".step.json").write_text(json.dumps(noted))

    def resume(self, path: Path) -> None:
        """Take up a saved state; raises `ValueError` where it is another run's."""
        noted = json.loads(path.with_suffix(".step.json").read_text())
        if noted["run"] != self._identity():
            raise ValueError(f"{path} holds the state of another run; delete it or give the settings it was made with")
        held = load_file(path, self.device)
        for name, tensor in self.weights.items():
            tensor.data.copy_(held[name])
            self.optimiser.state[tensor] = {moment: held[f"{name}|{moment}"].clone() for moment in MOMENTS}
        self.step, self.cpu_seconds = noted["step"], noted["cpu_seconds"]

    def _identity(self) -> str:
        return json.dumps(self.identity(), sort_keys=True)


def fit(
    fitting: Fitting,
    measured: Callable[[Arrays, int], Mapping[str, float]],
    steps: int,
    state: Path | None = None,
    every: int = 250,
) -> Mapping[str, float]:
    """Train until `measured(arrays, step)` says that it "passes" or the steps run out; its last word.

    It is asked, and the state saved, after every `every` steps; a saved state is taken up first.
    """
    if state is not None and state.exists():
        fitting.resume(state)
    found: Mapping[str, float] = {}
    began = time.process_time() - fitting.cpu_seconds
    while fitting.step < steps:
        fitting.advance()
        if fitting.step % every == 0 or fitting.step == steps:
            found = measured(fitting.arrays(), fitting.step)
            fitting.cpu_seconds = time.process_time() - began
            if state is not None:
                fitting.save(state)
            if found["passes"]:
                break
    return found


def state_file(folder: Path | None, name: str) -> Path | None:
    """Where the state of an unfinished training is kept, in a folder that is made; None where none is to be kept."""
    if folder is None:
        return None
    folder.mkdir(parents=True, exist_ok=True)
    return folder / f"{name}.safetensors"


def write_trained(
    path: Path, fitting: Fitting, arrays: Arrays, measured: Mapping[str, float], facts: Mapping[str, Any]
) -> None:
    """Write weights and, beside them as JSON, how they came about and what was `measured` with the seed of `FINAL`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    checkpoint.save(path, fitting.config, arrays)
    record = {
        **facts, "seed": fitting.seed, "steps": fitting.step, "device": fitting.device,
        "cpu_seconds": round(fitting.cpu_seconds, 1), "measured": measured,
        "data_seeds": {"training": [fitting.seed, 1, "step"], "measured": [fitting.seed, FINAL]},
        "versions": {"torch": torch.__version__, "numpy": np.__version__},
    }  # fmt: skip
    path.with_suffix(".json").write_text(json.dumps(record, indent=1, sort_keys=True) + "\n")


def run_swapped(
    model: Transformer,
    tokens: Int[Tensor, "batch pos"],
    donors: Float[Tensor, "nodes batch pos d_model"] | None = None,
    swap: Bool[Tensor, "nodes batch"] | None = None,
) -> tuple[Float[Tensor, "batch pos outputs"], Float[Tensor, "nodes batch pos d_model"]]:
    """Output and node outputs, with the outputs of whole nodes replaced where `swap` says; differentiable in weights
    and donors."""
    values = [value[0] for value in model.embed(tokens)]
    stream = sum(values[1:], values[0])

    def write(outputs: Tensor) -> Tensor:
        if donors is not None and swap is not None:
            rows = slice(len(values), len(values) + len(outputs))
            outputs = torch.where(swap[rows, :, None, None], donors[rows], outputs)
        values.extend(outputs)
        return outputs.sum(0)

    for layer in range(model.config.n_layers):
        projected = model.project(stream[None, None, None], layer)[0]
        attended = model.mix(*projected.unbind(1))
        stream = stream + write(torch.einsum("hbpe,hed->hbpd", attended, model.attention[layer].o))
        stream = stream + model.weights[f"layers.{layer}.o_bias"]
        if model.config.d_mlp:
            stream = stream + write(model.mlp(stream, layer)[None])
    return model.unembed(stream), torch.stack(values)
