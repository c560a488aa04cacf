"""What is taken out of the signal besides the events: motion, single bad volumes, slow drifts."""

from __future__ import annotations

import numpy as np
import pandas as pd
from jaxtyping import Float

from bench.core.contract import BadInput
from bench.neuro.fmri.motion import PARAMETERS
from bench.neuro.fmri.settings import Settings
from bench.neuro.haemodynamics import cosine_drifts

UNITS = {"percent": "percent", "z": "z", "none": "a.u."}  # by the setting `scale`
UNSTEADY = "non_steady_state_outlier"


def motion_table(parameters: Float[np.ndarray, "time 6"], displacement: Float[np.ndarray, "time"]) -> pd.DataFrame:
    """The six parameters (mm, rad) and the framewise displacement (mm) under fMRIPrep's names."""
    return pd.DataFrame(parameters, columns=list(PARAMETERS)).assign(framewise_displacement=displacement)


def expand_motion(motion: pd.DataFrame) -> pd.DataFrame:
    """24 columns: six parameters, their backward differences (0 in the first volume), and the squares of both.

    Satterthwaite et al. 2013, NeuroImage 64:240-256; names are fMRIPrep's.
    """
    own = motion[list(PARAMETERS)]
    change = own.diff().fillna(0.0).add_suffix("_derivative1")
    linear = pd.concat([own, change], axis=1)
    return pd.concat([linear, linear.pow(2).add_suffix("_power2")], axis=1)


def spikes(displacement: Float[np.ndarray, "time"], limit: float) -> pd.DataFrame:
    """One column a volume whose displacement (mm) is above `limit`, 1 there and 0 elsewhere; none where it is 0."""
    bad = np.flatnonzero(displacement > limit) if limit > 0 else np.array([], int)
    return pd.DataFrame(np.eye(len(displacement))[:, bad], columns=[f"motion_outlier{number:02d}" for number in bad])


def nuisance(motion: pd.DataFrame, tr: float, settings: Settings, who: str) -> pd.DataFrame:
    """All nuisance regressors of a run under the settings, drifts and the constant last.

    Volumes that fMRIPrep found before the magnetisation was steady have a regressor each, always: no model of the
    signal holds for them.
    Raises `BadInput` where the table lacks a motion parameter, and where there are as many regressors as volumes.
    """
    missing = [name for name in PARAMETERS if name not in motion]
    if missing and settings.confounds != "none":
        raise BadInput(f"{who}: its confounds lack {missing[0]}; derive the run again, or set `confounds` to none")
    drifts = cosine_drifts(len(motion), tr, settings.high_pass)
    slow = pd.DataFrame(drifts[:, 1:], columns=[f"drift{number:02d}" for number in range(1, drifts.shape[1])])
    parts = {"none": pd.DataFrame(index=motion.index), "motion6": motion.reindex(columns=list(PARAMETERS))}
    chosen = expand_motion(motion) if settings.confounds == "motion24" else parts[settings.confounds]
    if chosen.isna().any(axis=None):
        raise BadInput(
            f"{who}: {chosen.columns[chosen.isna().any()][0]} is not known in every volume; derive the run again"
        )
    unsteady = motion.filter(regex=f"^{UNSTEADY}")
    displacement = motion["framewise_displacement"].fillna(0.0).to_numpy()
    table = pd.concat([chosen, unsteady, spikes(displacement, settings.displacement_limit), slow], axis=1).assign(
        constant=1.0
    )
    if table.shape[1] >= len(table):
        raise BadInput(
            f"{who}: {table.shape[1]} nuisance regressors leave nothing of {len(table)} volumes; choose `confounds: "
            "motion6` or a longer `high_pass`"
        )
    return table


def regress_out(
    series: Float[np.ndarray, "time sites"], regressors: Float[np.ndarray, "time regressors"]
) -> Float[np.ndarray, "time sites"]:
    """The residual of least squares, all regressors at once, in the units of `series`."""
    basis = column_basis(regressors)
    return series - basis @ (basis.T @ series)


def column_basis(regressors: Float[np.ndarray, "time regressors"]) -> Float[np.ndarray, "time directions"]:
    """Orthonormal basis of the columns' span. Columns are brought to one length, so that units do not decide what
    counts as 0; a column of zeros (no motion) spans nothing."""
    lengths = np.linalg.norm(regressors, axis=0)
    left, values, _ = np.linalg.svd(regressors / np.where(lengths > 0, lengths, 1.0), full_matrices=False)
    return left[:, values > len(regressors) * np.finfo(float).eps * values.max(initial=0.0)]


def scaled(
    values: Float[np.ndarray, "time sites"], regressors: Float[np.ndarray, "time regressors"], scale: str
) -> Float[np.ndarray, "time sites"]:
    """The residual in percent of the mean, in its own standard deviations (z), or as it is."""
    residual = regress_out(values, regressors)
    if scale == "percent":
        return 100 * residual / values.mean(axis=0)
    return residual / residual.std(axis=0) if scale == "z" else residual
