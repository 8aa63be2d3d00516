"""Times as people write them: seconds, frames, and SMPTE timecode with and without drop frame (SMPTE ST 12-1)."""

from __future__ import annotations

import math
import re
from typing import Final
from typing import Literal

TimeUnit = Literal["seconds", "frames", "timecode"]
TIME_UNITS: Final[tuple[TimeUnit, ...]] = ("seconds", "timecode", "frames")

# 29.97 frames per second are numbered as if there were 30; drop frame leaves out numbers 0 and 1 of every minute but
# each tenth, so that an hour of timecode lasts an hour. Frames themselves are never dropped.
_DROPPED: Final = 2
_PER_MINUTE: Final = 30 * 60 - _DROPPED
_PER_TEN_MINUTES: Final = 30 * 600 - 9 * _DROPPED
_DAY_H: Final = 24

_TIMECODE: Final = re.compile(r"(\d{1,2}):([0-5]?\d):([0-5]?\d)(?:[:;.](\d{1,3}))?")
_SECONDS: Final = re.compile(r"(?:(\d+):)?(\d+(?:\.\d+)?)\s*s?")


def is_drop_frame(frame_rate: float) -> bool:
    """Whether timecode of this rate drops numbers: 30000/1001 frames per second does, as is usual in editing."""
    return abs(frame_rate - 30000 / 1001) < 0.005


def nominal_rate(frame_rate: float) -> int:
    """Frames that timecode counts in a second, e.g. 30 for 29.97."""
    return max(1, round(frame_rate))


def frame_at(time_s: float, *, frame_rate: float) -> int:
    """The frame nearest to a time, counted from 0."""
    return round(time_s * frame_rate)


def format_timecode(frame: int, *, frame_rate: float) -> str:
    """'hh:mm:ss:ff' of a frame counted from midnight, 'hh:mm:ss;ff' with drop frame; it starts again after a day."""
    rate = nominal_rate(frame_rate)
    drop = is_drop_frame(frame_rate)
    number = frame
    if drop:
        tens, rest = divmod(frame, _PER_TEN_MINUTES)
        number += 9 * _DROPPED * tens
        if rest >= _DROPPED:
            number += _DROPPED * ((rest - _DROPPED) // _PER_MINUTE)
    seconds, frames = divmod(number, rate)
    minutes, second = divmod(seconds, 60)
    hours, minute = divmod(minutes, 60)
    return f"{hours % _DAY_H:02d}:{minute:02d}:{second:02d}{';' if drop else ':'}{frames:02d}"


def parse_timecode(text: str, *, frame_rate: float) -> int:
    """The frame, counted from midnight, of 'hh:mm:ss:ff' or 'hh:mm:ss'.

    Raises:
        ValueError: no timecode, a frame number that the rate does not have, or one that drop frame leaves out.
    """
    found = _TIMECODE.fullmatch(text.strip())
    if found is None:
        raise ValueError(f"{text!r} is no timecode: write it as 01:00:00:00")
    hours, minutes, seconds = (int(part) for part in found.groups()[:3])
    frames = int(found.group(4) or 0)
    rate = nominal_rate(frame_rate)
    if hours >= _DAY_H:
        raise ValueError(f"timecode {text!r} has {hours} hours: a day has 24")
    if frames >= rate:
        raise ValueError(f"timecode {text!r} has frame {frames}: a second has frames 0 to {rate - 1} here")
    number = ((hours * 60 + minutes) * 60 + seconds) * rate + frames
    if is_drop_frame(frame_rate):
        if frames < _DROPPED and seconds == 0 and minutes % 10:
            raise ValueError(f"timecode {text!r} is left out by drop frame: write {text.strip()[:-1]}{_DROPPED}")
        all_minutes = hours * 60 + minutes
        number -= _DROPPED * (all_minutes - all_minutes // 10)
    return number


def format_time(time_s: float, *, unit: TimeUnit, frame_rate: float, start_timecode_s: float = 0.0) -> str:
    """A time on the timeline for the ruler and for fields. Only timecode counts from `start_timecode_s`."""
    if unit == "seconds":
        return f"{time_s:.3f}".rstrip("0").rstrip(".") + " s"
    if unit == "frames":
        return str(frame_at(time_s, frame_rate=frame_rate))
    first = frame_at(start_timecode_s, frame_rate=frame_rate)
    return format_timecode(first + frame_at(time_s, frame_rate=frame_rate), frame_rate=frame_rate)


def parse_time(text: str, *, unit: TimeUnit, frame_rate: float, start_timecode_s: float = 0.0) -> float:
    """Seconds on the timeline of what `format_time` writes; 'm:ss.s' is read too where the unit is seconds.

    Raises:
        ValueError: not to be read, or before the timeline's start.
    """
    if unit == "frames":
        if not text.strip().isdecimal():
            raise ValueError(f"{text!r} is no frame number: write it as 120")
        return int(text) / frame_rate
    if unit == "timecode":
        frame = parse_timecode(text, frame_rate=frame_rate) - frame_at(start_timecode_s, frame_rate=frame_rate)
        if frame < 0:
            raise ValueError(f"timecode {text!r} lies before the start of the timeline")
        return frame / frame_rate
    found = _SECONDS.fullmatch(text.strip())
    if found is None:
        raise ValueError(f"{text!r} is no time: write it as 2.5 or 1:02.5")
    return int(found.group(1) or 0) * 60 + float(found.group(2))


def ruler_step_s(unit: TimeUnit, *, frame_rate: float, at_least_s: float) -> float:
    """The smallest step between labels of a ruler that is at least `at_least_s`: round in what the ruler counts in."""
    tenths = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5)
    frames = tuple(count / frame_rate for count in (1, 2, 5, 10) if count < frame_rate)
    # A whole second of timecode is `nominal_rate` frames, which at 29.97 is a little more than a second.
    second_s = 1.0 if unit == "seconds" else nominal_rate(frame_rate) / frame_rate
    wholes = tuple(second_s * count for count in (1, 2, 5, 10, 15, 30, 60, 120, 300, 600))
    if unit == "frames":
        wholes = tuple(count / frame_rate for count in (20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000, 20_000))
    steps = (*(tenths if unit == "seconds" else frames), *wholes)
    return next((step for step in steps if step >= at_least_s), steps[-1] * math.ceil(at_least_s / steps[-1]))
