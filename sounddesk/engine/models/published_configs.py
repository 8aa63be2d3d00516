"""What the configurations of published folders say of lengths and shapes; no weights are read (no torch)."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

from sounddesk.domain.errors import EngineError
from sounddesk.engine.specs import AudioSpec
from sounddesk.engine.specs import LatentSpec
from sounddesk.engine.specs import MelSpec
from sounddesk.storage.text_formats import FieldError
from sounddesk.storage.text_formats import read_object


def audio_spec(audioldm: Path) -> AudioSpec:
    """Mel and latent geometry of an AudioLDM folder, read from its own configurations.

    Raises:
        EngineError: a configuration is missing or contradicts another.
    """
    vae, unet, vocoder = (read_config(audioldm / role) for role in ("vae", "unet", "vocoder"))
    try:
        factor = 2 ** (len(vae["block_out_channels"]) - 1)
        mel = MelSpec(
            sample_rate_hz=vocoder["sampling_rate"],
            n_mels=vocoder["model_in_dim"],
            hop_length=math.prod(vocoder["upsample_rates"]),
            fmax_hz=vocoder["sampling_rate"] / 2,
        )
        latent = LatentSpec(channels=vae["latent_channels"], time_factor=factor, freq_factor=factor)
        multiple = 2 ** (len(unet["block_out_channels"]) - 1)
    except (KeyError, TypeError, ValueError) as error:
        raise EngineError(f"{audioldm}: its configurations do not belong together ({error})") from error
    if unet["in_channels"] != latent.channels:
        raise EngineError(f"{audioldm}: U-Net of {unet['in_channels']} channels, VAE of {latent.channels}")
    return AudioSpec(mel=mel, latent=latent, latent_multiple=multiple)


def read_config(folder: Path) -> dict[str, Any]:
    """`config.json` of a component's folder. Raises: EngineError."""
    try:
        return read_object(folder / "config.json", allow_infinite=True)
    except (OSError, FieldError) as error:
        raise EngineError(f"{folder / 'config.json'} cannot be read ({error}): install the model again") from error
