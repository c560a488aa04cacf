"""Llama folders give the logits that transformers gives."""

import json
import os
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import LlamaConfig, LlamaForCausalLM

from bench.core.contract import BadInput
from bench.models.llama import load_llama


def logits_of_transformers(folder, tokens):
    model = LlamaForCausalLM.from_pretrained(folder, attn_implementation="eager").eval()
    with torch.no_grad():
        return model(torch.tensor(tokens)).logits


@pytest.fixture
def folder(tmp_path, request):
    """A random model, saved by transformers."""
    options = {
        "vocab_size": 23, "hidden_size": 24, "intermediate_size": 40, "num_hidden_layers": 3, "num_attention_heads": 6,
        "num_key_value_heads": 2, "max_position_embeddings": 32, "initializer_range": 0.3, "rms_norm_eps": 1e-3,
        "rope_parameters": {"rope_type": "default", "rope_theta": 100.0},
    }  # fmt: skip
    torch.manual_seed(0)
    model = LlamaForCausalLM(LlamaConfig(**(options | request.param)))
    for name, parameter in model.named_parameters():
        if "norm" in name or name.endswith("bias"):
            torch.nn.init.normal_(parameter, mean=1.0, std=0.3)
    model.save_pretrained(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    "folder",
    [
        {"tie_word_embeddings": True},
        {"tie_word_embeddings": False},
        {"num_key_value_heads": 1, "head_dim": 10, "hidden_act": "gelu"},
        {"attention_bias": True},
    ],
    ids=["tied", "untied", "one_key_head_of_odd_width", "attention_bias"],
    indirect=True,
)
def test_logits_of_a_random_model_equal_those_of_transformers(folder):
    tokens = np.random.default_rng(0).integers(23, size=(3, 20))
    expected = logits_of_transformers(folder, tokens)
    assert expected.std() > 0.1
    torch.testing.assert_close(load_llama(folder).run(tokens), expected, rtol=0, atol=1e-4)


@pytest.mark.skipif("INTERPBENCH_MIRROR" not in os.environ, reason="INTERPBENCH_MIRROR names no mirror of stories260K")
def test_logits_of_stories260k_equal_those_of_transformers():
    folder = Path(os.environ["INTERPBENCH_MIRROR"]) / "stories260K" / "hf"
    if not folder.is_dir():
        pytest.skip(f"the mirror has no {folder}")
    tokens = np.random.default_rng(0).integers(3, 512, size=(4, 128))
    torch.testing.assert_close(
        load_llama(folder).run(tokens), logits_of_transformers(folder, tokens), rtol=0, atol=1e-4
    )


@pytest.mark.parametrize("folder", [{}], indirect=True)
@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"model_type": "gpt2"}, "model_type is 'gpt2'"),
        ({"rope_parameters": {"rope_type": "yarn", "factor": 2.0}}, "scaled by 'yarn'"),
        ({"rope_parameters": None, "rope_scaling": {"type": "linear", "factor": 2.0}}, "scaled by 'linear'"),
        ({"hidden_act": "tanh"}, "hidden_act is 'tanh'"),
    ],
)
def test_what_we_do_not_compute_is_refused(folder, change, message):
    path = folder / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    with pytest.raises(BadInput, match=message):
        load_llama(folder)


@pytest.mark.parametrize("folder", [{}], indirect=True)
@pytest.mark.parametrize("lost", ["config.json", "model.safetensors"])
def test_a_missing_file_is_named(folder, lost):
    (folder / lost).unlink()
    with pytest.raises(BadInput, match=lost):
        load_llama(folder)


@pytest.mark.parametrize("folder", [{}], indirect=True)
def test_a_missing_tensor_is_named(folder):
    tensors = load_file(folder / "model.safetensors")
    del tensors["model.layers.1.mlp.up_proj.weight"]
    save_file(tensors, folder / "model.safetensors")
    with pytest.raises(BadInput, match=r"'model.layers.1.mlp.up_proj.weight' is missing"):
        load_llama(folder)
