"""Linear classifier of kinds on sound-effects embeddings."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from safetensors.torch import save_file
from torch import Tensor
from torch import nn

from sounddesk.domain.errors import EngineError
from sounddesk.engine.models.quantised_weights import checked_weights

HEAD_NAME: Final = "effects_head.safetensors"


class EffectsHead(nn.Module):
    """Embeddings float[B, D], standardised as in training -> log-probabilities of K kinds, float32[B, K]."""

    mean: Tensor
    scale: Tensor

    def __init__(self, width: int, kinds: int) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(width))
        self.register_buffer("scale", torch.ones(width))
        self.linear = nn.Linear(width, kinds)

    def forward(self, embeddings: Tensor) -> Tensor:
        return torch.log_softmax(self.linear(self.standardised(embeddings)), dim=-1)

    def standardised(self, embeddings: Tensor) -> Tensor:
        return (embeddings.float() - self.mean) / self.scale

    def save(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        save_file({name: value.detach().contiguous() for name, value in self.state_dict().items()}, folder / HEAD_NAME)

    @classmethod
    def load(cls, folder: Path) -> EffectsHead:
        """The head in `folder`, frozen. Raises: EngineError, the file is missing or does not fit."""
        try:
            weights = load_file(checked_weights(folder / HEAD_NAME))
            kinds, width = weights["linear.weight"].shape
            head = cls(width, kinds)
            head.load_state_dict(weights)
        except (OSError, ValueError, KeyError, RuntimeError, SafetensorError) as error:
            raise EngineError(
                f"{HEAD_NAME} of the matching model in {folder} cannot be loaded ({error}): train it again"
            ) from error
        return head.eval().requires_grad_(False)


def both_tags(classifier_tags: Tensor, head_tags: Tensor) -> Tensor:
    """Normalised geometric mean of two predictions for the same sounds, log-probabilities float[..., K] each."""
    return torch.log_softmax((classifier_tags.float() + head_tags.float()) / 2, dim=-1)
