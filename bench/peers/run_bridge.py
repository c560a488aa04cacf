"""Export small models through TransformerLens 4.x's bridge, in its own environment: `python run_bridge.py FOLDER`.

Random Hugging Face models of two kinds are booted as bridges and exported as they are and after TransformerLens has
folded norms into what follows them. Of ours, the exporter alone is imported.
"""

import sys
from pathlib import Path

import torch
from tokenizers import Tokenizer, models
from transformer_lens.model_bridge import TransformerBridge
from transformers import GPT2Config, GPT2LMHeadModel, LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "models" / "adapters"))
from export_transformer_lens import export

WORDS = 11
KINDS = {
    "gpt2": lambda: GPT2LMHeadModel(
        GPT2Config(
            vocab_size=WORDS, n_positions=8, n_embd=12, n_layer=2, n_head=3, n_inner=20, activation_function="gelu"
        )
    ),
    "llama": lambda: LlamaForCausalLM(
        LlamaConfig(
            vocab_size=WORDS,
            hidden_size=24,
            intermediate_size=40,
            num_hidden_layers=2,
            num_attention_heads=6,
            num_key_value_heads=2,
            max_position_embeddings=32,
            rms_norm_eps=1e-3,
        )
    ),
}


def saved(kind, folder):
    """A random model of a kind with a tokenizer, as Hugging Face writes them."""
    torch.manual_seed(0)
    model = KINDS[kind]().eval()
    for parameter in model.parameters():
        parameter.data += 0.3 * torch.randn_like(parameter)
    model.save_pretrained(folder)
    words = models.WordLevel({str(number): number for number in range(WORDS)}, unk_token="0")
    marks = {name: "0" for name in ("bos_token", "eos_token", "pad_token")}
    PreTrainedTokenizerFast(tokenizer_object=Tokenizer(words), **marks).save_pretrained(folder)
    return model


def main():
    folder = Path(sys.argv[1])
    for kind in KINDS:
        model = saved(kind, folder / kind)
        bridge = TransformerBridge.boot_transformers(str(folder / kind), hf_model=model, device="cpu")
        export(bridge, folder / f"{kind}-plain")
        bridge.enable_compatibility_mode()
        export(bridge, folder / f"{kind}-folded")


if __name__ == "__main__":
    main()
