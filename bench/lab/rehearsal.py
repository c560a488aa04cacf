"""What a laboratory's own design can show: truth planted into its own events, timing, sites and noise.

The signal of a site is made of one layer's features at one lag, the noise is what the laboratory's model did not
predict, with its phases drawn anew: spectra and the correlations between sites stay, every relation to stimuli goes.
Each method is then asked what was planted.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from jaxtyping import Float, Int

from bench.core.contract import generator
from bench.kernels.regression import Standardisation, lagged_design
from bench.lab import encoding
from bench.lab.features import Features
from bench.lab.settings import Encoding
from bench.neuro.recording import Recording, step
from bench.tracks.encoding.controls.matched_spectrum_features import randomise_phases

SHARES = (0.0, 0.01, 0.03, 0.1, 0.3)  # of a site's variance that is signal; with 0 nothing is to be found
TIMES = (1, 2, 4)  # as many runs as there are
SITES = 24  # drawn from the laboratory's; more only make shares more exact
LAGS = 4  # candidates from 0 to the longest lag
ENOUGH = 0.9  # of the sites
METHODS = ("ridge", "lagged_ridge")
ALPHA, PERMUTATIONS = 0.05, 39  # not corrected over sites: what is counted is sites


@dataclass(frozen=True)
class Design:
    """Several times the laboratory's runs: features that repeat run by run, and noise that does not."""

    recording: Recording
    layers: list[Features]
    noise: Float[np.ndarray, "time sites"]


@dataclass(frozen=True)
class Planted:
    """Responses with the layer and the lag (samples) of each site's signal."""

    recording: Recording
    layer: Int[np.ndarray, "sites"]
    lag: Int[np.ndarray, "sites"]


def residuals(recording: Recording, features: Features, chosen: Encoding) -> Recording:
    """The recording less its held-out prediction, at sites drawn from those that vary."""
    live = np.flatnonzero(recording.values.std(axis=0) > 0)
    drawn = generator("rehearsal sites", recording.subject).permutation(live)[:SITES]
    kept = dataclasses.replace(
        recording, values=recording.values[:, np.sort(drawn)], sites=recording.sites.iloc[np.sort(drawn)]
    )
    folds = encoding.make_folds(kept, chosen)
    return dataclasses.replace(kept, values=kept.values - encoding.predict(features, kept, folds, chosen))


def enlarge(left: Recording, layers: list[Features], times: int, draw: int) -> Design:
    """`times` the runs, numbered on, each with new phases; all sites of a run share them."""
    known, runs = np.unique(left.runs, return_inverse=True)
    again = np.concatenate([runs + copy * len(known) for copy in range(times)])
    values = np.tile(left.values, (times, 1))
    rng = generator("rehearsal noise", left.subject, times, draw)
    noise = randomise_phases(values, again, rng)
    made = dataclasses.replace(left, values=values, runs=again + 1, provenance=[*left.provenance, step("rehearse")])
    tiled = [dataclasses.replace(one, values=np.tile(one.values, (times, 1))) for one in layers]
    return Design(made, tiled, Standardisation.of(noise).apply(noise))


def candidate_lags(recording: Recording, chosen: Encoding) -> Int[np.ndarray, "lags"]:
    """From 0 to the longest lag, in samples; only 0 where features are aligned already."""
    longest = round(chosen.lag * recording.sampling_rate)
    return np.unique(np.linspace(0, longest, LAGS).round().astype(int))


def plant(design: Design, share: float, lags: Int[np.ndarray, "lags"], rng: np.random.Generator) -> Planted:
    """y = sqrt(share) x + sqrt(1 - share) noise, both of variance 1; x has random weights of one layer's features at
    one lag. Layers and lags take turns over the sites, so that guessing is right as often as there are few of them."""
    count = design.noise.shape[1]
    turns = rng.permutation(count)
    layer, lag = turns % len(design.layers), turns // len(design.layers) % len(lags)
    signal = np.empty_like(design.noise)
    for site in range(count):
        values = design.layers[layer[site]].values
        standard = Standardisation.of(values).apply(values)
        delayed = lagged_design(standard, design.recording.runs, lags[lag[site] : lag[site] + 1])
        signal[:, site] = delayed @ rng.standard_normal(delayed.shape[1])
    mixed = np.sqrt(share) * Standardisation.of(signal).apply(signal) + np.sqrt(1 - share) * design.noise
    return Planted(dataclasses.replace(design.recording, values=mixed, unit="z"), layer, lags[lag])


def together(layers: Sequence[Features]) -> Features:
    bands = np.repeat(np.arange(len(layers)), [one.values.shape[1] for one in layers])
    names = [name for one in layers for name in one.names]
    return Features(np.concatenate([one.values for one in layers], axis=1), bands, names)


def delayed(features: Features, runs: Int[np.ndarray, "time"], lag: int) -> Features:
    centred = features.values - features.values.mean(axis=0)
    return dataclasses.replace(features, values=lagged_design(centred, runs, np.array([lag])))


def ask(planted: Planted, layers: list[Features], lags: Int[np.ndarray, "lags"], chosen: Encoding) -> dict[str, float]:
    """Shares of the sites of which the method says the planted layer, the planted lag, and that there is anything.

    A layer or lag is the one whose features alone predict best; NaN where there is but one. The lag is asked of plain
    ridge, which sees all layers at one lag after the other; NaN for methods with lags of their own.
    """
    recording = planted.recording
    folds = encoding.make_folds(recording, chosen)

    def scores(features: Features, settings: Encoding) -> np.ndarray:
        return encoding.site_scores(encoding.predict(features, recording, folds, settings), recording, folds)

    whole = together(layers)
    by_layer = np.stack([scores(one, chosen) for one in layers])
    single = chosen.method == "ridge" and len(lags) > 1
    by_lag = [scores(delayed(whole, recording.runs, int(lag)), chosen) for lag in lags] if single else []
    few = dataclasses.replace(chosen, permutations=PERMUTATIONS)
    permuted = encoding.permuted_scores(whole, recording, folds, few)
    found = (1 + (permuted >= scores(whole, chosen)).sum(axis=0)) / (1 + len(permuted)) <= ALPHA
    return {
        "layer": float((by_layer.argmax(axis=0) == planted.layer).mean()) if len(layers) > 1 else float("nan"),
        "lag": float((lags[np.argmax(by_lag, axis=0)] == planted.lag).mean()) if single else float("nan"),
        "found": float(found.mean()),
    }


def rehearse(
    recording: Recording,
    layers: list[Features],
    chosen: Encoding,
    *,
    shares: Sequence[float] = SHARES,
    times: Sequence[int] = TIMES,
) -> pd.DataFrame:
    """A row a number of runs, share of signal and method: `layer`, `lag`, `found` of `ask`."""
    left, lags, rows = residuals(recording, together(layers), chosen), candidate_lags(recording, chosen), []
    for many in times:
        design = enlarge(left, layers, many, 0)
        for share in shares:
            planted = plant(design, share, lags, generator("rehearsal", recording.subject, many, share))
            for method in METHODS:
                told = ask(planted, design.layers, lags, dataclasses.replace(chosen, method=method))
                runs = len(np.unique(design.recording.runs))
                rows.append({"method": method, "signal_share": share, "times": many, "runs": runs, **told})
    return pd.DataFrame(rows)


def enough(table: pd.DataFrame, question: str) -> pd.DataFrame:
    """The fewest runs with which a method answers for `ENOUGH` of the sites, by share of signal; NaN: with none."""
    live = table[(table["signal_share"] > 0) & table[question].notna()]
    good = live[live[question] >= ENOUGH].groupby(["method", "signal_share"])["runs"].min()
    every = live.groupby(["method", "signal_share"])["runs"].min().index
    return good.reindex(every).rename(f"runs_for_{question}").reset_index()
