"""Sounds for libraries of recordings, and tiny networks that hear and read them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from sounddesk.engine.library.event_encoder import EventEncoder
    from sounddesk.engine.library.kind_space import KindSpace

KINDS = ("dog", "rain")
CAPTIONS = ("a dog barks", "rain falls")


def tiny_encoder(folder: Path) -> EventEncoder:
    """An untrained encoder of sounds, written to a folder first."""
    import torch

    from sounddesk.engine.library.event_encoder import EventEncoder
    from sounddesk.engine.perception.sound_effects import SoundEffectsEncoder

    torch.manual_seed(0)
    SoundEffectsEncoder(width=16).save(folder)
    return EventEncoder(folder)


def tiny_kinds(bundle: Path, *, width: int) -> KindSpace:
    """Two kinds by the text encoder of a bundle, and by an untrained classifier of embeddings of that width."""
    import torch

    from sounddesk.engine.bundles.bundle import Bundle
    from sounddesk.engine.library.kind_space import KindSpace
    from sounddesk.engine.library.kind_space import encode_texts
    from sounddesk.engine.library.kind_space import load_text_encoder
    from sounddesk.engine.perception.effects_head import EffectsHead

    text_encoder = load_text_encoder(Bundle.open(bundle))
    texts = [text for pair in zip(KINDS, CAPTIONS, strict=True) for text in pair]
    torch.manual_seed(1)
    return KindSpace(
        kinds=KINDS,
        caption_vectors=encode_texts(text_encoder, CAPTIONS),
        text_vectors=encode_texts(text_encoder, texts),
        kind_of_text=np.array([0, 0, 1, 1]),
        text_encoder=text_encoder,
        head=EffectsHead(width, len(KINDS)).eval().requires_grad_(False),
    )


def bark(*, seed: int = 0, rate: int = 16_000, count: int = 1) -> npt.NDArray[np.float32]:
    """Decaying bursts of noise, half a second apart."""
    rng = np.random.default_rng(seed)
    out = np.zeros(round(rate * (0.3 + 0.5 * count)), np.float32)
    for number in range(count):
        n = rate // 4
        start = round(rate * (0.1 + 0.5 * number))
        out[start : start + n] = rng.normal(0, 0.2, n) * np.exp(-6 * np.arange(n) / n)
    return out
