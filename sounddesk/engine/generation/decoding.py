"""Latent -> log-mel -> waveform, in pieces so that a minute costs no more memory than 20 s."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from typing import Final

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from sounddesk.engine.device import out_of_memory_reported
from sounddesk.engine.generation.networks import Networks
from sounddesk.engine.models.latent_codec import LatentCodec
from sounddesk.engine.models.pieces import in_pieces
from sounddesk.engine.models.vocoder import Vocoder
from sounddesk.engine.specs import AudioSpec
from sounddesk.engine.tasks import StageReporter

# Up to this length everything is decoded as a whole.
PIECE_S: Final = 20.48
# Longer than what any frame of the codecs and vocoders looks at on one side.
OVERLAP_S: Final = 2.56


@torch.no_grad()
def decode_all(
    latents: Tensor,
    networks: Networks,
    *,
    seeds: Sequence[int],
    seconds: float,
    conditions: Tensor | None = None,
    reporter: StageReporter | None = None,
) -> list[npt.NDArray[np.float32]]:
    """Latents float32[N, c, t, f] -> N sounds float32[n] of at least `seconds`.

    One at a time: a batch would cost memory and save no time.

    Args:
        seeds: of each, for what the bundle's detail draws, where it has one.
        seconds: length of each.
        conditions: what each was asked for with, float32[N, C]; the detail knows from them how loud it shall be.
        reporter: counts the sounds.

    Raises:
        OutOfMemoryError: memory that is not enough for one.
        Cancelled: through the reporter, between two.
    """
    spec = networks.bundle.audio
    device = networks.policy.device
    sounds = []
    # Held through all sounds, so that no memory plan moves them in between.
    with (
        networks.components.codec as codec,
        networks.components.vocoder as vocoder,
        networks.components.detail or nullcontext() as detail,
    ):

        def waveform(log_mel: Tensor) -> Tensor:
            return synthesise(vocoder, log_mel, spec)

        for index in range(len(latents)):
            with out_of_memory_reported(
                f"memory of {device} ran out while {seconds:g} s were decoded", device, seconds=seconds
            ):
                log_mel = decode_mel(codec, latents[index : index + 1].to(device), spec)
                if detail is None:
                    made = waveform(log_mel)
                else:
                    condition = None if conditions is None else conditions[index]
                    made = detail.render(log_mel, waveform, seed=seeds[index], condition=condition)
                sounds.append(made[0].float().cpu().numpy())
            if reporter is not None:
                reporter.step(index + 1)
    return sounds


def decode_mel(codec: LatentCodec, latent: Tensor, spec: AudioSpec) -> Tensor:
    """Scaled latents float32[B, C, t, f] -> log-mel float32[B, T, n_mels], not below the spectrogram's floor.

    Pieces are cross-faded over `OVERLAP_S`: the codec's group norms see one piece at a time, so two pieces agree
    closely but not exactly where they meet.
    """
    factor = spec.latent.time_factor
    frames_per_s = spec.mel.frames_per_s / factor
    log_mel = in_pieces(
        lambda piece: codec.decode(piece.movedim(1, 2)),
        latent.movedim(2, 1),
        piece=_whole(PIECE_S * frames_per_s),
        overlap=_whole(OVERLAP_S * frames_per_s),
        factor=factor,
    )
    # No real spectrogram lies below the floor, so no vocoder has learned what that means.
    return log_mel.clamp(min=spec.mel.log_silence)


def synthesise(vocoder: Vocoder, log_mel: Tensor, spec: AudioSpec) -> Tensor:
    """Log-mel float32[B, T, n_mels] -> waveform float32[B, T * hop_length]."""
    return in_pieces(
        vocoder.synthesise,
        log_mel,
        piece=_whole(PIECE_S * spec.mel.frames_per_s),
        overlap=_whole(OVERLAP_S * spec.mel.frames_per_s),
        factor=spec.mel.hop_length,
    )


def _whole(value: float) -> int:
    return max(4, round(value))
