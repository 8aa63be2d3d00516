"""Retrieve & Separate (paper, section 4.1): a recording by the text, and of it what belongs to the object."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sounddesk.evaluation.baselines.registry import BASELINES
from sounddesk.evaluation.baselines.registry import BaselineContext
from sounddesk.evaluation.baselines.registry import BaselineEntry
from sounddesk.evaluation.baselines.registry import MakeSound

if TYPE_CHECKING:
    from sounddesk.engine.types import Waveform
    from sounddesk.evaluation.evaluation_clip import EvaluationClip


def start(context: BaselineContext) -> MakeSound:
    """As 'retrieve'; what is kept says the object under the clip's mask, or the name or text of a clip without one."""
    from sounddesk.audio.resample import resample
    from sounddesk.domain.errors import BadInputError
    from sounddesk.engine.perception.mask_separator import RATE_HZ
    from sounddesk.engine.perception.mask_separator import MaskSeparator
    from sounddesk.evaluation.baselines.picture_sounds import picture_of

    if context.separator is None:
        raise BadInputError(
            "a separator is missing: train one with 'sounddesk train run resources/recipes/separator.yaml', and name "
            "its export/separator with --separator"
        )
    separator = MaskSeparator.load(context.separator)
    retrieve = BASELINES.get("retrieve").start(context)

    def make(clip: EvaluationClip) -> tuple[Waveform, int]:
        found, rate = retrieve(clip)
        if clip.image is not None and clip.mask is not None:
            vector = context.session.condition(*picture_of(clip, seed=context.seed)).condition
        else:
            vector = context.session.text_vectors([clip.object or clip.caption])[0]
        mixture = resample(found, from_hz=rate, to_hz=RATE_HZ)
        return separator.separate(mixture, vector), RATE_HZ

    return make


BASELINES.register(
    BaselineEntry(
        name="retrieve-separate",
        summary="a recording by the text, and of it what belongs to the object; at 16 kHz",
        needs=("text", "recordings"),
        start=start,
    )
)
