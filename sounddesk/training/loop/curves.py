"""A curve as SVG, without a plotting library: what a page of numbers needs and no more."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

WIDTH: Final = 900
HEIGHT: Final = 200
_LEFT: Final = 70
_BOTTOM: Final = 24
_MOST_POINTS: Final = 600


def curve_svg(points: Sequence[tuple[float, float]]) -> str:
    """One curve of (x, y) with its extremes written beside the axes; values that are no numbers are left out."""
    usable = [(x, y) for x, y in points if math.isfinite(x) and math.isfinite(y)]
    usable = usable[:: max(1, math.ceil(len(usable) / _MOST_POINTS))]
    if not usable:
        return f'<svg viewBox="0 0 {WIDTH} {HEIGHT}"></svg>'
    xs, ys = [x for x, _ in usable], [y for _, y in usable]
    low_x, high_x, low_y, high_y = min(xs), max(xs), min(ys), max(ys)
    span_x, span_y = (high_x - low_x) or 1.0, (high_y - low_y) or 1.0

    def place(x: float, y: float) -> str:
        across = _LEFT + (x - low_x) / span_x * (WIDTH - _LEFT - 10)
        down = 10 + (high_y - y) / span_y * (HEIGHT - _BOTTOM - 20)
        return f"{across:.1f},{down:.1f}"

    line = " ".join(place(x, y) for x, y in usable)
    text = 'font-size="12" fill="currentColor"'
    return (
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img">'
        f'<polyline points="{line}" fill="none" stroke="#c2542d" stroke-width="1.6"/>'
        f'<text x="4" y="16" {text}>{high_y:.4g}</text><text x="4" y="{HEIGHT - _BOTTOM - 8}" {text}>{low_y:.4g}</text>'
        f'<text x="{_LEFT}" y="{HEIGHT - 6}" {text}>{low_x:g}</text>'
        f'<text x="{WIDTH - 10}" y="{HEIGHT - 6}" text-anchor="end" {text}>{high_x:g}</text></svg>'
    )
