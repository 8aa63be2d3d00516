"""ImageBind as a network of metrics: IB."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sounddesk.audio.files.wav_io import SoundFile
from sounddesk.engine.catalogue.model_store import InstalledModel
from sounddesk.engine.types import BoolMask
from sounddesk.engine.types import RgbImage
from sounddesk.evaluation.sound_networks.registry import NETWORKS
from sounddesk.evaluation.sound_networks.registry import Features
from sounddesk.evaluation.sound_networks.registry import NetworkEntry
from sounddesk.evaluation.sound_networks.registry import SeeingNetwork

if TYPE_CHECKING:
    from sounddesk.evaluation.sound_networks.image_bind import ImageBind

_LEAST_SAMPLES = 400


class ImageBindNetwork:
    """Sounds and pictures in one space."""

    def __init__(self, network: ImageBind) -> None:
        self._network = network

    def hear(self, sound: SoundFile) -> Features:
        """'embedding': float32[1024]."""
        import torch

        from sounddesk.evaluation.sound_networks.front_end import mono_at
        from sounddesk.evaluation.sound_networks.front_end import padded_to
        from sounddesk.evaluation.sound_networks.image_bind import RATE_HZ
        from sounddesk.evaluation.sound_networks.image_bind import clips_of

        waveform = padded_to(mono_at(sound, RATE_HZ), _LEAST_SAMPLES)
        with torch.no_grad():
            return {"embedding": self._network.hear(clips_of(waveform)).numpy()}

    def see(self, image: RgbImage, _: BoolMask | None, /) -> Features:
        """'embedding': float32[1024]."""
        import torch

        from sounddesk.evaluation.sound_networks.image_bind import IMAGE_SIDE
        from sounddesk.evaluation.sound_networks.pictures import clip_pixels

        with torch.no_grad():
            return {"embedding": self._network.see(clip_pixels(image, side=IMAGE_SIDE))[0].numpy()}


def _load(models: tuple[InstalledModel, ...]) -> SeeingNetwork:
    from sounddesk.evaluation.sound_networks.image_bind import ImageBind
    from sounddesk.evaluation.sound_networks.image_bind import published_name
    from sounddesk.evaluation.sound_networks.weights import load_into
    from sounddesk.evaluation.sound_networks.weights import tensors_of

    return ImageBindNetwork(load_into(ImageBind(), tensors_of(models[0]), of=models[0].name, rename=published_name))


NETWORKS.register(
    NetworkEntry(name="imagebind", label="ImageBind huge", version=1, load=_load, model_ids=("imagebind-huge",))
)
