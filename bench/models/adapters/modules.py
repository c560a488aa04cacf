"""A model as nested `torch.nn.Module`s, one a node, for hooks of torch, nnsight or pyvene.

Every head and every MLP is a module that is called with the residual stream and returns what it adds to it:
`layers.0.heads.1` for node "a0.h1", `layers.0.mlp` for "m0", `embed` and `pos` for the inputs. A hook that changes a
module's output changes it for all readers (node patching). A head's three projections are modules too, each called with
the stream: changing the input of `layers.1.heads.0.q` changes what slot "a1.h0.q" reads (edge patching).

The mathematics is that of `bench.models.transformer`, one module at a time; passes are counted by the example. It is
slower than `Transformer.patched`, which shares runs among patches.
"""

from __future__ import annotations

import re

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from bench.core.contract import count_passes
from bench.models.transformer import Transformer

HEAD = re.compile(r"^a(\d+)\.h(\d+)(?:\.([qkv]))?$")


def module_of(name: str) -> str:
    """The module of a node or slot of `bench.models.graph`: "a0.h1" -> "layers.0.heads.1", "m0" -> "layers.0.mlp"."""
    found = HEAD.match(name)
    if found:
        layer, head, part = found.groups()
        return f"layers.{layer}.heads.{head}" + (f".{part}" if part else "")
    return {"embed": "embed", "pos": "pos", "output": "unembed"}.get(name) or f"layers.{int(name[1:])}.mlp"


class Nodes(nn.Module):
    """The model; call it with tokens [batch, pos] for its output [batch, pos, outputs].

    `embed` returns the token embeddings and `pos`, where positions are learned, their embeddings for the same tokens.
    """

    def __init__(self, model: Transformer) -> None:
        super().__init__()
        self.model, self.config = model, model.config  # pyvene asks for a configuration
        self.embed = Embedding(model, 0)
        self.pos = Embedding(model, 1) if self.config.positions == "learned" else None
        self.layers = nn.ModuleList(Layer(model, layer) for layer in range(self.config.n_layers))
        self.unembed = Unembedding(model)

    def forward(self, tokens: Int[Tensor, "batch pos"]) -> Float[Tensor, "batch pos outputs"]:
        tokens = self.model.tokens(tokens)
        count_passes("forward", len(tokens))
        stream = self.embed(tokens)
        if self.pos is not None:
            stream = stream + self.pos(tokens)
        for layer in self.layers:
            stream = layer(stream)
        return self.unembed(stream)


class Embedding(nn.Module):
    """One of the input nodes."""

    def __init__(self, model: Transformer, index: int) -> None:
        super().__init__()
        self.model, self.index = model, index

    def forward(self, tokens: Int[Tensor, "batch pos"]) -> Float[Tensor, "batch pos d_model"]:
        return self.model.embed(tokens)[self.index][0].clone()  # some libraries write into what a module returns


class Layer(nn.Module):
    """Heads that all read the stream, then the MLP, which reads them too."""

    def __init__(self, model: Transformer, layer: int) -> None:
        super().__init__()
        self.bias = model.weights[f"layers.{layer}.o_bias"]
        self.heads = nn.ModuleList(Head(model, layer, head) for head in range(model.config.n_heads))
        self.mlp = Mlp(model, layer) if model.config.d_mlp else None

    def forward(self, stream: Float[Tensor, "batch pos d_model"]) -> Float[Tensor, "batch pos d_model"]:
        stream = stream + sum(head(stream) for head in self.heads) + self.bias
        return stream if self.mlp is None else stream + self.mlp(stream)


class Head(nn.Module):
    """What one head adds to the stream that it reads."""

    def __init__(self, model: Transformer, layer: int, head: int) -> None:
        super().__init__()
        self.model, self.layer, self.head = model, layer, head
        self.q, self.k, self.v = (Projection(model, layer, head, part) for part in range(3))

    def forward(self, stream: Float[Tensor, "batch pos d_model"]) -> Float[Tensor, "batch pos d_model"]:
        mixed = self.model.mix(self.q(stream), self.k(stream), self.v(stream))
        return mixed @ self.model.attention[self.layer].o[self.head]


class Projection(nn.Module):
    """Queries, keys or values of one head, before any rotation."""

    def __init__(self, model: Transformer, layer: int, head: int, part: int) -> None:
        super().__init__()
        self.model, self.layer, weights = model, layer, model.attention[layer]
        self.project, self.bias = weights.project[head, part], weights.bias[head, part]

    def forward(self, stream: Float[Tensor, "batch pos d_model"]) -> Float[Tensor, "batch pos d_head"]:
        return self.model.norm(stream, f"layers.{self.layer}.norm1") @ self.project + self.bias


class Mlp(nn.Module):
    """What the MLP of a layer adds to the stream that it reads."""

    def __init__(self, model: Transformer, layer: int) -> None:
        super().__init__()
        self.model, self.layer = model, layer

    def forward(self, stream: Float[Tensor, "batch pos d_model"]) -> Float[Tensor, "batch pos d_model"]:
        return self.model.mlp(stream, self.layer)


class Unembedding(nn.Module):
    """The output, from the last stream."""

    def __init__(self, model: Transformer) -> None:
        super().__init__()
        self.model = model

    def forward(self, stream: Float[Tensor, "batch pos d_model"]) -> Float[Tensor, "batch pos outputs"]:
        return self.model.unembed(stream)


def load(path: object, dtype: torch.dtype = torch.float64) -> Nodes:
    """The model of a checkpoint, such as `problem.model.path`."""
    return Nodes(Transformer.load(str(path), dtype))
