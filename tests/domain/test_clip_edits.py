"""Edits of clips: what moves, what is copied, and what falls on a marker."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sounddesk.audio.timeline_mix import TimelineMix
from sounddesk.domain.clip_edits import snap_targets
from sounddesk.domain.clip_edits import snapped
from sounddesk.domain.clip_edits import with_clip_at_markers
from sounddesk.domain.clip_edits import with_clips_duplicated
from sounddesk.domain.clip_edits import with_clips_moved
from sounddesk.domain.clip_edits import with_clips_pasted
from sounddesk.domain.clip_edits import with_fades
from sounddesk.domain.clip_edits import with_length_of_clips
from sounddesk.domain.clip_edits import with_room_for_clips
from sounddesk.domain.project import Project
from sounddesk.domain.scene import SceneObject
from sounddesk.domain.tiled_mask import TiledMask
from sounddesk.domain.timeline import PROJECT_RATE_HZ
from sounddesk.domain.timeline import Clip
from sounddesk.domain.timeline import Marker


def project_with(*clips: Clip, markers: tuple[Marker, ...] = ()) -> Project:
    mask = TiledMask.empty(width=1, height=1)
    lanes = tuple(SceneObject(id=each, name=each, mask=mask, seed=0) for each in ("a", "b"))
    return Project(objects=lanes, clips=clips, markers=markers, next_id=10)


def clip(start_s: float, duration_s: float = 1.0, **fields: object) -> Clip:
    made = {"id": f"c{start_s:g}", "object_id": "a", "take_id": "t", **fields}
    return Clip(start_s=start_s, duration_s=duration_s, **made)  # type: ignore[arg-type]


def test_snapping_takes_the_nearest_that_is_near_enough() -> None:
    assert snapped(1.04, [0.0, 1.0, 1.05], within_s=0.1) == 1.05
    assert snapped(1.2, [0.0, 1.0], within_s=0.1) is None
    assert snapped(1.0, [], within_s=0.1) is None


def test_targets_are_ends_markers_and_the_other_clips() -> None:
    project = project_with(clip(1.0), clip(4.0), markers=(Marker(id="m", time_s=2.5),))
    assert snap_targets(project, without=["c4"]) == (0.0, 1.0, 2.0, 2.5, 10.0)


@given(by_s=st.floats(-20, 20))
def test_clips_move_together_and_stop_at_the_start(by_s: float) -> None:
    clips = (clip(1.0), clip(3.0, object_id="b"))
    moved = with_clips_moved(project_with(*clips), clips, by_s)
    first, second = (moved.clip(each.id).start_s for each in clips)
    assert second - first == pytest.approx(2.0)
    assert first == pytest.approx(max(0.0, 1.0 + by_s))


@given(fade_in_s=st.floats(-1, 5), fade_out_s=st.floats(-1, 5), both=st.booleans())
def test_fades_never_overlap(fade_in_s: float, fade_out_s: float, both: bool) -> None:
    one = with_fades(clip(0.0, 2.0), fade_in_s=fade_in_s)
    made = with_fades(one, fade_in_s=fade_in_s if both else None, fade_out_s=fade_out_s)
    assert made.fade_in_s == pytest.approx(min(max(fade_in_s, 0.0), 2.0))
    assert made.fade_out_s == pytest.approx(min(max(fade_out_s, 0.0), 2.0 - made.fade_in_s))


def test_a_fade_handle_stops_at_the_other_fade() -> None:
    held = with_fades(clip(0.0, 2.0, fade_out_s=0.5), fade_in_s=1.9)
    assert (held.fade_in_s, held.fade_out_s) == (1.5, 0.5)


def test_copies_keep_their_rhythm_and_lanes() -> None:
    project = project_with(clip(1.0), clip(1.5, object_id="b", gain_db=-3.0))
    pasted, ids = with_clips_pasted(project, project.clips, at_s=5.0)
    first, second = (pasted.clip(each) for each in ids)
    assert (first.start_s, first.object_id) == (5.0, "a")
    assert (second.start_s, second.object_id, second.gain_db) == (5.5, "b", -3.0)
    doubled, ids = with_clips_duplicated(project, ["c1", "c1.5"])
    assert [doubled.clip(each).start_s for each in ids] == [2.5, 3.0]


def test_copies_of_a_lane_that_is_gone_are_left_out() -> None:
    project = project_with(clip(1.0))
    pasted, ids = with_clips_pasted(project, [clip(0.0, object_id="gone")], at_s=0.0)
    assert (pasted, ids) == (project, ())


def test_the_loudest_moment_falls_on_each_marker() -> None:
    samples = np.zeros(PROJECT_RATE_HZ, np.float32)
    samples[24_000] = 1.0
    markers = tuple(
        Marker(id=f"m{t}", time_s=t, object_id=lane) for t, lane in ((0.1, None), (2.0, "a"), (3.0, "b"), (4.5, None))
    )
    pattern = clip(0.0, 0.8, offset_s=0.2)
    project = with_clip_at_markers(project_with(pattern, markers=markers), pattern, peak_s=0.3)
    mix = TimelineMix(project, lambda _take: samples).render(0, 6 * PROJECT_RATE_HZ)[:, 0]
    assert np.flatnonzero(mix > 0.5).tolist() == [round(t * PROJECT_RATE_HZ) for t in (0.1, 2.0, 4.5)]


def test_copies_at_markers_do_not_overlap() -> None:
    markers = tuple(Marker(id=f"m{t}", time_s=t) for t in (1.0, 1.4, 4.0, 4.0))
    pattern = clip(0.0, 3.0)
    project = with_clip_at_markers(project_with(pattern, markers=markers), pattern, peak_s=0.5)
    placed = sorted(project.clips, key=lambda each: each.start_s)
    assert [(each.start_s, each.end_s) for each in placed] == [
        (0.5, pytest.approx(1.2)), (pytest.approx(1.2), pytest.approx(3.5)), (3.5, 6.5),
    ]  # fmt: skip
    # Each moment of the take stays where its marker has it.
    assert [each.start_s - each.offset_s for each in placed] == [0.5, pytest.approx(0.9), 3.5]


def test_place_at_markers_says_what_is_missing() -> None:
    pattern = clip(0.0)
    with pytest.raises(ValueError, match="no marker"):
        with_clip_at_markers(
            project_with(pattern, markers=(Marker(id="m", time_s=1.0, object_id="b"),)), pattern, peak_s=0
        )
    with pytest.raises(ValueError, match="outside the clip"):
        with_clip_at_markers(project_with(pattern, markers=(Marker(id="m", time_s=1.0),)), pattern, peak_s=1.5)


def test_the_timeline_grows_for_a_clip_and_shrinks_only_on_demand() -> None:
    project = project_with(clip(11.0, 2.5))
    assert with_room_for_clips(project).settings.timeline_s == 13.5
    short = project_with(clip(1.0))
    assert with_room_for_clips(short) is short
    assert with_length_of_clips(short).settings.timeline_s == 2.0
