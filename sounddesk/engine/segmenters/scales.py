"""Part, thing or group: which of a click's candidates is which, by their size.

Kirillov et al., 'Segment Anything', 2023, section 3, 'resolving ambiguity': three masks are enough for most clicks,
since nested masks are mostly at most three deep: whole, part and subpart.
"""

from __future__ import annotations

from collections.abc import Sequence

from sounddesk.domain.selection import SCALES
from sounddesk.domain.selection import Scale
from sounddesk.engine.segmenters.protocol import Candidate


def scales_of(candidates: Sequence[Candidate]) -> tuple[Scale, ...]:
    """The scale of each candidate.

    Three are part, thing and group by their size. Of two the better one is the thing. Those beyond three have the
    scale of the largest.

    Args:
        candidates: best first, as a segmenter answers.

    Example:
        >>> import numpy as np
        >>> def square(side):
        ...     probability = np.zeros((9, 9), np.float32)
        ...     probability[:side, :side] = 1
        ...     return Candidate(mask=probability >= 0.5, probability=probability, score=0.5)
        >>> scales_of([square(4), square(9), square(2)])
        ('thing', 'group', 'part')
        >>> scales_of([square(4), square(9)]), scales_of([square(4)])
        (('thing', 'group'), ('thing',))
    """
    sizes = [each.area_px for each in candidates]
    if len(sizes) < len(SCALES):
        return tuple("thing" if i == 0 else "part" if size < sizes[0] else "group" for i, size in enumerate(sizes))
    order = sorted(range(len(sizes)), key=lambda i: sizes[i])
    return tuple(SCALES[min(order.index(i), len(SCALES) - 1)] for i in range(len(sizes)))


def index_of_scale(scales: Sequence[Scale], wanted: Scale | None) -> int:
    """Which of candidates best first has the scale wanted; where none has it, the best one.

    Example:
        >>> index_of_scale(("thing", "group"), "group"), index_of_scale(("thing", "group"), "part")
        (1, 0)
    """
    return scales.index(wanted) if wanted in scales else 0


def next_index(scales: Sequence[Scale], index: int) -> int:
    """Which candidate comes after one: the next larger, after the largest the smallest.

    Example:
        >>> next_index(("thing", "group", "part"), 0), next_index(("thing", "group", "part"), 1)
        (1, 2)
    """
    order = sorted(range(len(scales)), key=lambda i: SCALES.index(scales[i]))
    return order[(order.index(index) + 1) % len(order)]
