"""One self-contained page a data set: the trust card first, then pictures, recordings, and what was left out."""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from jinja2 import Environment, StrictUndefined
from matplotlib.figure import Figure

from bench.core.records import write_atomically
from bench.core.statistics import MIN_DRAWS, Estimate
from bench.lab.card import CONTROLS, Card, Group
from bench.lab.settings import Encoding

PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{{ title }}</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<style>
body { font: 15px/1.5 system-ui, sans-serif; color: #1f2933; max-width: 1040px; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.5rem; margin-bottom: 0; } h2 { font-size: 1.1rem; margin: 2rem 0 .3rem; }
p.note { color: #52606d; margin: .2rem 0 .8rem; max-width: 46rem; }
p.private { background: #fff4e5; border-left: 4px solid #c2410c; padding: .5rem .8rem; max-width: 46rem; }
img { max-width: 100%; display: block; } .scroll { overflow-x: auto; }
table { border-collapse: collapse; font-size: .88rem; }
th, td { text-align: left; vertical-align: top; padding: .25rem .8rem .25rem 0; border-bottom: 1px solid #d9dee4; }
th { font-weight: 600; } code { font-size: .85em; overflow-wrap: anywhere; }
</style></head><body>
<h1>{{ title }}</h1>
<p class="note">{{ lead }}</p>
{% if private %}<p class="private">Private: these results are not for publication. The leaderboard refuses them.</p>
{% endif %}
<h2>Trust card</h2>
<div class="scroll"><table>{% for name, value, note in card %}
<tr><th>{{ name }}</th><td>{{ value }}</td><td>{{ note }}</td></tr>{% endfor %}</table></div>
{% for name, note, image in pictures %}<h2>{{ name }}</h2><p class="note">{{ note }}</p>
<img alt="{{ name }}" src="data:image/png;base64,{{ image }}">{% endfor %}
{% for name, note, head, rows in tables %}<h2>{{ name }}</h2><p class="note">{{ note }}</p>
<div class="scroll"><table><tr>{% for one in head %}<th>{{ one }}</th>{% endfor %}</tr>
{% for row in rows %}<tr>{% for one in row %}<td>{{ one }}</td>{% endfor %}</tr>{% endfor %}</table></div>{% endfor %}
</body></html>
"""
KINDS = {
    "table": "A table of features", "text": "A language model", "checkpoint": "A transformer", "module": "A module",
}  # fmt: skip
NAMES = {"fmri": "fMRI", "eeg": "EEG", "meg": "MEG"}
BEST = 15  # sites in the table; all are in the TSV
Table = tuple[str, str, list[str], list[list[Any]]]


def write_page(group: Group, whole: Mapping[str, Any], path: Path) -> None:
    """Write the page; it needs no other file and no network."""
    template = Environment(autoescape=True, undefined=StrictUndefined).from_string(PAGE)
    text = template.render(
        title=f"{KINDS[whole['model']['kind']]} against {NAMES[whole['datatype']]}, task {whole['task']}",
        lead=f"{_count(len(group.cards), 'recording')} of {_count(len({c.subject for c in group.cards}), 'subject')}, "
        f"{len(group.skipped)} skipped; {' or '.join(sorted({c.scheme for c in group.cards}))}; method "
        f"{whole['settings']['method']}.",
        private=whole["private"],
        card=trust_card(group),
        pictures=[
            ("Scores of every recording", "A dot a recording, its mean over sites of the held-out correlation; a "
             "line is what the draws of a control span. The model should stand to the right of all controls; noise "
             "features show what these folds give to features that know nothing.",
             encoded(draw_scores(group))),
            ("Sites", "Held-out correlation of the model at each site, sorted; filled: p below .05 after correction.",
             encoded(draw_sites(group))),
        ],
        tables=tables(group, whole),
    )  # fmt: skip
    write_atomically(path, text)


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" + ("" if number == 1 else "s")


def told(one: Estimate) -> str:
    """A mean with its interval, or why there is none."""
    if one.low is None or one.high is None:
        few = f"{_count(one.draws, 'subject')}, and it takes {MIN_DRAWS}" if one.draws < MIN_DRAWS else one.reason
        return f"{one.mean:.3f} (no interval: {few})"
    return f"{one.mean:.3f} [{one.low:.3f}, {one.high:.3f}]"


def trust_card(group: Group) -> list[tuple[str, str, str]]:
    """Rows of name, value and what it means."""
    known = [card for card in group.cards if card.ceiling.value is not None]
    ceiling, normalised = "undetermined", "undetermined"
    note = group.cards[0].ceiling.reason
    if known:
        ceiling = "; ".join(f"{card.name}: {told_ceiling(card)}" for card in known)
        normalised = "; ".join(f"{card.name}: {card.normalised:.2f}" for card in known)
        note = f"from {known[0].ceiling.repeats} runs of the same stimulus, jackknife over blocks of time"
    rows = [
        ("Raw score", told(group.means["model"]), "held-out correlation, mean over sites, 95 % over subjects"),
        ("Ceiling", ceiling, note),
        ("Normalised", normalised, "raw over ceiling, not clipped"),
        ("p, these subjects", f"{group.p:.4f}", "blocks of recorded time permuted; says nothing of other subjects"),
    ]
    for name, (one, p) in group.beside.items():
        score = f"{group.means[name].mean:.3f}"
        chance = "not resolvable" if one.error is None else f"paired over subjects, p {p:.3f}"
        rows.append((name.capitalize(), score, f"model less this: {told(one)}; {chance}"))
    return rows


def told_ceiling(card: Card) -> str:
    one = card.ceiling
    interval = f" [{one.low:.2f}, {one.high:.2f}]" if one.low is not None else f" (no interval: {one.reason})"
    return f"{one.value:.2f}{interval}"


def draw_scores(group: Group) -> Figure:
    """A row a set of features, a dot a recording; bars are what the draws of a control span."""
    names = list(group.cards[0].scores)
    figure = Figure(figsize=(9, 0.6 + 0.42 * len(names)), layout="constrained")
    axes = figure.subplots()
    count = len(group.cards)
    shifts = 0.5 * ((np.arange(count) + 0.5) / count - 0.5)
    for row, name in enumerate(names):
        colour = "#7b8794" if name in CONTROLS else "#1d4ed8"
        for card, shift in zip(group.cards, shifts, strict=True):
            draws = card.scores[name].draws
            axes.plot([min(draws), max(draws)], [row + shift] * 2, color=colour, linewidth=1)
            axes.plot(np.mean(draws), row + shift, "o", color=colour, markersize=5)
    axes.axvline(0, color="#9aa5b1", linewidth=0.8)
    axes.set_yticks(range(len(names)), names)
    axes.invert_yaxis()
    axes.set_xlabel("held-out correlation, mean over sites")
    axes.spines[["top", "right"]].set_visible(False)
    return figure


def draw_sites(group: Group) -> Figure:
    """A line a recording."""
    figure = Figure(figsize=(9, 3.2), layout="constrained")
    axes = figure.subplots()
    for number, card in enumerate(group.cards):
        order = np.argsort(card.scores["model"].sites)[::-1]
        values, good = card.scores["model"].sites[order], card.p_sites[order] < 0.05
        share = (np.arange(len(order)) + 0.5) / len(order)
        axes.plot(share, values, linewidth=1, color=f"C{number % 10}", label=card.name)
        axes.plot(share[good], values[good], ".", color=f"C{number % 10}", markersize=6)
    axes.axhline(0, color="#9aa5b1", linewidth=0.8)
    axes.set_xlabel("share of sites")
    axes.set_ylabel("held-out correlation")
    axes.legend(frameon=False, fontsize=8)
    axes.spines[["top", "right"]].set_visible(False)
    return figure


def encoded(figure: Figure) -> str:
    """PNG in base64, without the time of writing."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=100, metadata={"Software": None})
    return base64.b64encode(buffer.getvalue()).decode()


def tables(group: Group, whole: Mapping[str, Any]) -> list[Table]:
    sets = list(group.cards[0].scores)
    default = Encoding()
    chosen = [
        [name, repr(value), "" if value == getattr(default, name) else "changed or filled in"]
        for name, value in whole["settings"].items()
    ]
    facts = [[name, json.dumps(value)] for name, value in whole["model"].items()]
    layers = (
        " Layers were not chosen: the best of them is no score." if any(n.startswith("layer ") for n in sets) else ""
    )
    return [
        ("Recordings", f"Mean over sites; controls are means of their draws.{layers}",
         ["recording", "runs", "samples", "sites", "p below .05", "p", *sets],
         [[c.name, c.runs, c.samples, len(c.sites), int((c.p_sites < 0.05).sum()), f"{c.p_mean:.4f}",
           *(f"{c.scores[name].mean:.3f}" for name in sets)] for c in group.cards]),
        ("Skipped", "Named, counted, and not in any figure above.", ["recording", "reason"],
         [[name, reason] for name, reason in group.skipped.items()] or [["none", ""]]),
        ("Best sites", f"The {BEST} largest; p is corrected over the sites of the recording. All are in the TSV.",
         ["recording", "site", "raw", "p"], best_sites(group)),
        ("Model", "What the features depend on.", ["fact", "value"], facts),
        ("Settings of the fit", "Every default stands with its reason in bench/lab/settings.py.",
         ["setting", "value", ""], chosen),
    ]  # fmt: skip


def best_sites(group: Group) -> list[list[Any]]:
    rows = [
        (float(score), card.name, str(name), float(p))
        for card in group.cards
        for name, score, p in zip(card.sites["name"], card.scores["model"].sites, card.p_sites, strict=True)
    ]
    return [[name, site, f"{score:.3f}", f"{p:.4f}"] for score, name, site, p in sorted(rows, reverse=True)[:BEST]]
