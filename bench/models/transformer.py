"""A transformer in torch whose residual graph is open: every node's output can be read, every edge patched.

The stream that a slot reads is the sum of the outputs of all earlier nodes and of the attention output biases
(constants of the stream, no node's). Patching the edge from source n to slot s makes the slot read

    x_s = bias + sum_n z_n + patch[s, n] (donor_n - z_n)

with z_n the source's output in the patched run itself. Norms come after this sum, so patching edges is exact. With all
edges into all slots patched the run is the donors' own.

Passes are counted in examples: a run of B examples counts B, K masks over B examples K B. Layers before the first
patched one are run once for all masks, or taken from a given clean run; a call then counts the share of the layers that
it did compute, rounded up over the call.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from bench.core.contract import BadInput, count_passes
from bench.models.checkpoint import Config, checked, load_arrays
from bench.models.graph import Graph, feeds, source_names

ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "relu": torch.relu,
    "gelu": torch.nn.functional.gelu,
    "gelu_tanh": partial(torch.nn.functional.gelu, approximate="tanh"),
    "silu": torch.nn.functional.silu,
}
ALL = slice(None)


@dataclass(frozen=True)
class SlotGradients:
    """One run and the derivative of a scalar of its output with respect to what every slot reads."""

    nodes: Float[Tensor, "nodes batch pos d_model"]
    gradients: Float[Tensor, "slots batch pos d_model"]
    output: Float[Tensor, "batch pos outputs"]
    value: float

    def products(self, change: Float[Tensor, "nodes batch pos d_model"]) -> Float[Tensor, "slots nodes"]:
        """First-order effect of changing source n by `change[n]` where slot s reads it: sum of change_n * gradient_s.

        Pairs without an edge are not zero here; `Graph.reduce` leaves them out.
        """
        change = change.expand(-1, *self.gradients.shape[1:])
        return torch.einsum("sbpd,nbpd->sn", self.gradients, change)


@dataclass(frozen=True)
class SlotWeights:
    """Projections into query, key or value space, one for each of some slots."""

    project: Float[Tensor, "entries d_model d_head"]
    bias: Float[Tensor, "entries d_head"]


@dataclass(frozen=True)
class HeadWeights:
    """Weights of one layer's heads; keys and values are repeated for the query heads that share them.

    `gain` are the scales of the norms of queries and keys, where the model has them.
    """

    project: Float[Tensor, "heads 3 d_model d_head"]
    bias: Float[Tensor, "heads 3 d_head"]
    o: Float[Tensor, "heads d_head d_model"]
    gain: Float[Tensor, "2 d_head"] | None = None

    def slots(self, index: Int[Tensor, "entries"]) -> SlotWeights:
        """Weights of the slots that `index` names, counted within the layer."""
        return SlotWeights(self.project.flatten(0, 1)[index], self.bias.flatten(0, 1)[index])


class Transformer:
    """A loaded model. Weights are constants: nothing here trains (but see `of_tensors`)."""

    def __init__(
        self,
        config: Config,
        weights: Mapping[str, np.ndarray],
        dtype: torch.dtype = torch.float32,
        device: str | torch.device = "cpu",
    ) -> None:
        self.config = config
        arrays = checked(config, dict(weights))
        self._take({name: torch.tensor(array, dtype=dtype, device=device) for name, array in arrays.items()})

    def _take(self, weights: dict[str, Tensor]) -> None:
        config, device = self.config, weights["embed"].device
        self.weights = weights
        self.sources = source_names(config)
        self.feeds = torch.tensor(feeds(config), device=device)
        self.attention = [self._stack_heads(layer) for layer in range(config.n_layers)]

    @classmethod
    def load(
        cls, path: Path | str, dtype: torch.dtype = torch.float32, device: str | torch.device = "cpu"
    ) -> Transformer:
        """Read a checkpoint of `bench.models.checkpoint`."""
        config, weights = load_arrays(Path(path))
        return cls(config, weights, dtype, device)

    @classmethod
    def of_tensors(cls, config: Config, weights: Mapping[str, Tensor]) -> Transformer:
        """A model of these very tensors, through which gradients flow to them; all must be there, biases too."""
        model = cls.__new__(cls)
        model.config = config
        model._take(dict(weights))
        return model

    @property
    def dtype(self) -> torch.dtype:
        return self.weights["embed"].dtype

    @property
    def device(self) -> torch.device:
        return self.weights["embed"].device

    def graph(self, granularity: str) -> Graph:
        return Graph(self.config, granularity)

    def tokens(self, tokens: np.ndarray | Tensor) -> Int[Tensor, "batch pos"]:
        """Token numbers as a tensor on the model's device; raises `BadInput` where the model cannot read them."""
        tokens = torch.as_tensor(tokens, device=self.device).long()
        if tokens.ndim != 2 or tokens.shape[1] > self.config.n_ctx:
            raise BadInput(f"tokens have shape {tuple(tokens.shape)}; give [batch, pos <= {self.config.n_ctx}]")
        if tokens.numel() and not 0 <= int(tokens.min()) <= int(tokens.max()) < self.config.d_vocab:
            span = f"{int(tokens.min())} to {int(tokens.max())}"
            raise BadInput(f"tokens span {span}; the vocabulary has {self.config.d_vocab} entries")
        return tokens

    @torch.no_grad()
    def run(self, tokens: np.ndarray | Tensor) -> Float[Tensor, "batch pos outputs"]:
        """The model's output."""
        stream = _Run(self, self.tokens(tokens))
        output = stream.finish()[0]
        self._count("forward", len(output))
        return output

    @torch.no_grad()
    def node_outputs(self, tokens: np.ndarray | Tensor) -> Float[Tensor, "nodes batch pos d_model"]:
        """What each source adds to the residual stream, in the order of `sources`."""
        stream = _Run(self, self.tokens(tokens))
        stream.to_end()
        self._count("forward", stream.stream.shape[1])
        return stream.kept()

    def patched(
        self,
        tokens: np.ndarray | Tensor,
        donors: Float[Tensor, "nodes #batch #pos d_model"],
        patch: Float[Tensor, "*masks slots nodes"],
        internal: Float[Tensor, "*masks slots"] | None = None,
        clean: Float[Tensor, "nodes batch pos d_model"] | None = None,
    ) -> Float[Tensor, "*masks batch pos outputs"]:
        """The output when `donors` replace what slots read, as far as `patch` says (0 not at all, 1 wholly).

        Differentiable in `patch` and `donors`.
        `internal[s]` patches every edge into slot s at once (already part of `Graph.patch_matrix` at acdc granularity).
        `clean`, the node outputs of the same tokens, spares what lies before the first patched slot.
        """
        batched = patch.ndim == 3
        masks = self._masks(patch if batched else patch[None], internal)
        shape = (len(self.sources), *self.tokens(tokens).shape, self.config.d_model)
        donors = torch.as_tensor(donors, dtype=self.dtype, device=self.device).expand(shape)
        stream = _Patched(self, self.tokens(tokens), donors, masks, clean)
        output = stream.finish()
        self._count("forward", self._work(stream, len(masks), shape[1]))
        output = output.expand(len(masks), *output.shape[1:])
        return output if batched else output[0]

    def slot_gradients(
        self,
        tokens: np.ndarray | Tensor,
        metric: Callable[[Tensor], Tensor],
        inputs: Float[Tensor, "batch pos d_model"] | None = None,
        added: Mapping[int, Float[Tensor, "batch pos d_model"]] | None = None,
        constant_layer: int | None = None,
    ) -> SlotGradients:
        """Node outputs, and the gradient of `metric(output)` with respect to every slot's input; one run each way.

        `inputs` stands in for the output of the "embed" node (a point between clean and corrupted embeddings), `added`
        is added to the outputs of the numbered sources wherever they are read, and no gradient flows back through the
        nodes of `constant_layer`. Memory grows with nodes + slots. Counts the examples once forward and once backward.
        """
        stream = _Probed(self, self.tokens(tokens), inputs, added or {}, constant_layer)
        output = stream.finish()[0]
        value = metric(output)
        (gradients,) = torch.autograd.grad(value, stream.probe)
        self._count("forward", len(output))
        self._count("backward", len(output))
        return SlotGradients(stream.kept(), gradients, output.detach(), float(value.detach()))

    def _masks(self, patch: Tensor, internal: Tensor | None) -> Tensor:
        patch = torch.as_tensor(patch, dtype=self.dtype, device=self.device)
        if patch.shape[1:] != self.feeds.shape:
            raise ValueError(f"patch has shape {tuple(patch.shape)}; the model's is [K, {self.feeds.shape}]")
        if internal is not None:
            patch = 1 - (1 - patch) * (1 - torch.as_tensor(internal, dtype=self.dtype, device=self.device)[..., None])
        return patch * self.feeds

    def _work(self, stream: _Patched, masks: int, batch: int) -> int:
        """Examples, where a layer counts 1 / n_layers; layers before the first patched one are shared or spared."""
        layers, first = self.config.n_layers, stream.first_layer
        prefix = 0 if stream.clean is not None else first
        return math.ceil(batch * (prefix + masks * (layers - first)) / layers)

    @staticmethod
    def _count(kind: str, examples: int) -> None:
        count_passes(kind, examples)

    def _stack_heads(self, layer: int) -> HeadWeights:
        repeat = torch.as_tensor(self.config.kv_head_of, device=self.device)
        q, k, v, q_bias, k_bias, v_bias, o = (
            self.weights[f"layers.{layer}.{name}"] for name in ("q", "k", "v", "q_bias", "k_bias", "v_bias", "o")
        )
        project = torch.stack([q, k[repeat], v[repeat]], dim=1)
        bias = torch.stack([q_bias, k_bias[repeat], v_bias[repeat]], dim=1)
        names = [f"layers.{layer}.{name}" for name in ("q_norm", "k_norm")]
        gain = torch.stack([self.weights[name] for name in names]) if self.config.qk_norm else None
        return HeadWeights(project, bias, o, gain)

    def embed(self, tokens: Int[Tensor, "batch pos"]) -> list[Float[Tensor, "1 batch pos d_model"]]:
        """Outputs of the input nodes: the token embedding, and the position embedding where it is learned."""
        embedded = self.weights["embed"][tokens][None]
        if self.config.positions != "learned":
            return [embedded]
        return [embedded, self.weights["pos"][: tokens.shape[1]].expand_as(embedded)]

    def norm(self, x: Float[Tensor, "*any d_model"], name: str) -> Float[Tensor, "*any d_model"]:
        """Layer normalisation, root-mean-square normalisation, or none, over d_model."""
        if self.config.norm == "none":
            return x
        if self.config.norm == "layernorm":
            x = x - x.mean(-1, keepdim=True)
        x = self.unit(x) * self.weights[name]
        return x + self.weights[f"{name}_bias"] if self.config.norm == "layernorm" else x

    def unit(self, x: Float[Tensor, "*any width"]) -> Float[Tensor, "*any width"]:
        """x over its root mean square."""
        return x * torch.rsqrt(x.square().mean(-1, keepdim=True) + self.config.norm_eps)

    def norm_heads(
        self, projected: Float[Tensor, "*any batch pos d_head"], layer: int, letters: Int[Tensor, "*any_or_3"]
    ) -> Float[Tensor, "*any batch pos d_head"]:
        """Queries and keys (letters 0 and 1) under their heads' norms, where the model has them; values as they are."""
        gain = self.attention[layer].gain
        if gain is None:
            return projected
        letters = letters[..., None, None, None].to(gain.device)
        scale = torch.where(letters == 0, gain[0], gain[1])
        return torch.where(letters == 2, projected, self.unit(projected) * scale)

    def mlp(self, x: Float[Tensor, "*any d_model"], layer: int) -> Float[Tensor, "*any d_model"]:
        """Output of the MLP of a layer that reads x."""
        w, at = self.weights, f"layers.{layer}"
        x = self.norm(x, f"{at}.norm2")
        act, linear = ACTIVATIONS[self.config.activation], _affine(x, w[f"{at}.mlp_in"], w[f"{at}.mlp_in_bias"])
        if act is torch.relu and not torch.is_grad_enabled():
            act = torch.relu_  # `linear` is nobody else's: no second array of the widest size
        hidden = act(x @ w[f"{at}.mlp_gate"]) * linear if self.config.gated else act(linear)
        return _affine(hidden, w[f"{at}.mlp_out"], w[f"{at}.mlp_out_bias"])

    def unembed(self, x: Float[Tensor, "*any d_model"]) -> Float[Tensor, "*any outputs"]:
        return self.norm(x, "final_norm") @ self.weights["unembed"] + self.weights["unembed_bias"]

    def project(
        self, x: Tensor, layer: int, heads: list[int] | slice = ALL
    ) -> Float[Tensor, "rows heads 3 batch pos d_head"]:
        """Queries, keys and values of heads that read x, [rows, heads, 3, batch, pos, d_model] or [rows, 1, 1, ...]."""
        weights, x = self.attention[layer], self.norm(x, f"layers.{layer}.norm1")
        if x.shape[1] == x.shape[2] == 1:
            projected = torch.einsum("kbpd,hsde->khsbpe", x[:, 0, 0], weights.project[heads])
        else:
            projected = torch.einsum("khsbpd,hsde->khsbpe", x, weights.project[heads])
        return self.norm_heads(projected + weights.bias[heads][:, :, None, None], layer, torch.arange(3))

    def mix(self, q: Tensor, k: Tensor, v: Tensor) -> Float[Tensor, "*rows batch pos d_head"]:
        """Attention of heads given their projections [*rows, batch, pos, d_head]; q, k and v broadcast over rows."""
        if self.config.positions == "rotary":
            q, k = self._rotate(q), self._rotate(k)
        scores = q @ k.transpose(-1, -2) * self.config.scale
        if self.config.causal:
            later = torch.ones(scores.shape[-2:], dtype=torch.bool, device=scores.device).triu(1)
            scores = scores.masked_fill(later, -math.inf)
        return scores.softmax(-1) @ v

    def _rotate(self, x: Float[Tensor, "*any pos d_head"]) -> Float[Tensor, "*any pos d_head"]:
        turned = x.shape[-1] if self.config.rotary_dims is None else self.config.rotary_dims
        cos, sin = _rotation(x.shape[-2], turned, self.config.rope_theta, x.dtype, x.device)
        first, second, rest = x.split([turned // 2, turned // 2, x.shape[-1] - turned], dim=-1)
        return torch.cat([first * cos - second * sin, second * cos + first * sin, rest], dim=-1)


def _affine(x: Float[Tensor, "*any d"], weights: Float[Tensor, "d e"], bias: Float[Tensor, "e"]) -> Tensor:
    """x @ weights + bias in one pass over the result."""
    return torch.addmm(bias, x.reshape(-1, x.shape[-1]), weights).unflatten(0, x.shape[:-1])


@cache
def _rotation(pos: int, turned: int, theta: float, dtype: torch.dtype, device: torch.device) -> tuple[Tensor, Tensor]:
    """Cosine and sine of the rotary angles, [pos, turned / 2]."""
    frequency = theta ** (-torch.arange(0, turned, 2, dtype=torch.float64, device=device) / turned)
    angle = torch.arange(pos, dtype=torch.float64, device=device)[:, None] * frequency
    return angle.cos().to(dtype), angle.sin().to(dtype)


class _Run:
    """A forward pass in progress: outputs of the nodes so far and the residual stream, [rows, batch, pos, d_model].

    Rows are variants of the run; an axis of length 1 means that all variants agree so far. Subclasses say how what a
    slot reads differs from the stream, and which nodes' own outputs anyone will ask for.
    """

    def __init__(self, model: Transformer, tokens: Tensor) -> None:
        self.model = model
        self.config = model.config
        inputs = self.inputs(tokens)
        self.values: list[Tensor | None] = [*inputs]
        self.stream = torch.stack(inputs).sum(0)

    def inputs(self, tokens: Tensor) -> list[Tensor]:
        return self.model.embed(tokens)

    def shift(self, slots: list[int] | slice) -> Tensor | None:
        """What some slots read beyond the stream: [rows, slots, batch, pos, d_model] or nothing."""
        return None

    def keeps(self, count: int) -> bool:
        """Whether the outputs of the next `count` nodes will be asked for one by one."""
        return True

    def finish(self) -> Float[Tensor, "rows batch pos outputs"]:
        self.to_end()
        shift = self.shift(slice(-1, None))
        return self.model.unembed(self.stream if shift is None else self.stream + shift[:, 0])

    def to_end(self) -> None:
        for layer in range(self.config.n_layers):
            entering = self.stream
            self.add_heads(layer)
            self.stream = self.stream + self.model.weights[f"layers.{layer}.o_bias"]
            if self.config.d_mlp:
                self.add_mlp(layer, entering if self.config.parallel else self.stream)

    def slot_of_layer(self, layer: int) -> int:
        """The first slot of a layer."""
        return layer * (3 * self.config.n_heads + bool(self.config.d_mlp))

    def kept(self) -> Float[Tensor, "nodes batch pos d_model"]:
        """Every node's output in a run of one row."""
        return torch.cat([value for value in self.values if value is not None]).detach()

    def add_heads(self, layer: int) -> None:
        first = self.slot_of_layer(layer)
        shift = self.shift(slice(first, first + 3 * self.config.n_heads))
        x = self.stream[:, None, None]
        if shift is not None:
            x = x + shift.unflatten(1, (self.config.n_heads, 3))
        attended = self.model.mix(*self.model.project(x, layer).unbind(2))
        o = self.model.attention[layer].o
        if self.keeps(self.config.n_heads):
            outputs = torch.einsum("khbpe,hed->khbpd", attended, o)
            self.values.extend(outputs.unbind(1))
            self.stream = self.stream + outputs.sum(1)
        else:
            self.values.extend([None] * self.config.n_heads)
            self.stream = self.stream + torch.einsum("khbpe,hed->kbpd", attended, o)

    def add_mlp(self, layer: int, x: Float[Tensor, "rows batch pos d_model"]) -> None:
        """The MLP of a layer that reads the stream as it was at `x`."""
        slot = self.slot_of_layer(layer + 1) - 1
        shift = self.shift(slice(slot, slot + 1))
        output = self.model.mlp(x if shift is None else x + shift[:, 0], layer)
        self.values.append(output if self.keeps(1) else None)
        self.stream = self.stream + output


class _Probed(_Run):
    """A run in which every slot reads the stream plus a zero whose gradient is wanted."""

    def __init__(
        self,
        model: Transformer,
        tokens: Tensor,
        embedded: Tensor | None,
        added: Mapping[int, Tensor],
        constant_layer: int | None,
    ) -> None:
        self.embedded, self.added, self.constant_layer = embedded, added, constant_layer
        super().__init__(model, tokens)
        self._add_to_sources(0)
        shape = (len(model.feeds), *self.stream.shape[1:])
        self.probe = torch.zeros(shape, dtype=model.dtype, device=model.device, requires_grad=True)

    def inputs(self, tokens: Tensor) -> list[Tensor]:
        embedded, *positions = super().inputs(tokens)
        if self.embedded is not None:
            embedded = self.embedded.to(embedded)[None].expand_as(embedded)
        return [embedded, *positions]

    def shift(self, slots: list[int] | slice) -> Tensor:
        return self.probe[slots][None]

    def add_heads(self, layer: int) -> None:
        self._add_nodes(partial(super().add_heads, layer), layer)

    def add_mlp(self, layer: int, x: Float[Tensor, "rows batch pos d_model"]) -> None:
        self._add_nodes(partial(super().add_mlp, layer, x), layer)

    def _add_nodes(self, add: Callable[[], None], layer: int) -> None:
        before, first = self.stream, len(self.values)
        add()
        if layer == self.constant_layer:
            self.stream = before + (self.stream - before).detach()
        self._add_to_sources(first)

    def _add_to_sources(self, first: int) -> None:
        """What is added to the sources from number `first` up to the last one written."""
        for node in range(first, len(self.values)):
            if node in self.added:
                self.stream = self.stream + self.added[node]


class _Patched(_Run):
    """A run in which some slots read donors' values of some sources.

    Until the first patched slot all rows are the clean run. In the layer of that slot only the projections, and then
    only the heads, that some row patches are computed anew for that row; from there on every row runs on its own.
    Nodes of later layers that no row hears, because all that reads them reads their donors, are not computed at all.
    """

    def __init__(self, model: Transformer, tokens: Tensor, donors: Tensor, masks: Tensor, clean: Tensor | None) -> None:
        super().__init__(model, tokens)
        self.donors, self.masks, self.clean = donors, masks, clean
        self.active = self._active().cpu().numpy()
        slots = np.flatnonzero(self.active.any(1))
        self.first_layer = int(slots[0]) // self.slot_of_layer(1) if len(slots) else self.config.n_layers
        self.first_layer = min(self.first_layer, self.config.n_layers)
        self.unheard = self._unheard()
        self.active[:, self.unheard] = False

    def _active(self) -> Tensor:
        """Pairs that any mask patches; all of them where the masks' derivative is wanted."""
        return self.model.feeds if self.masks.requires_grad else self.masks.detach().ne(0).any(0)

    def _unheard(self) -> Bool[np.ndarray, "nodes"]:
        """Nodes beyond the first patched layer that every row patches wherever they are read."""
        feeds = self.model.feeds.cpu().numpy()
        unheard = (self.active | ~feeds).all(0)
        per_layer = self.config.n_heads + bool(self.config.d_mlp)
        unheard[: len(unheard) - per_layer * max(0, self.config.n_layers - self.first_layer - 1)] = False
        if self.masks.requires_grad or not unheard.any():
            return np.zeros_like(unheard)
        return unheard & (self.masks.eq(1).all(0).cpu().numpy() | ~feeds).all(0)

    def keeps(self, count: int) -> bool:
        return bool(self.active[:, len(self.values) : len(self.values) + count].any())

    def shift(self, slots: list[int] | slice) -> Tensor | None:
        """sum_n patch[k, s, n] (donor_n - z_n), over the sources that any of these slots has patched."""
        sources = np.flatnonzero(self.active[slots].any(0)).tolist()
        if not sources:
            return None
        mask = self.masks[:, slots]
        shared = [n for n in sources if len(self._value(n)) == 1]
        own = [n for n in sources if len(self._value(n)) > 1]
        parts = []
        if shared:
            change = self.donors[shared] - torch.cat([self._value(n) for n in shared])
            parts.append(torch.einsum("ksn,nbpd->ksbpd", mask[:, :, shared], change))
        if own:
            change = self.donors[own][:, None] - torch.stack([self._value(n) for n in own])
            parts.append(torch.einsum("ksn,nkbpd->ksbpd", mask[:, :, own], change))
        return sum(parts[1:], parts[0])

    def _value(self, node: int) -> Tensor:
        value = self.values[node]
        assert value is not None, f"node {node} is patched but was not kept"
        return value

    def add_heads(self, layer: int) -> None:
        if layer < self.first_layer and self.clean is not None:
            self._copy(self.config.n_heads)
        elif layer == self.first_layer and not self.masks.requires_grad:
            self._enter(layer)
        elif self._next_unheard(self.config.n_heads).any():
            self._add_heard_heads(layer)
        else:
            super().add_heads(layer)

    def _next_unheard(self, count: int) -> Bool[np.ndarray, "count"]:
        return self.unheard[len(self.values) : len(self.values) + count]

    def _add_heard_heads(self, layer: int) -> None:
        """The heads of a layer that some row hears; the others are taken to be their donors."""
        first, heads = len(self.values), np.flatnonzero(~self._next_unheard(self.config.n_heads)).tolist()
        outputs = list(self.donors[first : first + self.config.n_heads, None].unbind(0))
        if heads:
            for head, output in zip(heads, self._head_outputs(layer, heads).unbind(1), strict=True):
                outputs[head] = output
        self.values.extend(outputs)
        self.stream = sum(outputs, self.stream)

    def _head_outputs(self, layer: int, heads: list[int]) -> Float[Tensor, "rows heads batch pos d_model"]:
        slots = [self.slot_of_layer(layer) + 3 * head + part for head in heads for part in range(3)]
        x, shift = self.stream[:, None, None], self.shift(slots)
        if shift is not None:
            x = x + shift.unflatten(1, (len(heads), 3))
        attended = self.model.mix(*self.model.project(x, layer, heads).unbind(2))
        return torch.einsum("khbpe,hed->khbpd", attended, self.model.attention[layer].o[heads])

    def add_mlp(self, layer: int, x: Float[Tensor, "rows batch pos d_model"]) -> None:
        if layer < self.first_layer and self.clean is not None:
            self._copy(1)
        elif self._next_unheard(1).all():
            donor = self.donors[len(self.values), None]
            self.values.append(donor)
            self.stream = self.stream + donor
        else:
            super().add_mlp(layer, x)

    def _copy(self, count: int) -> None:
        """Take the next nodes from the clean run."""
        assert self.clean is not None
        nodes = self.clean[len(self.values) : len(self.values) + count]
        self.values.extend(nodes[:, None].unbind(0))
        self.stream = self.stream + nodes.sum(0)

    def _enter(self, layer: int) -> None:
        """The heads of the first patched layer: the clean ones, and anew those that a row patches.

        Only the patched projections are computed again; a head keeps its clean queries while its keys are patched.
        """
        weights, first = self.model.attention[layer], self.slot_of_layer(layer)
        mask = self.masks[:, first : first + 3 * self.config.n_heads]
        row, slot = mask.detach().ne(0).any(2).nonzero(as_tuple=True)
        clean = self.model.project(self.stream[:, None, None], layer)[0]
        outputs = torch.einsum("hbpe,hed->hbpd", self.model.mix(*clean.unbind(1)), weights.o)
        pair, of = torch.unique(row * self.config.n_heads + slot // 3, return_inverse=True)
        rows, heads = pair // self.config.n_heads, pair % self.config.n_heads
        projected = self._project_patched(mask[row, slot], slot, layer)
        q, k, v = clean[heads].index_put((of, slot % 3), projected).unbind(1)
        patched = torch.einsum("gbpe,ged->gbpd", self.model.mix(q, k, v), weights.o[heads])
        kept = self.keeps(self.config.n_heads)
        every_row = outputs.expand(len(mask), *outputs.shape)
        self.values.extend(every_row.index_put((rows, heads), patched).unbind(1) if kept else [None] * len(outputs))
        stream = (self.stream + outputs.sum(0)).expand(len(mask), *self.stream.shape[1:])
        self.stream = stream.index_add(0, rows, patched - outputs[heads])

    def _project_patched(self, mask: Tensor, slots: Int[Tensor, "entries"], layer: int) -> Tensor:
        """One projection into a slot of the layer per row of `mask`, [entries, nodes], all of whose sources still are
        the clean run's."""
        weights = self.model.attention[layer].slots(slots)
        sources = mask.detach().ne(0).any(0).nonzero().flatten().tolist()
        if not sources:
            return mask.new_zeros((0, *self.stream.shape[1:3], self.config.d_head))
        change = self.donors[sources] - torch.cat([self._value(n) for n in sources])
        x = self.stream + torch.einsum("tn,nbpd->tbpd", mask[:, sources], change)
        x = self.model.norm(x, f"layers.{layer}.norm1")
        projected = torch.einsum("tbpd,tde->tbpe", x, weights.project) + weights.bias[:, None, None]
        return self.model.norm_heads(projected, layer, slots % 3)
