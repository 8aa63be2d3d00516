from __future__ import annotations

import dataclasses
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings
from hypothesis import strategies as st

from sounddesk.audio.timeline_mix import TimelineMix
from sounddesk.audio.timeline_mix import limited
from sounddesk.domain.project import MasterBus
from sounddesk.domain.project import Project
from sounddesk.domain.scene import MixerStrip
from sounddesk.domain.scene import SceneObject
from sounddesk.domain.tiled_mask import TiledMask
from sounddesk.domain.timeline import MIN_CLIP_S
from sounddesk.domain.timeline import Clip
from sounddesk.domain.timeline import split

MASK = TiledMask.empty(width=2, height=2)
TAKE = (np.sin(np.arange(48_000) / 9.0) * 0.5).astype(np.float32)


def project(*clips: Clip, strip: MixerStrip | None = None, master: MasterBus | None = None) -> Project:
    lane = SceneObject(id="o1", name="dog", mask=MASK, seed=0, strip=strip or MixerStrip())
    other = SceneObject(id="o2", name="car", mask=MASK, seed=0)
    return Project(objects=(lane, other), clips=clips, master=master or MasterBus())


def clip(**changes: object) -> Clip:
    return dataclasses.replace(Clip(id="c1", object_id="o1", take_id="t", start_s=0.5, duration_s=1.0), **changes)


def mix_of(which: Project) -> TimelineMix:
    return TimelineMix(which, lambda _take: TAKE)


def test_a_centred_stem_is_its_take_on_both_channels() -> None:
    out = mix_of(project(clip())).render(24_000, 48_000)
    assert np.allclose(out, TAKE[:, None], atol=1e-7)


@settings(max_examples=25, deadline=None)
@given(
    cuts=st.lists(st.integers(1, 95_999), max_size=6),
    looped=st.booleans(),
    fade=st.floats(0, 0.4),
    offset=st.floats(0, 0.5),
    gain_db=st.floats(-60, 12),
)
def test_the_result_does_not_depend_on_blocks(
    cuts: list[int], looped: bool, fade: float, offset: float, gain_db: float
) -> None:
    placed = clip(looped=looped, fade_in_s=fade, fade_out_s=fade, offset_s=offset, gain_db=gain_db)
    mix = mix_of(project(placed, strip=MixerStrip(pan=0.3), master=MasterBus(gain_db=-2.0, limiter=True)))
    whole = mix.render(0, 96_000)
    edges = [0, *sorted(set(cuts)), 96_000]
    parts = [mix.render(a, b - a) for a, b in pairwise(edges)]
    assert np.array_equal(np.concatenate(parts), whole)


def test_mute_solo_and_polarity() -> None:
    plain = mix_of(project(clip())).render(24_000, 1000)
    assert not mix_of(project(clip(), strip=MixerStrip(muted=True))).render(24_000, 1000).any()
    assert np.array_equal(mix_of(project(clip(), strip=MixerStrip(inverted=True))).render(24_000, 1000), -plain)
    second = dataclasses.replace(clip(), id="c2", object_id="o2")
    alone = mix_of(project(clip(), second, strip=MixerStrip(soloed=True))).render(24_000, 1000)
    assert np.array_equal(alone, plain)


def test_a_looped_clip_has_no_step_at_its_seam() -> None:
    # A ramp jumps at its end; without the crossfade the largest step would be the whole ramp.
    ramp = np.linspace(-0.5, 0.5, 9600, dtype=np.float32)
    placed = clip(start_s=0.0, duration_s=1.0, looped=True, loop_crossfade_s=0.05)
    out = TimelineMix(project(placed), lambda _take: ramp).render(0, 48_000)[:, 0]
    assert np.abs(np.diff(out)).max() < 0.01


def test_past_the_take_there_is_silence_and_a_missing_take_is_silent() -> None:
    out = mix_of(project(clip(start_s=0.0, duration_s=2.0))).render(48_000, 48_000)
    assert not out.any()
    assert not TimelineMix(project(clip()), lambda _take: None).render(0, 96_000).any()


def test_the_limiter_leaves_quiet_sound_alone_and_stays_below_full_scale() -> None:
    quiet = np.linspace(-0.7, 0.7, 999)
    assert np.allclose(limited(quiet), quiet)
    assert np.abs(limited(np.linspace(-8, 8, 999))).max() < 1.0


@settings(deadline=None, max_examples=300)
@given(
    start_s=st.floats(0.0, 3.0),
    offset_s=st.floats(0.0, 0.4),
    duration_s=st.floats(0.1, 1.0),
    share=st.floats(0.05, 0.95),
)
@pytest.mark.slow
def test_a_split_clip_sounds_as_before_to_the_bit(
    start_s: float, offset_s: float, duration_s: float, share: float
) -> None:
    whole = clip(start_s=start_s, offset_s=offset_s, duration_s=duration_s)
    at_s = min(max(start_s + share * duration_s, start_s + 2 * MIN_CLIP_S), whole.end_s - 2 * MIN_CLIP_S)
    left, right = split(whole, at_s=at_s, new_id="c2")
    count = 5 * 48_000
    np.testing.assert_array_equal(
        mix_of(project(left, right)).render(0, count), mix_of(project(whole)).render(0, count)
    )
