"""How takes are made, by name: quickly, as a draft, or as in the paper."""

from __future__ import annotations

from typing import Final
from typing import Literal
from typing import get_args

PresetName = Literal["fast", "draft", "paper"]
"""What each is stands in `engine.types.SamplingSettings`."""

PRESETS: Final[tuple[PresetName, ...]] = get_args(PresetName)
