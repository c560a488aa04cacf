"""External magnetic fields by signal-space separation, where the file has the geometry of a whole-head array.

Fields of sources inside and outside of the array have different expansions in spherical harmonics; the outside part is
taken off (Taulu and Kajola 2005, J Applied Physics 97:124905), through MNE. Head movement is not compensated: the data
stay at the position of the recording.
"""

from __future__ import annotations

from typing import Any

import mne
import numpy as np

from bench.neuro.eeg.settings import Settings

INSIDE, OUTSIDE = 8, 3  # orders of the two expansions: 80 and 15 fields
WHOLE_HEAD = 150  # sensors: fewer do not determine the 95 fields with something to spare


def remove_external(raw: mne.io.BaseRaw, settings: Settings) -> tuple[mne.io.BaseRaw, dict[str, Any]]:
    """A run without external fields, and what was done; as it is, with the reason, where that is not possible."""
    reason = not_possible(raw)
    if reason:
        return raw, {"applied": False, "reason": reason}
    frame = "head" if raw.info["dev_head_t"] is not None else "meg"
    origin = (0.0, 0.0, 0.04) if frame == "head" else (0.0, 0.0, 0.0)
    filtered = mne.preprocessing.maxwell_filter(
        raw, origin=origin, int_order=INSIDE, ext_order=OUTSIDE, st_duration=settings.maxwell_window,
        coord_frame=frame, regularize="in", ignore_ref=True, bad_condition="error", verbose="error",
    )  # fmt: skip
    kept = filtered.info["proc_history"][0]["max_info"]["sss_info"]["nfree"]
    return filtered, {"applied": True, "frame": frame, "origin_m": list(origin), "rank": int(kept)}


def not_possible(raw: mne.io.BaseRaw) -> str:
    """Why external fields cannot be separated; empty where they can."""
    if any("max_info" in entry and entry["max_info"]["sss_info"] for entry in raw.info["proc_history"]):
        return "the file was filtered so before"
    picks = mne.pick_types(raw.info, meg=True, ref_meg=False, exclude="bads")
    if len(picks) < WHOLE_HEAD:
        return f"{len(picks)} sensors are fewer than {WHOLE_HEAD}"
    where = np.array([raw.info["chs"][i]["loc"][:12] for i in picks])
    return "" if np.isfinite(where).all() else "the file holds no sensor positions"
