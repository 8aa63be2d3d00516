"""How the matching scores lie, as in figure 7 of the paper."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

BINS: Final = 20
_WIDTH: Final = 640
_HEIGHT: Final = 320
_MARGIN: Final = 40


def histogram_svg(scores: Sequence[float], *, threshold: float) -> str:
    """Shares of clips in 20 steps of the score from 0 to 1; what the threshold removes is pale."""
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
