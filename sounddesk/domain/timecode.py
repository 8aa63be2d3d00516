"""Times as people write them: seconds, frames, and SMPTE timecode with and without drop frame (SMPTE ST 12-1)."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from fractions import Fraction
from typing import Final
from typing import Literal

TimeUnit = Literal["seconds", "frames", "timecode"]
TIME_UNITS: Final[tuple[TimeUnit, ...]] = ("seconds", "timecode", "frames")

# Rates of film, television and games. Those of NTSC are 1000/1001 of a whole one, and people write them rounded.
FRAME_RATES: Final = tuple(
    Fraction(whole * 1000, 1001) if ntsc else Fraction(whole)
    for whole, ntsc in (
        (24, True), (24, False), (25, False), (30, True), (30, False),
        (48, True), (48, False), (50, False), (60, True), (60, False),
    )
)  # fmt: skip
LOWEST_FRAME_RATE: Final = Fraction(1)
HIGHEST_FRAME_RATE: Final = Fraction(240)

# '29.97' and '23.98' mean a rate of NTSC; the nearest whole rates are 0.024 and more away.
_ROUNDED: Final = Fraction(1, 200)
_LOWEST_NTSC: Final = 10
_MOST_DENOMINATOR: Final = 1001
_DAY_H: Final = 24

_TIMECODE: Final = re.compile(r"(\d{1,2}):([0-5]?\d):([0-5]?\d)(?:[:;.](\d{1,3}))?", re.ASCII)
_SECONDS: Final = re.compile(r"(?:(\d+):)?(\d+(?:\.\d+)?)\s*s?", re.ASCII)


@dataclass(frozen=True)
class TimecodeRate:
    """How frames are counted: the one rule of ruler, fields and exported files.

    Timecode counts a whole number of frames a second. At 29.97 and 59.94 it falls behind the clock by that;
    drop frame leaves out the first numbers of every minute but each tenth, so that an hour of timecode lasts an hour.
    Frames themselves are never dropped.

    Attributes:
        frames_per_s: exactly, e.g. 30000/1001 for 29.97.
        drop_frame: whether numbers are left out; 29.97 and 59.94 (and multiples of theirs) only.

    Raises:
        ValueError: below 1 or above 240 frames per second, or drop frame at another rate.
    """

    frames_per_s: Fraction
    drop_frame: bool = False

    def __post_init__(self) -> None:
        if not LOWEST_FRAME_RATE <= self.frames_per_s <= HIGHEST_FRAME_RATE:
            raise ValueError(f"frame rate is {float(self.frames_per_s):g}: choose from 1 to 240 frames per second")
        if self.drop_frame and not may_drop_frames(self.frames_per_s):
            raise ValueError(
                f"drop frame at {rate_text(self.frames_per_s)} frames per second does not exist: "
                "choose 29.97 or 59.94, or count every frame"
            )

    @classmethod
    def of(cls, frames_per_s: float, *, drop_frame: bool = False) -> TimecodeRate:
        """The rate that a number stands for; 23.976, 29.97 and the like are those of NTSC."""
        return cls(exact_rate(frames_per_s), drop_frame)

    @property
    def nominal(self) -> int:
        """Frames that timecode counts in a second, e.g. 30 for 29.97."""
        return max(1, round(self.frames_per_s))

    def frame_at(self, time_s: float) -> int:
        """The frame nearest to a time, counted from 0."""
        return round(Fraction(time_s) * self.frames_per_s)

    def time_of(self, frame: int) -> float:
        """Seconds from frame 0 to the start of a frame."""
        return float(frame / self.frames_per_s)

    def __str__(self) -> str:
        """'25', '29.97 DF', '23.976'."""
        return rate_text(self.frames_per_s) + (" DF" if self.drop_frame else "")

    @property
    def dropped_per_minute(self) -> int:
        """Numbers that a minute leaves out: 2 of 1800, 4 of 3600."""
        return self.nominal // 15 if self.drop_frame else 0


def exact_rate(frames_per_s: float | Fraction) -> Fraction:
    """Frames per second as a ratio; what is as near to a rate of NTSC as people round it is that rate."""
    near = Fraction(frames_per_s)
    if near.denominator == 1 or near < _LOWEST_NTSC:
        return near.limit_denominator(_MOST_DENOMINATOR)
    ntsc = Fraction(round(near * 1001 / 1000) * 1000, 1001)
    return ntsc if abs(ntsc - near) <= _ROUNDED else near.limit_denominator(_MOST_DENOMINATOR)


def may_drop_frames(frames_per_s: Fraction) -> bool:
    """Whether drop frame exists at a rate: 30000/1001 frames per second and its multiples."""
    return frames_per_s.denominator == 1001 and frames_per_s.numerator % 30_000 == 0


def rate_text(frames_per_s: Fraction) -> str:
    """A rate as people write it: '25', '23.976', '29.97', '47.952', '59.94'."""
    return f"{float(frames_per_s):.3f}".rstrip("0").rstrip(".")


def format_timecode(frame: int, *, rate: TimecodeRate) -> str:
    """'hh:mm:ss:ff' of a frame counted from midnight, 'hh:mm:ss;ff' with drop frame; it starts again after a day."""
    number = frame
    dropped = rate.dropped_per_minute
    if dropped:
        per_minute = rate.nominal * 60 - dropped
        tens, rest = divmod(frame, per_minute * 10 + dropped)
        number += 9 * dropped * tens
        if rest >= dropped:
            number += dropped * ((rest - dropped) // per_minute)
    seconds, frames = divmod(number, rate.nominal)
    minutes, second = divmod(seconds, 60)
    hours, minute = divmod(minutes, 60)
    return f"{hours % _DAY_H:02d}:{minute:02d}:{second:02d}{';' if dropped else ':'}{frames:02d}"


def parse_timecode(text: str, *, rate: TimecodeRate) -> int:
    """The frame, counted from midnight, of 'hh:mm:ss:ff' or 'hh:mm:ss'.

    Raises:
        ValueError: no timecode, a frame number that the rate does not have, or one that drop frame leaves out.
    """
    found = _TIMECODE.fullmatch(text.strip())
    if found is None:
        raise ValueError(f"{text!r} is no timecode: write it as 01:00:00:00")
    hours, minutes, seconds = (int(part) for part in found.groups()[:3])
    frames = int(found.group(4) or 0)
    if hours >= _DAY_H:
        raise ValueError(f"timecode {text!r} has {hours} hours: a day has 24")
    if frames >= rate.nominal:
        raise ValueError(f"timecode {text!r} has frame {frames}: a second has frames 0 to {rate.nominal - 1} here")
    number = ((hours * 60 + minutes) * 60 + seconds) * rate.nominal + frames
    dropped = rate.dropped_per_minute
    if dropped:
        if frames < dropped and seconds == 0 and minutes % 10:
            first = f"{hours:02d}:{minutes:02d}:00;{dropped:02d}"
            raise ValueError(f"timecode {text!r} is left out by drop frame: write {first}")
        all_minutes = hours * 60 + minutes
        number -= dropped * (all_minutes - all_minutes // 10)
    return number


def format_time(time_s: float, *, unit: TimeUnit, rate: TimecodeRate, start_timecode_s: float = 0.0) -> str:
    """A time on the timeline for the ruler and for fields. Only timecode counts from `start_timecode_s`."""
    if unit == "seconds":
        return f"{time_s:.3f}".rstrip("0").rstrip(".") + " s"
    if unit == "frames":
        return str(rate.frame_at(time_s))
    return format_timecode(rate.frame_at(start_timecode_s) + rate.frame_at(time_s), rate=rate)


def parse_time(text: str, *, unit: TimeUnit, rate: TimecodeRate, start_timecode_s: float = 0.0) -> float:
    """Seconds on the timeline of what `format_time` writes; 'm:ss.s' is read too where the unit is seconds.

    Raises:
        ValueError: not to be read, or before the timeline's start.
    """
    if unit == "frames":
        if not text.strip().isdecimal():
            raise ValueError(f"{text!r} is no frame number: write it as 120")
        return rate.time_of(int(text))
    if unit == "timecode":
        frame = parse_timecode(text, rate=rate) - rate.frame_at(start_timecode_s)
        if frame < 0:
            raise ValueError(f"timecode {text!r} lies before the start of the timeline")
        return rate.time_of(frame)
    found = _SECONDS.fullmatch(text.strip())
    if found is None:
        raise ValueError(f"{text!r} is no time: write it as 2.5 or 1:02.5")
    return int(found.group(1) or 0) * 60 + float(found.group(2))


def ruler_step_s(unit: TimeUnit, *, rate: TimecodeRate, at_least_s: float) -> float:
    """The smallest step between labels of a ruler that is at least `at_least_s`: round in what the ruler counts in."""
    tenths = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5)
    frames = tuple(rate.time_of(count) for count in (1, 2, 5, 10) if count < rate.frames_per_s)
    # A whole second of timecode is `nominal` frames, which at 29.97 is a little more than a second.
    second_s = 1.0 if unit == "seconds" else rate.time_of(rate.nominal)
    wholes = tuple(second_s * count for count in (1, 2, 5, 10, 15, 30, 60, 120, 300, 600))
    if unit == "frames":
        wholes = tuple(rate.time_of(count) for count in (20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000, 20_000))
    steps = (*(tenths if unit == "seconds" else frames), *wholes)
    return next((step for step in steps if step >= at_least_s), steps[-1] * math.ceil(at_least_s / steps[-1]))
