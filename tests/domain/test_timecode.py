"""Timecode against SMPTE ST 12-1 and against an independent package, and round trips of every unit."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st
from timecode import Timecode

from sounddesk.domain.project import ProjectSettings
from sounddesk.domain.timecode import FRAME_RATES
from sounddesk.domain.timecode import TIME_UNITS
from sounddesk.domain.timecode import TimecodeRate
from sounddesk.domain.timecode import TimeUnit
from sounddesk.domain.timecode import exact_rate
from sounddesk.domain.timecode import format_time
from sounddesk.domain.timecode import format_timecode
from sounddesk.domain.timecode import may_drop_frames
from sounddesk.domain.timecode import parse_time
from sounddesk.domain.timecode import parse_timecode
from sounddesk.domain.timecode import ruler_step_s

DF = TimecodeRate.of(29.97, drop_frame=True)
NDF = TimecodeRate.of(29.97)
DF_60 = TimecodeRate.of(59.94, drop_frame=True)
PAL = TimecodeRate.of(25)
RATES = (*(TimecodeRate(rate) for rate in FRAME_RATES), DF, DF_60)


@pytest.mark.parametrize(
    ("frame", "rate", "text"),
    [
        (0, PAL, "00:00:00:00"),
        (90_000, PAL, "01:00:00:00"),
        (24 * 60 + 23, TimecodeRate.of(24), "00:01:00:23"),
        # The frames around a minute that drops numbers, and one that does not.
        (1799, DF, "00:00:59;29"),
        (1800, DF, "00:01:00;02"),
        (17_981, DF, "00:09:59;29"),
        (17_982, DF, "00:10:00;00"),
        (107_892, DF, "01:00:00;00"),
        (107_892, NDF, "00:59:56:12"),
        (3599, DF_60, "00:00:59;59"),
        (3600, DF_60, "00:01:00;04"),
        (215_784, DF_60, "01:00:00;00"),
        (86_400, TimecodeRate.of(23.976), "01:00:00:00"),
        (172_800, TimecodeRate.of(47.952), "01:00:00:00"),
        (86_400 * 30, TimecodeRate.of(30), "00:00:00:00"),
    ],
)
def test_known_frames(frame: int, rate: TimecodeRate, text: str) -> None:
    assert format_timecode(frame, rate=rate) == text
    assert parse_timecode(text, rate=rate) == frame % (86_400 * 30)


@pytest.mark.parametrize("rate", RATES, ids=str)
@given(frame=st.integers(0, 24 * 3600 * 23))
def test_an_independent_package_counts_alike(rate: TimecodeRate, frame: int) -> None:
    """That package knows no 47.952, and counts from 1; timecode of 47.952 is that of 48."""
    name = {"23.976": "23.98", "47.952": "48"}.get(str(rate), str(rate).removesuffix(" DF"))
    theirs = Timecode(name, frames=frame + 1, force_non_drop_frame=not rate.drop_frame)
    text = format_timecode(frame, rate=rate)
    assert text.replace(";", ":") == str(theirs).replace(";", ":")
    assert (";" in text) == rate.drop_frame
    assert parse_timecode(text, rate=rate) == frame


@given(frame=st.integers(0, 90_000), rate=st.sampled_from(RATES), unit=st.sampled_from(TIME_UNITS))
def test_a_written_time_is_read_as_the_same_frame(frame: int, rate: TimecodeRate, unit: TimeUnit) -> None:
    time_s = rate.time_of(frame)
    assert rate.frame_at(time_s) == frame
    text = format_time(time_s, unit=unit, rate=rate, start_timecode_s=3600.0)
    assert parse_time(text, unit=unit, rate=rate, start_timecode_s=3600.0) == pytest.approx(time_s, abs=0.0006)


@pytest.mark.parametrize(("rate", "a_second", "dropped"), [(DF, 30, 2), (DF_60, 60, 4)], ids=["29.97", "59.94"])
def test_ten_minutes_have_the_numbers_of_smpte_s_rule(rate: TimecodeRate, a_second: int, dropped: int) -> None:
    """ST 12-1, 5.2.2: the first numbers of each minute are left out, but for minutes 0, 10, 20 and so on."""
    table = [
        f"00:{minute:02}:{second:02};{frame:02}"
        for minute in range(10)
        for second in range(60)
        for frame in range(a_second)
        if second or frame >= dropped or not minute
    ]
    assert [format_timecode(frame, rate=rate) for frame in range(len(table))] == table
    assert [parse_timecode(text, rate=rate) for text in table] == list(range(len(table)))
    assert format_timecode(len(table), rate=rate) == "00:10:00;00"


def test_drop_frame_keeps_up_with_the_clock() -> None:
    """After an hour the timecode is within two frames of an hour; without dropping it is 108 frames off."""
    assert format_timecode(DF.frame_at(3600.0), rate=DF) == "01:00:00;00"
    assert format_timecode(NDF.frame_at(3600.0), rate=NDF) == "00:59:56:12"


def test_settings_say_how_timecode_is_counted() -> None:
    assert ProjectSettings(frame_rate=29.97, drop_frame=True).timecode_rate == DF
    assert ProjectSettings(frame_rate=30000 / 1001).timecode_rate == NDF
    with pytest.raises(ValueError, match="drop frame at 25"):
        ProjectSettings(drop_frame=True)
    with pytest.raises(ValueError, match="frame rate is inf"):
        ProjectSettings(frame_rate=float("inf"))


@pytest.mark.parametrize("rate", FRAME_RATES, ids=float)
def test_a_rate_survives_being_a_float(rate: Fraction) -> None:
    assert exact_rate(float(rate)) == exact_rate(round(float(rate), 3)) == rate
    assert may_drop_frames(rate) == (rate in (Fraction(30000, 1001), Fraction(60000, 1001)))


@pytest.mark.parametrize(
    "text", ["", "1", "00:61:00:00", "00:00:00:25", "25:00:00:00", "aa:00:00:00", "00:00:00:-1", "١:00:00:00x"]
)
def test_what_is_no_timecode_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="timecode|frame|hours"):
        parse_timecode(text, rate=PAL)


def test_a_number_that_drop_frame_leaves_out_is_refused_with_the_next_one() -> None:
    with pytest.raises(ValueError, match="write 00:01:00;02"):
        parse_timecode("00:01:00;00", rate=DF)
    with pytest.raises(ValueError, match="write 09:59:00;04"):
        parse_timecode("9:59:00;3", rate=DF_60)
    assert parse_timecode("00:01:00:00", rate=NDF) == 1800


@pytest.mark.parametrize(("text", "seconds"), [("2.5", 2.5), ("2.5 s", 2.5), ("1:02.5", 62.5), ("0", 0.0)])
def test_seconds_as_people_write_them(text: str, seconds: float) -> None:
    assert parse_time(text, unit="seconds", rate=PAL) == seconds


def test_before_the_timeline_is_refused() -> None:
    with pytest.raises(ValueError, match="before the start"):
        parse_time("00:59:59:00", unit="timecode", rate=PAL, start_timecode_s=3600.0)


@given(
    unit=st.sampled_from(TIME_UNITS),
    rate=st.sampled_from(RATES),
    at_least_s=st.floats(1e-3, 5e3, allow_nan=False),
)
def test_ruler_steps_are_whole_frames_and_wide_enough(unit: TimeUnit, rate: TimecodeRate, at_least_s: float) -> None:
    step = ruler_step_s(unit, rate=rate, at_least_s=at_least_s)
    assert step >= at_least_s
    if unit != "seconds":
        frames = step * float(rate.frames_per_s)
        assert frames == pytest.approx(round(frames), rel=1e-9)
