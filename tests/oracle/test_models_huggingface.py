"""Every architecture that is read gives the logits that transformers gives, from a folder or by name."""

import json
import shutil

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM, GPT2Config, GPTNeoXConfig, LlamaConfig, Qwen2Config, Qwen3Config

from bench.core.contract import BadInput
from bench.models import huggingface
from bench.models.exhaustive import forward
from bench.models.patching import donors_for, edge_effects, output_change

VOCAB, CONTEXT, LAYERS, HEADS = 23, 32, 3, 4
PLAIN = {
    "vocab_size": VOCAB, "hidden_size": 24, "intermediate_size": 40, "num_hidden_layers": LAYERS,
    "num_attention_heads": HEADS, "max_position_embeddings": CONTEXT, "initializer_range": 0.3,
}  # fmt: skip
TURNED = {"rope_parameters": {"rope_type": "default", "rope_theta": 100.0}}
GPT2 = {
    "vocab_size": VOCAB, "n_embd": 24, "n_layer": LAYERS, "n_head": HEADS, "n_positions": CONTEXT,
    "initializer_range": 0.3, "layer_norm_epsilon": 1e-3, "resid_pdrop": 0.0, "attn_pdrop": 0.0, "embd_pdrop": 0.0,
}  # fmt: skip
NEOX = PLAIN | {"hidden_size": 32, "layer_norm_eps": 1e-3, "tie_word_embeddings": False}
NEOX_TURNED = {"rope_parameters": {"rope_type": "default", "rope_theta": 100.0, "partial_rotary_factor": 0.5}}

CASES = {
    "llama": LlamaConfig(**PLAIN, **TURNED, num_key_value_heads=2),
    "gpt2": GPT2Config(**GPT2),
    "gpt2_of_other_width": GPT2Config(**GPT2, n_inner=20, activation_function="relu", scale_attn_weights=False),
    "gpt2_untied": GPT2Config(**GPT2, tie_word_embeddings=False),
    "pythia": GPTNeoXConfig(**NEOX, **NEOX_TURNED),
    "gpt_neox_in_sequence": GPTNeoXConfig(**NEOX, use_parallel_residual=False, hidden_act="gelu_new"),
    "gpt_neox_without_attention_bias": GPTNeoXConfig(**NEOX, attention_bias=False),
    "qwen2": Qwen2Config(**PLAIN, **TURNED, num_key_value_heads=2, tie_word_embeddings=True),
    "qwen3": Qwen3Config(**PLAIN, **TURNED, num_key_value_heads=2, head_dim=10, rms_norm_eps=1e-3),
    "qwen3_with_biases": Qwen3Config(**PLAIN, **TURNED, num_key_value_heads=1, head_dim=8, attention_bias=True),
}


def save_random(config, folder):
    """A random model of transformers whose norms and biases are random too."""
    torch.manual_seed(0)
    model = AutoModelForCausalLM.from_config(config, dtype=torch.float32)
    for name, parameter in model.named_parameters():
        if parameter.ndim == 1:
            torch.nn.init.normal_(parameter, mean=float("bias" not in name), std=0.3)
    model.save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    root = tmp_path_factory.mktemp("models")
    return {name: save_random(config, root / name) for name, config in CASES.items()}


@pytest.fixture(scope="module")
def tokens():
    return np.random.default_rng(0).integers(VOCAB, size=(3, 20))


def logits_of_transformers(folder, tokens, dtype):
    model = AutoModelForCausalLM.from_pretrained(folder, attn_implementation="eager", dtype=dtype).eval()
    with torch.no_grad():
        return model(torch.tensor(tokens)).logits


@pytest.mark.parametrize("case", CASES)
def test_logits_equal_those_of_transformers(case, folders, tokens):
    expected = logits_of_transformers(folders[case], tokens, torch.float32)
    assert expected.std() > 0.1
    torch.testing.assert_close(huggingface.load(folders[case]).run(tokens), expected, rtol=0, atol=1e-4)


@pytest.mark.parametrize("case", CASES)
def test_in_double_precision_only_the_parts_that_transformers_keeps_single_differ(case, folders, tokens):
    """It takes rotary angles, root mean squares and the softmax of most models in single precision, whatever is asked.
    GPT-2 has none of the former, and its softmax follows the dtype."""
    expected = logits_of_transformers(folders[case], tokens, torch.float64)
    found = huggingface.load(folders[case], torch.float64).run(tokens)
    assert expected.dtype == found.dtype == torch.float64
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-10 if case.startswith("gpt2") else 1e-5)


def part_of(model, layer, number):
    """The norm before the heads (1) or before the MLP (2) of a layer, in transformers."""
    if hasattr(model, "transformer"):
        return getattr(model.transformer.h[layer], f"ln_{number}")
    layers = (model.gpt_neox if hasattr(model, "gpt_neox") else model.model).layers
    return getattr(layers[layer], {1: "input_layernorm", 2: "post_attention_layernorm"}[number])


@pytest.mark.parametrize("number", [1, 2])
@pytest.mark.parametrize("case", CASES)
def test_patching_edges_is_what_a_hook_before_a_norm_does_in_transformers(case, folders, tokens, number):
    """The MLP of layer 0, as heads (norm 1) or the MLP (norm 2) of layer 1 read it, exchanged for another text's."""
    ours = huggingface.load(folders[case], torch.float64)
    clean, donors = ours.node_outputs(tokens), ours.node_outputs(tokens[::-1].copy())
    source, graph = ours.sources.index("m0"), ours.graph("qkv")
    readers = "a1." if number == 1 else "m1"
    patched = [graph.index[edge] for edge in graph.edges if edge.startswith(f"m0->{readers}")]
    assert len(patched) == (3 * HEADS if number == 1 else 1)
    mask = torch.as_tensor(graph.patch_matrix(np.isin(np.arange(len(graph.edges)), patched)))
    theirs = AutoModelForCausalLM.from_pretrained(folders[case], attn_implementation="eager", dtype=torch.float64)
    change = donors[source] - clean[source]
    part_of(theirs, 1, number).register_forward_pre_hook(lambda _, inputs: (inputs[0] + change,))
    with torch.no_grad():
        expected = theirs.eval()(torch.tensor(tokens)).logits
    assert (expected - ours.run(tokens)).abs().max() > 0.1
    torch.testing.assert_close(ours.patched(tokens, donors, mask), expected, rtol=0, atol=1e-5)


@pytest.mark.parametrize("case", CASES)
def test_an_mlp_reads_the_heads_of_its_layer_unless_the_two_are_parallel(case, folders):
    graph = huggingface.load(folders[case]).graph("head")
    parallel = case in ("pythia", "gpt_neox_without_attention_bias")
    assert ("a1.h0->m1" in graph.edges) != parallel
    assert "a0.h0->m1" in graph.edges
    heads, mlps = HEADS * LAYERS, LAYERS
    earlier = sum(layer * (HEADS + 1) for layer in range(LAYERS))  # nodes of earlier layers, over all layers
    inputs = 1 + ("pos" in graph.sources)
    expected = (HEADS + 1) * (earlier + inputs * LAYERS) + inputs + heads + mlps
    assert len(graph.edges) == expected + (0 if parallel else heads)


@pytest.mark.parametrize("case", ["pythia", "qwen3", "gpt2"])
def test_edges_patched_in_batches_are_edges_patched_one_at_a_time(case, folders, tokens):
    model, measure = huggingface.load(folders[case], torch.float64), output_change(np.arange(6) > 2)
    clean, corrupted = tokens[:2, :6], tokens[:2, 6:12]
    donors = donors_for(model, "resample", clean, corrupted)
    graph = model.graph("qkv")
    fast = edge_effects(model, graph, clean, donors, measure)
    slow = edge_effects(model, graph, clean, donors, measure, one_at_a_time=True)
    assert slow.max() > 0.1
    torch.testing.assert_close(fast, slow, rtol=0, atol=1e-10)


@pytest.mark.parametrize("case", ["pythia", "gpt2", "qwen3"])
def test_the_exhaustive_route_refuses_what_it_does_not_compute(case, folders, tokens):
    config, weights = huggingface.arrays(folders[case])
    with pytest.raises(BadInput, match="exhaustive patching in float64 computes no"):
        forward(config, weights, tokens)


def test_a_name_is_looked_up_in_the_cache(folders, tokens, tmp_path, monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    repository = tmp_path / "models--someone--tiny-gpt2"
    (repository / "refs").mkdir(parents=True)
    (repository / "refs" / "main").write_text("0" * 40)
    shutil.copytree(folders["gpt2"], repository / "snapshots" / ("0" * 40))
    found = huggingface.load("someone/tiny-gpt2").run(tokens)
    torch.testing.assert_close(found, huggingface.load(folders["gpt2"]).run(tokens))


@pytest.mark.parametrize("name", ["someone/else", "/no/such/folder", "gpt2"])
def test_a_model_that_is_not_here_is_named_with_the_command_that_fetches_it(name, tmp_path, monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(BadInput, match=f"hf download {name}"):
        huggingface.load(name)


@pytest.mark.parametrize(
    ("case", "change", "message"),
    [
        ("gpt2", {"model_type": "mamba"}, "model_type is 'mamba'"),
        ("gpt2", {"scale_attn_by_inverse_layer_idx": True}, "scale_attn_by_inverse_layer_idx is True"),
        ("gpt2", {"activation_function": "tanh"}, "activation_function is 'tanh'"),
        ("pythia", {"rope_parameters": {"rope_type": "linear", "factor": 2.0}}, "scaled by 'linear'"),
    ],
)
def test_what_we_do_not_compute_is_refused(case, change, message, folders, tmp_path):
    shutil.copytree(folders[case], tmp_path / "model")
    path = tmp_path / "model" / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    with pytest.raises(BadInput, match=message):
        huggingface.load(tmp_path / "model")


@pytest.fixture
def sharded(folders, tmp_path):
    """The tensors in two files."""
    shutil.copytree(folders["gpt2"], tmp_path / "model")
    folder = tmp_path / "model"
    tensors = load_file(folder / "model.safetensors")
    (folder / "model.safetensors").unlink()
    shard_of = {name: f"model-{number % 2}.safetensors" for number, name in enumerate(sorted(tensors))}
    for shard in set(shard_of.values()):
        save_file({name: tensors[name] for name in tensors if shard_of[name] == shard}, folder / shard)
    (folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": shard_of}))
    return folder


def test_shards_are_read_together_and_a_lost_one_is_named(sharded, folders, tokens):
    torch.testing.assert_close(huggingface.load(sharded).run(tokens), huggingface.load(folders["gpt2"]).run(tokens))
    (sharded / "model-1.safetensors").unlink()
    with pytest.raises(BadInput, match=r"no model-1\.safetensors"):
        huggingface.load(sharded)


def test_tensors_without_the_prefix_are_read(folders, tokens, tmp_path):
    shutil.copytree(folders["gpt2"], tmp_path / "model")
    path = tmp_path / "model" / "model.safetensors"
    save_file({name.removeprefix("transformer."): tensor for name, tensor in load_file(path).items()}, path)
    torch.testing.assert_close(
        huggingface.load(tmp_path / "model").run(tokens), huggingface.load(folders["gpt2"]).run(tokens)
    )


def test_an_older_configuration_of_pythia_says_the_same(folders, tokens, tmp_path):
    """Before they were gathered, the rotary settings stood at the top level."""
    shutil.copytree(folders["pythia"], tmp_path / "model")
    path = tmp_path / "model" / "config.json"
    told = json.loads(path.read_text())
    assert told.pop("rope_parameters")["partial_rotary_factor"] == 0.5
    told = {key: value for key, value in told.items() if key not in ("rotary_pct", "rotary_emb_base", "rope_theta")}
    path.write_text(json.dumps(told | {"rotary_pct": 0.5, "rotary_emb_base": 100}))
    torch.testing.assert_close(
        huggingface.load(tmp_path / "model").run(tokens), huggingface.load(folders["pythia"]).run(tokens)
    )


def test_in_a_sliding_window_texts_are_no_longer_than_it(tmp_path, tokens):
    config = Qwen2Config(**PLAIN, num_key_value_heads=2, use_sliding_window=True, sliding_window=8, max_window_layers=0)
    model = huggingface.load(save_random(config, tmp_path))
    expected = logits_of_transformers(tmp_path, tokens[:, :8], torch.float32)
    torch.testing.assert_close(model.run(tokens[:, :8]), expected, rtol=0, atol=1e-4)
    with pytest.raises(BadInput, match="pos <= 8"):
        model.run(tokens[:, :9])


def test_a_folder_without_a_tokenizer_has_no_reader(folders):
    with pytest.raises(BadInput, match=r"no tokenizer\.json"):
        huggingface.reader(folders["gpt2"])
