"""A transformer whose backward pass follows the rules of layer-wise relevance propagation; forward it is the same.

Where the model multiplies or bends, all but one way of the derivative is held constant, so that gradient times input is
relevance and sums to what it came from: norms are linear maps with the scale of this run (the LN rule), an
activation is the factor activation(x) / x (the identity rule), each side of a product gets half of the derivative (the
half rule, gated MLPs). What is linear keeps its gradient. Attention patterns are constants under `attention`
"constant" (relevance reaches values alone) and differentiated under "gradient".
"""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from bench.models.transformer import ACTIVATIONS, Transformer

ATTENTION = ("gradient", "constant")


class RelevanceTransformer(Transformer):
    """`Transformer` with relevance rules instead of derivatives."""

    attention_rule = "gradient"

    @classmethod
    def of(cls, model: Transformer, attention: str = "gradient") -> RelevanceTransformer:
        """The same weights under relevance rules; `attention` is "gradient" or "constant"."""
        if attention not in ATTENTION:
            raise ValueError(f"attention is {attention!r}; choose one of {ATTENTION}")
        found = cls.__new__(cls)
        found.__dict__.update(model.__dict__)
        found.attention_rule = attention
        return found

    def unit(self, x: Float[Tensor, "*any width"]) -> Float[Tensor, "*any width"]:
        return x * torch.rsqrt(x.square().mean(-1, keepdim=True) + self.config.norm_eps).detach()

    def mlp(self, x: Float[Tensor, "*any d_model"], layer: int) -> Float[Tensor, "*any d_model"]:
        w, at = self.weights, f"layers.{layer}"
        x = self.norm(x, f"{at}.norm2")
        linear = x @ w[f"{at}.mlp_in"] + w[f"{at}.mlp_in_bias"]
        if self.config.gated:
            product = self.activate(x @ w[f"{at}.mlp_gate"]) * linear
            hidden = product / 2 + (product / 2).detach()
        else:
            hidden = self.activate(linear)
        return hidden @ w[f"{at}.mlp_out"] + w[f"{at}.mlp_out_bias"]

    def activate(self, x: Tensor) -> Tensor:
        """x times the constant activation(x) / x; at 0 this is the activation's slope (0 for relu)."""
        value = ACTIVATIONS[self.config.activation](x).detach()
        at_zero = 0.0 if self.config.activation == "relu" else 0.5
        factor = torch.where(x == 0, at_zero, value / torch.where(x == 0, 1.0, x)).detach()
        return x * factor

    def mix(self, q: Tensor, k: Tensor, v: Tensor) -> Float[Tensor, "*rows batch pos d_head"]:
        if self.attention_rule == "gradient":
            return super().mix(q, k, v)
        return super().mix(q.detach(), k.detach(), v)
