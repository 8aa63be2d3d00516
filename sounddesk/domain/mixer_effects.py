"""What stands in a strip and behind it: an equalizer per strip, one reverb for all, groups of faders."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from sounddesk.domain.levels import check_gain_db

MIN_PASS_HZ, MAX_PASS_HZ = 20.0, 20_000.0
MIN_BELL_HZ, MAX_BELL_HZ = 40.0, 16_000.0
MAX_BELL_DB: Final = 18.0
MIN_BELL_Q, MAX_BELL_Q = 0.3, 8.0
MIN_DECAY_S, MAX_DECAY_S = 0.2, 4.0
MAX_PRE_DELAY_S: Final = 0.2
MIN_DAMPING_HZ: Final = 1000.0


@dataclass(frozen=True, kw_only=True)
class Equalizer:
    """A high pass, a low pass and one bell.

    Attributes:
        high_pass_hz, low_pass_hz: corner (-3 dB) of a slope of 12 dB per octave, 20 to 20,000; None for off.
        bell_hz, bell_db, bell_q: middle (40 to 16,000), gain (-18 to 18; 0 is off) and quality (0.3, wide, to 8,
            narrow) of the bell.

    Raises:
        ValueError: naming the value and the remedy.
    """

    high_pass_hz: float | None = None
    low_pass_hz: float | None = None
    bell_hz: float = 1000.0
    bell_db: float = 0.0
    bell_q: float = 1.0

    def __post_init__(self) -> None:
        for name, value in (("high_pass_hz", self.high_pass_hz), ("low_pass_hz", self.low_pass_hz)):
            if value is not None:
                _check(value, MIN_PASS_HZ, MAX_PASS_HZ, what=f"{name} of an equalizer")
        _check(self.bell_hz, MIN_BELL_HZ, MAX_BELL_HZ, what="bell_hz of an equalizer")
        _check(self.bell_db, -MAX_BELL_DB, MAX_BELL_DB, what="bell_db of an equalizer")
        _check(self.bell_q, MIN_BELL_Q, MAX_BELL_Q, what="bell_q of an equalizer")

    @property
    def is_on(self) -> bool:
        """Whether it changes anything."""
        return self.high_pass_hz is not None or self.low_pass_hz is not None or self.bell_db != 0.0


@dataclass(frozen=True, kw_only=True)
class Reverb:
    """The one reverb that strips send to.

    Attributes:
        decay_s: time in which it falls by 60 dB, 0.2 to 4.
        pre_delay_s: before it begins, 0 to 0.2.
        damping_hz: above it the sound decays twice as fast, 1000 to 20,000.
        gain_db: fader of what comes back from it.

    Raises:
        ValueError: naming the value and the remedy.
    """

    decay_s: float = 1.2
    pre_delay_s: float = 0.01
    damping_hz: float = 5000.0
    gain_db: float = 0.0

    def __post_init__(self) -> None:
        _check(self.decay_s, MIN_DECAY_S, MAX_DECAY_S, what="decay_s of the reverb")
        _check(self.pre_delay_s, 0.0, MAX_PRE_DELAY_S, what="pre_delay_s of the reverb")
        _check(self.damping_hz, MIN_DAMPING_HZ, MAX_PASS_HZ, what="damping_hz of the reverb")
        check_gain_db(self.gain_db)


@dataclass(frozen=True, kw_only=True)
class FaderGroup:
    """A fader and a mute for several strips at once, as a VCA: it moves theirs and mixes nothing.

    Attributes:
        id: unique within the project.
        gain_db: added to the faders of its strips.
    """

    id: str
    name: str
    gain_db: float = 0.0
    muted: bool = False

    def __post_init__(self) -> None:
        check_gain_db(self.gain_db)


def _check(value: float, low: float, high: float, *, what: str) -> None:
    # Also false for what is no number.
    if not low <= value <= high:
        raise ValueError(f"{what} is {value:g}: choose from {low:g} to {high:g}")
