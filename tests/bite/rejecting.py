"""Two tests of scorer mutants, parametrised by the `REJECTIONS` of the module that imports them (see conftest.py).

A rejection is a function that breaks a loaded score module, and a sentence: a function of the score module, and of an
empty folder where it asks for one, that asserts what the sound scorer keeps.
"""

from __future__ import annotations

import inspect

import pytest


def test_the_sound_scorer_keeps_every_sentence(score, sentence, tmp_path):
    _say(sentence, score, tmp_path)


def test_a_broken_scorer_breaks_its_sentence(score, broken, sentence, tmp_path):
    broken(score)
    with pytest.raises(AssertionError):
        _say(sentence, score, tmp_path)


def _say(sentence, score, folder):
    sentence(*(score, folder)[: len(inspect.signature(sentence).parameters)])
