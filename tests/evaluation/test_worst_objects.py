from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from sounddesk.engine.segmenters.protocol import Prompt
from sounddesk.evaluation.worst_objects import WorstObjects
from sounddesk.evaluation.worst_objects import draw_answer

IMAGE = np.full((120, 160, 3), 90, dtype=np.uint8)
TRUTH = np.zeros((120, 160), dtype=np.bool_)
TRUTH[40:80, 60:100] = True


def offer(worst: WorstObjects, overlap: float, label: str, segmenter: str = "starter") -> None:
    worst.add(
        segmenter,
        image=IMAGE,
        truth=TRUTH,
        answer=TRUTH,
        prompt=Prompt.click(80.5, 60.5),
        overlap=overlap,
        label=label,
        photograph="<street>.jpg",
    )


def test_the_worst_stand_first_and_the_rest_is_left_out(tmp_path: Path) -> None:
    worst = WorstObjects(most=2)
    for overlap, label in ((0.9, "cat"), (0.2, "dog"), (0.5, "lorry"), (0.1, "bus"), (0.95, "hen")):
        offer(worst, overlap, label)
    offer(worst, 0.7, "cat", segmenter="GrabCut")
    page = worst.write(tmp_path / "page")
    text = page.read_text()
    assert text.index("0.100</strong> bus") < text.index("0.200</strong> dog") < text.index("0.700</strong> cat")
    assert "lorry" not in text
    assert "&lt;street&gt;.jpg" in text
    pictures = sorted(each.name for each in page.parent.glob("*.jpg"))
    assert len(pictures) == 3
    assert all(name in text for name in pictures)


def test_mask_outline_and_clicks_are_drawn_where_they_are() -> None:
    prompt = Prompt(points=((80.5, 60.5), (40.5, 60.5)), labels=(True, False))
    answer = TRUTH.copy()
    answer[40:80, 30:60] = True
    drawn = draw_answer(IMAGE, TRUTH, answer, prompt)
    assert max(drawn.shape[:2]) == 480
    red, green = (drawn[..., 0] > 200) & (drawn[..., 1] < 90), (drawn[..., 1] > 200) & (drawn[..., 0] < 90)
    assert np.nonzero(red)[1].mean() < np.nonzero(green)[1].mean() - 100
    tinted = drawn[..., 2].astype(int) - drawn[..., 0] > 60
    # Mask and margins: 70 by 40 of a picture that is 12 % of 70 and 4 pixels larger on each side.
    assert 0.4 < tinted.mean() < 0.7
    assert (drawn == 255).all(axis=2).any()
    assert cv2.imencode(".jpg", drawn)[0]
