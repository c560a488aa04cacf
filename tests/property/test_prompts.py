"""Pairs of prompts are aligned, told apart by one token, and kept only where the model does them."""

import numpy as np
import pytest
from tokenizers import Tokenizer
from tokenizers.models import BPE

from bench.core.contract import BadInput
from bench.models.checkpoint import Config, random_weights
from bench.models.prompts import Family, Pair, Prompts, Reader, Subject
from bench.models.transformer import Transformer

LETTERS = "Theabcdx "
MERGES = [("a", "b"), (" ", "a"), (" ", "c"), ("T", "h"), ("Th", "e")]
START = len(LETTERS) + len(MERGES)


@pytest.fixture
def reader():
    vocabulary = [*LETTERS, *("".join(pair) for pair in MERGES), "<s>"]
    return Reader(Tokenizer(BPE({token: i for i, token in enumerate(vocabulary)}, MERGES)), START)


def subject_of(reader, *pairs, answers=(" a", " c", " d")):
    config = Config(1, 2, 2, 8, 4, 16, START + 1, START + 1, 32)
    order = iter([*pairs] * 100)
    weights = random_weights(config, np.random.default_rng(0))
    return Subject(config, weights, reader, Family(lambda rng: next(order), answers))


def named(reader, *tokens):
    return [reader.tokenizer.token_to_id(token) for token in tokens]


GOOD = Pair("The d", "The e", (" a",), (" c",))


def test_a_text_begins_with_the_start_token(reader):
    assert reader.encode("The d") == [START, *named(reader, "The", " ", "d")]
    assert Reader(reader.tokenizer, None).encode("d") == named(reader, "d")


def test_the_following_token_is_the_first_of_the_continuation(reader):
    assert [reader.following("The", " ab")] == named(reader, " ")
    assert [reader.following("The", " a")] == named(reader, " a")


def test_a_continuation_that_changes_how_the_text_is_read_has_no_first_token(reader):
    assert reader.following("The a", "b") is None
    assert reader.following("The", "") is None


def test_a_pair_becomes_equally_long_rows_and_a_direction(reader):
    drawn = subject_of(reader, GOOD).draw(5, np.random.default_rng(0))
    assert drawn.clean.tolist() == [reader.encode("The d")]  # the same pair counts once
    assert drawn.corrupted.tolist() == [reader.encode("The e")]
    outputs = subject_of(reader, GOOD).outputs
    expected = {named(reader, " a")[0]: 1.0, named(reader, " c")[0]: -1.0, named(reader, " ")[0]: 0.0}
    assert dict(zip(outputs, drawn.direction[0], strict=True)) == expected


def test_several_right_words_share_the_weight(reader):
    drawn = subject_of(reader, Pair("The d", "The e", (" a", " d"), (" c",))).draw(1, np.random.default_rng(0))
    assert sorted(drawn.direction[0]) == [-1.0, 0.5, 0.5]


@pytest.mark.parametrize(
    "bad",
    [
        Pair("The d", "The dd", (" a",), (" c",)),
        Pair("The d", "The d", (" a",), (" c",)),
        Pair("The d", "The e", (" d",), (" x",)),
        Pair("The d", "The e", ("",), (" c",)),
        Pair("The d", "The e", ("e",), (" c",)),
    ],
    ids=["of unequal length", "of equal texts", "of answers that begin alike", "of no answer", "of an unlisted answer"],
)
def test_a_pair_is_left_out(reader, bad):
    with pytest.raises(BadInput, match="no pair"):
        subject_of(reader, bad).draw(3, np.random.default_rng(0))
    assert len(subject_of(reader, bad, GOOD).draw(4, np.random.default_rng(0))) == 1


def test_the_most_frequent_length_is_kept(reader):
    longer = [Pair(f"The dd{x}", f"The ee{x}", (" a",), (" c",)) for x in "dex"]
    shorter = [Pair(f"The {x}", "The x", (" a",), (" c",)) for x in "de"]
    drawn = subject_of(reader, *longer, *shorter).draw(10, np.random.default_rng(0))
    assert drawn.clean.shape == (3, 6)


def test_the_reduced_model_gives_the_whole_models_logits_of_the_answers(reader):
    subject = subject_of(reader, GOOD)
    tokens = np.random.default_rng(1).integers(START, size=(3, 7))
    whole = Transformer(subject.config, subject.weights).run(tokens)[..., subject.outputs]
    assert np.allclose(subject.model.run(tokens), whole, rtol=0, atol=1e-5)


def test_a_model_does_a_pair_where_right_words_lead_after_the_clean_text_and_lag_after_the_corrupted(reader):
    subject = subject_of(reader, GOOD)
    rows = np.random.default_rng(2).integers(START, size=(2, 60, 5))
    direction = np.random.default_rng(3).normal(size=(60, 3))
    prompts = Prompts(*rows, direction)
    last = [subject.model.run(tokens)[:, -1].double().numpy() for tokens in rows]
    expected = [(a @ d > 0) and (b @ d < 0) for a, b, d in zip(*last, direction, strict=True)]
    assert subject.knows(prompts).tolist() == expected
    assert 0 < sum(expected) < 60


def test_too_few_pairs_that_the_model_does_are_refused(reader):
    with pytest.raises(BadInput, match="2 are needed"):
        subject_of(reader, GOOD).known(2, np.random.default_rng(0), 5)
