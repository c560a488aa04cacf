"""What is not computed here is refused by name, and files are read without running anything."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from safetensors.numpy import save_file

from bench.core.contract import BadInput
from bench.models.adapters import __main__ as adapters
from bench.models.adapters.of_transformer_lens import converted, read_config
from bench.models.adapters.state_files import inert_pickle, load_state
from bench.models.checkpoint import load_arrays
from bench.models.transformer import Transformer
from bench.peers import lens_cases

TOLD = lens_cases.CASES["layer_norm"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"parallel_attn_mlp": True}, "parallel_attn_mlp is True"),
        ({"act_fn": "gelu_new"}, "act_fn is 'gelu_new'; choose one of"),
        ({"act_fn": "solu_ln"}, "act_fn is 'solu_ln'"),
        ({"positional_embedding_type": "alibi"}, "positional_embedding_type is 'alibi'"),
        ({"positional_embedding_type": "rotary", "rotary_dim": 2}, "rotary_dim is 2"),
        ({"rotary_adjacent_pairs": True}, "rotary_adjacent_pairs is True"),
        ({"rotary_scaling_factor": 2.0}, "rotary_scaling_factor is 2.0"),
        ({"rope_parameters": {"rope_type": "yarn"}}, "rope_parameters is"),
        ({"use_local_attn": True}, "use_local_attn is True"),
        ({"attn_scores_soft_cap": 30.0}, "attn_scores_soft_cap is 30.0"),
        ({"normalization_type": "BN"}, "normalization_type is 'BN'"),
        ({"final_rms": True}, "final_rms with layer norms"),
        ({"num_experts": 4}, "num_experts is 4"),
        ({"a_setting_of_tomorrow": "on"}, "a_setting_of_tomorrow is 'on'"),
    ],
)
def test_what_we_do_not_compute_is_refused(change, message):
    with pytest.raises(BadInput, match=message):
        read_config(TOLD | change)


def test_settings_that_change_nothing_are_passed_over():
    more = {
        "attn_scores_soft_cap": -1.0, "rotary_scaling_factor": 1.0, "tokenizer_name": "gpt2", "seed": 3,
        "use_attn_result": True, "NTK_by_parts_factor": 8.0, "window_size": 4, "dtype": "torch.float32",
    }  # fmt: skip
    assert read_config(TOLD | more) == read_config(TOLD)


def test_a_tensor_without_counterpart_is_named():
    state = lens_cases.drawn("layer_norm") | {"blocks.0.attn.gate": np.zeros(3)}
    with pytest.raises(BadInput, match=r"'blocks.0.attn.gate' has no counterpart"):
        converted(TOLD, state)


def exported(folder, said):
    """A folder as the exporter leaves it."""
    folder.mkdir()
    (folder / "tl_config.json").write_text(json.dumps(TOLD))
    save_file(lens_cases.drawn("layer_norm"), folder / "tl_state.safetensors")
    save_file({"tokens": lens_cases.tokens_of("layer_norm"), "output": said}, folder / "tl_said.safetensors")
    return folder


def test_an_export_is_converted_where_it_says_what_the_original_said(tmp_path):
    config, weights = converted(TOLD, lens_cases.drawn("layer_norm"))
    said = Transformer(config, weights).run(lens_cases.tokens_of("layer_norm")).numpy()
    out = tmp_path / "model.safetensors"
    assert adapters.main(["convert", str(exported(tmp_path / "good", said)), str(out)]) == 0
    again, arrays = load_arrays(out)
    assert again == config
    np.testing.assert_array_equal(arrays["layers.1.q"], weights["layers.1.q"])


def test_an_export_that_says_something_else_is_refused(tmp_path, capsys):
    config, weights = converted(TOLD, lens_cases.drawn("layer_norm"))
    said = Transformer(config, weights).run(lens_cases.tokens_of("layer_norm")).numpy()
    out = tmp_path / "model.safetensors"
    assert adapters.main(["convert", str(exported(tmp_path / "bad", 1.001 * said)), str(out)]) == 2
    assert "away from tl_said.safetensors" in capsys.readouterr().err
    assert not out.exists()


class Trap:
    """Unpickling it by the ordinary way would write a file."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return (open, (str(self.path), "w"))


def test_a_torch_file_that_is_no_plain_state_dictionary_is_refused_and_runs_nothing(tmp_path):
    torch.save({"embed.W_E": torch.ones(2), "trap": Trap(tmp_path / "sprung")}, tmp_path / "model.pth")
    with pytest.raises(BadInput, match=r"no file of tensors alone"):
        load_state(tmp_path / "model.pth")
    torch.save([torch.ones(2)], tmp_path / "model.pth")
    with pytest.raises(BadInput, match=r"other things than tensors"):
        load_state(tmp_path / "model.pth")
    assert not (tmp_path / "sprung").exists()


def test_a_state_dictionary_comes_back_as_it_was_saved(tmp_path):
    state = lens_cases.drawn("layer_norm")
    torch.save({name: torch.as_tensor(array) for name, array in state.items()}, tmp_path / "model.pth")
    found = load_state(tmp_path / "model.pth")
    assert set(found) == set(state)
    np.testing.assert_array_equal(found["blocks.1.attn.W_O"], state["blocks.1.attn.W_O"])


def test_other_files_are_refused(tmp_path):
    (tmp_path / "model.npz").touch()
    with pytest.raises(BadInput, match=r"neither .safetensors nor"):
        load_state(tmp_path / "model.npz")


@pytest.mark.parametrize("content", [b"", b"not a pickle", b"\x80\x04K\x01", b"x" * 2_000_000])
def test_what_is_no_pickle_of_plain_values_is_refused(tmp_path, content):
    (tmp_path / "file.pkl").write_bytes(content)
    with pytest.raises(BadInput):
        inert_pickle(tmp_path / "file.pkl")
