"""Curves by points, and edits of them and of clips that follow each other."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sounddesk.domain.automation import MIN_POINT_GAP_S
from sounddesk.domain.automation import Curve
from sounddesk.domain.automation import CurvePoint
from sounddesk.domain.automation import check_curve
from sounddesk.domain.automation import mirrored
from sounddesk.domain.automation import share_of
from sounddesk.domain.automation import value_at
from sounddesk.domain.automation import value_of
from sounddesk.domain.automation import with_point
from sounddesk.domain.automation import with_point_moved
from sounddesk.domain.automation import with_time_inserted
from sounddesk.domain.automation import with_time_removed
from sounddesk.domain.clip_edits import with_clip_reversed
from sounddesk.domain.crossfades import fades_of_lane
from sounddesk.domain.levels import summed_gain_db
from sounddesk.domain.project import Project
from sounddesk.domain.ripple import with_followers
from sounddesk.domain.ripple import with_gap_closed
from sounddesk.domain.ripple import with_lanes_moved
from sounddesk.domain.ripple import with_room_made
from sounddesk.domain.scene import SceneObject
from sounddesk.domain.tiled_mask import TiledMask
from sounddesk.domain.timeline import Clip

MASK = TiledMask.empty(width=1, height=1)


@st.composite
def curves(draw: st.DrawFn) -> Curve:
    curve: Curve = ()
    for time_s, value in draw(st.lists(st.tuples(st.floats(0, 10), st.floats(-60, 12)), min_size=1, max_size=5)):
        curve = with_point(curve, CurvePoint(time_s=time_s, value=value))
    return curve


@given(curves(), st.data())
def test_whatever_is_added_or_moved_stays_in_order_and_apart(curve: Curve, data: st.DataObject) -> None:
    check_curve(curve, kind="volume")
    index = data.draw(st.integers(0, len(curve) - 1))
    to = CurvePoint(time_s=data.draw(st.floats(0, 20)), value=0.0)
    moved = with_point_moved(curve, index, to)
    assert moved[index].value == 0.0
    assert [point for i, point in enumerate(moved) if i != index] == [p for i, p in enumerate(curve) if i != index]
    if index in (0, len(curve) - 1) or curve[index + 1].time_s - curve[index - 1].time_s >= 2 * MIN_POINT_GAP_S:
        check_curve(moved, kind="volume")


@given(st.floats(-60, 12), st.floats(-1, 1))
def test_values_and_heights_are_each_other_s_inverse(gain_db: float, pan: float) -> None:
    assert value_of(share_of(gain_db, kind="volume"), kind="volume") == pytest.approx(gain_db, abs=1e-9)
    assert value_of(share_of(pan, kind="pan"), kind="pan") == pytest.approx(pan, abs=1e-12)


def test_a_curve_is_constant_outside_its_points() -> None:
    curve = (CurvePoint(time_s=1.0, value=-6.0), CurvePoint(time_s=2.0, value=0.0))
    assert [value_at(curve, time_s, kind="volume") for time_s in (0.0, 5.0)] == [-6.0, 0.0]
    assert -6.0 < value_at(curve, 1.5, kind="volume") < 0.0


@pytest.mark.parametrize(
    ("curve", "kind", "what"),
    [
        ((CurvePoint(time_s=1.0, value=0.0), CurvePoint(time_s=1.0, value=0.0)), "volume", "ms apart"),
        ((CurvePoint(time_s=0.0, value=13.0),), "volume", "-60 to 12"),
        ((CurvePoint(time_s=0.0, value=1.5),), "pan", "-1 to 1"),
    ],
)
def test_what_would_click_or_is_out_of_range_is_refused(curve: Curve, kind: str, what: str) -> None:
    with pytest.raises(ValueError, match=what):
        check_curve(curve, kind=kind)


@given(curves())
def test_a_mirrored_curve_is_itself_again(curve: Curve) -> None:
    again = mirrored(mirrored(curve, seconds=10.0), seconds=10.0)
    assert [point.value for point in again] == [point.value for point in curve]
    assert [point.time_s for point in again] == pytest.approx([point.time_s for point in curve], abs=1e-8)


def a_clip(clip_id: str, start_s: float, duration_s: float = 1.0, **changes: object) -> Clip:
    values = {"object_id": "o1", "take_id": "t", **changes}
    return Clip(id=clip_id, start_s=start_s, duration_s=duration_s, **values)


def two_lanes(*clips: Clip) -> Project:
    lanes = tuple(SceneObject(id=each, name=each, mask=MASK, seed=0) for each in ("o1", "o2"))
    return Project(objects=lanes, clips=clips)


def test_a_reversed_clip_plays_the_same_part_of_its_take() -> None:
    clip = a_clip("c", 2.0, 1.0, offset_s=0.5, envelope=(CurvePoint(time_s=0.6, value=-6.0),))
    backwards = with_clip_reversed(clip, take_seconds=4.0)
    assert (backwards.offset_s, backwards.envelope[0].time_s) == (2.5, pytest.approx(3.4))
    assert with_clip_reversed(backwards, take_seconds=4.0) == clip
    loop = a_clip("c", 2.0, 9.0, offset_s=0.5, looped=True)
    assert with_clip_reversed(with_clip_reversed(loop, take_seconds=4.0), take_seconds=4.0) == loop


def test_three_clips_in_a_row_cross_with_their_neighbours() -> None:
    fades = fades_of_lane([a_clip("a", 0.0), a_clip("b", 0.8), a_clip("c", 1.6)], crossfades=True)
    assert [tuple(round(each, 9) for each in fades[clip]) for clip in "abc"] == [(0.0, 0.2), (0.2, 0.2), (0.2, 0.0)]


def test_a_fade_of_one_s_own_counts_where_it_is_longer() -> None:
    fades = fades_of_lane([a_clip("a", 0.0, fade_out_s=0.5), a_clip("b", 0.8)], crossfades=True)
    assert fades["a"].out_s == 0.5


def test_a_gap_closes_by_what_sounds_no_more() -> None:
    # What is deleted is covered for half a second by one that stays; the other lane is left alone.
    project = two_lanes(a_clip("a", 0.0), a_clip("b", 0.5), a_clip("c", 3.0), a_clip("d", 2.0, object_id="o2"))
    closed = with_gap_closed(project, ["b"])
    assert {clip.id: clip.start_s for clip in closed.clips} == {"a": 0.0, "c": 2.5, "d": 2.0}


@given(st.lists(st.floats(0, 20), min_size=1, max_size=6, unique=True), st.data())
def test_closing_a_gap_keeps_the_order_and_moves_nothing_later(starts: list[float], data: st.DataObject) -> None:
    clips = [a_clip(f"c{i}", start_s) for i, start_s in enumerate(sorted(starts))]
    gone = data.draw(st.sets(st.sampled_from([clip.id for clip in clips])))
    kept = [clip for clip in clips if clip.id not in gone]
    closed = with_gap_closed(two_lanes(*clips), gone).clips_of("o1")
    assert {clip.id for clip in closed} == {clip.id for clip in kept}
    after = {clip.id: clip.start_s for clip in closed}
    for clip in kept:
        assert after[clip.id] <= clip.start_s + 1e-9
    for one, other in itertools.pairwise(kept):
        # What overlapped does so by as much as before, and nothing overlaps that did not.
        before = min(0.0, other.start_s - one.end_s)
        assert after[other.id] - after[one.id] - 1.0 >= before - 1e-9


def test_room_is_made_and_what_sounds_there_is_cut() -> None:
    project = two_lanes(a_clip("a", 0.0, 2.0), a_clip("b", 3.0), a_clip("c", 0.0, 4.0, object_id="o2"))
    made = with_room_made(project, ["o1"], at_s=1.0, by_s=5.0)
    assert [(clip.start_s, clip.end_s) for clip in made.clips_of("o1")] == [(0.0, 1.0), (6.0, 7.0), (8.0, 9.0)]
    assert made.clips_of("o2") == project.clips_of("o2")


def pan_curves() -> st.SearchStrategy[Curve]:
    times = st.lists(st.integers(0, 100), min_size=1, max_size=5, unique=True)
    values = st.lists(st.sampled_from([-1.0, -0.25, 0.0, 1.0]), min_size=5, max_size=5)
    return st.builds(
        lambda t, v: tuple(CurvePoint(time_s=a / 10, value=b) for a, b in zip(sorted(t), v, strict=False)),
        times,
        values,
    )


@given(pan_curves(), st.integers(0, 100), st.integers(1, 50))
def test_time_put_into_a_curve_and_taken_out_again_leaves_it_as_it_was(curve: Curve, at: int, by: int) -> None:
    at_s, by_s = at / 10, by / 10
    longer = with_time_inserted(curve, at_s=at_s, by_s=by_s, kind="pan")
    again = with_time_removed(longer, start_s=at_s, end_s=at_s + by_s, kind="pan")
    for each in (longer, again):
        check_curve(each, kind="pan")
    for time_s in np.arange(0.05, 12.0, 0.1):
        before = value_at(curve, time_s, kind="pan")
        later_s = time_s + by_s if time_s > at_s else time_s
        assert value_at(longer, later_s, kind="pan") == pytest.approx(before)
        assert value_at(again, time_s, kind="pan") == pytest.approx(before)


def test_ripple_takes_the_curves_of_its_lanes_along() -> None:
    project = two_lanes(a_clip("a", 0.0), a_clip("b", 1.0), a_clip("c", 3.0), a_clip("d", 3.0, object_id="o2"))
    volume = tuple(CurvePoint(time_s=time_s, value=db) for time_s, db in ((0.5, 0.0), (3.0, 0.0), (3.5, -6.0)))
    for object_id in ("o1", "o2"):
        project = project.with_strip(object_id, volume_curve=volume)

    def times(changed: Project) -> list[list[float]]:
        return [[round(p.time_s, 9) for p in each.strip.volume_curve] for each in changed.objects]

    there = [0.5, 3.0, 3.5]
    assert times(with_gap_closed(project, ["b"])) == [[0.5, 2.0, 2.5], there]
    # Nothing follows it.
    assert times(with_gap_closed(project, ["c"])) == [there, there]
    assert times(with_room_made(project, ["o2"], at_s=2.0, by_s=1.0)) == [there, [0.5, 4.0, 4.5]]
    followers = with_followers(project, [project.clip("b")])
    # As a drag does: the curves of before the drag each time.
    far = with_lanes_moved(project, project, followers, 5.0)
    assert times(with_lanes_moved(far, project, followers, 0.5)) == [[0.5, 3.5, 4.0], there]
    assert with_lanes_moved(far, project, followers, 0.0) == project


def test_faders_in_a_row() -> None:
    assert summed_gain_db(-3.0, -6.0) == -9.0
    assert summed_gain_db(12.0, -60.0) == -60.0
    assert summed_gain_db(50.0, 50.0) == 60.0
