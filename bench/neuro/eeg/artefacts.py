"""Ocular and cardiac artefacts: independent components that are classified, or regression on ocular channels.

Both are a fixed linear map of the sensors that is learnt on a copy (1 to 100 Hz) and applied to the data of the chosen
band: `values @ map.T`. Neither depends on the unit: components are classified on data brought to the amplitude of a
typical scalp recording, since the classifier's spectral feature is normalised in decibels.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import mne
import numpy as np
import pandas as pd
from jaxtyping import Float

from bench.core.contract import BadInput
from bench.neuro.eeg.settings import COMPONENTS, Settings

TYPICAL = 1e-5  # V: median standard deviation of a channel to which data are scaled before classification
RELATIVE_RANK = 1e-6  # of the largest singular value: float32 files leave dependencies of 1e-7


@dataclass(frozen=True)
class Components:
    """Independent components of standardised sensors: `mixing` (sensors x components), `unmixing`, and one row a
    component in `table`: `label`, `probability`, `removed`, `variance` (share that it explains)."""

    mixing: Float[np.ndarray, "sites components"]
    unmixing: Float[np.ndarray, "components sites"]
    table: pd.DataFrame

    def cleaning(self) -> Float[np.ndarray, "sites sites"]:
        """The map that takes removed components off and leaves everything else as it is."""
        gone = self.table["removed"].to_numpy(bool)
        return np.eye(len(self.mixing)) - self.mixing[:, gone] @ self.unmixing[gone]


def numerical_rank(values: Float[np.ndarray, "time sites"]) -> int:
    """Independent directions of standardised sites, relative to the largest: no unit, no absolute limit."""
    spread = values.std(axis=0)
    standard = (values - values.mean(axis=0)) / np.where(spread > 0, spread, 1)
    singular = np.sqrt(np.maximum(np.linalg.eigvalsh(standard.T @ standard), 0))
    return int((singular > RELATIVE_RANK * singular.max()).sum())


def unmix(wide: mne.io.BaseRaw, settings: Settings, rng: np.random.Generator) -> Components:
    """Extended infomax on every `n`-th sample of average-referenced data, classified where they are EEG.

    Raises `BadInput` where there are fewer than 20 samples for each squared component.
    """
    data = wide.get_data(picks="data")
    rank = numerical_rank(data.T)
    if data.shape[1] < 20 * rank**2:
        raise BadInput(
            f"eeg setting correction: {data.shape[1]} samples are too few to unmix {rank} components (20 x {rank}^2 "
            "needed); set correction to 'regression' or 'none'"
        )
    scaled = wide.copy()
    scaled._data *= TYPICAL / np.median(data.std(axis=1))
    ica = fit(scaled, rank, settings, rng)
    scale = ica.pre_whitener_[:, 0]
    unmixing = ica.unmixing_matrix_ @ ica.pca_components_[:rank] / scale
    mixing = scale[:, None] * (ica.pca_components_[:rank].T @ ica.mixing_matrix_)
    labels = classify(scaled, ica) if settings.datatype == "eeg" else ocular_cardiac(scaled, ica)
    labels["removed"] = labels["label"].isin(settings.remove) & (labels["probability"] >= settings.remove_probability)
    power = np.square(mixing / scale[:, None]).sum(axis=0)  # sources have unit variance, sensors one unit
    labels["variance"] = power / power.sum()
    return Components(mixing, unmixing, labels)


def fit(raw: mne.io.BaseRaw, rank: int, settings: Settings, rng: np.random.Generator) -> mne.preprocessing.ICA:
    """Extended infomax (Lee, Girolami and Sejnowski 1999), through MNE, on every n-th sample."""
    every = max(1, raw.n_times // (settings.ica_samples * rank**2))
    ica = mne.preprocessing.ICA(
        rank, method="infomax", fit_params={"extended": True}, max_iter=settings.ica_iterations,
        random_state=int(rng.integers(2**31)), verbose="error",
    )  # fmt: skip
    return ica.fit(raw, picks="data", decim=every, verbose="error")


def classify(raw: mne.io.BaseRaw, ica: mne.preprocessing.ICA) -> pd.DataFrame:
    """`label` and `probability` of ICLabel (Pion-Tonachini, Kreutz-Delgado and Makeig 2019, NeuroImage 198:181-197)."""
    from mne_icalabel.iclabel import iclabel_label_components  # starts torch: only where components are classified

    with warnings.catch_warnings():
        # 100 Hz may lie above the Nyquist frequency; which band it was stands in the provenance.
        warnings.filterwarnings("ignore", message=".*is not filtered between 1 and 100 Hz.*")
        chances = iclabel_label_components(raw, ica, inplace=False, backend="torch")
    best = chances.argmax(axis=1)
    return pd.DataFrame({"label": [COMPONENTS[i] for i in best], "probability": chances.max(axis=1).astype(float)})


def ocular_cardiac(raw: mne.io.BaseRaw, ica: mne.preprocessing.ICA) -> pd.DataFrame:
    """For MEG: components by their absolute correlation with ocular and cardiac channels, where there are any.

    `probability` is that correlation, so that `remove_probability` is the least correlation that removes one.
    """
    sources = ica.get_sources(raw).get_data()
    best = pd.DataFrame({"label": ["other"] * len(sources), "probability": np.zeros(len(sources))})
    for kind, label in (("eog", "eye blink"), ("ecg", "heart beat")):
        picks = np.flatnonzero(np.array(raw.get_channel_types()) == kind)
        for reference in raw.get_data(picks):
            alike = np.abs([np.corrcoef(source, reference)[0, 1] for source in sources])
            better = alike > best["probability"].to_numpy()
            best.loc[better, "probability"] = alike[better]
            best.loc[better, "label"] = label
    return best


def regression_map(
    wide: Float[np.ndarray, "time sites"], ocular: Float[np.ndarray, "time references"]
) -> Float[np.ndarray, "sites references"]:
    """Least-squares weights of ocular channels in each sensor, both without their mean.

    Gratton, Coles and Donchin 1983, over the continuous recording. What is taken off the data is `ocular @ map.T`.
    """
    centred = ocular - ocular.mean(axis=0)
    return np.linalg.lstsq(centred, wide - wide.mean(axis=0), rcond=None)[0].T
