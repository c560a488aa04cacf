"""The page's plots as Plotly figures in plain JSON.

Colours are written as `--name`: names of the style sheet that `assets/page.js` looks up when it draws, so that one
figure serves light and dark. Symbols differ wherever colours do.
"""

from __future__ import annotations

import html
import math
from collections.abc import Iterable, Sequence
from typing import Any

from bench.core.statistics import Estimate
from leaderboard import notation
from leaderboard.tables import Row, TaskColumn, TrackTable

LOOK = {"method": ("--method", "circle"), "control": ("--control", "square"), "mutant": ("--bad", "diamond")}
FONT = {"family": "system-ui, 'Segoe UI', Roboto, 'Liberation Sans', 'DejaVu Sans', sans-serif", "color": "--ink"}
TIMES = "\N{MULTIPLICATION SIGN}"
ROW_HEIGHT, PANEL_MARGIN = 24, 58
PLOT_WIDTH, PLOT_HEIGHT, NAME_HEIGHT = 300, 220, 15  # of the plot of score against cost on a phone, in pixels
Box = tuple[float, float, float, float]


def axis(title: str | None, **more: Any) -> dict[str, Any]:
    """An axis in the page's colours that stays put: on a phone a finger scrolls the page and not the plot."""
    named = {"title": {"text": title, "standoff": 8, "font": {"size": 13}}} if title else {}
    lines = {"gridcolor": "--line", "linecolor": "--line", "zeroline": False, "fixedrange": True, "automargin": True}
    return {**lines, **named, **more}


def layout(x: dict[str, Any], y: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {
        "xaxis": x, "yaxis": y, "font": {**FONT, "size": 13}, "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)", "dragmode": False, "hoverlabel": {"align": "left"}, **more,
    }  # fmt: skip


def error_bars(estimates: Sequence[Estimate]) -> dict[str, Any]:
    halves = [notation.half_width(one) for one in estimates]
    drawn = any(half is not None for half in halves)
    return {"type": "data", "array": [half or 0 for half in halves], "visible": drawn, "thickness": 1.5, "width": 4}


def line_at(value: float, along: str) -> dict[str, Any]:
    """A dashed line through the whole plot: along `x` at a height, along `y` at a place."""
    across = "y" if along == "x" else "x"
    ends = {f"{along}0": 0, f"{along}1": 1, f"{along}ref": "paper", f"{across}0": value, f"{across}1": value}
    return {
        "type": "line", **ends, f"{across}ref": across, "layer": "below",
        "line": {"color": "--soft", "dash": "dot", "width": 1},
    }  # fmt: skip


def bounds(estimates: Iterable[Estimate | None], include: Sequence[float] = ()) -> tuple[float, float]:
    """The range that holds every interval and the values to include, with a margin of 6 percent."""
    values = list(include)
    for one in estimates:
        if one is not None:
            values += [v for v in (one.mean, one.low, one.high) if v is not None]
    low, high = (min(values), max(values)) if values else (0.0, 1.0)
    margin = 0.06 * (high - low) or 0.06 * abs(high) or 0.5
    return low - margin, high + margin


def score_of(row: Row, column: TaskColumn | None) -> Estimate | None:
    """The board's score, or a task's raw mean where the board has none."""
    if column is None:
        return row.score
    score = row.tasks.get(column.task)
    return None if score is None else score.raw if column.raw else score.normalised


def has_score(table: TrackTable) -> bool:
    return any(row.score is not None for row in table.rows)


def cost_figure(table: TrackTable, column: TaskColumn | None = None) -> dict[str, Any] | None:
    """Score against relative cost (log), methods and controls; None where nothing has both."""
    rows = [row for row in table.methods + table.controls if row.cost and score_of(row, column) is not None]
    if not rows:
        return None
    raw = column is not None and column.raw
    places = _places(rows, column)
    kinds = {kind: [row for row in rows if row.kind == kind] for kind in ("method", "control")}
    traces = [_cost_trace(kind, of_kind, column, places) for kind, of_kind in kinds.items() if of_kind]
    low, high = _cost_range(rows)
    ticks = 1 if high - low > 2.5 else "D2"
    x = axis(f"Cost of a unit ({TIMES} calibration kernel)", type="log", dtick=ticks, range=[low, high])
    y = axis(html.escape(column.metric_title) if raw and column else "Score")  # plotly reads some HTML in titles
    legend = {"orientation": "h", "x": 0, "y": 1.02, "yanchor": "bottom"}
    lines = [] if raw else [line_at(0, "x"), line_at(1, "x")]
    shape = layout(x, y, shapes=lines, legend=legend, showlegend=True, margin={"l": 56, "r": 16, "t": 40, "b": 52})
    return {"data": traces, "layout": shape}


def _scores(rows: Sequence[Row], column: TaskColumn | None) -> list[Estimate]:
    return [score for row in rows if (score := score_of(row, column)) is not None]


def _costs(rows: Sequence[Row]) -> list[float]:
    return [row.cost for row in rows if row.cost]


def _cost_range(rows: Sequence[Row]) -> tuple[float, float]:
    """Decimal logarithms with room for the names beside the outermost points."""
    low, high = math.log10(min(_costs(rows))), math.log10(max(_costs(rows)))
    room = max(0.35, 0.18 * (high - low))
    return low - room, high + room


def _places(rows: Sequence[Row], column: TaskColumn | None) -> dict[str, str]:
    """Text position of every row's name."""
    left, right = _cost_range(rows)
    scores = _scores(rows, column)
    low, high = bounds(scores, () if column is not None and column.raw else (0, 1))
    x = [PLOT_WIDTH * (math.log10(cost) - left) / (right - left) for cost in _costs(rows)]
    y = [PLOT_HEIGHT * (score.mean - low) / (high - low) for score in scores]
    names = [row.method for row in rows]
    return dict(zip(names, place_names(list(zip(x, y, strict=True)), names), strict=True))


def _cost_trace(kind: str, rows: Sequence[Row], column: TaskColumn | None, places: dict[str, str]) -> dict[str, Any]:
    colour, symbol = LOOK[kind]
    scores = _scores(rows, column)
    closed = [row.status in ("ranked", "not resolvable") or kind == "control" for row in rows]
    return {
        "type": "scatter", "mode": "markers+text", "name": f"{kind}s", "x": _costs(rows),
        "y": [score.mean for score in scores], "error_y": {**error_bars(scores), "color": colour},
        "text": [row.method for row in rows], "textposition": [places[row.method] for row in rows],
        "textfont": {"color": colour, "size": 12},
        "marker": {"color": colour, "size": 9, "symbol": [symbol if one else f"{symbol}-open" for one in closed]},
        "hovertext": [hover(row, score) for row, score in zip(rows, scores, strict=True)], "hoverinfo": "text",
    }  # fmt: skip


def _boxes(at: tuple[float, float], text: str) -> dict[str, Box]:
    """Where a name may stand around its point, best first, in pixels."""
    x, y = at
    width, gap = 6.8 * len(text), 7
    left, right, middle = x - gap - width, x + gap, x - width / 2
    above, below = y + gap, y - gap - NAME_HEIGHT
    places = {"top right": (right, above), "bottom right": (right, below), "top left": (left, above)}
    places |= {"bottom left": (left, below), "top center": (middle, above), "bottom center": (middle, below)}
    return {name: (x0, y0, x0 + width, y0 + NAME_HEIGHT) for name, (x0, y0) in places.items()}


def _overlap(first: Box, second: Box) -> float:
    wide = min(first[2], second[2]) - max(first[0], second[0])
    high = min(first[3], second[3]) - max(first[1], second[1])
    return max(0.0, wide) * max(0.0, high)


def _outside(box: Box) -> float:
    """Area of a box that the plot's left and right edges cut off."""
    return (max(0.0, -box[0]) + max(0.0, box[2] - PLOT_WIDTH)) * NAME_HEIGHT


def place_names(points: Sequence[tuple[float, float]], names: Sequence[str]) -> list[str]:
    """A text position for each point (in pixels), chosen in turn so that names cover each other and points least."""
    taken: list[Box] = [(x - 5, y - 12, x + 5, y + 12) for x, y in points]
    chosen = []
    for point, name in zip(points, names, strict=True):
        boxes = _boxes(point, name)
        best = min(boxes, key=lambda place: _outside(boxes[place]) + sum(_overlap(boxes[place], box) for box in taken))
        taken.append(boxes[best])
        chosen.append(best)
    return chosen


def hover(row: Row, score: Estimate) -> str:
    return f"<b>{row.method}</b><br>{notation.estimate(score)}<br>cost {notation.cost(row.cost)}"


def instance_figure(table: TrackTable, column: TaskColumn, instance: str) -> dict[str, Any] | None:
    """One panel: every method's score on one instance with its interval; None where there is none."""
    estimates = {row.method: row.instances.get(column.task, {}).get(instance) for row in table.methods + table.controls}
    if not any(estimates.values()):
        return None
    names = [name for name, one in estimates.items() if one is not None]
    groups = (("method", table.methods), ("control", table.controls))
    traces = [
        _panel_trace(kind, [row.method for row in rows if row.method in names], estimates) for kind, rows in groups
    ]
    lines = [] if column.raw else [line_at(0, "y"), line_at(1, "y")]
    x = axis(None, range=list(task_bounds(table, column)), nticks=6)
    y = axis(None, categoryorder="array", categoryarray=names[::-1], range=[-0.6, len(names) - 0.4], ticksuffix=" ")
    margin = {"l": 8, "r": 12, "t": 8, "b": 28}
    figure = layout(x, y, shapes=lines, showlegend=False, margin=margin)
    return {"data": [trace for trace in traces if trace["x"]], "layout": {**figure, "font": {**FONT, "size": 12}}}


def task_bounds(table: TrackTable, column: TaskColumn) -> tuple[float, float]:
    """One range for all instances of a task, so that panels can be compared."""
    rows = table.methods + table.controls
    found = [one for row in rows for one in row.instances.get(column.task, {}).values()]
    return bounds(found, () if column.raw else (0, 1))


def _panel_trace(kind: str, names: Sequence[str], estimates: dict[str, Estimate | None]) -> dict[str, Any]:
    colour, symbol = LOOK[kind]
    shown = [estimates[name] for name in names]
    present = [one for one in shown if one is not None]
    return {
        "type": "scatter", "mode": "markers", "x": [one.mean for one in present], "y": list(names),
        "error_x": {**error_bars(present), "color": colour}, "marker": {"color": colour, "size": 8, "symbol": symbol},
        "hovertext": [f"<b>{name}</b><br>{notation.estimate(estimates[name])}" for name in names], "hoverinfo": "text",
    }  # fmt: skip


def panel_height(table: TrackTable, column: TaskColumn, instance: str) -> int:
    """Pixels for a panel: as many lines as methods have a score there."""
    rows = table.methods + table.controls
    return PANEL_MARGIN + ROW_HEIGHT * sum(instance in row.instances.get(column.task, {}) for row in rows)
