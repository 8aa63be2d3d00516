"""Levels in decibels: their range, and the bottom of a fader."""

from __future__ import annotations

import math
from typing import Final

MAX_GAIN_DB: Final = 60.0
# A fader at its bottom is silent.
FADER_BOTTOM_DB: Final = -60.0


def check_gain_db(gain_db: float) -> None:
    """Refuse a gain that is no number or beyond 60 dB either way.

    Raises:
        ValueError: with the value and the remedy.
    """
    if not math.isfinite(gain_db) or abs(gain_db) > MAX_GAIN_DB:
        raise ValueError(f"gain is {gain_db:g} dB: choose from {-MAX_GAIN_DB:g} dB to {MAX_GAIN_DB:g} dB")


def summed_gain_db(*gains_db: float) -> float:
    """Faders in a row: their gains add up, within the range of one, and one at its bottom silences all."""
    if min(gains_db) <= FADER_BOTTOM_DB:
        return FADER_BOTTOM_DB
    return min(MAX_GAIN_DB, max(FADER_BOTTOM_DB, sum(gains_db)))
