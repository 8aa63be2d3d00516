"""Captions by BLIP (Li et al. 2022), the captioner of the paper's baselines."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from typing import Final

import torch
from torch import nn

from sounddesk.domain.errors import EngineError
from sounddesk.domain.object_names import NameGuess
from sounddesk.domain.object_names import RecognisedObject
from sounddesk.engine.captioners.object_view import object_view
from sounddesk.engine.captioners.picture_input import picture_input
from sounddesk.engine.models.construction import constructing
from sounddesk.engine.models.diffusers_weights import load_transformers_model
from sounddesk.engine.tasks import CancelToken
from sounddesk.engine.types import BoolMask
from sounddesk.engine.types import FloatMask
from sounddesk.engine.types import RgbImage

MOST_TOKENS: Final = 24
# A sentence is no name: what is guessed is never confident enough for one.
_NO_NAME: Final = 1.01
# Said where the model ends its sentence before it began.
_NOTHING: Final = "the sound of the scene"


class BlipCaptioner:
    """`Captioner` that writes a sentence, word by word, always the likeliest next one."""

    def __init__(self, model: nn.Module, tokenizer: Any, *, device: str = "cpu") -> None:
        self._device = torch.device(device)
        self._model: Any = model.to(self._device).eval().requires_grad_(False)
        self._tokenizer = tokenizer

    @classmethod
    def load(cls, folder: Path, *, device: str = "cpu") -> BlipCaptioner:
        """Read a folder of transformers. Raises: EngineError."""
        from transformers import AutoTokenizer
        from transformers.models.blip.modeling_blip import BlipForConditionalGeneration

        try:
            with constructing():
                model = load_transformers_model(BlipForConditionalGeneration, folder)
            tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
        except (OSError, ValueError, RuntimeError) as error:
            raise EngineError(f"BLIP cannot be loaded ({error}): install it again") from error
        return cls(model, tokenizer, device=device)

    def recognise(self, image: RgbImage, mask: FloatMask | BoolMask) -> RecognisedObject:
        caption, confidence = self._caption(object_view(image, mask))
        guess = NameGuess(name=caption, prompt=caption, confidence=confidence)
        return RecognisedObject(guesses=(guess,), least_confidence=_NO_NAME)

    def describe(self, image: RgbImage, *, cancel: CancelToken | None = None) -> str:
        if cancel is not None:
            cancel.raise_if_cancelled()
        return self._caption(image)[0]

    @torch.no_grad()
    def _caption(self, image: RgbImage) -> tuple[str, float]:
        """The sentence, and the geometric mean of its words' probabilities."""
        pixels = picture_input(image, side=int(self._model.config.vision_config.image_size)).to(self._device)
        made = self._model.generate(
            pixel_values=pixels,
            max_new_tokens=MOST_TOKENS,
            num_beams=1,
            do_sample=False,
            output_scores=True,
            return_dict_in_generate=True,
        )
        text = " ".join(str(self._tokenizer.decode(made.sequences[0], skip_special_tokens=True)).split())
        logs = [float(torch.log_softmax(scores[0].float(), dim=-1).max()) for scores in made.scores]
        mean = sum(logs) / len(logs) if logs else 0.0
        return text or _NOTHING, float(torch.tensor(mean).exp().clamp(0.0, 1.0))
