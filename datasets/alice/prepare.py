"""Responses of all listeners, the published regressors, and the timed words as a table."""

import json
import re
from pathlib import Path

import numpy as np
import pandas as pd
from safetensors.numpy import save_file

from bench.core.contract import BadInput
from bench.core.data import card_facts, demand

SILENCE = ("sp", "")
INTERVAL = re.compile(r'xmin = ([\d.]+)\s+xmax = ([\d.]+)\s+text = "([^"]*)"')


def prepare(source: Path, out: Path) -> None:
    facts = card_facts(Path(__file__))
    recorded = source / "alice_data_shared"
    responses = {path.name.split("-")[0]: np.loadtxt(path) for path in sorted(recorded.glob("10mm/*-timecourses.txt"))}
    for listener, response in responses.items():
        demand(f"alice: shape of {listener}", response.shape, (facts["volumes"], len(facts["regions"])))
        if not (np.isfinite(response).all() and (response.std(axis=0) > 0).all()):
            raise BadInput(f"alice: {listener} has a region that is constant or not finite; take it off the card")
    regressors = {name: np.loadtxt(recorded / f"s18-{name}.txt") for name in ("rate", "sndpwr")}
    for name, values in regressors.items():
        demand(f"alice: samples of the regressor {name}", values.shape, (facts["volumes"],))
    arrays = {"responses": np.stack(list(responses.values()))}
    save_file(
        arrays | {"word_rate": regressors["rate"], "sound_power": regressors["sndpwr"]}, out / "recording.safetensors"
    )
    words = read_words(next((source / "alice_stim_shared").glob("*.TextGrid")), facts)
    words.to_csv(out / "words.csv", index=False)
    (out / "recording.json").write_text(json.dumps(facts | {"listeners": list(responses)}))


def read_words(path: Path, facts: dict) -> pd.DataFrame:
    """Onset and offset (s) of each word of a TextGrid of Praat with one tier of intervals; silences are left out."""
    intervals = INTERVAL.findall(path.read_text(encoding="utf-8"))
    demand("alice: intervals of the TextGrid", len(intervals), facts["intervals"])
    words = [(float(start), float(end), text.strip()) for start, end, text in intervals if text not in SILENCE]
    demand("alice: words of the TextGrid", len(words), facts["words"])
    table = pd.DataFrame(words, columns=["onset", "offset", "word"])
    demand("alice: words follow each other in time", bool((np.diff(table["onset"]) > 0).all()), True)
    return table
