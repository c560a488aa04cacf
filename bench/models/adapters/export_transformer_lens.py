"""Write a TransformerLens model as plain files: configuration, tensors, and what it says on some random tokens.

This file stands alone and runs in the environment of TransformerLens (2.x, 3.x or 4.x), which need not be ours:

    from export_transformer_lens import export     # with the folder of this file on the path
    export(model, "folder")                        # a HookedTransformer or a TransformerBridge

`python -P -m bench.models.adapters convert folder model.safetensors` makes a checkpoint of `tl_config.json` and
`tl_state.safetensors`, and refuses to where it does not say what `tl_said.safetensors` holds. A bridge has other names
for its tensors than 2.x and 3.x; it is written under theirs, as it stands (folded or not).
"""

import json
from pathlib import Path

import torch
from safetensors.torch import save_file

STACKED = {
    "attn.W_Q": "W_Q", "attn.W_K": "W_K", "attn.W_V": "W_V", "attn.W_O": "W_O", "attn.b_Q": "b_Q", "attn.b_K": "b_K",
    "attn.b_V": "b_V", "attn.b_O": "b_O", "mlp.W_in": "W_in", "mlp.b_in": "b_in", "mlp.W_out": "W_out",
    "mlp.b_out": "b_out", "mlp.W_gate": "W_gate",
}  # fmt: skip
OUTSIDE = {"embed.W_E": "W_E", "pos_embed.W_pos": "W_pos", "unembed.W_U": "W_U", "unembed.b_U": "b_U"}
PARTS = {"weight": "w", "bias": "b"}
TEXTS, LENGTH = 4, 16


def export(model, folder):
    """Write the model's configuration, its tensors and what it says."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    config, state = model.cfg.to_dict(), model.state_dict()
    if "embed.W_E" not in state:
        state = bridged(model, config, state)
    (folder / "tl_config.json").write_text(json.dumps(config, indent=1, sort_keys=True, default=str))
    save_file(plain(state), str(folder / "tl_state.safetensors"))
    save_file(plain(said(model)), str(folder / "tl_said.safetensors"))


def plain(tensors):
    return {name: tensor.detach().cpu().contiguous().clone() for name, tensor in tensors.items()}


def said(model):
    """Random tokens and the model's output on them."""
    generator = torch.Generator().manual_seed(0)
    tokens = torch.randint(model.cfg.d_vocab, (TEXTS, min(LENGTH, model.cfg.n_ctx)), generator=generator)
    with torch.no_grad():
        return {"tokens": tokens, "output": model(tokens.to(model.cfg.device))}


def bridged(model, config, state):
    """A bridge's tensors under the names of a HookedTransformer; its configuration learns how heads share keys.

    A bridge without some parameter has no such attribute; what is lost there shows in what the model says.
    """
    named = {name: getattr(model, theirs, None) for name, theirs in OUTSIDE.items()}
    for name, theirs in STACKED.items():
        layers = getattr(model, theirs, None)
        named |= {} if layers is None else {f"blocks.{layer}.{name}": tensor for layer, tensor in enumerate(layers)}
    for name, tensor in state.items():
        place, _, part = name.rpartition(".")
        if place.rpartition(".")[2] in ("ln1", "ln2", "ln_final"):
            named[f"{place}.{PARTS[part]}"] = tensor
    config["n_key_value_heads"] = len(model.W_K[0])
    return {name: tensor for name, tensor in named.items() if tensor is not None}
