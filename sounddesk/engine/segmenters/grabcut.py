"""The embedded segmenter: GrabCut at several scales around a click, the masks ranked by their predicted IoU.

OpenCV (opencv-python-headless, 5.0 of 2026) is chosen since it is the only maintained package that carries GrabCut,
and it brings no model to download.
"""

from __future__ import annotations

from typing import Final

from sounddesk.engine.segmenters.grabcut_masks import LEAST_PART
from sounddesk.engine.segmenters.grabcut_masks import WorkMask
from sounddesk.engine.segmenters.grabcut_masks import click_masks
from sounddesk.engine.segmenters.grabcut_masks import distinct
from sounddesk.engine.segmenters.grabcut_masks import other_masks
from sounddesk.engine.segmenters.grabcut_masks import refine_edge
from sounddesk.engine.segmenters.grabcut_search import search_objects
from sounddesk.engine.segmenters.grabcut_solver import Seeds
from sounddesk.engine.segmenters.grabcut_solver import WorkImage
from sounddesk.engine.segmenters.grabcut_solver import full_size_probability
from sounddesk.engine.segmenters.grabcut_solver import keep_parts
from sounddesk.engine.segmenters.grabcut_solver import make_work_image
from sounddesk.engine.segmenters.protocol import Candidate
from sounddesk.engine.segmenters.protocol import EmptySelectionError
from sounddesk.engine.segmenters.protocol import EncodedImage
from sounddesk.engine.segmenters.protocol import Point
from sounddesk.engine.segmenters.protocol import Prompt
from sounddesk.engine.segmenters.protocol import check_encoded
from sounddesk.engine.segmenters.protocol import check_image
from sounddesk.engine.segmenters.protocol import check_prompt
from sounddesk.engine.segmenters.protocol import keeps_alternatives
from sounddesk.engine.segmenters.protocol import sample_polyline
from sounddesk.engine.tasks import CancelToken
from sounddesk.engine.types import BoolMask
from sounddesk.engine.types import RgbImage
from sounddesk.engine.types import image_sha256

NAME: Final = "GrabCut"
MAX_CANDIDATES: Final = 3
# Alternatives that overlap more than this look the same to the user.
_SAME: Final = 0.85


class GrabCutSegmenter:
    """`Segmenter` that needs no weights. Deterministic, and safe to call from several threads."""

    @property
    def name(self) -> str:
        return NAME

    def encode(self, image: RgbImage) -> EncodedImage:
        """Resize the image and take its gradients and colours, some 30 ms."""
        check_image(image)
        return EncodedImage(image=image, sha256=image_sha256(image), segmenter=NAME, features=make_work_image(image))

    def predict(self, encoded: EncodedImage, prompt: Prompt) -> tuple[Candidate, ...]:
        """Up to three candidates for one click, as many as differ; one for any other prompt."""
        check_encoded(encoded, segmenter=NAME)
        check_prompt(prompt, width=encoded.width, height=encoded.height)
        work: WorkImage = encoded.features
        seeds = _seeds(prompt, work)
        if prompt.is_single_click:
            found = click_masks(work, seeds)
            count = MAX_CANDIDATES if keeps_alternatives(encoded) else 1
        else:
            found, count = other_masks(work, prompt, seeds), 1
        candidates = [
            candidate
            for choice in distinct(found, count=count, same=_SAME)
            if (candidate := full_size(encoded, choice, seeds)) is not None
        ]
        if not candidates:
            raise EmptySelectionError(
                "no object stands out there: click nearer its middle, draw a box around it or paint the mask"
            )
        return tuple(candidates)

    def propose(self, encoded: EncodedImage, *, cancel: CancelToken | None = None) -> tuple[Candidate, ...]:
        """Objects that stand out by their colours and edges, best first; none where nothing does. Raises: Cancelled."""
        check_encoded(encoded, segmenter=NAME)
        found = search_objects(encoded.features, cancel=cancel)
        if not keeps_alternatives(encoded):
            # Ten float masks of 200 megapixels would take 8 GB.
            found = found[:MAX_CANDIDATES]
        candidates = (full_size(encoded, choice, Seeds()) for choice in found)
        return tuple(candidate for candidate in candidates if candidate is not None)


def full_size(encoded: EncodedImage, choice: WorkMask, seeds: Seeds) -> Candidate | None:
    """The mask with its edge refined, at image size; None where nothing is left of it."""
    work: WorkImage = encoded.features
    mask = refine_edge(work, choice.mask, seeds)
    if not mask.any():
        return None
    probability = full_size_probability(encoded.image, work, mask)
    selected: BoolMask = probability >= 0.5
    if not selected.any():
        return None
    positive = [(x / work.scale_x, y / work.scale_y) for x, y in seeds.positive]
    kept = keep_parts(selected, positive, least_share=LEAST_PART)
    if not kept.any():
        kept = keep_parts(selected, (), least_share=LEAST_PART)
    # Specks that the guided edge left behind are no longer part of the mask, so they must not be probable.
    probability[selected & ~kept] = 0.0
    return Candidate(mask=kept, probability=probability, score=choice.score)


def _seeds(prompt: Prompt, work: WorkImage) -> Seeds:
    step = max(work.size) / work.scale_x / 64
    positive: list[Point] = list(prompt.positive_points)
    negative: list[Point] = list(prompt.negative_points)
    for scribble in prompt.positive_scribbles:
        positive += sample_polyline(scribble, step=step)
    for scribble in prompt.negative_scribbles:
        negative += sample_polyline(scribble, step=step)
    return Seeds(positive=work.to_work(positive), negative=work.to_work(negative))
