from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from sounddesk.engine.images.scene_composition import ComposedScene
from sounddesk.engine.segmenters.protocol import Candidate
from sounddesk.engine.segmenters.protocol import EmptySelectionError
from sounddesk.engine.segmenters.protocol import EncodedImage
from sounddesk.engine.segmenters.protocol import Prompt
from sounddesk.evaluation import segmenter_accuracy
from sounddesk.evaluation.picture_folder import PictureFolderError
from sounddesk.evaluation.segmenter_accuracy import measure_segmenters
from tests.evaluation.conftest import write_cut_out
from tests.tiny_bundle import build_tiny_bundle

TRUTH = np.zeros((100, 120), dtype=np.bool_)
TRUTH[20:60, 30:90] = True


class Painter:
    """A segmenter that finds the truth, less what negative clicks and more what positive ones lie on."""

    name = "painter"

    def __init__(self) -> None:
        self.prompts: list[Prompt] = []

    def encode(self, image: np.ndarray) -> EncodedImage:
        return EncodedImage(image=image, sha256="", segmenter=self.name, features=None)

    def predict(self, encoded: EncodedImage, prompt: Prompt) -> tuple[Candidate, ...]:
        self.prompts.append(prompt)
        if prompt.box is not None:
            raise EmptySelectionError("nothing")
        mask = TRUTH.copy()
        if len(prompt.points) == 1:
            mask[20:60, 70:90] = False  # a third too little
        if len(prompt.points) <= 2:
            mask[90:100, 0:10] = True  # and a little too much
        return (Candidate(mask=mask, probability=mask.astype(np.float32), score=1.0),)


def test_clicks_go_where_the_answer_is_wrong() -> None:
    painter = Painter()
    scene = ComposedScene(image=np.zeros((100, 120, 3), np.uint8), masks=(TRUTH,))
    result = measure_segmenters([painter], [scene], scenes=1, pictures=1)
    first, second, third, box = painter.prompts
    assert first.labels == (True,)
    assert first.points[0][0] == pytest.approx(60, abs=11)
    assert first.points[0][1] == pytest.approx(40, abs=1)
    assert second.labels == (True, True)
    assert second.points[1] == pytest.approx((80, 40), abs=11)
    assert third.labels == (True, True, False)
    assert third.points[2] == pytest.approx((5, 95), abs=1)
    assert box.box == (27.0, 17.0, 93.0, 63.0)
    figures = result.figures[0]
    assert figures.overlaps["1 click"][0] == pytest.approx(1600 / 2500)
    assert figures.overlaps["3 clicks"] == (1.0,)
    assert figures.overlaps["box"] == (0.0,)
    assert result.small == (False,)
    assert result.thin == (False,)
    assert "painter: 1 click 0.640, 3 clicks 1.000, box 0.000" in result.line()
    data = json.loads(json.dumps(result.to_json()))
    assert data["segmenters"][0]["mean_iou"]["small"]["box"] is None


@pytest.mark.slow
def test_the_bundles_segmenter_is_measured_beside_grabcut(coloured_pictures: Path, tmp_path: Path) -> None:
    bundle = build_tiny_bundle(tmp_path, segmenter=True)
    (tmp_path / "photographs").mkdir()
    noise = np.random.default_rng(0).integers(0, 256, (90, 120, 3), dtype=np.uint8)
    cv2.imwrite(str(tmp_path / "photographs" / "one.png"), noise)
    done = []
    result = segmenter_accuracy.run(
        coloured_pictures,
        bundle=bundle,
        scenes=1,
        backgrounds=tmp_path / "photographs",
        device="cpu",
        progress=done.append,
    )
    assert [one.name for one in result.figures] == ["starter segmenter", "GrabCut"]
    assert result.pictures == 11, "kinds that the bundle does not know count too"
    objects = len(result.small)
    assert objects >= 1
    for one in result.figures:
        assert all(len(values) == objects for values in one.overlaps.values())
        assert len(one.click_s) == objects
    assert len(done) >= 1


def test_only_swarms_cannot_be_measured(tmp_path: Path) -> None:
    file = tmp_path / "rain" / "one.png"
    write_cut_out(file)
    picture = cv2.imread(str(file), cv2.IMREAD_UNCHANGED)
    assert picture is not None
    picture[::4, :, 3] = 0
    cv2.imwrite(str(file), picture)
    with pytest.raises(PictureFolderError, match="in one piece"):
        segmenter_accuracy.run(tmp_path)
