"""Time a method of auto-circuit on a case, in its own environment: `python run_auto_circuit.py CASE METHOD`, JSON out.

Of ours, the stop watch alone is imported. The model is a HookedTransformer with the case's weights; it must say what
the case says.
Exact patching is not a function of auto-circuit: every edge is patched alone with its own primitives, in the way that
is fastest there, which is that of its ACDC (clean activations are kept, and a run begins at the layer of the edge).
Its integrated gradients run over the masks of all edges together, not over inputs.
"""

from __future__ import annotations

import functools
import json
import math
import sys
from pathlib import Path

import torch
from auto_circuit.data import PromptDataLoader, PromptDataset
from auto_circuit.prune_algos.ACDC import acdc_prune_scores
from auto_circuit.prune_algos.mask_gradient import mask_gradient_prune_scores
from auto_circuit.utils import custom_tqdm
from auto_circuit.utils.ablation_activations import src_ablations
from auto_circuit.utils.graph_utils import patch_mode, patchable_model, set_all_masks
from measuring import measured
from safetensors.torch import load_file
from transformer_lens import HookedTransformer, HookedTransformerConfig

OUTSIDE = {
    "embed": "embed.W_E", "pos": "pos_embed.W_pos", "unembed": "unembed.W_U", "unembed_bias": "unembed.b_U",
    "final_norm": "ln_final.w",
}  # fmt: skip
ATTENTION = {"q": "attn.W_Q", "k": "attn.W_K", "v": "attn.W_V", "o": "attn.W_O"}
BIASES = {"q_bias": "attn.b_Q", "k_bias": "attn.b_K", "v_bias": "attn.b_V", "o_bias": "attn.b_O"}
NORMS = {"norm1": "ln1.w", "norm2": "ln2.w"}
MLP = {"mlp_in": "mlp.W_in", "mlp_in_bias": "mlp.b_in", "mlp_out": "mlp.W_out", "mlp_out_bias": "mlp.b_out"}
GATE = {"mlp_gate": "mlp.W_gate"}


def hooked(config, weights):
    """A HookedTransformer of the case's shape and weights."""
    layers, scale, mlp = range(config["n_layers"]), config["attention_scale"], config["d_mlp"] > 0
    rotary = config["positions"] == "rotary"
    shape = HookedTransformerConfig(
        n_layers=len(layers), d_model=config["d_model"], n_ctx=config["n_ctx"], d_head=config["d_head"],
        n_heads=config["n_heads"], d_mlp=config["d_mlp"], d_vocab=config["d_vocab"], d_vocab_out=config["d_out"],
        act_fn=config["activation"], normalization_type={"none": None, "rmsnorm": "RMS"}[config["norm"]],
        eps=config["norm_eps"], attn_only=not mlp, attention_dir="causal" if config["causal"] else "bidirectional",
        gated_mlp=config["gated"], positional_embedding_type="rotary" if rotary else "standard",
        rotary_dim=config["d_head"] if rotary else None, rotary_base=int(config["rope_theta"]),
        final_rms=config["norm"] == "rmsnorm", attn_scale=-1.0 if scale is None else 1.0 / scale,
        use_attn_result=True, use_split_qkv_input=True, use_hook_mlp_in=True, device="cpu",
    )  # fmt: skip
    model = HookedTransformer(shape)
    inside = ATTENTION | BIASES | NORMS | (MLP | GATE if mlp else {})
    names = OUTSIDE | {f"layers.{n}.{ours}": f"blocks.{n}.{theirs}" for n in layers for ours, theirs in inside.items()}
    state = {theirs: weights[ours] for ours, theirs in names.items() if ours in weights}
    model.load_state_dict({name: tensor for name, tensor in state.items() if name in model.state_dict()}, strict=False)
    return model.requires_grad_(False)


def our_name(edge):
    """ "A0.1->MLP 2" as we write it: "a0.h1->m2"; "Resid Start->A1.0.Q" as "embed->a1.h0.q"."""

    def end(name):
        if name in ("Resid Start", "Resid End"):
            return "embed" if name == "Resid Start" else "output"
        if name.startswith("MLP"):
            return f"m{name.split()[1]}"
        layer, head, *part = name[1:].split(".")
        return ".".join([f"a{layer}.h{head}", *(letter.lower() for letter in part)])

    return "->".join(end(name) for name in (edge.src.name, edge.dest.name))


def exact_patching(model, batch):
    """Mean squared change of the output when each edge alone is patched.

    From the last layer to the first: a run leaves what it computed in `own`, which must be clean before the next edge.
    """
    donors, own = src_ablations(model, batch.corrupt), src_ablations(model, batch.clean)
    scores = {}
    with torch.inference_mode():
        clean = model(batch.clean)[model.out_slice]
        _, tokens, short, mask = model.input_to_embed(batch.clean)
        _, cache = model.run_with_cache(batch.clean)
        before = [cache[f"blocks.{layer}.hook_resid_pre"].clone() for layer in range(model.cfg.n_layers)]
    set_all_masks(model, val=0.0)
    with patch_mode(model, donors, curr_src_outs=own), torch.inference_mode():
        for edge in sorted(model.edges, key=lambda edge: edge.dest.layer, reverse=True):
            edge.patch_mask(model).data[edge.patch_idx] = 1.0
            layer = int(edge.dest.module_name.split(".")[1])
            out = model(
                before[layer], start_at_layer=layer, tokens=tokens, shortformer_pos_embed=short, attention_mask=mask
            )[model.out_slice]
            scores[edge] = float((out - clean).square().mean())
            edge.patch_mask(model).data[edge.patch_idx] = 0.0
    return scores


def by_edge(model, prune_scores):
    return {edge: float(edge.prune_score(prune_scores)) for edge in model.edges}


def answers(arrays, first):
    """What auto-circuit compares the output with: after a compiled program, outputs; after a text, two tokens."""
    direction = arrays["direction"].float()
    if first == direction.shape[1] - 1:
        return direction[:, -1].argmax(1, keepdim=True), direction[:, -1].argmin(1, keepdim=True), "avg_diff"
    return None, None, "mse"


def main():
    case, method = Path(sys.argv[1]), sys.argv[2]
    asked, arrays = json.loads((case / "case.json").read_text()), load_file(case / "case.safetensors")
    weights = {name.removeprefix("weights."): arrays.pop(name) for name in list(arrays) if name.startswith("weights.")}
    custom_tqdm.tqdm.__init__ = functools.partialmethod(custom_tqdm.tqdm.__init__, disable=True)
    model, first = hooked(asked["config"], weights), asked["first_scored"]
    del weights
    with torch.no_grad():
        said = model(arrays["clean"])
    torch.testing.assert_close(said, arrays["output"], rtol=1e-3, atol=1e-4 * float(arrays["output"].abs().max()))
    sliced = {1: "not_first_seq", said.shape[1] - 1: "last_seq"}[first]
    model = patchable_model(model, factorized=True, slice_output=sliced, separate_qkv=True)
    right, wrong, answer_function = answers(arrays, first)
    placeholder = list(arrays["direction"].flatten(1).argmax(1, keepdim=True)) if right is None else list(right)
    data = PromptDataset(list(arrays["clean"]), list(arrays["corrupted"]), placeholder, placeholder)
    (batch,) = PromptDataLoader(data, seq_len=None, diverge_idx=0, batch_size=len(data), shuffle=False)
    if right is None:  # the gradient of half the squared distance to (output - direction) is the direction
        with torch.no_grad():
            right = wrong = model(batch.clean)[model.out_slice] - arrays["direction"].float()[:, first:]
    loader = [type(batch)(batch.key, batch.batch_diverge_idx, batch.clean, batch.corrupt, right, wrong)]

    def attributed(steps):
        prune = mask_gradient_prune_scores(
            model, loader, None, "logit", answer_function, None if steps else 0.0, steps, clean_corrupt="corrupt"
        )
        return by_edge(model, prune)

    threshold = asked["threshold"]
    work = {
        "acdc": lambda: by_edge(model, acdc_prune_scores(model, loader, None, [0], [threshold], "mse")),
        "exact_patching": lambda: exact_patching(model, batch),
        "eap": lambda: attributed(None),
        "eap_ig": lambda: attributed(asked["ig_steps"]),
    }[method]
    figures, scores = measured(work)
    kept = [our_name(edge) for edge in model.edges if scores[edge] == math.inf] if method == "acdc" else []
    print(json.dumps(figures | {"kept": kept, "scores": {our_name(edge): scores[edge] for edge in model.edges}}))


if __name__ == "__main__":
    main()
