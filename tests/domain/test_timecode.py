"""Timecode against SMPTE ST 12-1, and round trips of every unit."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sounddesk.domain.project import FRAME_RATES
from sounddesk.domain.timecode import TIME_UNITS
from sounddesk.domain.timecode import TimeUnit
from sounddesk.domain.timecode import format_time
from sounddesk.domain.timecode import format_timecode
from sounddesk.domain.timecode import parse_time
from sounddesk.domain.timecode import parse_timecode
from sounddesk.domain.timecode import ruler_step_s

NTSC = 30000 / 1001


@pytest.mark.parametrize(
    ("frame", "rate", "text"),
    [
        (0, 25.0, "00:00:00:00"),
        (90_000, 25.0, "01:00:00:00"),
        (24 * 60 + 23, 24.0, "00:01:00:23"),
        # The frames around a minute that drops numbers, and one that does not.
        (1799, NTSC, "00:00:59;29"),
        (1800, NTSC, "00:01:00;02"),
        (17_981, NTSC, "00:09:59;29"),
        (17_982, NTSC, "00:10:00;00"),
        (107_892, NTSC, "01:00:00;00"),
        (86_400 * 30, 30.0, "00:00:00:00"),
    ],
)
def test_known_frames(frame: int, rate: float, text: str) -> None:
    assert format_timecode(frame, frame_rate=rate) == text
    assert parse_timecode(text, frame_rate=rate) == frame % (86_400 * 30)


@given(frame=st.integers(0, 23 * 3600 * 24), rate=st.sampled_from(FRAME_RATES))
def test_timecode_comes_back(frame: int, rate: float) -> None:
    assert parse_timecode(format_timecode(frame, frame_rate=rate), frame_rate=rate) == frame


@given(frame=st.integers(0, 90_000), rate=st.sampled_from(FRAME_RATES), unit=st.sampled_from(TIME_UNITS))
def test_a_written_time_is_read_as_the_same_frame(frame: int, rate: float, unit: TimeUnit) -> None:
    time_s = frame / rate
    text = format_time(time_s, unit=unit, frame_rate=rate, start_timecode_s=3600.0)
    assert parse_time(text, unit=unit, frame_rate=rate, start_timecode_s=3600.0) == pytest.approx(time_s, abs=0.0006)


def test_drop_frame_keeps_up_with_the_clock() -> None:
    """After an hour the timecode is within two frames of an hour; without dropping it would be 108 frames off."""
    assert format_timecode(round(3600 * NTSC), frame_rate=NTSC) == "01:00:00;00"


@pytest.mark.parametrize(
    "text", ["", "1", "00:61:00:00", "00:00:00:25", "25:00:00:00", "aa:00:00:00", "00:00:00:-1", "١:00:00:00x"]
)
def test_what_is_no_timecode_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="timecode|frame|hours"):
        parse_timecode(text, frame_rate=25.0)


def test_a_number_that_drop_frame_leaves_out_is_refused_with_the_next_one() -> None:
    with pytest.raises(ValueError, match="00:01:00;02"):
        parse_timecode("00:01:00;00", frame_rate=NTSC)


@pytest.mark.parametrize(("text", "seconds"), [("2.5", 2.5), ("2.5 s", 2.5), ("1:02.5", 62.5), ("0", 0.0)])
def test_seconds_as_people_write_them(text: str, seconds: float) -> None:
    assert parse_time(text, unit="seconds", frame_rate=25.0) == seconds


def test_before_the_timeline_is_refused() -> None:
    with pytest.raises(ValueError, match="before the start"):
        parse_time("00:59:59:00", unit="timecode", frame_rate=25.0, start_timecode_s=3600.0)


@given(
    unit=st.sampled_from(TIME_UNITS),
    rate=st.sampled_from(FRAME_RATES),
    at_least_s=st.floats(1e-3, 5e3, allow_nan=False),
)
def test_ruler_steps_are_whole_frames_and_wide_enough(unit: TimeUnit, rate: float, at_least_s: float) -> None:
    step = ruler_step_s(unit, frame_rate=rate, at_least_s=at_least_s)
    assert step >= at_least_s
    if unit != "seconds":
        assert step * rate == pytest.approx(round(step * rate), rel=1e-9)
