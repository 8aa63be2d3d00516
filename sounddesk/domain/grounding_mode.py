"""What a sound follows: the pixels of the selected object, or words that a captioner finds for them."""

from __future__ import annotations

from typing import Final
from typing import Literal
from typing import get_args

GroundingMode = Literal["object", "caption", "caption-mix"]
"""'object' is the paper's method. The others are its baselines: 'caption' describes the whole image, 'caption-mix' each
object by itself (table 7)."""

GROUNDING_MODES: Final[tuple[GroundingMode, ...]] = get_args(GroundingMode)
