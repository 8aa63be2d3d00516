"""Sounds of pictures by a bundle, whatever they follow: pixels or words."""

from __future__ import annotations

import numpy as np

from sounddesk.domain.errors import BadInputError
from sounddesk.domain.grounding_mode import GroundingMode
from sounddesk.domain.seeds import take_seed
from sounddesk.engine.images.image_file import load_image
from sounddesk.engine.images.mask_file import load_mask
from sounddesk.engine.types import GenerationRequest
from sounddesk.engine.types import ObjectRequest
from sounddesk.engine.types import RgbImage
from sounddesk.engine.types import Waveform
from sounddesk.evaluation.baselines.registry import BaselineContext
from sounddesk.evaluation.baselines.registry import MakeSound
from sounddesk.evaluation.evaluation_clip import EvaluationClip


def from_pictures(context: BaselineContext, grounding: GroundingMode) -> MakeSound:
    """A take of each clip's mask, or of its whole picture where it has none."""

    def make(clip: EvaluationClip) -> tuple[Waveform, int]:
        image, take = picture_of(clip, seed=context.seed)
        request = GenerationRequest(
            image=image, takes=(take,), seconds=context.seconds, sampling=context.sampling, grounding=grounding
        )
        made = context.session.generate(request, cancel=context.cancel)[0]
        return made.mono, made.sample_rate_hz

    return make


def picture_of(clip: EvaluationClip, *, seed: int) -> tuple[RgbImage, ObjectRequest]:
    """A clip's picture, and the take of its mask, or of the whole picture without one. Raises: BadInputError."""
    if clip.image is None:
        raise BadInputError(f"clip {clip.id!r} has no picture")
    image = load_image(clip.image)
    mask = np.ones((image.height, image.width), dtype=np.bool_)
    if clip.mask is not None:
        mask = load_mask(clip.mask, image_size=(image.width, image.height), orientation=image.orientation)
    take = ObjectRequest(name=clip.object or clip.id, mask=mask, seed=take_seed(seed, name=clip.id, take=0))
    return image.pixels, take
