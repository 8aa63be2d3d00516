"""Words for the takes of an image that have none: of the whole picture, or of each object by itself."""

from __future__ import annotations

import dataclasses

from sounddesk.engine.captioners.registry import Captioner
from sounddesk.engine.tasks import CancelToken
from sounddesk.engine.types import GenerationRequest
from sounddesk.engine.types import ObjectRequest


def lacks_words(request: GenerationRequest) -> bool:
    """Whether a captioner has to say what one of the takes sounds like."""
    return any(_needs_caption(take, request) for take in request.takes)


def captioned_request(
    request: GenerationRequest, captioner: Captioner, *, cancel: CancelToken | None = None
) -> GenerationRequest:
    """The same request with proposed prompts for the takes that have no words.

    With 'caption' all of them get the caption of the whole picture. With 'caption-mix' an object gets its own; a blend
    gets those of its objects where they are in the request too, else its own; an ambience keeps the general words.

    Raises:
        EngineError: the captioner cannot be used.
        Cancelled: through `cancel`, between two captions.
    """
    if not lacks_words(request):
        return request
    whole = captioner.describe(request.image, cancel=cancel) if request.grounding == "caption" else ""
    takes, known = [], dict[str, str]()
    for take in request.takes:
        if not _needs_caption(take, request):
            takes.append(take)
            continue
        if cancel is not None:
            cancel.raise_if_cancelled()
        # Takes of one object differ in their seed alone.
        words = whole or known.get(take.name) or captioner.recognise(request.image, take.mask).guesses[0].prompt
        known[take.name] = words
        takes.append(dataclasses.replace(take, proposed_prompt=words))
    return dataclasses.replace(request, takes=tuple(takes))


def _needs_caption(take: ObjectRequest, request: GenerationRequest) -> bool:
    if take.prompt or take.proposed_prompt or request.grounding == "object":
        return False
    if request.grounding == "caption" or take.kind == "object":
        return True
    return take.kind == "blend" and not any(each.kind == "object" for each in request.takes)
