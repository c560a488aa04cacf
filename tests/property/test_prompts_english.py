"""Every family's pairs: clean and corrupted text exchange right and wrong words, and nothing else tells them apart."""

import re

import numpy as np
import pytest

from bench.models.prompts import english

FAMILIES = english.FAMILIES


def drawn(family, count=300):
    rng = np.random.default_rng(0)
    return [FAMILIES[family].draw(rng) for _ in range(count)]


@pytest.mark.parametrize("family", FAMILIES)
def test_right_and_wrong_words_are_answers_and_differ(family):
    answers = set(FAMILIES[family].answers)
    for pair in drawn(family):
        assert pair.right
        assert pair.wrong
        assert not set(pair.right) & set(pair.wrong)
        assert set(pair.right) | set(pair.wrong) <= answers <= set(english.ANSWERS)


@pytest.mark.parametrize("family", FAMILIES)
def test_the_two_texts_differ_in_few_words(family):
    """One word, and what a list, or the examples of a rule, need to exchange."""
    most = {"in_context": 4}.get(family, 1)
    for pair in drawn(family):
        clean, corrupted = (re.findall(r"\w+", text) for text in (pair.clean, pair.corrupted))
        assert len(clean) == len(corrupted)
        assert 1 <= sum(a != b for a, b in zip(clean, corrupted, strict=True)) <= most


@pytest.mark.parametrize("family", FAMILIES)
def test_the_same_generator_draws_the_same_pairs_and_another_one_others(family):
    assert drawn(family, 20) == drawn(family, 20)
    rng = np.random.default_rng(1)
    assert drawn(family, 20) != [FAMILIES[family].draw(rng) for _ in range(20)]
    assert len(set(drawn(family))) > 100


def test_the_receiver_is_who_does_not_give():
    for pair in drawn("indirect_object"):
        first, second, giver = re.match(r"(\w+) and (\w+) went .*\. (\w+) gave", pair.clean).groups()
        assert pair.right == (f" {({first, second} - {giver}).pop()}",)
        assert pair.wrong == (f" {giver}",)


def test_a_right_year_is_later_and_a_wrong_one_is_not():
    for pair in drawn("greater_than"):
        year, century = re.search(r"year (\d{4}) to the year (\d{2})$", pair.clean).groups()
        assert year[:2] == century
        assert all(int(century + end) > int(year) for end in pair.right)
        assert all(int(century + end) <= int(year) for end in pair.wrong)
        assert len(pair.right) + len(pair.wrong) == 100
        tens = {end[0] for end in pair.right} & {end[0] for end in pair.wrong}
        assert not tens  # told apart by the first digit alone
        begun = int(re.search(r"year (\d{4})", pair.corrupted).group(1))
        assert begun % 100 == 9


def test_the_word_that_came_next_the_first_time_is_right_after_either_text():
    for pair in drawn("induction"):
        for text, following in ((pair.clean, pair.right[0]), (pair.corrupted, pair.wrong[0])):
            words = text.split(" ")
            assert words.index(words[-1]) < 8
            assert f" {words[words.index(words[-1]) + 1]}" == following


def test_what_a_list_lacks_is_right():
    for pair in drawn("copy_suppression"):
        for text, right, wrong in (
            (pair.clean, pair.right, pair.wrong),
            (pair.corrupted, pair.wrong, pair.right),
        ):
            stem = next(stem for stem in english.LISTS if stem in text)
            named = re.findall(r"\w+", text.split(stem)[1])
            assert right[0].strip() in english.LISTS[stem]
            assert right[0].strip() not in named
            assert wrong[0].strip() in named
            assert set(english.LISTS[stem]) == {*named, right[0].strip()} - {"and"}


def test_the_parameter_that_is_not_described_yet_is_right():
    for pair in drawn("docstring"):
        for text, right in ((pair.clean, pair.right), (pair.corrupted, pair.wrong)):
            declared = re.search(r"\(self, (\w+), (\w+), (\w+)\)", text).groups()
            assert right == (f" {declared[2]}",)
            assert re.findall(r":param (\w+):", text) == list(declared[:2])
            assert text.endswith(":param")


def test_a_capital_is_its_countrys():
    for pair in drawn("factual_recall"):
        for text, right in ((pair.clean, pair.right), (pair.corrupted, pair.wrong)):
            (country,) = [country for country in english.CAPITALS if country in text]
            assert right == (f" {english.CAPITALS[country]}",)


def test_the_examples_tell_the_rule():
    opposite = dict(english.OPPOSITES)
    for pair in drawn("in_context"):
        *shown, query = pair.clean.split("\n")
        assert all(opposite[line.split(": ")[0]] == line.split(": ")[1] for line in shown)
        assert pair.right == (f" {opposite[query[:-1]]}",)
        *copied, same = pair.corrupted.split("\n")
        assert all(line.split(": ")[0] == line.split(": ")[1] for line in copied)
        assert same == query
        assert pair.wrong == (f" {query[:-1]}",)


def test_the_verb_agrees_with_the_subject_and_not_with_the_noun_between():
    singular = {one for one, _ in english.SUBJECTS}
    mixed = 0
    for pair in drawn("agreement"):
        for text, right in ((pair.clean, pair.right), (pair.corrupted, pair.wrong)):
            words = text.split(" ")
            assert right == (english.SINGULAR if words[1] in singular else english.PLURAL)
            mixed += (words[1] in singular) != (words[-1] in singular)
        assert pair.clean.split(" ")[2:] == pair.corrupted.split(" ")[2:]
    assert mixed == 300  # of each pair one text has a noun of the other number between
