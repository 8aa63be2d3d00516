"""Names and captions by CLIP without training (Radford et al. 2021): the nearest phrases of the vocabulary."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from typing import Final

import numpy as np
import torch
from torch import Tensor
from torch import nn

from sounddesk.domain.errors import EngineError
from sounddesk.domain.object_names import MOST_GUESSES
from sounddesk.domain.object_names import NameGuess
from sounddesk.domain.object_names import RecognisedObject
from sounddesk.engine.captioners.object_view import object_view
from sounddesk.engine.captioners.picture_input import picture_input
from sounddesk.engine.models.construction import constructing
from sounddesk.engine.models.diffusers_weights import load_transformers_model
from sounddesk.engine.models.text_encoder import ClipTextEncoder
from sounddesk.engine.tasks import CancelToken
from sounddesk.engine.types import BoolMask
from sounddesk.engine.types import FloatMask
from sounddesk.engine.types import RgbImage
from sounddesk.engine.vocabulary import Phrase

LEAST_CONFIDENCE: Final = 0.5
"""Share of CLIP's probability below which a guess is no name. Nobody has calibrated it: weights were not at hand."""

_TEMPLATE: Final = "a photo of {}"
# CLIP's own temperature at the end of its training.
_LOGIT_SCALE: Final = 100.0
_BATCH: Final = 64
# A caption of a whole picture says at most so many things, and none that is so much less likely than the first.
_MOST_SAID: Final = 3
_LEAST_OF_FIRST: Final = 0.25


class ClipCaptioner:
    """`Captioner` by both towers of a CLIP. The vocabulary is encoded at the first question."""

    def __init__(
        self, vision: nn.Module, texts: ClipTextEncoder, phrases: Sequence[Phrase], *, device: str = "cpu"
    ) -> None:
        """Raises: EngineError, without phrases."""
        if not phrases:
            raise EngineError("vocabulary is empty: install sounddesk again")
        self._device = torch.device(device)
        self._vision: Any = vision.to(self._device).eval().requires_grad_(False)
        self._texts = texts.to(self._device).eval().requires_grad_(False)
        # The first way to put the sound of a thing is the vocabulary's best.
        self._sounds: dict[str, str] = {}
        for phrase in phrases:
            self._sounds.setdefault(phrase.thing, phrase.sound)
        self._things = tuple(self._sounds)
        self._vectors: Tensor | None = None
        self._lock = threading.Lock()

    @classmethod
    def load(cls, folder: Path, phrases: Sequence[Phrase], *, device: str = "cpu") -> ClipCaptioner:
        """Read a folder of transformers that holds CLIP whole. Raises: EngineError."""
        from transformers.models.clip.modeling_clip import CLIPVisionModelWithProjection

        try:
            with constructing():
                vision = load_transformers_model(CLIPVisionModelWithProjection, folder)
                texts = ClipTextEncoder.load(folder)
        except (OSError, ValueError, RuntimeError) as error:
            raise EngineError(f"CLIP cannot be loaded ({error}): install it again") from error
        return cls(vision, texts, phrases, device=device)

    def recognise(self, image: RgbImage, mask: FloatMask | BoolMask) -> RecognisedObject:
        shares = self._shares(object_view(image, mask))
        best = np.argsort(-shares, kind="stable")[:MOST_GUESSES]
        return RecognisedObject(
            guesses=tuple(
                NameGuess(
                    name=self._things[index],
                    prompt=self._sounds[self._things[index]],
                    confidence=float(min(1.0, shares[index])),
                )
                for index in best
            ),
            least_confidence=LEAST_CONFIDENCE,
        )

    def describe(self, image: RgbImage, *, cancel: CancelToken | None = None) -> str:
        shares = self._shares(image, cancel=cancel)
        best = np.argsort(-shares, kind="stable")[:_MOST_SAID]
        said = [self._sounds[self._things[i]] for i in best if shares[i] >= _LEAST_OF_FIRST * shares[best[0]]]
        return " and ".join(said)

    @torch.no_grad()
    def _shares(self, image: RgbImage, *, cancel: CancelToken | None = None) -> np.ndarray[Any, np.dtype[np.float64]]:
        """How likely each thing of the vocabulary is, float64[things], sum 1."""
        words = self._encoded(cancel)
        pixels = picture_input(image, side=int(self._vision.config.image_size)).to(self._device)
        seen = nn.functional.normalize(self._vision(pixel_values=pixels).image_embeds.float(), dim=-1)
        return torch.softmax(_LOGIT_SCALE * (words @ seen[0]).double(), dim=0).cpu().numpy()

    def _encoded(self, cancel: CancelToken | None) -> Tensor:
        """Unit vectors float32[things, S], encoded once."""
        with self._lock:
            if self._vectors is None:
                parts = []
                for start in range(0, len(self._things), _BATCH):
                    if cancel is not None:
                        cancel.raise_if_cancelled()
                    batch = [_TEMPLATE.format(thing) for thing in self._things[start : start + _BATCH]]
                    parts.append(self._texts.encode(batch))
                self._vectors = torch.cat(parts)
            return self._vectors
