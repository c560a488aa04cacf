"""External magnetic fields by signal-space separation, where the file has the geometry of a whole-head array.

Fields of sources inside and outside of the array have different expansions in spherical harmonics; the outside part is
taken off (Taulu and Kajola 2005, J Applied Physics 97:124905), through MNE. A sensor that disagrees with what others
say of its place would spoil all of them: such sensors are found first and computed from the others. Head movement is
not compensated: the data stay at the position of the recording.
"""

from __future__ import annotations

from typing import Any

import mne
import numpy as np

from bench.neuro.eeg.settings import Settings

INSIDE, OUTSIDE = 8, 3  # orders of the two expansions: 80 and 15 fields
ORIGIN = (0.0, 0.0, 0.04)  # m: centre of an adult's head in head coordinates
LIMIT, STRETCH = 7.0, 5.0  # robust deviations, s
WHOLE_HEAD = 150  # sensors: fewer do not determine the 95 fields with something to spare


def remove_external(raw: mne.io.BaseRaw, settings: Settings) -> tuple[mne.io.BaseRaw, dict[str, Any]]:
    """A run without external fields, and what was done; as it is, with the reason, where that is not possible."""
    reason = not_possible(raw)
    if reason:
        return raw, {"applied": False, "reason": reason}
    frame = "head" if raw.info["dev_head_t"] is not None else "meg"
    origin = ORIGIN if frame == "head" else (0.0, 0.0, 0.0)
    model = {
        "origin": origin, "int_order": INSIDE, "ext_order": OUTSIDE, "coord_frame": frame, "regularize": "in",
        "ignore_ref": True, "bad_condition": "error", "verbose": "error",
    }  # fmt: skip
    marked = raw.copy()
    marked.info["bads"] = sorted({*raw.info["bads"], *disagreeing(raw, model)})
    filtered = mne.preprocessing.maxwell_filter(marked, st_duration=settings.maxwell_window, **model)
    kept = int(filtered.info["proc_history"][0]["max_info"]["sss_info"]["nfree"])
    said = {"frame": frame, "origin_m": list(origin), "rank": kept, "computed_from_others": marked.info["bads"]}
    return filtered, {"applied": True, **said}


def disagreeing(raw: mne.io.BaseRaw, model: dict[str, Any]) -> list[str]:
    """Sensors that differ from what the others predict for their place, in robust deviations and in most stretches.

    The absolute limits by which MNE also calls sensors flat are not used: constant ones were dealt with on reading.
    """
    return mne.preprocessing.find_bad_channels_maxwell(
        raw, limit=LIMIT, duration=STRETCH, min_count=max(1, int(raw.times[-1] / STRETCH) // 2), h_freq=None, **model
    )[0]


def is_filtered(raw: mne.io.BaseRaw) -> bool:
    """Whether inside and outside were separated already, here or by the maker's software."""
    return any("max_info" in entry and entry["max_info"]["sss_info"] for entry in raw.info["proc_history"])


def not_possible(raw: mne.io.BaseRaw) -> str:
    """Why external fields cannot be separated; empty where they can."""
    if is_filtered(raw):
        return "the file was filtered so before"
    picks = mne.pick_types(raw.info, meg=True, ref_meg=False, exclude="bads")
    if len(picks) < WHOLE_HEAD:
        return f"{len(picks)} sensors are fewer than {WHOLE_HEAD}"
    where = np.array([raw.info["chs"][i]["loc"][:12] for i in picks])
    return "" if np.isfinite(where).all() else "the file holds no sensor positions"
