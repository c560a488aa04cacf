"""What can be chosen about fMRI preparation: every default stands here with its reason, none is inherited."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.core.catalogue import pick
from bench.core.contract import BadInput

CHOICES = {
    "source": ("auto", "derivative", "raw"),
    "motion": ("least_squares", "mutual_information", "none"),
    "slice_timing": ("auto", "none"),
    "confounds": ("motion6", "motion24", "none"),
    "scale": ("percent", "z", "none"),
    "sites": ("voxels", "labels", "coordinates"),
    "atlas": ("power_2011", "dosenbach_2010", "seitzman_2018"),
    "single_trial": ("lss", "lsa", "none"),
    "response": ("glover", "spm"),
}
AT_LEAST_ZERO = ("smoothing", "head_radius", "sphere_radius")
ABOVE_ZERO = ("high_pass", "motion_smoothing")


@dataclass(frozen=True)
class Settings:
    """Lengths in mm, times in s. `read_settings` makes one from a mapping and names what is wrong in it."""

    source: str = "auto"
    """`auto` reads fMRIPrep's derivatives of a subject where they exist and its raw files where they do not: what was
    done well once, with distortion correction and a template, is not done again worse."""
    derivatives: str = "derivatives/fmriprep"
    """Where the derivatives lie below the root: fMRIPrep's own custom."""
    space: str = ""
    """Which of several spaces of a derivative is read. Empty: the only one; a choice among several is the user's."""

    motion: str = "least_squares"
    """Rigid, as heads are. Volumes of one run have one contrast, so squared differences are the right cost; it is the
    custom of SPM and AFNI, no less exact than dipy's mutual information, and over 30 times as fast (`docs/fmri.md`)."""
    motion_smoothing: float = 5.0
    """Full width at half maximum of the copy on which motion is estimated: the image must be smooth over the distance
    of a movement for its gradient to tell that. SPM's custom. The data themselves are not smoothed by it."""
    slice_timing: str = "auto"
    """`auto` corrects to the middle of the volume where the sidecar has SliceTiming. The middle moves samples least."""

    mask_opening: int = 2
    """Voxels of erosion and dilation that part brain from eyes and rim in the mask of raw data: nilearn's custom."""
    smoothing: float = 0.0
    """Full width at half maximum. None: patterns between voxels are what decoders and encoding models read; 5 mm is
    the custom for maps of contrasts."""

    confounds: str = "motion24"
    """Six parameters, their derivatives, and the squares of both (Friston et al. 1996; Satterthwaite et al. 2013):
    what motion does to the signal depends on the last position as well, and is not linear in it."""
    displacement_limit: float = 0.0
    """Volumes of a framewise displacement above this get a regressor each. 0: none. Scrubbing changes what a held-out
    volume is, so it is asked for and never assumed; .5 mm is the custom (Power et al. 2012)."""
    head_radius: float = 50.0
    """Radius at which a rotation counts as a displacement (Power et al. 2012)."""
    high_pass: float = 128.0
    """Shortest period of drift that is taken out, by cosines in the same regression as the confounds: a step after
    another would bring back what the first took out (Lindquist et al. 2019). SPM's and fMRIPrep's custom."""
    scale: str = "percent"
    """Percent of a site's mean in its run: runs then have one unit, and sites keep what they differ in. z would hide
    how much a site varies; tracks standardise on training rows alone."""

    sites: str = "voxels"
    """Nothing is averaged that a user did not ask to be averaged."""
    labels: str = ""
    """A label image (NIfTI of whole numbers, 0 outside) in the space of the data, for `sites: labels`."""
    atlas: str = "power_2011"
    """Coordinates that nilearn's wheel holds, in MNI space, for `sites: coordinates`: 264 centres (Power 2011)."""
    sphere_radius: float = 5.0
    """Radius around a coordinate: that of Power et al. 2011."""

    events: bool = True
    """Whether a run must have events. A resting or story run has none: say `false`."""
    single_trial: str = "lss"
    """One model a trial: with overlapping responses its estimates are less variable than those of all trials in one
    model (Mumford et al. 2012), if shrunk towards each other."""
    response: str = "glover"
    """Response of single-trial models (`bench.neuro.haemodynamics`): nilearn's custom."""


def read_settings(given: Mapping[str, Any]) -> Settings:
    """Settings with some values changed. Raises `BadInput` with name, value and what is allowed."""
    known = {field.name: type(field.default) for field in dataclasses.fields(Settings)}
    for name, value in given.items():
        kind = known[pick(str(name), known, "fMRI setting")]
        number = kind is float and isinstance(value, int | float) and not isinstance(value, bool)
        if type(value) is not kind and not number:
            raise BadInput(f"fMRI setting {name} is {value!r}; give a {kind.__name__}")
    settings = Settings(**given)
    check_settings(settings)
    return settings


def check_settings(settings: Settings) -> None:
    """Raise `BadInput` for a value that is not one of its choices or out of its range."""
    for name, choices in CHOICES.items():
        pick(getattr(settings, name), choices, f"fMRI setting {name}")
    for name in AT_LEAST_ZERO + ABOVE_ZERO:
        value = getattr(settings, name)
        if not (value > 0 or (value == 0 and name in AT_LEAST_ZERO)):
            raise BadInput(
                f"fMRI setting {name} is {value}; give a number {'above' if value == 0 else 'of at least'} 0"
            )
    if settings.sites == "labels" and not Path(settings.labels).is_file():
        raise BadInput(f"fMRI setting labels is {settings.labels!r}, which is no file; give a label image")
