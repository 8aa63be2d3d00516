"""Which objects that nobody has pointed at are worth a sound: neither specks nor the whole scene, and none twice.

Each segmenter finds them in its own way: SAM by its automatic mask generator, SAM 2 by a grid of clicks, GrabCut by a
grid of discs, the starter's by a grid of clicks on its decoder alone. `suggestions` puts them in order.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from sounddesk.engine.types import BoolMask

# Shares of the image's area. An object below covers less than a quarter of one patch of the 7 x 7 grid.
LEAST_SHARE: Final = 0.005
MOST_SHARE: Final = 0.6
# Two masks are one object where they overlap more (IoU), or where one lies in the other by more.
_SAME_IOU: Final = 0.4
_SAME_CONTAINED: Final = 0.7


def same_object(one: BoolMask, other: BoolMask) -> bool:
    """Whether two masks of one size, neither empty, cover one object, or one covers a part of the other."""
    common = int(np.count_nonzero(one & other))
    area_one, area_other = int(np.count_nonzero(one)), int(np.count_nonzero(other))
    contained = common / min(area_one, area_other)
    return common / (area_one + area_other - common) > _SAME_IOU or contained > _SAME_CONTAINED
