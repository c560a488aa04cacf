"""Activations of texts, checkpoints, modules and tables: against the models run by hand, and read once."""

import dataclasses
import json
import os
from pathlib import Path

import numpy as np
import pytest
import torch
from tokenizers import Tokenizer, models, pre_tokenizers

from bench.core.contract import BadInput, Unsupported, generator
from bench.models import activation_cache, sources
from bench.models.activation_cache import activations
from bench.models.activations import residual_stream
from bench.models.checkpoint import Config, random_weights, save
from bench.models.prompts import Reader
from bench.models.transformer import Transformer
from tests.lab_modules import made

CONFIG = Config(
    n_layers=2, n_heads=2, n_kv_heads=1, d_model=8, d_head=4, d_mlp=12, d_vocab=9, d_out=9, n_ctx=12,
    norm="rmsnorm", positions="rotary", activation="silu", gated=True,
)  # fmt: skip
WEIGHTS = random_weights(CONFIG, generator("sources"))
PIECES = {"<s>": 0, "the": 1, "cat": 2, "sat": 3, "un": 4, "hap": 5, "py": 6, "dog": 7, "?": 8}


def text_model(**changes):
    tokenizer = Tokenizer(models.WordPiece(PIECES, unk_token="?", continuing_subword_prefix=""))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    plain = sources.TextModel(CONFIG, WEIGHTS, Reader(tokenizer, 0), 12, 6, "mean", "float32", "cpu")
    return dataclasses.replace(plain, **changes)


@pytest.fixture
def checkpoint(tmp_path):
    save(tmp_path / "model.safetensors", CONFIG, WEIGHTS)
    return sources.Checkpoint.load(tmp_path / "model.safetensors")


@pytest.fixture
def module(tmp_path):
    (tmp_path / "inputs.tsv").write_text("picture\tsize\tedges\nface\t1\t0.5\nhouse\t-1\t2\ntree\t0\t3\n")
    return sources.Module.load("tests.lab_modules:made", tmp_path / "inputs.tsv", "picture")


@pytest.fixture
def table(tmp_path):
    (tmp_path / "table.tsv").write_text("trial_type\ta\tb\tc\nlow\t1\t2\t3\nhigh\t4\t5\t6\n")
    return sources.Table.load(tmp_path / "table.tsv", "trial_type", {"first": ["a"], "rest": ["b", "c"]})


def stream(tokens):
    return residual_stream(Transformer(CONFIG, WEIGHTS), np.array([tokens])).numpy()[:, 0]


def test_a_word_is_the_mean_over_its_tokens_in_the_running_text():
    read = text_model().read(["the", "unhappy", "cat"], ["0", "2"], 10.0)
    whole = stream([0, 1, 4, 5, 6, 2])
    expected = np.stack([whole[2, 1], whole[2, 2:5].mean(axis=0), whole[2, 5]])
    np.testing.assert_allclose(read["2"], expected, atol=1e-5)
    np.testing.assert_allclose(read["0"][0], WEIGHTS["embed"][1], atol=1e-6)


def test_or_it_is_its_last_token():
    read = text_model(position="last").read(["the", "unhappy"], ["1"], 10.0)
    np.testing.assert_allclose(read["1"], stream([0, 1, 4, 5, 6])[1, [1, 4]], atol=1e-5)


def test_a_context_of_some_tokens_hides_what_lies_before():
    short = text_model(context=4, stride=1)
    one, other = (short.read([first, "the", "dog", "sat"], ["2"], 10.0)["2"] for first in ("cat", "the"))
    np.testing.assert_array_equal(one[3], other[3])
    assert np.abs(one[2] - other[2]).max() > 0.01
    np.testing.assert_allclose(one[3], stream([0, 1, 7, 3])[2, 3], atol=1e-5)


def test_clitics_stand_without_a_blank():
    text, ends = sources.running_text(["he", "did", "n't", "'twas", "so"])
    assert text == "he didn't'twas so"
    assert [text[:end] for end in ends] == ["he", "he did", "he didn't", "he didn't'twas", "he didn't'twas so"]


def test_a_word_without_a_token_is_named():
    with pytest.raises(BadInput, match="word 2 of the text has no token"):
        text_model().read(["the", " ", "cat"], ["0"], 10.0)


def test_a_checkpoint_reads_each_stimulus_by_itself_whatever_the_batch(checkpoint):
    stimuli = ["3 0 2", "1", "8 8 8", "4 5"]
    whole = checkpoint.read(stimuli, ["2"], 10.0)["2"]
    for row, stimulus in zip(whole, stimuli, strict=True):
        np.testing.assert_allclose(row, stream([int(one) for one in stimulus.split()])[2, -1], atol=1e-5)
    single = sources._window_bytes(CONFIG, 3, "float32") / sources.MEGABYTE
    np.testing.assert_allclose(checkpoint.read(stimuli, ["2"], single)["2"], whole, atol=1e-6)
    with pytest.raises(BadInput, match=r"a single batch takes .* give more, or less tokens a stimulus"):
        checkpoint.read(stimuli, ["2"], single / 2)


def test_a_module_gives_what_its_layers_return(module):
    read = module.read(["tree", "face", "tree"], ["0", "1"], 1.0)
    expected = made()[0](torch.tensor([[0.0, 3.0], [1.0, 0.5], [0.0, 3.0]])).detach().numpy()
    np.testing.assert_allclose(read["0"], expected, rtol=1e-5)
    np.testing.assert_allclose(read["1"].mean(axis=1), 0, atol=1e-6)
    assert module.layers == ["0", "1", "2"]


def test_a_table_gives_its_bands_of_columns(table):
    read = table.read(["high", "low", "high"], ["rest"], 1.0)
    assert read["rest"].tolist() == [[5, 6], [2, 3], [5, 6]]


def test_half_precision_is_near_and_is_another_identity(checkpoint):
    half = dataclasses.replace(checkpoint, precision="bfloat16")
    full, near = (one.read(["3 0 2", "1 1 4"], ["1"], 10.0)["1"] for one in (checkpoint, half))
    assert 0 < np.abs(full - near).max() < 0.05 * np.abs(full).max()
    assert half.identity["precision"] == "bfloat16"
    assert half.identity != checkpoint.identity


def test_random_weights_keep_the_scale_of_every_tensor_and_nothing_else():
    other = text_model().redrawn(generator("draw"))
    for name, array in WEIGHTS.items():
        drawn = other.weights[name]
        assert drawn.shape == array.shape
        if array.size > 50:
            assert abs(np.corrcoef(drawn.ravel(), array.ravel())[0, 1]) < 0.5
            assert 0.7 < drawn.std() / array.std() < 1.4
    again = text_model().redrawn(generator("draw"))
    assert other.identity == again.identity != text_model().identity


def test_a_module_with_random_weights_leaves_the_module_as_it_was(module):
    before = module.read(["face"], ["2"], 1.0)["2"]
    other = module.redrawn(generator("draw"))
    assert np.abs(other.read(["face"], ["2"], 1.0)["2"] - before).max() > 1e-3
    np.testing.assert_array_equal(module.read(["face"], ["2"], 1.0)["2"], before)
    np.testing.assert_array_equal(other.module[1].weight.detach().numpy(), np.ones(5))  # norms stay norms


def test_a_table_has_no_weights(table):
    with pytest.raises(Unsupported):
        table.redrawn(generator("draw"))


def test_what_was_read_once_is_not_read_again(checkpoint, tmp_path, monkeypatch):
    stimuli, cache = ["3 0", "1"], tmp_path / "cache"
    first = activations(checkpoint, stimuli, ["0", "2"], cache)
    monkeypatch.setattr(sources.Checkpoint, "read", lambda *_: pytest.fail("read again"))
    again = activations(checkpoint, stimuli, ["0", "2"], cache)
    for one, other in zip(first, again, strict=True):
        np.testing.assert_array_equal(one, other)
    facts = json.loads(next(cache.glob("*.json")).read_text())
    assert facts["source"]["precision"] == "float32"
    assert facts["layers"] == ["0", "2"]


@pytest.mark.parametrize(
    "change", [{"position": "mean"}, {"precision": "float16"}, {"weights": {**WEIGHTS, "embed": WEIGHTS["embed"] + 1}}]
)
def test_another_setting_or_weight_is_another_entry(checkpoint, change, tmp_path):
    other = dataclasses.replace(checkpoint, **change)
    for source in (checkpoint, other, checkpoint):
        activations(source, ["3 0", "1"], ["1"], tmp_path / "cache")
    assert len(list((tmp_path / "cache").glob("*.safetensors"))) == 2


def test_a_layer_that_does_not_exist_is_answered_with_those_that_do(checkpoint, module, tmp_path):
    with pytest.raises(BadInput, match="layer '7' does not exist; this model has 0, 1, 2"):
        activation_cache.check_layers(checkpoint, ["1", "7"])
    with pytest.raises(BadInput, match="layer 'conv1' does not exist; this model has 0, 1, 2"):
        activations(module, ["face"], ["conv1"], tmp_path)


@pytest.mark.parametrize(
    ("place", "message"),
    [
        ("tests.lab_modules:nothing", "cannot be made .*write package.module:function"),
        ("no.such.package:made", "cannot be made"),
        ("tests.lab_modules:number", "returns int; let it return a torch.nn.Module"),
    ],
)
def test_a_module_that_cannot_be_made_is_refused(place, message, tmp_path):
    with pytest.raises(BadInput, match=message):
        sources.Module.load(place, tmp_path / "inputs.tsv", "picture")


def test_a_layer_that_returns_no_tensor_is_refused(tmp_path):
    (tmp_path / "inputs.tsv").write_text("picture\tsize\nface\t1\n")
    pair = sources.Module.load("tests.lab_modules:Pair", tmp_path / "inputs.tsv", "picture")
    with pytest.raises(BadInput, match=r"layer 'inner' .* returns tuple"):
        pair.read(["face"], ["inner"], 1.0)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("kind\ta\nlow\t1\n", "has no column 'trial_type'"),
        ("trial_type\ta\nlow\t1\nlow\t2\n", "'low' has two rows"),
        ("trial_type\ta\nlow\tone\n", "column 'a' holds what is no number"),
        ("trial_type\nlow\n", "no column holds numbers"),
    ],
)
def test_tables_that_are_no_features_are_refused(content, message, tmp_path):
    (tmp_path / "table.tsv").write_text(content)
    with pytest.raises(BadInput, match=message):
        sources.Table.load(tmp_path / "table.tsv", "trial_type")


def test_a_stimulus_without_a_row_is_named(table):
    with pytest.raises(BadInput, match="no row for stimulus 'middle'"):
        table.read(["low", "middle"], ["first"], 1.0)


FOLDER = Path(os.environ.get("INTERPBENCH_MIRROR", "nowhere")) / "stories260K" / "hf"


@pytest.mark.skipif(not FOLDER.is_dir(), reason="INTERPBENCH_MIRROR names no mirror of stories260K")
def test_words_of_a_real_model_are_those_of_the_track():
    """`encoding/alice` has a route of its own from words to activations."""
    from bench.tracks.encoding.tasks.alice import activations_of_words

    text = "Alice was beginning to get very tired of sitting by her sister 's side and did n't know"
    words = text.split(" ") * 40
    ours = sources.TextModel.load(FOLDER, stride=256).read(words, ["0", "3", "5"], 512.0)
    theirs = activations_of_words(words, FOLDER)
    for layer in ("0", "3", "5"):
        np.testing.assert_allclose(ours[layer], theirs[:, int(layer)], atol=1e-4)
