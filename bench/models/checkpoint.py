"""A transformer on disk: one safetensors file whose metadata carry the configuration as JSON under "config".

Tensors (`l` counts layers; biases are optional and zero where missing):

    embed [d_vocab, d_model]    pos [n_ctx, d_model] (learned positions only)
    layers.{l}.q [n_heads, d_model, d_head]       .q_bias [n_heads, d_head]
    layers.{l}.k, .v [n_kv_heads, d_model, d_head]    .k_bias, .v_bias [n_kv_heads, d_head]
    layers.{l}.o [n_heads, d_head, d_model]       .o_bias [d_model]
    layers.{l}.q_norm, .k_norm [d_head] (qk_norm only)
    layers.{l}.mlp_in [d_model, d_mlp]    .mlp_in_bias [d_mlp]    .mlp_gate [d_model, d_mlp] (gated only)
    layers.{l}.mlp_out [d_mlp, d_model]   .mlp_out_bias [d_model]
    layers.{l}.norm1, .norm2 [d_model]    .norm1_bias, .norm2_bias [d_model] (layernorm only)
    final_norm, final_norm_bias [d_model]         unembed [d_model, d_out]    unembed_bias [d_out]
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path

import numpy as np
from jaxtyping import Float
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from bench.core.contract import BadInput

CHOICES = {
    "norm": ("none", "layernorm", "rmsnorm"),
    "positions": ("none", "learned", "rotary"),
    "activation": ("relu", "gelu", "gelu_tanh", "silu"),
}
SIZES = ("n_layers", "n_heads", "n_kv_heads", "d_model", "d_head", "d_vocab", "d_out", "n_ctx")
ADDED = ("rotary_dims", "qk_norm", "parallel")
"""Settings that are written only where they are not at their default: files of models without them stay the same."""

RESIDUAL_AXIS = {
    "embed": 1, "pos": 1, "unembed": 0, "final_norm": 0, "final_norm_bias": 0,
    "q": 1, "k": 1, "v": 1, "o": 2, "o_bias": 0, "norm1": 0, "norm1_bias": 0, "norm2": 0, "norm2_bias": 0,
    "mlp_in": 0, "mlp_gate": 0, "mlp_out": 1, "mlp_out_bias": 0,
}  # fmt: skip
"""Which axis of each tensor lies along the residual stream; tensors that are not named have none."""


@dataclass(frozen=True)
class Config:
    """The shape of a decoder- or encoder-style transformer with pre-normalisation.

    `d_mlp` 0 means attention only; `activation` "gelu" is the exact one (error function), "gelu_tanh" its approximation
    by a hyperbolic tangent; with `gated` the MLP is activation(x mlp_gate) * (x mlp_in); `attention_scale` None means
    1 / sqrt(d_head). Rotary positions turn the pairs (i, i + r / 2) of a head's first r coordinates by
    position * rope_theta^(-2 i / r), where r is `rotary_dims`, all of them where it is None.
    With `qk_norm` each head's queries and keys pass a root-mean-square norm of their own before they are turned. In a
    `parallel` layer the MLP reads what the heads read, not what they wrote.
    """

    n_layers: int
    n_heads: int
    n_kv_heads: int
    d_model: int
    d_head: int
    d_mlp: int
    d_vocab: int
    d_out: int
    n_ctx: int
    causal: bool = True
    norm: str = "none"
    positions: str = "learned"
    activation: str = "relu"
    gated: bool = False
    rope_theta: float = 10_000.0
    norm_eps: float = 1e-5
    attention_scale: float | None = None
    rotary_dims: int | None = None
    qk_norm: bool = False
    parallel: bool = False

    def __post_init__(self) -> None:
        for name in SIZES:
            _require(getattr(self, name) >= 1, f"{name} is {getattr(self, name)}; give 1 or more")
        for name, allowed in CHOICES.items():
            _require(getattr(self, name) in allowed, f"{name} is {getattr(self, name)!r}; choose one of {allowed}")
        _require(self.d_mlp >= 0, f"d_mlp is {self.d_mlp}; give 0 (attention only) or more")
        _require(
            self.n_heads % self.n_kv_heads == 0,
            f"n_kv_heads is {self.n_kv_heads}, which does not divide n_heads {self.n_heads}",
        )
        _require(
            self.positions != "rotary" or self.d_head % 2 == 0 or self.rotary_dims is not None,
            f"d_head is {self.d_head}; rotary positions need an even one",
        )
        _require(
            self.rotary_dims is None or (self.rotary_dims % 2 == 0 and 0 < self.rotary_dims <= self.d_head),
            f"rotary_dims is {self.rotary_dims}; give an even number of 2 to d_head {self.d_head}",
        )

    @property
    def scale(self) -> float:
        """What attention scores are multiplied by."""
        return self.d_head**-0.5 if self.attention_scale is None else self.attention_scale

    @property
    def kv_head_of(self) -> np.ndarray:
        """The key/value head that each query head reads, [n_heads]."""
        return np.repeat(np.arange(self.n_kv_heads), self.n_heads // self.n_kv_heads)


def _require(holds: bool, complaint: str) -> None:
    if not holds:
        raise BadInput(f"transformer configuration: {complaint}")


def shapes(config: Config) -> dict[str, tuple[int, ...]]:
    """Every tensor that a checkpoint of this configuration may hold, with its shape."""
    d = config.d_model
    expected = {"embed": (config.d_vocab, d), "unembed": (d, config.d_out), "unembed_bias": (config.d_out,)}
    if config.positions == "learned":
        expected["pos"] = (config.n_ctx, d)
    expected |= _norm_shapes(config, "final_norm")
    for layer in range(config.n_layers):
        expected |= {f"layers.{layer}.{name}": shape for name, shape in _layer_shapes(config).items()}
    return expected


def _norm_shapes(config: Config, name: str) -> dict[str, tuple[int, ...]]:
    kinds = {"none": (), "rmsnorm": ("",), "layernorm": ("", "_bias")}
    return {name + suffix: (config.d_model,) for suffix in kinds[config.norm]}


def _layer_shapes(config: Config) -> dict[str, tuple[int, ...]]:
    d, e, heads, kv = config.d_model, config.d_head, config.n_heads, config.n_kv_heads
    attention = {"q": (heads, d, e), "k": (kv, d, e), "v": (kv, d, e), "o": (heads, e, d)}
    biases = {"q_bias": (heads, e), "k_bias": (kv, e), "v_bias": (kv, e), "o_bias": (d,)}
    norms = {"q_norm": (e,), "k_norm": (e,)} if config.qk_norm else {}
    expected = attention | biases | norms | _norm_shapes(config, "norm1")
    return expected | _mlp_shapes(config) if config.d_mlp else expected


def _mlp_shapes(config: Config) -> dict[str, tuple[int, ...]]:
    d, m = config.d_model, config.d_mlp
    mlp = {"mlp_in": (d, m), "mlp_in_bias": (m,), "mlp_out": (m, d), "mlp_out_bias": (d,)}
    gate = {"mlp_gate": (d, m)} if config.gated else {}
    return mlp | gate | _norm_shapes(config, "norm2")


def checked(config: Config, weights: dict[str, np.ndarray], source: object = "checkpoint") -> dict[str, np.ndarray]:
    """The weights with missing biases as zeros; raises `BadInput` where a tensor is missing, alien or misshapen."""
    expected = shapes(config)
    alien = sorted(set(weights) - set(expected))
    if alien:
        raise BadInput(f"{source}: tensor {alien[0]!r} is not part of this configuration; remove it or fix the config")
    for name, array in weights.items():
        if array.shape != expected[name]:
            raise BadInput(
                f"{source}: tensor {name!r} has shape {array.shape}, its configuration needs {expected[name]}"
            )
    missing = [name for name in expected if name not in weights and not name.endswith("_bias")]
    if missing:
        raise BadInput(f"{source}: tensor {missing[0]!r} of shape {expected[missing[0]]} is missing")
    dtype = weights["embed"].dtype
    return {name: weights.get(name, np.zeros(shape, dtype)) for name, shape in expected.items()}


def along_residual(
    weights: Mapping[str, np.ndarray], change: Float[np.ndarray, "d_model other"]
) -> dict[str, np.ndarray]:
    """Copies of all tensors, multiplied along their residual axis by `change` where they have one.

    An orthogonal `change` gives the same function in a turned stream (where no norm reads it), a wide or narrow one a
    stream of another width.
    """
    return {name: _along(RESIDUAL_AXIS.get(name.rsplit(".", 1)[-1]), array, change) for name, array in weights.items()}


def _along(axis: int | None, array: np.ndarray, change: np.ndarray) -> np.ndarray:
    return array.copy() if axis is None else np.moveaxis(np.moveaxis(array, axis, -1) @ change, -1, axis)


def random_weights(config: Config, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Gaussian weights in float64 at unit scale: matrices have variance 1 / fan-in, the scales of norms lie near 1."""
    return {name: _draw(name, shape, rng) for name, shape in shapes(config).items()}


def _draw(name: str, shape: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
    if name in ("embed", "pos"):
        return rng.normal(size=shape)
    if name.endswith("_bias"):
        return 0.1 * rng.normal(size=shape)
    if len(shape) == 1:
        return 1 + 0.1 * rng.normal(size=shape)
    return rng.normal(size=shape) / np.sqrt(shape[-2])


def save(path: Path, config: Config, weights: dict[str, np.ndarray]) -> None:
    """Write the checkpoint; the weights are checked against the configuration first."""
    checked(config, weights, path)
    arrays = {name: np.ascontiguousarray(array) for name, array in sorted(weights.items())}
    save_file(arrays, str(path), metadata={"config": json.dumps(written(config), sort_keys=True)})


def written(config: Config) -> dict[str, object]:
    """The settings as a file holds them: all but those of `ADDED` that are at their default."""
    defaults = {field.name: field.default for field in fields(Config)}
    return {name: value for name, value in asdict(config).items() if name not in ADDED or value != defaults[name]}


def load_arrays(path: Path) -> tuple[Config, dict[str, np.ndarray]]:
    """Read a checkpoint: its configuration and every tensor, missing biases as zeros."""
    try:
        with safe_open(str(path), "np") as file:
            metadata = file.metadata() or {}
            weights = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (not a mapping)
    except (OSError, SafetensorError) as error:
        raise BadInput(f"checkpoint {path}: cannot be read as safetensors ({error}); make it anew") from error
    config = _read_config(metadata, path)
    return config, checked(config, weights, path)


def load_config(path: Path) -> Config:
    """The configuration of a checkpoint, without its tensors."""
    with safe_open(str(path), "np") as file:
        return _read_config(file.metadata() or {}, path)


def _read_config(metadata: dict[str, str], path: Path) -> Config:
    if "config" not in metadata:
        raise BadInput(f"checkpoint {path}: its metadata have no 'config'; write it with bench.models.checkpoint.save")
    values = json.loads(metadata["config"])
    known = {field.name for field in fields(Config)}
    if set(values) | set(ADDED) != known:
        wrong = sorted((set(values) | set(ADDED)) ^ known)[0]
        raise BadInput(f"checkpoint {path}: config key {wrong!r} is missing or unknown; known keys: {sorted(known)}")
    return Config(**values)
