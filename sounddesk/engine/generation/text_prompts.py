"""What is generated from words: the takes of texts, and those of an image's objects put into words."""

from __future__ import annotations

from dataclasses import dataclass
from dataclasses import field
from typing import Any
from typing import Final

from sounddesk.engine.types import GenerationRequest
from sounddesk.engine.types import TakeKind
from sounddesk.engine.types import TextRequest
from sounddesk.engine.types import image_sha256

_AMBIENCE: Final = "background sound of the place"


@dataclass(frozen=True, kw_only=True)
class TextPrompt:
    """One take asked for in words.

    Attributes:
        prompt, negative_prompt: what it shall and shall not sound like; the latter may be empty.
        facts: what else belongs into its recipe.
    """

    name: str
    prompt: str
    seed: int
    negative_prompt: str = ""
    kind: TakeKind = "object"
    facts: dict[str, Any] = field(default_factory=dict)


def prompts_of(request: GenerationRequest | TextRequest) -> list[TextPrompt]:
    """The takes of a request in words, in its order."""
    return prompts_of_texts(request) if isinstance(request, TextRequest) else prompts_of_objects(request)


def prompts_of_objects(request: GenerationRequest) -> list[TextPrompt]:
    """The takes of an image in words: an object by its prompt, the proposed one or its name; a blend by all."""
    words = {
        take.name: take.prompt or take.proposed_prompt or take.name for take in request.takes if take.kind == "object"
    }
    by_kind = {"blend": " and ".join(words.values()), "ambience": _AMBIENCE}
    image_hash = image_sha256(request.image)
    return [
        TextPrompt(
            name=take.name,
            prompt=take.prompt or take.proposed_prompt or by_kind.get(take.kind) or take.name,
            seed=take.seed,
            negative_prompt=take.negative_prompt or "",
            kind=take.kind,
            facts={
                "name": take.name,
                "kind": take.kind,
                "image_sha256": image_hash,
                "mask_sha256": take.mask_sha256,
                "hint": take.prompt,
                "negative_hint": take.negative_prompt,
            },
        )
        for take in request.takes
    ]


def prompts_of_texts(request: TextRequest) -> list[TextPrompt]:
    """The takes of a request that consists of texts."""
    return [
        TextPrompt(name=prompt, prompt=prompt, seed=seed, negative_prompt=request.negative_prompt)
        for prompt, seed in zip(request.prompts, request.seeds, strict=True)
    ]
