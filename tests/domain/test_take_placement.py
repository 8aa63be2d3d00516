from __future__ import annotations

import numpy as np

from sounddesk.domain.project import Project
from sounddesk.domain.scene import SceneObject
from sounddesk.domain.take_placement import with_take_placed
from sounddesk.domain.tiled_mask import TiledMask
from sounddesk.domain.timeline import Clip

LANE = SceneObject(id="o1", name="dog", mask=TiledMask.from_array(np.ones((4, 4), bool)), seed=1)


def test_an_empty_lane_gets_the_whole_take_at_its_start() -> None:
    placed = with_take_placed(Project(objects=(LANE,)), "o1", "t1", 4.0)
    assert [(c.take_id, c.start_s, c.duration_s) for c in placed.clips] == [("t1", 0.0, 4.0)]


def test_a_single_clip_keeps_its_place_gain_and_trim() -> None:
    clip = Clip(
        id="c1", object_id="o1", take_id="t1", start_s=2.0, offset_s=0.5, duration_s=1.0, gain_db=-6.0, fade_out_s=0.2
    )
    placed = with_take_placed(Project(objects=(LANE,), clips=(clip,)), "o1", "t2", 4.0).clips[0]
    assert (placed.id, placed.take_id, placed.start_s, placed.gain_db) == ("c1", "t2", 2.0, -6.0)
    assert (placed.offset_s, placed.duration_s, placed.fade_out_s) == (0.5, 1.0, 0.2)


def test_a_shorter_take_shortens_the_clip_and_its_fades() -> None:
    clip = Clip(id="c1", object_id="o1", take_id="t1", start_s=0.0, duration_s=4.0, fade_in_s=1.0, fade_out_s=3.0)
    placed = with_take_placed(Project(objects=(LANE,), clips=(clip,)), "o1", "t2", 2.0).clips[0]
    assert (placed.duration_s, placed.fade_in_s, placed.fade_out_s) == (2.0, 0.5, 1.5)


def test_an_arranged_lane_is_left_alone() -> None:
    clips = tuple(Clip(id=f"c{i}", object_id="o1", take_id="t1", start_s=i, duration_s=1.0) for i in (0, 2))
    project = Project(objects=(LANE,), clips=clips)
    assert with_take_placed(project, "o1", "t2", 4.0) is project
