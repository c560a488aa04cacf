"""Broken scorers: a module that lists `REJECTIONS` of the scorer in `SCORE_FILE` imports the tests of `rejecting`."""

from __future__ import annotations

import pytest

from bench.core.catalogue import load_plugin


@pytest.fixture
def score(request: pytest.FixtureRequest):
    """The scorer of the module's `SCORE_FILE`, to be broken."""
    module = load_plugin(request.module.SCORE_FILE)
    kept = dict(vars(module))
    yield module
    vars(module).clear()
    vars(module).update(kept)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Every broken scorer with its sentence, and the sound one with each sentence, those of `FURTHER` too."""
    if not hasattr(metafunc.module, "SCORE_FILE"):
        return  # a module with parameters of its own
    rejections = metafunc.module.REJECTIONS
    sentences = dict.fromkeys([*(said for _, said in rejections), *getattr(metafunc.module, "FURTHER", ())])
    if {"broken", "sentence"} <= set(metafunc.fixturenames):
        metafunc.parametrize(("broken", "sentence"), rejections, ids=lambda one: one.__name__)
    elif "sentence" in metafunc.fixturenames:
        metafunc.parametrize("sentence", sentences, ids=lambda one: one.__name__)
