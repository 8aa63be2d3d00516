"""Charts as SVG, without a plotting library: a curve, and a histogram of matching scores."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

import numpy as np

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
        return f'<svg viewBox="0 0 {_CURVE_W} {_CURVE_H}"></svg>'
    xs, ys = [x for x, _ in usable], [y for _, y in usable]
    low_x, high_x, low_y, high_y = min(xs), max(xs), min(ys), max(ys)
    span_x, span_y = (high_x - low_x) or 1.0, (high_y - low_y) or 1.0

    def place(x: float, y: float) -> str:
        across = _LEFT + (x - low_x) / span_x * (_CURVE_W - _LEFT - 10)
        down = 10 + (high_y - y) / span_y * (_CURVE_H - _BOTTOM - 20)
        return f"{across:.1f},{down:.1f}"

    line = " ".join(place(x, y) for x, y in usable)
    text = 'font-size="12" fill="currentColor"'
    return (
        f'<svg viewBox="0 0 {_CURVE_W} {_CURVE_H}" role="img">'
        f'<polyline points="{line}" fill="none" stroke="#c2542d" stroke-width="1.6"/>'
        f'<text x="4" y="16" {text}>{high_y:.4g}</text>'
        f'<text x="4" y="{_CURVE_H - _BOTTOM - 8}" {text}>{low_y:.4g}</text>'
        f'<text x="{_LEFT}" y="{_CURVE_H - 6}" {text}>{low_x:g}</text>'
        f'<text x="{_CURVE_W - 10}" y="{_CURVE_H - 6}" text-anchor="end" {text}>{high_x:g}</text></svg>'
    )


def histogram_svg(scores: Sequence[float], *, threshold: float) -> str:
    """Histogram of scores from 0 to 1 in 20 bins, as in figure 7 of the paper; bins below the threshold are pale."""
    counts, edges = np.histogram(np.clip(scores, 0.0, 1.0), bins=BINS, range=(0.0, 1.0))
    top = max(1, int(counts.max()))
    wide, high = _WIDTH - 2 * _MARGIN, _HEIGHT - 2 * _MARGIN
    bars = []
    for count, left in zip(counts, edges[:-1], strict=True):
        height = high * int(count) / top
        colour = "#c2542d" if left >= threshold - 1e-9 else "#d8cfc8"
        bars.append(
            f'<rect x="{_MARGIN + left * wide:.1f}" y="{_HEIGHT - _MARGIN - height:.1f}" '
            f'width="{wide / BINS - 1:.1f}" height="{height:.1f}" fill="{colour}"><title>{int(count)}</title></rect>'
        )
    line = _MARGIN + threshold * wide
    kept = sum(score >= threshold for score in scores)
    texts = [
        f'<text x="{_MARGIN + share * wide:.0f}" y="{_HEIGHT - 18}" text-anchor="middle">{share:g}</text>'
        for share in (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)
    ]
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" '
        'font-family="sans-serif" font-size="13">'
        f'<rect width="{_WIDTH}" height="{_HEIGHT}" fill="#fff"/>{"".join(bars)}{"".join(texts)}'
        f'<line x1="{line:.1f}" x2="{line:.1f}" y1="{_MARGIN - 14}" y2="{_HEIGHT - _MARGIN}" stroke="#222" '
        'stroke-dasharray="4 3"/>'
        f'<text x="{_MARGIN}" y="22">matching score of {len(scores)} clips, {kept} at or above {threshold:g}</text>'
        "</svg>\n"
    )
