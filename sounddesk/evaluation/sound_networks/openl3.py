"""OpenL3 as a network of metrics: AVC."""

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
    from sounddesk.evaluation.sound_networks.l3 import L3Tower

IMAGE_FILE = "openl3_image_linear_env.h5.gz"
_SHORT_SIDE = 256


class OpenL3Network:
    """Means over windows of sound, and pictures: the shorter side made 256 px, the middle 224 x 224, in -1 to 1."""

    def __init__(self, audio: L3Tower, image: L3Tower) -> None:
        self._audio = audio
        self._image = image

    def hear(self, sound: SoundFile) -> Features:
        """'embedding': float32[512], the mean over windows of 1 s every 0.1 s."""
        import torch

        from sounddesk.evaluation.sound_networks.front_end import mono_at
        from sounddesk.evaluation.sound_networks.l3 import RATE_HZ
        from sounddesk.evaluation.sound_networks.l3 import spectrograms
        from sounddesk.evaluation.sound_networks.l3 import windows_of
        from sounddesk.evaluation.sound_networks.weights import in_batches

        windows = windows_of(torch.from_numpy(mono_at(sound, RATE_HZ)))
        embedded = in_batches(lambda part: self._audio(spectrograms(part)), windows)
        return {"embedding": embedded.mean(dim=0).numpy()}

    def see(self, image: RgbImage, _: BoolMask | None, /) -> Features:
        """'embedding': float32[512]."""
        import torch

        from sounddesk.evaluation.sound_networks.l3 import IMAGE_SIDE
        from sounddesk.evaluation.sound_networks.pictures import middle_square

        square = middle_square(image, short_side=_SHORT_SIDE, side=IMAGE_SIDE)
        scaled = torch.from_numpy(square).permute(2, 0, 1)[None].float() / 127.5 - 1.0
        with torch.no_grad():
            return {"embedding": self._image(scaled)[0].numpy()}


def _load(models: tuple[InstalledModel, ...]) -> SeeingNetwork:
    from sounddesk.evaluation.sound_networks.keras_weights import keras_tensors
    from sounddesk.evaluation.sound_networks.l3 import audio_name
    from sounddesk.evaluation.sound_networks.l3 import audio_tower
    from sounddesk.evaluation.sound_networks.l3 import image_name
    from sounddesk.evaluation.sound_networks.l3 import image_tower
    from sounddesk.evaluation.sound_networks.weights import load_into
    from sounddesk.evaluation.sound_networks.weights import tensors_of

    audio, image = models
    return OpenL3Network(
        load_into(audio_tower(), tensors_of(audio), of=audio.name, rename=audio_name),
        load_into(image_tower(), keras_tensors(image.file(IMAGE_FILE)), of=image.name, rename=image_name),
    )


NETWORKS.register(
    NetworkEntry(
        name="openl3",
        label="OpenL3 env, linear, 512",
        version=1,
        load=_load,
        model_ids=("openl3-audio", "openl3-image"),
    )
)
