"""Fades with curves, crossfades, clips that play backwards, and gain along a clip, as they are heard."""

from __future__ import annotations

from itertools import pairwise
from typing import get_args

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings
from hypothesis import strategies as st

from sounddesk.audio.gain_curves import FADE_SHAPES
from sounddesk.audio.timeline_mix import TimelineMix
from sounddesk.domain.automation import CurvePoint
from sounddesk.domain.automation import with_point
from sounddesk.domain.project import Project
from sounddesk.domain.project import ProjectSettings
from sounddesk.domain.scene import SceneObject
from sounddesk.domain.tiled_mask import TiledMask
from sounddesk.domain.timeline import Clip
from sounddesk.domain.timeline import FadeCurve
from sounddesk.domain.timeline import split

RATE = 48_000
MASK = TiledMask.empty(width=1, height=1)
NOISE = (np.random.default_rng(1).standard_normal(RATE) * 0.2).astype(np.float32)
ONES = np.ones(RATE, dtype=np.float32)
CURVES = st.sampled_from(get_args(FadeCurve))


def a_clip(clip_id: str = "c1", **changes: object) -> Clip:
    values = {"object_id": "o", "take_id": "t", "start_s": 0.0, "duration_s": 1.0, **changes}
    return Clip(id=clip_id, **values)


def heard(*clips: Clip, take: np.ndarray = NOISE, crossfades: bool = True, seconds: float = 2.0) -> np.ndarray:
    return mix_of(*clips, take=take, crossfades=crossfades).render(0, round(seconds * RATE))[:, 0]


def mix_of(*clips: Clip, take: np.ndarray = NOISE, crossfades: bool = True) -> TimelineMix:
    lane = SceneObject(id="o", name="dog", mask=MASK, seed=0)
    project = Project(objects=(lane,), clips=clips, settings=ProjectSettings(crossfades=crossfades))
    return TimelineMix(project, lambda _take: take)


@st.composite
def envelopes(draw: st.DrawFn) -> tuple[CurvePoint, ...]:
    curve: tuple[CurvePoint, ...] = ()
    for time_s, value in draw(st.lists(st.tuples(st.floats(0, 1.5), st.floats(-60, 12)), max_size=4)):
        curve = with_point(curve, CurvePoint(time_s=time_s, value=value))
    return curve


@settings(max_examples=25, deadline=None)
@given(
    cuts=st.lists(st.integers(1, 2 * RATE - 1), max_size=5),
    curves=st.tuples(CURVES, CURVES),
    fade=st.floats(0, 0.4),
    envelope=envelopes(),
    backwards=st.booleans(),
    second_s=st.floats(0.0, 1.0),
)
def test_the_result_does_not_depend_on_blocks(cuts, curves, fade, envelope, backwards, second_s) -> None:
    first = a_clip(
        fade_in_s=fade, fade_out_s=fade, fade_in_curve=curves[0], fade_out_curve=curves[1], envelope=envelope,
        reversed=backwards, offset_s=fade / 3,
    )  # fmt: skip
    mix = mix_of(first, a_clip("c2", start_s=second_s, reversed=not backwards))
    whole = mix.render(0, 2 * RATE)
    edges = [0, *sorted(set(cuts)), 2 * RATE]
    assert np.array_equal(np.concatenate([mix.render(a, b - a) for a, b in pairwise(edges)]), whole)


@pytest.mark.parametrize("curve", get_args(FadeCurve))
def test_every_curve_rises_from_silence_to_the_whole_and_falls_as_its_mirror(curve: FadeCurve) -> None:
    out = heard(a_clip(fade_in_s=0.25, fade_out_s=0.25, fade_in_curve=curve, fade_out_curve=curve), take=ONES)[:RATE]
    rising = out[: RATE // 4]
    assert out[0] < 1e-3
    assert (np.diff(rising) >= 0).all()
    assert rising[-1] == pytest.approx(1.0, abs=1e-3)
    assert np.allclose(out, out[::-1], atol=1e-6)
    assert (out[RATE // 4 : -RATE // 4] == 1.0).all()


def test_the_curves_differ_as_their_names_say() -> None:
    half = {name: float(shape(np.array(0.5))) for name, shape in FADE_SHAPES.items()}
    assert half["linear"] == 0.5
    assert half["s"] == pytest.approx(0.5)
    # Equal power: half of the power, -3 dB; exponential: 20 dB down where half of 40 dB have passed.
    assert half["equal_power"] == pytest.approx(np.sqrt(0.5))
    assert half["exponential"] == pytest.approx(1 / 11)


@settings(max_examples=20, deadline=None)
@given(overlap=st.integers(100, RATE - 100))
def test_overlapping_clips_cross_with_constant_power(overlap: int) -> None:
    # One clip is heard on the way in, the other on the way out: their gains are told apart by sounding alone.
    clips = (a_clip(), a_clip("c2", start_s=1.0 - overlap / RATE, take_id="t2"))
    lane = SceneObject(id="o", name="dog", mask=MASK, seed=0)
    project = Project(objects=(lane,), clips=clips)
    gains = [
        TimelineMix(project, lambda take, one=one: ONES if take == one else None).render(0, RATE)[:, 0]
        for one in ("t", "t2")
    ]
    crossing = slice(RATE - overlap, RATE)
    assert np.allclose(gains[0][crossing] ** 2 + gains[1][crossing] ** 2, 1.0, atol=1e-5)
    assert (gains[0][: RATE - overlap] == 1.0).all()


def test_without_crossfades_and_inside_one_another_clips_add_up() -> None:
    clips = (a_clip(), a_clip("c2", start_s=0.5))
    assert heard(*clips, take=ONES, crossfades=False)[int(0.75 * RATE)] == 2.0
    inside = a_clip("c2", start_s=0.25, duration_s=0.5)
    assert (heard(a_clip(), inside, take=ONES)[RATE // 4 : RATE // 2] == 2.0).all()


def test_backwards_and_backwards_again_is_as_before() -> None:
    assert np.array_equal(heard(a_clip(reversed=True))[:RATE], NOISE[::-1])
    trimmed = heard(a_clip(reversed=True, offset_s=0.25, duration_s=0.5))[: RATE // 2]
    assert np.array_equal(trimmed, NOISE[::-1][RATE // 4 : 3 * RATE // 4])


def test_a_gain_envelope_reaches_silence_smoothly_and_belongs_to_the_sound() -> None:
    envelope = (
        CurvePoint(time_s=0.2, value=0.0),
        CurvePoint(time_s=0.6, value=-60.0),
        CurvePoint(time_s=0.8, value=6.0),
    )
    out = heard(a_clip(envelope=envelope), take=ONES)[:RATE]
    assert out[int(0.2 * RATE) - 1] == pytest.approx(1.0, abs=1e-4)
    assert abs(out[int(0.6 * RATE)]) < 1e-4
    assert out[int(0.9 * RATE)] == pytest.approx(10 ** (6 / 20), rel=1e-5)
    assert np.abs(np.diff(out)).max() < 0.001
    # Trimming the clip's beginning leaves each point at its sound.
    later = a_clip(envelope=envelope, start_s=0.5, offset_s=0.5, duration_s=0.5)
    assert np.array_equal(heard(later, take=ONES)[RATE // 2 : RATE], out[RATE // 2 :])


@settings(max_examples=20, deadline=None)
@given(envelope=envelopes(), backwards=st.booleans(), share=st.floats(0.05, 0.95))
def test_a_split_clip_sounds_as_before_to_the_bit(envelope, backwards, share) -> None:
    whole = a_clip(start_s=0.3, envelope=envelope, reversed=backwards)
    left, right = split(whole, at_s=0.3 + share, new_id="c2")
    np.testing.assert_array_equal(heard(left, right), heard(whole))
