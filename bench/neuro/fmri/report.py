"""One self-contained page a subject: what was done with which settings, and the pictures to judge it by."""

from __future__ import annotations

import base64
import dataclasses
import io
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from jinja2 import Environment
from matplotlib.figure import Figure

from bench.neuro.fmri import pictures
from bench.neuro.fmri.pipeline import Prepared
from bench.neuro.fmri.settings import Settings
from bench.neuro.recording import steps

PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{{ title }}</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<style>
body { font: 15px/1.5 system-ui, sans-serif; color: #1f2933; max-width: 1040px; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.5rem; margin-bottom: 0; } h2 { font-size: 1.1rem; margin: 2rem 0 .3rem; }
p.note { color: #52606d; margin: .2rem 0 .8rem; max-width: 46rem; }
img { max-width: 100%; display: block; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; font-size: .88rem; }
th, td { text-align: left; vertical-align: top; padding: .25rem .8rem .25rem 0; border-bottom: 1px solid #d9dee4; }
th { font-weight: 600; } td.no { color: #c2410c; } code { font-size: .85em; overflow-wrap: anywhere; }
dl { display: grid; grid-template-columns: repeat(auto-fit, minmax(9rem, 1fr)); gap: .6rem 1.2rem; margin: 1rem 0; }
dt { color: #52606d; font-size: .82rem; } dd { margin: 0; font-size: 1.15rem; }
</style></head><body>
<h1>{{ title }}</h1>
<p class="note">{{ origin }}, space {{ space }}. Made by InterpBench from the files named at the end.</p>
<dl>{% for name, value in figures %}<div><dt>{{ name }}</dt><dd>{{ value }}</dd></div>{% endfor %}</dl>
{% if missing %}<h2>Missing</h2><ul>{% for line in missing %}<li>{{ line }}</li>{% endfor %}</ul>{% endif %}
{% for name, note, images in sections %}<h2>{{ name }}</h2><p class="note">{{ note }}</p>
{% for image in images %}<img alt="{{ name }}" src="data:image/png;base64,{{ image }}">{% endfor %}{% endfor %}
{% for name, note, head, rows in tables %}<h2>{{ name }}</h2><p class="note">{{ note }}</p>
<div class="scroll"><table><tr>{% for one in head %}<th>{{ one }}</th>{% endfor %}</tr>
{% for row in rows %}<tr>{% for one in row %}<td{% if (one ~ "").startswith("not ") %} class="no"{% endif %}>
{{- one }}</td>{% endfor %}</tr>{% endfor %}</table></div>{% endfor %}
</body></html>
"""


def write_report(prepared: Prepared, path: Path) -> None:
    """Write the page; it needs no other file and no network."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(page_text(prepared, sections(prepared)), encoding="utf-8")


Section = tuple[str, str, list[str]]


def page_text(prepared: Prepared, shown: list[Section]) -> str:
    """The page around its pictures: each section has a name, a note, and images as PNG in base64."""
    session = f", session {prepared.session}" if prepared.session else ""
    return (
        Environment(autoescape=True)
        .from_string(PAGE)
        .render(
            title=f"Subject {prepared.recording.subject}, task {prepared.task}{session}",
            origin=prepared.origin,
            space=prepared.space,
            figures=key_figures(prepared),
            missing=prepared.preflight.missing,
            sections=shown,
            tables=_tables(prepared),
        )
    )


def key_figures(prepared: Prepared) -> list[tuple[str, str]]:
    """What a reader wants first: sizes, timing, motion and tSNR, with units."""
    recording, moved = prepared.recording, prepared.motion["framewise_displacement"]
    return [
        ("runs", str(len(prepared.designs))),
        ("volumes", str(len(recording.values))),
        ("repetition time", f"{1 / recording.sampling_rate:g} s"),
        ("time reference", f"{recording.time_reference:.2f} of a volume"),
        ("sites", str(len(recording.sites))),
        ("trials", str(len(recording.events))),
        ("median tSNR", f"{np.median(prepared.tsnr[prepared.mask]):.0f}"),
        ("mean displacement", f"{moved.mean():.2f} mm"),
        (f"volumes above {pictures.LIMIT:g} mm", f"{100 * (moved > pictures.LIMIT).mean():.0f} %"),
    ]


def sections(prepared: Prepared) -> list[Section]:
    """The pictures with what to look for in each."""
    tr, runs = 1 / prepared.recording.sampling_rate, prepared.preflight.runs["number"]
    mean = pictures.mosaic(prepared, prepared.mean, colours="gray", unit="scanner units", outline=True)
    tsnr = pictures.mosaic(prepared, prepared.tsnr, colours="magma", unit="tSNR", outline=False)
    designs = [pictures.draw_design(one, run) for run, one in zip(runs, prepared.designs, strict=True)]
    return [
        ("Mean image and mask", "The outline should follow the brain and leave out eyes, skull and air. Slices go from "
         "below to above; the right of the head is at the right.", [encoded(mean)]),
        ("Temporal signal-to-noise ratio", "Mean over standard deviation of each voxel in time, after alignment and "
         "before anything was regressed out. Stripes or dark lobes are losses of signal.", [encoded(tsnr)]),
        ("Motion", "Position of the head against the reference volume, and framewise displacement (Power et al. 2012); "
         f"the dashed line is {pictures.LIMIT:g} mm.", [encoded(pictures.draw_motion(prepared.motion, tr))]),
        ("Carpet", "Vertical stripes are changes of the whole brain at once: motion, breathing, spikes. They should be "
         "fainter below.", [encoded(pictures.draw_carpet(prepared))]),
        ("Design", "Conditions first, then what was regressed out. Blue and red are signs, each regressor on its own "
         "scale.", [encoded(one) for one in designs]),
    ]  # fmt: skip


def _tables(prepared: Prepared) -> list[tuple[str, str, list[str], list[list[Any]]]]:
    flight, default = prepared.preflight, Settings()
    schemes = {**flight.folds, **flight.ceilings}
    chosen = dataclasses.asdict(prepared.settings)
    return [
        ("Runs", "From headers, sidecars and tables.", list(flight.runs), flight.runs.to_numpy().tolist()),
        ("Repeats", "Events of each condition in each run.", ["condition", *map(str, flight.repeats)],
         [[name, *row] for name, row in zip(flight.repeats.index, flight.repeats.to_numpy().tolist(), strict=True)]),
        ("Folds and ceilings", "What can be computed from these runs, and why not where it cannot.",
         ["scheme", "verdict"], [[name, f"not valid: {why}" if why else "valid"] for name, why in schemes.items()]),
        ("Provenance", "What was done, in order.", ["step", "with"],
         [_row(one) for one in steps(prepared.trials or prepared.recording)]),
        ("Settings", "Every default is written with its reason in bench/neuro/fmri/settings.py.",
         ["setting", "value", ""],
         [[name, repr(value), "" if value == getattr(default, name) else "changed"] for name, value in chosen.items()]),
        ("Files", "Read below the root of the data set.", ["file"], [[name] for name in prepared.sources]),
    ]  # fmt: skip


def _row(one: Mapping[str, Any]) -> list[Any]:
    return [one["step"], ", ".join(f"{name} {json.dumps(value)}" for name, value in one.items() if name != "step")]


def encoded(figure: Figure) -> str:
    """The figure as PNG in base64, without the time of writing: the same values give the same page."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=100, metadata={"Software": None})
    return base64.b64encode(buffer.getvalue()).decode()
