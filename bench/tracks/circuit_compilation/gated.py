"""A transformer with a gate at every part, by which the part's output is multiplied.

Gates of 0 and 1 are subnetworks, many of which run at once; the derivative with respect to a gate at 1 is the sum of
the part's activations times the output's derivatives with respect to them.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from bench.models.transformer import ACTIVATIONS, Transformer
from bench.tracks.circuit_compilation.network import place_of_part


class Gated:
    """A transformer whose heads' and units' outputs are multiplied by gates."""

    def __init__(self, model: Transformer, parts: Sequence[str]) -> None:
        self.model = model
        places = [place_of_part(part) for part in parts]
        self.rows = {name: self._rows(places, name) for name, _ in places}

    @staticmethod
    def _rows(places: list[tuple[str, int]], tensor: str) -> tuple[np.ndarray, np.ndarray]:
        """Numbers of the parts that write through a tensor, and their rows there."""
        found = [(number, row) for number, (name, row) in enumerate(places) if name == tensor]
        numbers, rows = np.array(found).T
        return numbers, rows

    def outputs(self, tokens: np.ndarray, gates: Float[Tensor, "masks parts"]) -> Float[Tensor, "masks inputs pos out"]:
        """The model's output under each row of gates; passes are not counted here."""
        return self._through(self._embedded(tokens), gates)

    def paired(self, tokens: np.ndarray, gates: Float[Tensor, "inputs parts"]) -> Float[Tensor, "inputs pos out"]:
        """The model's output where every input has gates of its own."""
        return self._through(self._embedded(tokens).transpose(0, 1), gates)[:, 0]

    def _embedded(self, tokens: np.ndarray) -> Float[Tensor, "1 inputs pos d_model"]:
        return torch.stack(self.model.embed(self.model.tokens(tokens))).sum(0)

    def _through(self, stream: Tensor, gates: Tensor) -> Float[Tensor, "masks inputs pos out"]:
        model, weights = self.model, self.model.weights
        for layer in range(model.config.n_layers):
            q, k, v = model.project(stream[:, None, None], layer).unbind(2)
            shares = self._gates(gates, f"layers.{layer}.o", model.config.n_heads)
            written = torch.einsum("rhbpe,hed,rh->rbpd", model.mix(q, k, v), model.attention[layer].o, shares)
            stream = stream + written + weights[f"layers.{layer}.o_bias"]
            stream = stream + self._units(stream, layer, gates) if model.config.d_mlp else stream
        return model.unembed(stream)

    def _gates(self, gates: Tensor, tensor: str, count: int) -> Float[Tensor, "masks rows"]:
        """The gate of every row of a tensor; 1 where the row is no part."""
        full = gates.new_ones(len(gates), count)
        if tensor not in self.rows:
            return full
        numbers, rows = self.rows[tensor]
        return full.index_copy(1, torch.as_tensor(rows), gates[:, torch.as_tensor(numbers)])

    def _units(self, stream: Tensor, layer: int, gates: Tensor) -> Float[Tensor, "masks inputs pos d_model"]:
        model, weights, at = self.model, self.model.weights, f"layers.{layer}"
        x = model.norm(stream, f"{at}.norm2")
        act, linear = ACTIVATIONS[model.config.activation], x @ weights[f"{at}.mlp_in"] + weights[f"{at}.mlp_in_bias"]
        hidden = act(x @ weights[f"{at}.mlp_gate"]) * linear if model.config.gated else act(linear)
        shares = self._gates(gates, f"{at}.mlp_out", model.config.d_mlp)
        return (hidden * shares[:, None, None]) @ weights[f"{at}.mlp_out"] + weights[f"{at}.mlp_out_bias"]
