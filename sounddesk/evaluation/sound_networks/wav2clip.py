"""Wav2CLIP and CLIP ViT-B/32 as a network of metrics: CLIP-score."""

from __future__ import annotations

from typing import TYPE_CHECKING
from typing import Any

from sounddesk.audio.files.wav_io import SoundFile
from sounddesk.engine.catalogue.model_store import InstalledModel
from sounddesk.engine.types import BoolMask
from sounddesk.engine.types import RgbImage
from sounddesk.evaluation.sound_networks.registry import NETWORKS
from sounddesk.evaluation.sound_networks.registry import Features
from sounddesk.evaluation.sound_networks.registry import NetworkEntry
from sounddesk.evaluation.sound_networks.registry import SeeingNetwork

if TYPE_CHECKING:
    from sounddesk.evaluation.sound_networks.clip_audio import Wav2Clip

_SIDE = 224


class ClipScoreNetwork:
    """Sounds and pictures in CLIP's space; `vision` is transformers' CLIPVisionModelWithProjection."""

    def __init__(self, audio: Wav2Clip, vision: Any) -> None:
        self._audio = audio
        self._vision = vision

    def hear(self, sound: SoundFile) -> Features:
        """'embedding': float32[512]."""
        import torch

        from sounddesk.evaluation.sound_networks.clip_audio import RATE_HZ
        from sounddesk.evaluation.sound_networks.front_end import mono_at

        with torch.no_grad():
            return {"embedding": self._audio(torch.from_numpy(mono_at(sound, RATE_HZ))[None])[0].numpy()}

    def see(self, image: RgbImage, _: BoolMask | None, /) -> Features:
        """'embedding': float32[512]."""
        import torch

        from sounddesk.evaluation.sound_networks.pictures import clip_pixels

        with torch.no_grad():
            return {"embedding": self._vision(pixel_values=clip_pixels(image, side=_SIDE)).image_embeds[0].numpy()}


def _load(models: tuple[InstalledModel, ...]) -> SeeingNetwork:
    from transformers import CLIPVisionModelWithProjection

    from sounddesk.domain.errors import EngineError
    from sounddesk.evaluation.sound_networks.clip_audio import Wav2Clip
    from sounddesk.evaluation.sound_networks.clip_audio import published_name
    from sounddesk.evaluation.sound_networks.weights import load_into
    from sounddesk.evaluation.sound_networks.weights import tensors_of

    audio, clip = models
    clip.check_lengths()
    try:
        vision: Any = CLIPVisionModelWithProjection.from_pretrained(
            clip.folder, local_files_only=True, use_safetensors=True
        )
    except (OSError, ValueError) as error:
        raise EngineError(f"{clip.name} cannot be loaded ({error}): run 'sounddesk models verify {clip.id}'") from error
    network = load_into(Wav2Clip(), tensors_of(audio), of=audio.name, rename=published_name)
    return ClipScoreNetwork(network, vision.eval())


NETWORKS.register(
    NetworkEntry(
        name="wav2clip",
        label="Wav2CLIP and CLIP ViT-B/32",
        version=1,
        load=_load,
        model_ids=("wav2clip", "clip-vit-b-32"),
    )
)
