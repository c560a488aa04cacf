"""One page a subject, to be looked at before its numbers are trusted: no script, no link, the same bytes each time."""

from __future__ import annotations

import dataclasses
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jinja2
import matplotlib as mpl
import mne
import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from bench.core.records import write_atomically
from bench.neuro.eeg.derivatives import stem
from bench.neuro.eeg.pipeline import Prepared
from bench.neuro.eeg.settings import REASONS, Settings
from bench.neuro.recording import steps

SCALES = {"eeg": (1e6, "µV"), "mag": (1e15, "fT"), "grad": (1e13, "fT/cm")}
SHOWN = 12  # components drawn: removed ones first, then those that explain most
DRAWING: dict[Any, Any] = {
    "svg.hashsalt": "interpbench",
    "svg.fonttype": "none",
    "font.family": "sans-serif",
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
}
PAGE = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>{{ title }}</title><style>
body { font: 15px/1.5 system-ui, sans-serif; color: #1b1f24; max-width: 62rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.5rem; }
h2 { font-size: 1.1rem; margin-top: 2.2rem; border-top: 1px solid #d8dee4; padding-top: .8rem; }
table { border-collapse: collapse; font-size: .85rem; } td, th { border-bottom: 1px solid #d8dee4; padding: .25rem .8rem
.25rem 0; text-align: left; vertical-align: top; } svg { max-width: 100%; height: auto; } .facts td:first-child
{ color: #57606a; } code { font-size: .82rem; overflow-wrap: anywhere; } .changed { font-weight: 600; }
</style></head><body>
<h1>{{ title }}</h1>
<table class="facts">{% for name, value in facts %}<tr><td>{{ name }}</td><td>{{ value }}</td></tr>{% endfor %}</table>
{% for heading, words, picture in pictures %}<h2>{{ heading }}</h2><p>{{ words }}</p>{{ picture | safe }}{% endfor %}
{% for heading, columns, rows in tables %}<h2>{{ heading }}</h2><table><tr>{% for column in columns %}<th>{{ column }}
</th>{% endfor %}</tr>{% for row in rows %}<tr{% if row[-1] is true %} class="changed"{% endif %}>{% for cell in
row[:columns | length] %}<td>{% if loop.first %}{{ cell }}{% else %}<code>{{ cell }}</code>{% endif %}</td>{% endfor %}
</tr>{% endfor %}</table>{% endfor %}
</body></html>
"""


def write_report(prepared: Prepared, path: Path) -> None:
    """Write the page of one subject."""
    title = stem(prepared).replace("_", ", ")
    page = jinja2.Environment(autoescape=True).from_string(PAGE)
    write_atomically(
        Path(path),
        page.render(title=title, facts=facts(prepared), pictures=pictures(prepared), tables=tables(prepared)),
    )


def facts(prepared: Prepared) -> list[tuple[str, str]]:
    """What one reads first."""
    recording, bad, rejection = prepared.recording, prepared.cleaned.bad_channels, prepared.rejection
    components = prepared.cleaned.components
    gone = 0 if components is None else int(components.table["removed"].sum())
    counts = prepared.trials.events["trial_type"].value_counts().sort_index()
    seconds = len(recording.values) / recording.sampling_rate
    runs = "1 run" if len(prepared.files) == 1 else f"{len(prepared.files)} runs"
    return [
        ("recording", f"{runs}, {seconds:.0f} s at {recording.sampling_rate:g} Hz"),
        ("sites", f"{len(recording.sites)} of kind {', '.join(sorted(set(recording.sites['kind'])))}"),
        ("bad channels", ", ".join(f"{r.name} ({r.reason})" for r in bad.itertuples(index=False)) or "none"),
        ("components removed", f"{gone} of {0 if components is None else len(components.table)}"),
        ("rank", str(recording.rank)),
        ("trials kept", f"{len(prepared.trials.values)} of {len(rejection.bad)}"),
        ("of each type", ", ".join(f"{name} {count}" for name, count in counts.items())),
    ]


def pictures(prepared: Prepared) -> list[tuple[str, str, str]]:
    """Heading, how to read it, and SVG of each picture."""
    made = [
        ("Sensors", "Seen from above, nose up. Red: bad, interpolated from the others.", draw_sensors(prepared)),
        (
            "Spectrum of the first run",
            "Grey: as recorded; blue: cleaned; one line a site. Mains and slow drifts should be gone, the rest not.",
            draw_spectra(prepared),
        ),
        (
            "Evoked responses",
            "Mean over kept trials, one line a site; the map is at its largest.",
            draw_evoked(prepared),
        ),
    ]
    if prepared.cleaned.components is not None:
        words = "Removed ones have a red title. Probabilities are those of the classifier."
        made.append(("Components", words, draw_components(prepared)))
    words = "Peak-to-peak amplitude over the site's learnt threshold; rejected trials are marked at the top."
    if np.isfinite(prepared.rejection.threshold).all():
        made.append(("Trials", words, draw_trials(prepared)))
    return made


def tables(prepared: Prepared) -> list[tuple[str, tuple[str, ...], list[tuple]]]:
    """Heading, columns and rows; a row that ends with True is set in bold."""
    default = Settings()
    preflight = prepared.preflight
    valid = [(f"cross-validation: {name}", reason or "valid") for name, reason in preflight.schemes.items()]
    valid += [(f"ceiling: {name}", reason or "valid") for name, reason in preflight.ceilings.items()]
    done = [
        (entry["step"], ", ".join(f"{key}={value}" for key, value in entry.items() if key != "step"))
        for entry in steps(prepared.trials)
    ]
    chosen = [
        (field.name, getattr(prepared.settings, field.name), REASONS[field.name],
         getattr(prepared.settings, field.name) != getattr(default, field.name))
        for field in dataclasses.fields(Settings)
    ]  # fmt: skip
    return [
        ("What was done", ("step", "with"), done),
        ("What is valid", ("analysis", "or why not"), valid),
        (
            "What is missing and what libraries said",
            ("note",),
            [(n,) for n in (*preflight.missing, *prepared.notes)] or [("nothing",)],
        ),
        ("Settings (bold: not the default)", ("setting", "value", "reason of the default"), chosen),
    ]


def drawn(draw: Callable[[Figure], None], width: float, height: float) -> str:
    """SVG of a figure of so many inches, with no date and no random identifier in it."""
    with mpl.rc_context(DRAWING), io.StringIO() as text:
        figure = Figure(figsize=(width, height), layout="constrained")
        draw(figure)
        figure.savefig(text, format="svg", metadata={"Date": None, "Creator": None})
        written = text.getvalue()
    return written[written.index("<svg") :]


def _info(prepared: Prepared, names: list[str]) -> mne.Info:
    info = prepared.cleaned.raw.info
    return mne.pick_info(info, [info["ch_names"].index(name) for name in names])


def _first_kind(prepared: Prepared) -> tuple[np.ndarray, float, str]:
    """Which sites are drawn (those of the first kind), and scale and name of the unit they are drawn in."""
    kind = prepared.recording.sites["kind"].iloc[0]
    return np.flatnonzero(prepared.recording.sites["kind"] == kind), *SCALES[kind]


def _map(prepared: Prepared, names: list[str], values: Float[np.ndarray, "sites"], axes: Axes) -> None:
    """A topography with its own symmetric colours. Sites without positions leave it empty."""
    if prepared.preflight.runs["positions"].iloc[0] == "none":
        axes.set_axis_off()
        return
    limit = float(np.abs(values).max())
    mne.viz.plot_topomap(values, _info(prepared, names), axes=axes, show=False, vlim=(-limit, limit), contours=4)


def draw_sensors(prepared: Prepared) -> str:
    """Names at their places."""
    chosen, _, _ = _first_kind(prepared)
    names = prepared.recording.sites["name"].iloc[chosen].tolist()

    def draw(figure: Figure) -> None:
        axes = figure.subplots()
        if prepared.preflight.runs["positions"].iloc[0] == "none":
            axes.text(0.5, 0.5, "no positions", ha="center")
            return
        info = _info(prepared, names)
        info["bads"] = [name for name in prepared.cleaned.bad_channels["name"] if name in names]
        mne.viz.plot_sensors(info, axes=axes, show=False, show_names=len(names) < 80, kind="topomap")

    return drawn(draw, 4.2, 4.2)


def draw_spectra(prepared: Prepared) -> str:
    """Decibels over frequency, before and after."""
    spectra, (chosen, scale, unit) = prepared.spectra, _first_kind(prepared)

    def draw(figure: Figure) -> None:
        axes = figure.subplots()
        for hz, power, colour in (
            (spectra.before_hz, spectra.before, "0.72"),
            (spectra.after_hz, spectra.after, "#1f5fa8"),
        ):
            shown = power[chosen][:, 1:] * scale**2
            decibels = 10 * np.log10(np.where(shown > 0, shown, np.nan))
            axes.plot(hz[1:], decibels.T, color=colour, lw=0.6)
            low = np.nanquantile(decibels, 0.02)
        axes.set(xlabel="frequency (Hz)", ylabel=f"power (dB of ({unit})²/Hz)", ylim=(low - 10, None))

    return drawn(draw, 8, 3.2)


def draw_evoked(prepared: Prepared) -> str:
    """A row for each trial type: every site over time, and the map where the spread over sites is largest."""
    trials, (chosen, scale, unit) = prepared.trials, _first_kind(prepared)
    kinds = sorted(set(trials.events["trial_type"]))[:6]
    times = trials.start + np.arange(trials.values.shape[2]) / trials.sampling_rate
    names = trials.sites["name"].iloc[chosen].tolist()

    def draw(figure: Figure) -> None:
        rows = figure.subplots(len(kinds), 2, squeeze=False, width_ratios=(3.2, 1))
        for kind, (left, right) in zip(kinds, rows, strict=True):
            of_kind = (trials.events["trial_type"] == kind).to_numpy()
            evoked = trials.values[of_kind][:, chosen].mean(axis=0) * scale
            best = int(evoked.std(axis=0).argmax())
            left.plot(times, evoked.T, lw=0.7, color="#1f5fa8", alpha=0.7)
            left.axvline(0, color="0.5", lw=0.8)
            left.axvline(times[best], color="#b3261e", lw=0.8, ls=":")
            left.set(title=f"{kind} ({of_kind.sum()} trials)", ylabel=unit, xlim=times[[0, -1]])
            _map(prepared, names, evoked[:, best], right)
            right.set_title(f"{times[best]:.3f} s")
        rows[-1, 0].set_xlabel("time from the event (s)")

    return drawn(draw, 8, 2.3 * len(kinds))


def draw_components(prepared: Prepared) -> str:
    """Maps of the removed components and of those that explain most."""
    components = prepared.cleaned.components
    assert components is not None
    table = components.table.sort_values(["removed", "variance"], ascending=False).head(SHOWN)
    columns = 6
    rows = -(-len(table) // columns)

    def draw(figure: Figure) -> None:
        grid = figure.subplots(rows, columns, squeeze=False).ravel()
        for axes in grid[len(table) :]:
            axes.set_axis_off()
        for axes, row in zip(grid, table.itertuples(), strict=False):
            _map(prepared, prepared.cleaned.component_sites, components.mixing[:, row.Index], axes)
            said = f"{row.Index}: {row.label}\n{row.probability:.2f}, {row.variance:.1%}"
            axes.set_title(said, fontsize=8, color="#b3261e" if row.removed else "black")

    return drawn(draw, 8, 1.7 * rows)


def draw_trials(prepared: Prepared) -> str:
    """Trials by sites: how far each amplitude is below or above its threshold."""
    rejection = prepared.rejection

    def draw(figure: Figure) -> None:
        axes = figure.subplots()
        ratio = (rejection.amplitude / rejection.threshold).T
        image = axes.imshow(ratio, aspect="auto", cmap="RdBu_r", vmin=0, vmax=2, interpolation="nearest")
        axes.plot(np.flatnonzero(rejection.bad), np.full(rejection.bad.sum(), -1.2), "v", color="#b3261e", ms=4)
        axes.set(xlabel="trial", ylabel="site", ylim=(len(ratio) - 0.5, -2))
        figure.colorbar(image, label="amplitude / threshold")

    return drawn(draw, 8, 2.8)
