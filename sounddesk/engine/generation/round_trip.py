"""Recordings through a bundle's codec and vocoder and back, as takes are decoded."""

from __future__ import annotations

import numpy as np
import torch

from sounddesk.audio.resample import resample
from sounddesk.engine.generation.decoding import decode_all
from sounddesk.engine.generation.decoding import synthesise
from sounddesk.engine.generation.networks import Networks
from sounddesk.engine.models.mel import LogMel
from sounddesk.engine.models.mel import scale_to_peak
from sounddesk.engine.types import RoundTrip
from sounddesk.engine.types import Waveform


@torch.no_grad()
def round_trip(waveform: Waveform, networks: Networks, *, sample_rate_hz: int, through: RoundTrip) -> Waveform:
    """See `EngineSession.round_trip`."""
    spec, device = networks.bundle.audio, networks.policy.device
    rate = spec.mel.sample_rate_hz
    sound = resample(waveform, from_hz=sample_rate_hz, to_hz=rate)
    shape = spec.shape_of(len(sound) / rate)
    # The analysis mirrors the ends, so it needs more than half a window.
    frames = max(shape.mel_frames, -(-spec.mel.n_fft // spec.mel.hop_length))
    target = torch.zeros(1, frames * spec.mel.hop_length)
    target[0, : len(sound)] = scale_to_peak(torch.from_numpy(sound)[None], spec.mel)[0]
    log_mel = LogMel(spec.mel)(target).to(device)
    if through == "vocoder":
        with networks.components.vocoder as vocoder:
            made = synthesise(vocoder, log_mel, spec)[0].float().cpu().numpy()
        made = resample(made, from_hz=rate, to_hz=spec.sample_rate_hz)
    else:
        with networks.components.codec as codec:
            # The posterior's mean: what is lost is lost by the codec, not by the draw.
            latents = codec.encode(log_mel, sample=False)
        made = decode_all(latents, networks, seeds=[0], seconds=len(sound) / rate)[0]
    return np.ascontiguousarray(made[: len(sound) * spec.sample_rate_hz // rate], dtype=np.float32)
