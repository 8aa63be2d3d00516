"""Charts as SVG, without a plotting library: a curve, and a histogram of matching scores."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np

from sounddesk.storage.html_page import render_template

_CURVE: Final = Path(__file__).with_name("curve.svg")
_HISTOGRAM: Final = Path(__file__).with_name("histogram.svg")
_CURVE_W: Final = 900
_CURVE_H: Final = 200
_LEFT: Final = 70
_BOTTOM: Final = 24
_MOST_POINTS: Final = 600
BINS: Final = 20
_WIDTH: Final = 640
_HEIGHT: Final = 320
_MARGIN: Final = 40


def curve_svg(points: Sequence[tuple[float, float]]) -> str:
    """One curve of (x, y) with its extremes written beside the axes; values that are no numbers are left out."""
    usable = [(x, y) for x, y in points if math.isfinite(x) and math.isfinite(y)]
    usable = usable[:: max(1, math.ceil(len(usable) / _MOST_POINTS))]
    if not usable:
        return render_template(_CURVE, width=_CURVE_W, height=_CURVE_H, line="", texts=[])
    xs, ys = [x for x, _ in usable], [y for _, y in usable]
    low_x, high_x, low_y, high_y = min(xs), max(xs), min(ys), max(ys)
    span_x, span_y = (high_x - low_x) or 1.0, (high_y - low_y) or 1.0

    def place(x: float, y: float) -> str:
        across = _LEFT + (x - low_x) / span_x * (_CURVE_W - _LEFT - 10)
        down = 10 + (high_y - y) / span_y * (_CURVE_H - _BOTTOM - 20)
        return f"{across:.1f},{down:.1f}"

    return render_template(
        _CURVE,
        width=_CURVE_W,
        height=_CURVE_H,
        line=" ".join(place(x, y) for x, y in usable),
        texts=[
            {"x": 4, "y": 16, "end": False, "text": f"{high_y:.4g}"},
            {"x": 4, "y": _CURVE_H - _BOTTOM - 8, "end": False, "text": f"{low_y:.4g}"},
            {"x": _LEFT, "y": _CURVE_H - 6, "end": False, "text": f"{low_x:g}"},
            {"x": _CURVE_W - 10, "y": _CURVE_H - 6, "end": True, "text": f"{high_x:g}"},
        ],
    )


def histogram_svg(scores: Sequence[float], *, threshold: float) -> str:
    """Histogram of scores from 0 to 1 in 20 bins, as in figure 7 of the paper; bins below the threshold are pale."""
    counts, edges = np.histogram(np.clip(scores, 0.0, 1.0), bins=BINS, range=(0.0, 1.0))
    top = max(1, int(counts.max()))
    wide, high = _WIDTH - 2 * _MARGIN, _HEIGHT - 2 * _MARGIN
    bars = []
    for count, left in zip(counts, edges[:-1], strict=True):
        height = high * int(count) / top
        bars.append(
            {
                "x": f"{_MARGIN + left * wide:.1f}",
                "y": f"{_HEIGHT - _MARGIN - height:.1f}",
                "width": f"{wide / BINS - 1:.1f}",
                "height": f"{height:.1f}",
                "colour": "#c2542d" if left >= threshold - 1e-9 else "#d8cfc8",
                "count": int(count),
            }
        )
    kept = sum(score >= threshold for score in scores)
    return render_template(
        _HISTOGRAM,
        width=_WIDTH,
        height=_HEIGHT,
        margin=_MARGIN,
        bars=bars,
        ticks=[
            {"x": f"{_MARGIN + share * wide:.0f}", "text": f"{share:g}"} for share in (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)
        ],
        line=f"{_MARGIN + threshold * wide:.1f}",
        caption=f"matching score of {len(scores)} clips, {kept} at or above {threshold:g}",
    )
