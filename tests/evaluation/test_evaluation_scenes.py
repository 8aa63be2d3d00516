from __future__ import annotations

import cv2
import numpy as np
import pytest

from sounddesk.evaluation.evaluation_scenes import draw_scene
from sounddesk.evaluation.evaluation_scenes import made_background
from sounddesk.evaluation.evaluation_scenes import read_backgrounds
from sounddesk.evaluation.picture_folder import PictureFolderError


def cut_outs(count=6):
    square = np.zeros((40, 40, 4), dtype=np.uint8)
    square[..., 3] = 255
    return {f"kind {i}": [np.where([True, True, True, False], i * 30, square).astype(np.uint8)] for i in range(count)}


def test_scene_depends_on_seed_and_index_only():
    pictures = cut_outs()
    first = draw_scene(pictures, counts=(2, 3, 4), seed=5, index=7)
    reordered = dict(reversed(pictures.items()))
    again = draw_scene(reordered, counts=(2, 3, 4), seed=5, index=7)
    assert first.kinds == again.kinds
    np.testing.assert_array_equal(first.composed.image, again.composed.image)
    other = draw_scene(pictures, counts=(2, 3, 4), seed=6, index=7)
    assert not np.array_equal(first.composed.image, other.composed.image)


def test_kinds_differ_and_masks_do_not_overlap():
    counts = set()
    for index in range(30):
        scene = draw_scene(cut_outs(), counts=(2, 3, 4), seed=0, index=index)
        counts.add(len(scene.kinds))
        assert len(set(scene.kinds)) == len(scene.kinds) == len(scene.composed.masks)
        assert np.sum(scene.composed.masks, axis=0).max() == 1
        assert scene.composed.image.shape in ((480, 640, 3), (640, 480, 3))
    assert counts == {2, 3, 4}


def test_mask_marks_the_kind_that_it_is_listed_with():
    scene = draw_scene(cut_outs(), counts=(4,), seed=1, index=0)
    for kind, mask in zip(scene.kinds, scene.composed.masks, strict=True):
        inner = cv2.erode(mask.astype(np.uint8), np.ones((5, 5))) > 0
        assert np.unique(scene.composed.image[inner]) == [int(kind.split()[1]) * 30]


def test_given_backgrounds_are_used():
    teal = np.full((50, 50, 3), (0, 128, 128), dtype=np.uint8)
    scene = draw_scene(cut_outs(), counts=(2,), seed=0, index=0, backgrounds=[teal])
    outside = ~np.any(scene.composed.masks, axis=0)
    assert np.all(scene.composed.image[outside] == (0, 128, 128))


def test_too_few_kinds_are_refused():
    with pytest.raises(PictureFolderError, match="2 usable kinds: add more, a scene of 4"):
        draw_scene(cut_outs(2), counts=(2, 4), seed=0, index=0)


def test_backgrounds_are_of_three_styles():
    spread = [made_background(np.random.default_rng(i)).reshape(-1, 3).std(axis=0).max() for i in range(40)]
    assert sum(value == 0 for value in spread) >= 5
    assert sum(value > 5 for value in spread) >= 15


def test_background_files_are_read_in_rgb(tmp_path):
    cv2.imwrite(str(tmp_path / "a.png"), np.full((20, 30, 3), (10, 20, 30), dtype=np.uint8))
    (tmp_path / "b.jpg").write_bytes(b"broken")
    backgrounds = read_backgrounds(tmp_path)
    assert len(backgrounds) == 1
    assert tuple(backgrounds[0][0, 0]) == (30, 20, 10)


def test_no_background_is_refused(tmp_path):
    for folder in (tmp_path, tmp_path / "missing"):
        with pytest.raises(PictureFolderError, match="no readable background"):
            read_backgrounds(folder)
