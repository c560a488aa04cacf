"""The group level: features against the prepared recordings of a task, and what came of it as files."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import pandas as pd

from bench.core import store
from bench.core.contract import BadInput
from bench.core.records import read_json, versions, write_atomically, write_json
from bench.lab import card as cards
from bench.lab.encoding import filtered, slowed
from bench.lab.features import Model, align, read_layers, read_model, stimuli_of
from bench.lab.page import write_page
from bench.lab.rehearsal import rehearse
from bench.lab.settings import Encoding, completed, read_settings
from bench.neuro.recording import Recording


def run_group(out: Path, task: str, model_file: Path, settings: Path | None) -> Path:
    """Make the trust card of all recordings that the participant level wrote below `out`; the page that shows it.

    A recording that cannot be analysed is named, skipped and counted. Raises `BadInput` where none can be.
    """
    found, model, chosen = _prepared(out, task, model_file, settings)
    made, skipped = [], {}
    for one in found:
        try:
            recording = _recording(one, out, chosen)
            made.append(cards.make_card(recording, one["session"], model, chosen, out / "lab" / "activations"))
        except BadInput as error:
            skipped[_name(one)] = str(error)
    if not made:
        raise BadInput(f"task {task}: no recording can be analysed; the first: {next(iter(skipped.values()))}")
    group = cards.make_group(made, skipped)
    return write_results(group, out, task, facts_of(found[0], task, model, chosen))


def _prepared(
    out: Path, task: str, model_file: Path, settings: Path | None
) -> tuple[list[dict[str, Any]], Model, Encoding]:
    """Records of the participant level, the model, and the complete settings."""
    found = [read_json(path) for path in sorted((out / "lab").glob(f"sub-*_task-{task}.json"))]
    if not found:
        raise BadInput(f"{out}: nothing was prepared for task {task!r}; run the participant level first")
    told = read_settings(settings, found[0]["datatype"]).encoding
    return found, read_model(model_file), completed(told, found[0]["datatype"])


def _name(one: dict[str, Any]) -> str:
    return f"sub-{one['subject']}" + (f"_ses-{one['session']}" if one["session"] else "")


def _recording(one: dict[str, Any], out: Path, chosen: Encoding) -> Recording:
    """At the rate of the fit. Raises `BadInput` with the reason where the participant level skipped it."""
    if one["recording"] is None:
        raise BadInput(one["reason"])
    recording = store.read(Recording, out / one["recording"])
    return recording if one["datatype"] == "fmri" else slowed(recording, chosen.rate)


def facts_of(one: dict[str, Any], task: str, model: Model, chosen: Encoding) -> dict[str, Any]:
    """What the numbers depend on, and whether they may be published."""
    return {
        "private": chosen.private,
        "task": task,
        "datatype": one["datatype"],
        "model": {
            **model.source.identity, "layers_read": model.layers, "stimulus": model.stimulus,
            "components": model.components,
        },
        "settings": dataclasses.asdict(chosen),
        "versions": versions(),
    }  # fmt: skip


def write_results(group: cards.Group, out: Path, task: str, facts: dict[str, Any]) -> Path:
    """JSON, TSV, records and page; all but the page's look is in the JSON."""
    stem = out / "lab" / f"task-{task}"
    whole = cards.as_json(group, facts)
    write_json(stem.with_name(f"{stem.name}_card.json"), whole)
    write_atomically(stem.with_name(f"{stem.name}_records.jsonl"), records(whole))
    table = cards.site_table(group.cards)
    write_atomically(stem.with_name(f"{stem.name}_sites.tsv"), table.to_csv(sep="\t", index=False, na_rep="n/a"))
    page = stem.with_name(f"{stem.name}.html")
    write_page(group, whole, page)
    return page


def records(whole: dict[str, Any]) -> str:
    """A JSON line a recording and set of features, with the mark of privacy on each."""
    shared = {name: whole[name] for name in ("private", "task", "datatype")}
    lines = [
        {**shared, "track": "encoding", "subject": one["subject"], "session": one["session"], "features": name,
         "method": whole["settings"]["method"], "metric": "correlation_raw", "draws": draws}
        for one in whole["recordings"] for name, draws in one["scores"].items()
    ]  # fmt: skip
    return "".join(json.dumps(line, sort_keys=True) + "\n" for line in lines)


def run_rehearsal(out: Path, task: str, model_file: Path, settings: Path | None) -> pd.DataFrame:
    """Plant truth into every prepared recording and write what was found of it; means over recordings.

    Raises `BadInput` where no recording can be used; one that cannot is left out and named in the file's sidecar.
    """
    found, model, chosen = _prepared(out, task, model_file, settings)
    tables, skipped = [], {}
    for one in found:
        try:
            recording = _recording(one, out, chosen)
            stimuli = stimuli_of(model, recording)
            read = read_layers(model, model.source, stimuli, out / "lab" / "activations")
            layers = [
                filtered(align(stimuli, [layer], [name], recording, chosen), recording, chosen)
                for name, layer in zip(model.layers, read, strict=True)
            ]
            tables.append(rehearse(recording, layers, chosen).assign(recording=_name(one)))
        except BadInput as error:
            skipped[_name(one)] = str(error)
    if not tables:
        raise BadInput(f"task {task}: no recording can be rehearsed; the first: {next(iter(skipped.values()))}")
    whole, stem = pd.concat(tables, ignore_index=True), f"task-{task}_rehearsal"
    write_atomically(out / "lab" / f"{stem}.tsv", whole.to_csv(sep="\t", index=False, na_rep="n/a"))
    write_json(out / "lab" / f"{stem}.json", {**facts_of(found[0], task, model, chosen), "skipped": skipped})
    keys = ["method", "signal_share", "times", "runs"]
    return whole.groupby(keys, as_index=False)[["layer", "lag", "found"]].mean()
