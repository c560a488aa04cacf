"""Small TransformerLens models with drawn weights, whose logits it records: `python -m bench.peers.lens_cases`.

Each case is a configuration of TransformerLens; tensors are drawn under its names by a generator seeded by the case.
The command makes an environment from `envs/peers/NAME.lock` (argument, default transformer-lens-3), lets that version
say what it says, and prints the golden file of `tests/golden/test_transformer_lens.py`.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import load_file, save_file

from bench.core.contract import generator
from bench.peers.run import environment

HERE = Path(__file__).parent
SMALL = {
    "n_layers": 2, "d_model": 12, "n_ctx": 7, "d_head": 4, "n_heads": 4, "d_mlp": 10, "d_vocab": 9, "d_vocab_out": 5,
    "act_fn": "gelu", "normalization_type": None, "device": "cpu",
}  # fmt: skip
CASES: dict[str, dict[str, Any]] = {
    "no_norm": SMALL,
    "relu_both_ways": SMALL | {"act_fn": "relu", "attention_dir": "bidirectional", "use_attn_scale": False},
    "attention_only": SMALL | {"attn_only": True, "normalization_type": "LN", "act_fn": None, "d_mlp": None},
    "layer_norm": SMALL | {"normalization_type": "LN", "eps": 0.03},
    "layer_norm_folded": SMALL | {"normalization_type": "LNPre", "act_fn": "relu", "attn_scale": 3.0},
    "rms_norm_rotary_gated_shared": SMALL | {
        "normalization_type": "RMS", "final_rms": True, "act_fn": "silu", "gated_mlp": True, "n_key_value_heads": 2,
        "positional_embedding_type": "rotary", "rotary_dim": 4, "rotary_base": 100, "eps": 0.01,
    },
}  # fmt: skip
TEXTS = 2


def drawn(name: str) -> dict[str, np.ndarray]:
    """Tensors of a case under TransformerLens' names, in single precision."""
    told = CASES[name]
    shapes = outside(told)
    for layer in range(told["n_layers"]):
        shapes |= {f"blocks.{layer}.{part}": shape for part, shape in inside(told).items()}
    rng = generator("peers", "lens_cases", name)
    return {key: _draw(key, shape, rng) for key, shape in shapes.items()}


def outside(told: dict[str, Any]) -> dict[str, tuple[int, ...]]:
    d, out = told["d_model"], told["d_vocab_out"]
    shapes: dict[str, tuple[int, ...]]
    shapes = {"embed.W_E": (told["d_vocab"], d), "unembed.W_U": (d, out), "unembed.b_U": (out,)}
    if told.get("positional_embedding_type", "standard") == "standard":
        shapes["pos_embed.W_pos"] = (told["n_ctx"], d)
    return shapes | _norm("ln_final", told)


def inside(told: dict[str, Any]) -> dict[str, tuple[int, ...]]:
    d, e, heads = told["d_model"], told["d_head"], told["n_heads"]
    shared = told.get("n_key_value_heads")
    mark, kv = ("_", shared) if shared else ("", heads)
    shapes: dict[str, tuple[int, ...]]
    shapes = {"attn.W_Q": (heads, d, e), f"attn.{mark}W_K": (kv, d, e), f"attn.{mark}W_V": (kv, d, e)}
    shapes |= {"attn.b_Q": (heads, e), f"attn.{mark}b_K": (kv, e), f"attn.{mark}b_V": (kv, e)}
    shapes |= {"attn.W_O": (heads, e, d), "attn.b_O": (d,)} | _norm("ln1", told)
    if told.get("attn_only"):
        return shapes
    m = told["d_mlp"]
    shapes |= {"mlp.W_in": (d, m), "mlp.b_in": (m,), "mlp.W_out": (m, d), "mlp.b_out": (d,)} | _norm("ln2", told)
    return shapes | ({"mlp.W_gate": (d, m)} if told.get("gated_mlp") else {})


def _norm(name: str, told: dict[str, Any]) -> dict[str, tuple[int, ...]]:
    parts = {"LN": ("w", "b"), "RMS": ("w",)}.get(told["normalization_type"], ())
    return {f"{name}.{part}": (told["d_model"],) for part in parts}


def _draw(name: str, shape: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
    size = 1 / np.sqrt(shape[-2]) if len(shape) > 1 else 0.3
    return (rng.normal(size=shape) * size + (1.0 if name.endswith(".w") else 0.0)).astype(np.float32)


def tokens_of(name: str) -> np.ndarray:
    told = CASES[name]
    return generator("peers", "lens_tokens", name).integers(told["d_vocab"], size=(TEXTS, told["n_ctx"]))


def said(name: str, python: Path) -> np.ndarray:
    """The logits [texts, pos, outputs] that TransformerLens in another environment gives."""
    with tempfile.TemporaryDirectory() as folder:
        save_file(drawn(name) | {"tokens": tokens_of(name)}, Path(folder) / "case.safetensors")
        (Path(folder) / "case.json").write_text(json.dumps(CASES[name]))
        subprocess.run([str(python), str(HERE / "run_transformer_lens.py"), folder], check=True, capture_output=True)
        return load_file(Path(folder) / "said.safetensors")["output"]


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.peers.lens_cases", description=__doc__)
    parser.add_argument("lock", nargs="?", default="transformer-lens-3")
    parser.add_argument("--environments", type=Path, default=Path("results/peers"))
    chosen = parser.parse_args()
    python = environment(chosen.environments, chosen.lock)
    print(json.dumps({name: np.round(said(name, python), 6).tolist() for name in CASES}))


if __name__ == "__main__":
    main()
