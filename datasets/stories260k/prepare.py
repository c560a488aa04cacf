"""The checkpoint and vocabulary of llama2.c as a Llama folder of Hugging Face: config, weights, tokenizer.

llama2.c stores a header of seven integers, then all weights in float32, each kind for all layers in a row. It turns the
rotary pairs (2i, 2i + 1) of a head; Hugging Face turns (i, i + d_head / 2), so rows of queries and keys are reordered.
"""

import json
import struct
from pathlib import Path

import numpy as np
from safetensors.numpy import save_file

from bench.core.data import card_facts, demand

HEADER = ("d_model", "d_mlp", "n_layers", "n_heads", "n_kv_heads", "d_vocab", "n_ctx")
SPECIAL = ("<unk>", "<s>", "</s>")
SPACE = "\u2581"  # what SentencePiece writes for a blank


def prepare(source: Path, out: Path) -> None:
    facts = card_facts(Path(__file__))
    data = (source / "stories260K.bin").read_bytes()
    sizes = dict(zip(HEADER, struct.unpack_from("<7i", data), strict=True))
    demand("stories260k: header of stories260K.bin", sizes, facts)
    save_file(weights(np.frombuffer(data, "<f4", offset=28), sizes), out / "model.safetensors", {"format": "pt"})
    (out / "config.json").write_text(json.dumps(config(sizes), indent=1))
    tokens = read_tokens((source / "tok512.bin").read_bytes(), sizes["d_vocab"])
    (out / "tokenizer.json").write_text(json.dumps(tokenizer(tokens), ensure_ascii=False), encoding="utf-8")


def weights(values: np.ndarray, sizes: dict[str, int]) -> dict[str, np.ndarray]:
    """Tensors by their names in Hugging Face."""
    d, hidden, layers = sizes["d_model"], sizes["d_mlp"], sizes["n_layers"]
    kv = d * sizes["n_kv_heads"] // sizes["n_heads"]
    shapes = {
        "embed_tokens": (sizes["d_vocab"], d), "input_layernorm": (layers, d), "self_attn.q_proj": (layers, d, d),
        "self_attn.k_proj": (layers, kv, d), "self_attn.v_proj": (layers, kv, d), "self_attn.o_proj": (layers, d, d),
        "post_attention_layernorm": (layers, d), "mlp.gate_proj": (layers, hidden, d),
        "mlp.down_proj": (layers, d, hidden), "mlp.up_proj": (layers, hidden, d), "norm": (d,),
        "rotary tables": (2, sizes["n_ctx"], d // sizes["n_heads"] // 2),
    }  # fmt: skip
    ends = np.cumsum([np.prod(shape) for shape in shapes.values()])
    demand("stories260k: numbers in stories260K.bin", len(values), int(ends[-1]))
    parts = zip(shapes, np.split(values, ends[:-1]), strict=True)
    named = {name: part.reshape(shapes[name]) for name, part in parts}
    del named["rotary tables"]
    for name, heads in (("self_attn.q_proj", sizes["n_heads"]), ("self_attn.k_proj", sizes["n_kv_heads"])):
        named[name] = halves_for_pairs(named[name], heads)
    whole = {f"model.{name}.weight": named.pop(name) for name in ("embed_tokens", "norm")}
    each = {f"model.layers.{i}.{name}.weight": named[name][i] for name in named for i in range(layers)}
    return {name: np.ascontiguousarray(tensor) for name, tensor in (whole | each).items()}


def halves_for_pairs(projection: np.ndarray, heads: int) -> np.ndarray:
    """Rows [pair, 2] of each head as [2, pair]."""
    layers, rows, d = projection.shape
    return projection.reshape(layers, heads, rows // heads // 2, 2, d).swapaxes(2, 3).reshape(layers, rows, d)


def config(sizes: dict[str, int]) -> dict:
    return {
        "architectures": ["LlamaForCausalLM"], "model_type": "llama", "hidden_size": sizes["d_model"],
        "intermediate_size": sizes["d_mlp"], "num_hidden_layers": sizes["n_layers"],
        "num_attention_heads": sizes["n_heads"], "num_key_value_heads": sizes["n_kv_heads"],
        "vocab_size": sizes["d_vocab"], "max_position_embeddings": sizes["n_ctx"], "rms_norm_eps": 1e-5,
        "rope_theta": 10000.0, "hidden_act": "silu", "tie_word_embeddings": True, "bos_token_id": 1, "eos_token_id": 2,
    }  # fmt: skip


def read_tokens(data: bytes, count: int) -> list[str]:
    """Tokens by number: the file holds the greatest length, then score, length and text of each."""
    at, tokens = 4, []
    for _ in range(count):
        length = struct.unpack_from("<fi", data, at)[1]
        tokens.append(data[at + 8 : at + 8 + length].decode("utf-8").replace(" ", SPACE))
        at += 8 + length
    demand("stories260k: bytes of tok512.bin that were read", at, len(data))
    demand("stories260k: first tokens of tok512.bin", tuple(token.strip() for token in tokens[:3]), SPECIAL)
    return [*SPECIAL, *tokens[3:]]


def tokenizer(tokens: list[str]) -> dict:
    """Byte-pair encoding in the format of `tokenizers`: a token that was learned earlier is merged first."""
    vocabulary = {token: number for number, token in enumerate(tokens)}
    splits = [(token[:i], token[i:]) for token in tokens[3 + 256 :] for i in range(1, len(token))]
    return {
        "version": "1.0",
        "added_tokens": [
            {"id": number, "content": token, "special": True, "normalized": False}
            | dict.fromkeys(("single_word", "lstrip", "rstrip"), False)
            for number, token in enumerate(SPECIAL)
        ],
        "normalizer": {
            "type": "Sequence",
            "normalizers": [
                {"type": "Prepend", "prepend": SPACE},
                {"type": "Replace", "pattern": {"String": " "}, "content": SPACE},
            ],
        },
        "model": {
            "type": "BPE", "unk_token": SPECIAL[0], "fuse_unk": True, "byte_fallback": True, "vocab": vocabulary,
            "merges": [pair for pair in splits if pair[0] in vocabulary and pair[1] in vocabulary],
        },
    }  # fmt: skip
