from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from sounddesk.domain.errors import BadInputError
from sounddesk.engine.images.annotated_photographs import PhotographFolderError
from sounddesk.engine.images.annotated_photographs import read_annotated_photographs
from sounddesk.engine.segmenters.entry import LoadedSegmenter
from sounddesk.engine.segmenters.protocol import Candidate
from sounddesk.engine.segmenters.protocol import EmptySelectionError
from sounddesk.engine.segmenters.protocol import EncodedImage
from sounddesk.engine.segmenters.protocol import Prompt
from sounddesk.evaluation.photograph_accuracy import PROMPTS
from sounddesk.evaluation.photograph_accuracy import measure_on_photographs
from sounddesk.evaluation.photograph_accuracy import run
from sounddesk.evaluation.worst_objects import WorstObjects

# A square of 20 by 20 in a picture of 80 by 60.
OUTLINE = [[30, 20], [50, 20], [50, 40], [30, 40]]


class Learner:
    """Finds a quarter of the square for each click, from left to right; nothing for a box."""

    name = "learner"

    def __init__(self) -> None:
        self.prompts: list[Prompt] = []

    def encode(self, image: np.ndarray) -> EncodedImage:
        return EncodedImage(image=image, sha256="", segmenter=self.name, features=None)

    def predict(self, encoded: EncodedImage, prompt: Prompt) -> tuple[Candidate, ...]:
        self.prompts.append(prompt)
        if prompt.box is not None:
            raise EmptySelectionError("nothing")
        mask = np.zeros((encoded.height, encoded.width), dtype=np.bool_)
        mask[20:40, 30 : 30 + 5 * len(prompt.points)] = True
        return (Candidate(mask=mask, probability=mask.astype(np.float32), score=1.0),)


def write_photographs(folder: Path, *names: str) -> Path:
    folder.mkdir()
    for name in names:
        cv2.imwrite(str(folder / f"{name}.png"), np.full((60, 80, 3), 90, dtype=np.uint8))
        shape = {"label": "box", "points": OUTLINE, "group_id": None, "shape_type": "polygon"}
        document = {"shapes": [shape], "imagePath": f"{name}.png"}
        (folder / f"{name}.json").write_text(json.dumps(document))
    return folder


def test_overlap_clicks_honoured_and_intervals_in_closed_form(tmp_path: Path) -> None:
    learner = Learner()
    photographs = read_annotated_photographs(write_photographs(tmp_path / "in", "a", "b"))
    result = measure_on_photographs([LoadedSegmenter(segmenter=learner, label="learner")], photographs, split="tune")
    (one,) = result.segmenters
    assert [one.mean(prompt) for prompt in PROMPTS] == [0.25, 0.5, 0.75, 1.0, 0.0]
    # The fifth click has nothing left to correct, so four prompts and a box each.
    assert [len(prompt.points) for prompt in learner.prompts] == [1, 2, 3, 4, 0] * 2
    assert all(all(prompt.labels) for prompt in learner.prompts)
    # The first click is in the middle, right of the first quarter; each further one right of what is found so far.
    first = learner.prompts[0].points[0]
    assert 39 < first[0] < 41
    figures = result.to_json()["segmenters"][0]["all"]
    assert figures["iou_interval"]["3 clicks"] == [0.75, 0.75]
    assert figures["boundary_f"]["5 clicks"] == 1.0
    assert figures["boundary_f"]["box"] == 0.0
    honoured = sum(
        sum(30 <= x < 30 + 5 * len(prompt.points) for x, _ in prompt.points) for prompt in learner.prompts[:4]
    ) + len(learner.prompts[3].points)
    assert one.share_honoured == pytest.approx(honoured / (1 + 2 + 3 + 4 + 4))
    # A square's quarter, half and three quarters end in straight lines, of which the right one is wrong.
    assert result.to_json()["segmenters"][0]["cut_masks"] == one.cut_masks == 6
    assert "6 of 10 masks cut straight" in result.line()
    assert "2 objects in 2 photographs, split tune" in result.line()
    assert "1 click 0.250" in result.line()
    assert len(result.details()) == len(PROMPTS)


def test_an_object_outside_its_photograph_is_left_out(tmp_path: Path) -> None:
    folder = write_photographs(tmp_path / "in", "a")
    text = (folder / "a.json").read_text().replace(json.dumps(OUTLINE), "[[100, 100], [120, 100], [120, 120]]")
    (folder / "a.json").write_text(text)
    with pytest.raises(BadInputError, match="no outlined object lies inside"):
        measure_on_photographs(
            [LoadedSegmenter(segmenter=Learner(), label="learner")], read_annotated_photographs(folder)
        )


def test_a_registered_segmenter_is_measured_by_name(tmp_path: Path) -> None:
    folder = write_photographs(tmp_path / "in", "a")
    picture = np.full((60, 80, 3), 90, dtype=np.uint8)
    picture[20:40, 30:50] = (20, 20, 220)
    cv2.imwrite(str(folder / "a.png"), picture)
    worst = WorstObjects()
    result = run(folder, segmenters=("grabcut",), worst=worst)
    (one,) = result.segmenters
    assert one.name.startswith("GrabCut")
    assert one.mean("box") > 0.9
    assert one.share_honoured == 1
    assert f"{one.mean('3 clicks'):.3f}</strong> box in a.png" in worst.write(tmp_path / "page").read_text()
    with pytest.raises(BadInputError, match="'nothing'"):
        run(folder, segmenters=("nothing",))
    with pytest.raises(PhotographFolderError):
        run(tmp_path / "none")
