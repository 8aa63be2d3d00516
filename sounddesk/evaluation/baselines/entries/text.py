"""Sounds of the text alone, as AudioLDM and its successors make them: name their bundle."""

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
    """The clip's caption, or the name of its object where it has none."""
    from sounddesk.domain.seeds import take_seed
    from sounddesk.engine.types import TextRequest

    context.session.bundle.require_texts()

    def make(clip: EvaluationClip) -> tuple[Waveform, int]:
        request = TextRequest(
            prompts=(clip.caption or clip.object,),
            seeds=(take_seed(context.seed, name=clip.id, take=0),),
            seconds=context.seconds,
            sampling=context.sampling,
        )
        made = context.session.generate_from_text(request, cancel=context.cancel)[0]
        return made.mono, made.sample_rate_hz

    return make


BASELINES.register(
    BaselineEntry(
        name="text", summary="the clip's caption by any bundle that hears words", needs=("text",), start=start
    )
)
