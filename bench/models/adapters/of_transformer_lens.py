"""TransformerLens models (2.x, 3.x, and 4.x through its legacy names) as checkpoints of ours.

Read are a configuration as JSON (`HookedTransformerConfig.to_dict()`) and a state dictionary under the names that
TransformerLens gives: "embed.W_E", "pos_embed.W_pos", "blocks.0.attn.W_Q", ... Both libraries store projections as
[in, out] with an axis of heads, and both turn the rotary pairs (i, i + d_head / 2), so that only names change. What our
transformer does not compute is refused: a converted model says what the original said, or there is none.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from bench.core.contract import BadInput
from bench.models.checkpoint import Config, checked

Arrays = Mapping[str, np.ndarray]

NORMS = {None: "none", "LN": "layernorm", "LNPre": "layernorm", "RMS": "rmsnorm", "RMSPre": "rmsnorm"}
POSITIONS = {"standard": "learned", "rotary": "rotary"}
ACTIVATIONS = {"relu": "relu", "gelu": "gelu", "silu": "silu"}
DIRECTIONS = {"causal": True, "bidirectional": False}

OFF: Mapping[str, Callable[[Any], bool]] = {
    "attn_scores_soft_cap": lambda value: value is None or value <= 0,
    "output_logits_soft_cap": lambda value: value is None or value <= 0,
    "rotary_scaling_factor": lambda value: value in (None, 1),
    "rope_parameters": lambda value: not value or value.get("rope_type", "default") == "default",
}
"""When a setting that would change what is computed does not; any other such setting is off where it is falsy."""
READ = {
    "n_layers", "n_heads", "n_key_value_heads", "d_model", "d_head", "d_mlp", "attn_only", "d_vocab", "d_vocab_out",
    "n_ctx", "attention_dir", "normalization_type", "positional_embedding_type", "act_fn", "gated_mlp", "rotary_base",
    "rotary_dim", "eps", "attn_scale", "use_attn_scale", "final_rms", "uses_rms_norm",
}  # fmt: skip
HARMLESS = re.compile(
    r"""^(device|n_devices|dtype|seed|model_name|architecture|original_architecture|n_params|trust_remote_code
    |init_.*|initializer_range|from_checkpoint|checkpoint_.*|tokenizer_.*|default_.*|use_attn_result|use_attn_in
    |use_split_qkv_input|use_hook_.*|eos_token_id|bos_token_id|pad_token_id|decoder_start_token_id
    |tie_word_embeddings|layer_norm_folding|split_attention_weights|ungroup_grouped_query_attention
    |attn_implementation|norm_topk_prob
    |hidden_act|intermediate_size                            # said again by act_fn and d_mlp
    |window_size|attn_types|rotary_base_local                # heard of by local attention alone
    |NTK_.*|yarn_.*|train_seq_length                         # by scaled rotary positions alone
    |relative_attention_.*)$""",
    re.VERBOSE,
)
"""Settings that change nothing of what is computed, or only together with one that is refused."""

OUTSIDE = {
    "embed.W_E": "embed", "pos_embed.W_pos": "pos", "ln_final.w": "final_norm", "ln_final.b": "final_norm_bias",
    "unembed.W_U": "unembed", "unembed.b_U": "unembed_bias",
}  # fmt: skip
INSIDE = {
    "attn.W_Q": "q", "attn.W_K": "k", "attn.W_V": "v", "attn.W_O": "o", "attn._W_K": "k", "attn._W_V": "v",
    "attn.b_Q": "q_bias", "attn.b_K": "k_bias", "attn.b_V": "v_bias", "attn.b_O": "o_bias", "attn._b_K": "k_bias",
    "attn._b_V": "v_bias", "mlp.W_in": "mlp_in", "mlp.b_in": "mlp_in_bias", "mlp.W_out": "mlp_out",
    "mlp.b_out": "mlp_out_bias", "mlp.W_gate": "mlp_gate", "ln1.w": "norm1", "ln1.b": "norm1_bias", "ln2.w": "norm2",
    "ln2.b": "norm2_bias",
}  # fmt: skip
BUFFERS = re.compile(r"^blocks\.\d+\.attn\.(mask|IGNORE|rotary_sin|rotary_cos)$")
BLOCK = re.compile(r"^blocks\.(\d+)\.(.+)$")


def converted(told: Mapping[str, Any], state: Arrays) -> tuple[Config, dict[str, np.ndarray]]:
    """Configuration and tensors of `bench.models.checkpoint`; raises `BadInput` at what we do not compute."""
    config = read_config(told)
    weights = {_our_name(name): np.asarray(array) for name, array in state.items() if not BUFFERS.match(name)}
    if config.norm != "none" and str(told["normalization_type"]).endswith("Pre"):
        weights |= _trivial_norms(config, weights["embed"].dtype)
    if config.gated:
        weights |= _moved_biases(config, weights)
    return config, checked(config, weights, "TransformerLens state")


def read_config(told: Mapping[str, Any]) -> Config:
    """The configuration of ours that computes what a `HookedTransformerConfig`, as a dictionary, asks for."""
    _refuse(told)
    heads = told["n_heads"]
    wide: int = 4 * told["d_model"] if told.get("d_mlp") is None else told["d_mlp"]
    return Config(
        n_layers=told["n_layers"],
        n_heads=heads,
        n_kv_heads=told.get("n_key_value_heads") or heads,
        d_model=told["d_model"],
        d_head=told["d_head"],
        d_mlp=0 if told.get("attn_only") else wide,
        d_vocab=told["d_vocab"],
        d_out=_sized(told.get("d_vocab_out")) or told["d_vocab"],
        n_ctx=told["n_ctx"],
        causal=_chosen(told, "attention_dir", DIRECTIONS, "causal"),
        norm=_chosen(told, "normalization_type", NORMS, "LN"),
        positions=_chosen(told, "positional_embedding_type", POSITIONS, "standard"),
        activation="relu" if told.get("attn_only") else _chosen(told, "act_fn", ACTIVATIONS, None),
        gated=bool(told.get("gated_mlp", False)),
        rope_theta=float((told.get("rope_parameters") or {}).get("rope_theta") or told.get("rotary_base") or 10_000),
        norm_eps=float(told.get("eps", 1e-5)),
        attention_scale=1 / _divisor(told),
    )


def _refuse(told: Mapping[str, Any]) -> None:
    for name, value in told.items():
        if name not in READ and not HARMLESS.match(name) and not OFF.get(name, lambda value: not value)(value):
            raise BadInput(
                f"TransformerLens configuration: {name} is {value!r}, which is not computed here; turn it off"
            )
    if told.get("final_rms") and str(told.get("normalization_type", "LN")).startswith("LN"):
        raise BadInput("TransformerLens configuration: final_rms with layer norms elsewhere is not computed here")
    turned = told.get("rotary_dim")
    if told.get("positional_embedding_type") == "rotary" and turned not in (None, told["d_head"]):
        raise BadInput(f"TransformerLens configuration: rotary_dim is {turned}; only d_head ({told['d_head']}) is read")


def _chosen(told: Mapping[str, Any], name: str, known: Mapping[Any, Any], default: Any) -> Any:
    value = told.get(name, default)
    if value not in known:
        raise BadInput(f"TransformerLens configuration: {name} is {value!r}; choose one of {tuple(known)}")
    return known[value]


def _sized(count: int | None) -> int | None:
    """A size, where -1 stands for one that is not set."""
    return None if count is None or count < 0 else count


def _divisor(told: Mapping[str, Any]) -> float:
    """What attention scores are divided by."""
    if not told.get("use_attn_scale", True):
        return 1.0
    given = told.get("attn_scale")
    return math.sqrt(told["d_head"]) if given is None or given < 0 else float(given)


def _our_name(name: str) -> str:
    if name in OUTSIDE:
        return OUTSIDE[name]
    found = BLOCK.match(name)
    if found is None or found[2] not in INSIDE:
        raise BadInput(f"TransformerLens state: tensor {name!r} has no counterpart here; see docs/adapters.md")
    return f"layers.{found[1]}.{INSIDE[found[2]]}"


def _trivial_norms(config: Config, dtype: np.dtype) -> dict[str, np.ndarray]:
    """Scales of one for norms whose own were folded into what follows them."""
    layers = [f"layers.{layer}.{norm}" for layer in range(config.n_layers) for norm in ("norm1", "norm2")]
    names = [*(name for name in layers if config.d_mlp or name.endswith("norm1")), "final_norm"]
    return {name: np.ones(config.d_model, dtype) for name in names}


def _moved_biases(config: Config, weights: Arrays) -> dict[str, np.ndarray]:
    """Theirs add the MLP's inner bias after the product with the gate, ours before: there it is one of the output."""
    moved = {}
    for layer in range(config.n_layers):
        inner, outer, out = (f"layers.{layer}.{name}" for name in ("mlp_in_bias", "mlp_out_bias", "mlp_out"))
        if inner in weights:
            moved[outer] = weights[inner] @ weights[out] + weights.get(outer, 0.0)
            moved[inner] = np.zeros_like(weights[inner])
    return moved
