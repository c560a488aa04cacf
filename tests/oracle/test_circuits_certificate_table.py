"""A published certificate says of every edge what the program's interpreter says."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bench.models.compiled.certificate import INTERVENTIONS
from bench.tracks.circuits import certificate_table
from bench.tracks.circuits.tasks import tracr


@pytest.mark.parametrize("instance", ["sort_unique", "polynomial_unseen"])
def test_verdicts_are_those_of_interchange_on_the_strings_that_it_names(instance: str, tmp_path: Path) -> None:
    (path,) = certificate_table.write([instance], tmp_path)
    found, source = json.loads(path.read_text()), tracr.source(instance)
    assert set(found["interventions"]) == set(INTERVENTIONS)
    strings = [[tuple(string) for string in found["strings"][side]] for side in ("clean", "corrupted")]
    effects = source.wiring.effects(strings[0], strings[1], source.scored)
    edges = found["interventions"]["resample"]["edges"]
    live = sorted(one["effect"] for one in edges.values() if one["verdict"] == "live")
    assert live == pytest.approx(sorted(effect for effect in effects.values() if effect > 0), abs=1e-6)
    for verdicts in found["interventions"].values():
        assert verdicts["gap"] >= 10
        assert verdicts["threshold"] == pytest.approx(10 * found["placebo"])
        for one in verdicts["edges"].values():
            assert one["verdict"] == ("live" if one["effect"] > verdicts["threshold"] else "inert")


def test_a_certificate_is_the_same_every_time() -> None:
    first, second = (certificate_table.certificate("sort_unique") for _ in range(2))
    assert first == second
