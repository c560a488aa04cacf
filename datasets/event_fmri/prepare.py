"""The series and its events as one table with the run of each volume."""

from pathlib import Path

import numpy as np
import pandas as pd

from bench.core.data import card_facts, demand


def prepare(source: Path, out: Path) -> None:
    facts = card_facts(Path(__file__))
    table = pd.read_csv(source / "nitime" / "data" / "event_related_fmri.csv")
    demand("event_fmri: columns", list(table), ["bold", "events"])
    demand("event_fmri: volumes", len(table), facts["volumes"])
    demand("event_fmri: the series is finite", bool(np.isfinite(table["bold"]).all()), True)
    table["events"] = table["events"].astype(int)
    table["run"] = np.arange(len(table)) * facts["runs"] // len(table)
    counts = pd.crosstab(table["run"], table["events"]).drop(columns=0)
    demand("event_fmri: kinds of trials", list(counts), list(range(1, facts["kinds"] + 1)))
    demand("event_fmri: trials per run and kind", np.unique(counts).tolist(), [facts["trials_per_run_and_kind"]])
    table.to_csv(out / "series.csv", index=False)
