"""Objects by a grid of clicks, on a segmenter that knows the truth."""

from __future__ import annotations

import numpy as np
import pytest

from sounddesk.domain.errors import Cancelled
from sounddesk.engine.segmenters.grid_proposals import GRID_IMAGE_PX
from sounddesk.engine.segmenters.grid_proposals import GridProposer
from sounddesk.engine.segmenters.grid_proposals import GridSettings
from sounddesk.engine.segmenters.grid_proposals import grid_image
from sounddesk.engine.segmenters.grid_proposals import stability
from sounddesk.engine.segmenters.mask_quality import overlap
from sounddesk.engine.segmenters.protocol import Candidate
from sounddesk.engine.segmenters.protocol import EmptySelectionError
from sounddesk.engine.segmenters.protocol import EncodedImage
from sounddesk.engine.segmenters.protocol import Prompt
from sounddesk.engine.tasks import CancelToken
from tests.engine.segmenters.plain_scene import scene


class TrueMasks:
    """Answers a click on one of two things with its mask, blurred on request; counts the clicks."""

    name = "truth"

    def __init__(self, *, unsure: float = 0.0, scores: tuple[float, float] = (0.9, 0.95)) -> None:
        self.unsure, self.scores, self.clicks = unsure, scores, 0

    def encode(self, image: np.ndarray) -> EncodedImage:
        return EncodedImage(image=image, sha256="", segmenter=self.name, features=None)

    def predict(self, encoded: EncodedImage, prompt: Prompt) -> tuple[Candidate, ...]:
        self.clicks += 1
        # Red or yellow is the ball, blue the bar; whatever the size of the image.
        red, _, blue = (encoded.image[..., channel].astype(int) for channel in range(3))
        x, y = prompt.points[0]
        for mask, score in zip((red > 180, blue > 150), self.scores, strict=True):
            if mask[int(y), int(x)]:
                probability = np.where(mask, 1.0, self.unsure).astype(np.float32)
                return (Candidate(mask=mask, probability=probability, score=score),)
        raise EmptySelectionError("nothing there")


@pytest.mark.parametrize("scale", [1, 4])
def test_both_things_are_found_once_best_first_at_the_images_size(scale: int) -> None:
    image, ball, bar = scene(scale)
    segmenter = TrueMasks()
    proposer = GridProposer(segmenter)
    found = proposer.propose(proposer.encode(image))
    assert [each.score for each in found] == [0.95, 0.9]
    for each, truth in zip(found, (bar, ball), strict=True):
        assert each.mask.shape == image.shape[:2]
        assert overlap(each.mask, truth) > 0.95
    # The grid once, and each thing once more at full size.
    assert segmenter.clicks == 16 * 16 + 2


@pytest.mark.parametrize(
    ("segmenter", "settings"),
    [
        (TrueMasks(scores=(0.5, 0.5)), GridSettings()),
        (TrueMasks(unsure=0.4), GridSettings()),
    ],
    ids=["unsure of all", "unstable outline"],
)
def test_what_is_not_sure_or_not_stable_is_dropped(segmenter: TrueMasks, settings: GridSettings) -> None:
    proposer = GridProposer(segmenter, settings)
    assert proposer.propose(proposer.encode(scene()[0])) == ()
    loose = GridProposer(segmenter, GridSettings(min_score=0, min_stability=0))
    assert len(loose.propose(loose.encode(scene()[0]))) == 2


def test_limit_and_cancel(monkeypatch: pytest.MonkeyPatch) -> None:
    proposer = GridProposer(TrueMasks(), GridSettings(limit=1))
    encoded = proposer.encode(scene()[0])
    assert [each.score for each in proposer.propose(encoded)] == [0.95]
    # A huge image keeps few masks, since each takes a float per pixel.
    monkeypatch.setattr("sounddesk.engine.segmenters.protocol.MAX_PIXELS_FOR_ALTERNATIVES", 100)
    monkeypatch.setattr("sounddesk.engine.segmenters.grid_proposals._MOST_OF_A_HUGE_IMAGE", 1)
    assert len(GridProposer(TrueMasks()).propose(encoded)) == 1

    class AfterTen(CancelToken):
        asked = 0

        def raise_if_cancelled(self) -> None:
            self.asked += 1
            if self.asked > 10:
                raise Cancelled

    segmenter = TrueMasks()
    with pytest.raises(Cancelled):
        GridProposer(segmenter).propose(encoded, cancel=AfterTen())
    assert segmenter.clicks == 10


def test_grid_image_keeps_the_shape_and_small_images() -> None:
    assert grid_image(np.zeros((300, 1024, 3), np.uint8)).shape == (150, GRID_IMAGE_PX, 3)
    small = np.zeros((20, 30, 3), np.uint8)
    assert grid_image(small) is small


def test_stability() -> None:
    assert stability(np.array([[0.0, 1.0, 1.0]], np.float32)) == 1.0
    assert stability(np.array([[0.5, 1.0]], np.float32)) == 0.5
    assert stability(np.zeros((2, 2), np.float32)) == 0.0
