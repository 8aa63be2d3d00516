from __future__ import annotations

import json

import cv2
import numpy as np
import pytest

from sounddesk.domain.errors import Cancelled
from sounddesk.engine.session import EngineSession
from sounddesk.engine.tasks import CancelToken
from sounddesk.evaluation import grounding_accuracy
from sounddesk.evaluation.grounding_accuracy import patch_regions
from sounddesk.evaluation.picture_folder import PictureFolderError
from tests.evaluation.conftest import COLOURS


def test_patch_belongs_to_whom_covers_most_of_it():
    first = np.array([0.9, 0.3, 0.0, 0.2, 0.0], dtype=np.float32)
    second = np.array([0.0, 0.4, 0.1, 0.2, 0.0], dtype=np.float32)
    expected = [[True, False, False, True, False], [False, True, True, True, False]]
    assert patch_regions([first, second]).tolist() == expected


def by_colour(session: EngineSession, image, texts, *, right=True):
    """Attention of somebody who knows that dogs are red."""
    rows, columns = session.patch_grid
    maps = []
    for text in texts:
        distance = np.abs(image.astype(int) - COLOURS[text.removeprefix("a ")]).sum(axis=2)
        near = (distance < 30).astype(np.float32)
        coarse = cv2.resize(near, (columns, rows), interpolation=cv2.INTER_AREA).reshape(-1)
        maps.append(coarse if right else -coarse)
    return np.stack(maps)


def test_perfect_attention_scores_one(monkeypatch, bundle_with_kinds, coloured_pictures):
    monkeypatch.setattr(EngineSession, "attention_maps", by_colour)
    result = grounding_accuracy.run(coloured_pictures, bundle=bundle_with_kinds, scenes=5, seed=2)
    assert (result.in_region.hits, result.in_region.trials) == (20, 20)
    assert sum(p.trials for p in result.by_kind.values()) == 20


def test_attention_on_the_wrong_place_scores_zero(monkeypatch, bundle_with_kinds, coloured_pictures):
    monkeypatch.setattr(EngineSession, "attention_maps", lambda *a: by_colour(*a, right=False))
    result = grounding_accuracy.run(coloured_pictures, bundle=bundle_with_kinds, scenes=3)
    assert result.in_region.hits == 0
    assert result.on_object.hits == 0


@pytest.mark.slow
def test_blind_attention_scores_chance(monkeypatch, bundle_with_kinds, coloured_pictures):
    rng = np.random.default_rng(0)
    monkeypatch.setattr(EngineSession, "attention_maps", lambda self, image, texts: rng.random((len(texts), 9)))
    result = grounding_accuracy.run(coloured_pictures, bundle=bundle_with_kinds, scenes=150)
    low, high = result.in_region.interval(z=4)
    assert low < result.chance < high
    assert 0.15 < result.chance < 0.4


def test_real_session_end_to_end(bundle_with_kinds, coloured_pictures):
    reports = []
    result = grounding_accuracy.run(
        coloured_pictures, bundle=bundle_with_kinds, scenes=3, seed=1, progress=reports.append
    )
    again = grounding_accuracy.run(coloured_pictures, bundle=bundle_with_kinds, scenes=3, seed=1)
    data = json.loads(json.dumps(result.to_json()))
    assert data == again.to_json()
    assert data["accuracy"]["trials"] == 12
    assert data["folder"]["skipped_kinds"] == {"unicorn": 1}
    assert (reports[-1].done, reports[-1].total) == (3, 3)
    assert "\n" not in result.line()
    assert "1 kinds and 0 pictures skipped" in result.line()


def test_can_be_cancelled_and_refuses_no_scene(bundle_with_kinds, coloured_pictures):
    cancel = CancelToken()
    cancel.cancel()
    with pytest.raises(Cancelled):
        grounding_accuracy.run(coloured_pictures, bundle=bundle_with_kinds, scenes=3, cancel=cancel)
    with pytest.raises(ValueError, match="scenes is 0"):
        grounding_accuracy.run(coloured_pictures, bundle=bundle_with_kinds, scenes=0)


def test_missing_pictures_are_refused(tmp_path, bundle_with_kinds):
    with pytest.raises(PictureFolderError, match="not a folder"):
        grounding_accuracy.run(tmp_path / "none", bundle=bundle_with_kinds)
