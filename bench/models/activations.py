"""What flows through a transformer: the residual stream after every layer, also for texts longer than the context."""

from __future__ import annotations

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from bench.models.transformer import Transformer


def residual_stream(
    model: Transformer, tokens: Int[np.ndarray, "batch pos"]
) -> Float[Tensor, "depths batch pos d_model"]:
    """The residual stream at depth 0 (embedding) and after each layer: the sum of what all nodes so far wrote."""
    config = model.config
    nodes = model.node_outputs(tokens)
    per_layer = config.n_heads + bool(config.d_mlp)
    inputs = len(nodes) - config.n_layers * per_layer
    written = nodes[inputs:].unflatten(0, (config.n_layers, per_layer)).sum(1)
    biases = torch.stack([model.weights[f"layers.{layer}.o_bias"] for layer in range(config.n_layers)])
    depths = torch.cat([nodes[:inputs].sum(0, keepdim=True), written + biases[:, None, None]])
    return depths.cumsum(0)


def read_text(
    model: Transformer, tokens: Int[np.ndarray, "pos"], start: int | None, stride: int, context: int | None = None
) -> Float[np.ndarray, "depths pos d_model"]:
    """The residual stream at every token of a text of any length, in overlapping windows that fill the context.

    Every window begins with the token `start` (where the model has one) and moves on by `stride` tokens; a token is
    read in the first window that holds it, so that from the second window on it sees at least `context` - 1 - `stride`
    tokens before it. `context` is the length of a window, the model's own where none is given.
    """
    prefix = [] if start is None else [start]
    width = (context or model.config.n_ctx) - len(prefix)
    read: list[Float[Tensor, "depths pos d_model"]] = []
    done = 0
    while done < len(tokens):
        first = max(0, done + stride - width) if done else 0
        window = tokens[first : first + width]
        stream = residual_stream(model, np.concatenate([prefix, window]).astype(int)[None])[:, 0, len(prefix) :]
        read.append(stream[:, done - first :])
        done = first + len(window)
    whole = torch.cat(read, dim=1).cpu()
    return (whole.float() if whole.dtype == torch.bfloat16 else whole).numpy()  # numpy has no bfloat16
