"""A checkpoint comes back as it was written, and a faulty one is refused in a sentence that names the fault."""

import json
from dataclasses import replace

import numpy as np
import pytest
from safetensors import safe_open
from safetensors.numpy import save_file

from bench.core.contract import BadInput
from bench.models.checkpoint import Config, along_residual, load_arrays, random_weights, save, shapes

CONFIG = Config(
    n_layers=2, n_heads=4, n_kv_heads=2, d_model=6, d_head=2, d_mlp=5, d_vocab=3, d_out=4, n_ctx=7, norm="layernorm"
)


@pytest.fixture
def weights():
    return random_weights(CONFIG, np.random.default_rng(0))


def test_a_change_along_the_residual_axis_takes_every_tensor_to_the_shape_of_a_wider_model_and_copies_the_rest(weights):
    wider = shapes(replace(CONFIG, d_model=9))
    moved = along_residual(weights, np.eye(6, 9))
    assert {name: array.shape for name, array in moved.items()} == wider
    np.testing.assert_array_equal(moved["layers.1.o"][..., :6], weights["layers.1.o"])
    assert not moved["layers.1.mlp_in"][6:].any()
    moved["unembed_bias"][:] = 7
    assert not (weights["unembed_bias"] == 7).any()
    turn = np.linalg.qr(np.random.default_rng(1).normal(size=(6, 6)))[0]
    turned = along_residual(weights, turn)
    np.testing.assert_allclose(turned["embed"] @ turned["unembed"], weights["embed"] @ weights["unembed"], atol=1e-12)
    np.testing.assert_allclose(turned["embed"] @ turned["layers.0.q"], weights["embed"] @ weights["layers.0.q"])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_checkpoint_comes_back_bit_for_bit(tmp_path, weights, dtype):
    written = {name: array.astype(dtype) for name, array in weights.items()}
    save(tmp_path / "model.safetensors", CONFIG, written)
    config, read = load_arrays(tmp_path / "model.safetensors")
    assert config == CONFIG
    assert read.keys() == written.keys()
    for name, array in written.items():
        assert read[name].dtype == dtype
        np.testing.assert_array_equal(read[name], array)


def test_settings_at_their_default_are_not_written_and_others_come_back(tmp_path, weights):
    """So that files of models without them keep their bytes, and older files can be read."""
    save(tmp_path / "plain.safetensors", CONFIG, weights)
    with safe_open(str(tmp_path / "plain.safetensors"), "np") as file:
        written = json.loads(file.metadata()["config"])
    assert not {"rotary_dims", "qk_norm", "parallel"} & set(written)
    assert len(written) == 17
    other = replace(CONFIG, positions="rotary", d_head=4, rotary_dims=2, qk_norm=True, parallel=True)
    save(tmp_path / "other.safetensors", other, random_weights(other, np.random.default_rng(0)))
    assert load_arrays(tmp_path / "other.safetensors")[0] == other


def test_missing_biases_are_zero(tmp_path, weights):
    del weights["layers.1.q_bias"], weights["unembed_bias"]
    save(tmp_path / "model.safetensors", CONFIG, weights)
    _, read = load_arrays(tmp_path / "model.safetensors")
    assert read["layers.1.q_bias"].shape == (4, 2)
    assert not read["layers.1.q_bias"].any()
    assert not read["unembed_bias"].any()


def test_arrays_that_are_views_are_written_in_order(tmp_path, weights):
    weights["unembed"] = np.asfortranarray(weights["unembed"])
    save(tmp_path / "model.safetensors", CONFIG, weights)
    np.testing.assert_array_equal(load_arrays(tmp_path / "model.safetensors")[1]["unembed"], weights["unembed"])


@pytest.mark.parametrize(
    ("name", "array", "message"),
    [
        ("layers.0.k", np.zeros((4, 6, 2)), r"'layers.0.k' has shape \(4, 6, 2\), .* needs \(2, 6, 2\)"),
        ("layers.2.q", np.zeros((4, 6, 2)), "'layers.2.q' is not part of this configuration"),
        ("layers.0.mlp_gate", np.zeros((6, 5)), "'layers.0.mlp_gate' is not part"),
    ],
)
def test_a_misfit_tensor_is_named(tmp_path, weights, name, array, message):
    with pytest.raises(BadInput, match=message):
        save(tmp_path / "model.safetensors", CONFIG, weights | {name: array})


def test_a_missing_tensor_is_named(tmp_path, weights):
    del weights["layers.1.norm2"]
    with pytest.raises(BadInput, match=r"'layers.1.norm2' of shape \(6,\) is missing"):
        save(tmp_path / "model.safetensors", CONFIG, weights)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"norm": "batchnorm"}, "norm is 'batchnorm'"),
        ({"activation": "tanh"}, "activation is 'tanh'"),
        ({"n_kv_heads": 3}, "n_kv_heads is 3, which does not divide n_heads 4"),
        ({"positions": "rotary", "d_head": 3}, "d_head is 3"),
        ({"n_layers": 0}, "n_layers is 0"),
        ({"d_mlp": -1}, "d_mlp is -1"),
        ({"positions": "rotary", "rotary_dims": 1}, "rotary_dims is 1; give an even number of 2 to d_head 2"),
        ({"positions": "rotary", "rotary_dims": 4}, "rotary_dims is 4"),
    ],
)
def test_an_impossible_configuration_is_refused(change, message):
    with pytest.raises(BadInput, match=message):
        replace(CONFIG, **change)


def test_a_file_without_our_configuration_is_refused(tmp_path, weights):
    save_file(weights, str(tmp_path / "model.safetensors"))
    with pytest.raises(BadInput, match="no 'config'"):
        load_arrays(tmp_path / "model.safetensors")


@pytest.mark.parametrize("text", ['{"n_layers": 2}', '{"surprise": 1}'])
def test_a_configuration_with_other_keys_is_refused(tmp_path, weights, text):
    save_file(weights, str(tmp_path / "model.safetensors"), metadata={"config": text})
    with pytest.raises(BadInput, match="missing or unknown"):
        load_arrays(tmp_path / "model.safetensors")


@pytest.mark.parametrize("content", [None, b"", b"not a checkpoint at all"])
def test_a_file_that_is_no_checkpoint_is_refused(tmp_path, content):
    path = tmp_path / "model.safetensors"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(BadInput, match="cannot be read as safetensors"):
        load_arrays(path)


def test_only_what_the_configuration_uses_has_a_shape():
    bare = replace(CONFIG, d_mlp=0, norm="none", positions="none")
    assert not [name for name in shapes(bare) if "mlp" in name or "norm" in name or name == "pos"]
    assert shapes(replace(CONFIG, gated=True))["layers.0.mlp_gate"] == (6, 5)
    assert "final_norm_bias" not in shapes(replace(CONFIG, norm="rmsnorm"))
