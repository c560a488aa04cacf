"""The BIDS folder as it is, its header and events held against the card."""

import shutil
from pathlib import Path

import nibabel
import pandas as pd

from bench.core.data import card_facts, demand


def prepare(source: Path, out: Path) -> None:
    facts = card_facts(Path(__file__))
    stem = source / "sub-01" / "func" / "sub-01_task-oneback_run-01"
    image = nibabel.load(f"{stem}_bold.nii.gz")
    demand("studyforrest_localizer: shape of the image", list(image.shape), [*facts["shape"], facts["volumes"]])
    demand("studyforrest_localizer: repetition time (s)", float(image.header["pixdim"][4]), facts["repetition_time"])
    counts = pd.read_csv(f"{stem}_events.tsv", sep="\t")["trial_type"].value_counts()
    expected = dict.fromkeys(facts["kinds"], facts["images_of_a_kind"])
    demand("studyforrest_localizer: images of each kind", counts.sort_index().to_dict(), expected)
    for path in source.rglob("*"):
        if path.is_file():
            target = out / path.relative_to(source)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, target)
