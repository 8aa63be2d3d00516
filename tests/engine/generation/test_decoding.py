from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import settings
from hypothesis import strategies as st

from sounddesk.engine.generation.decoding import OVERLAP_S
from sounddesk.engine.generation.decoding import PIECE_S
from sounddesk.engine.generation.decoding import decode_mel
from sounddesk.engine.generation.decoding import synthesise
from sounddesk.engine.models.pieces import in_pieces
from sounddesk.engine.models.vocoder import IstftVocoder
from sounddesk.engine.models.vocoder import IstftVocoderConfig
from tests.tiny_bundle import AUDIO


@settings(deadline=None, max_examples=60)
@given(
    length=st.integers(1, 200),
    piece=st.integers(20, 60),
    overlap=st.integers(4, 16),
    factor=st.integers(1, 3),
    channels=st.integers(0, 2),
)
def test_pieces_of_a_local_function_are_the_whole(length, piece, overlap, factor, channels) -> None:
    shape = (2, length, channels) if channels else (2, length)
    x = torch.randn(shape, generator=torch.Generator().manual_seed(length), dtype=torch.float64)
    calls = []

    def local(part: torch.Tensor) -> torch.Tensor:
        calls.append(part.shape[1])
        return part.repeat_interleave(factor, dim=1) * 2

    whole = x.repeat_interleave(factor, dim=1) * 2
    assert torch.allclose(in_pieces(local, x, piece=piece, overlap=overlap, factor=factor), whole, atol=1e-12)
    assert max(calls) <= piece
    assert len(calls) == 1 or min(calls) == piece


def test_neighbours_within_a_quarter_of_the_overlap_are_enough() -> None:
    x = torch.randn(1, 300, generator=torch.Generator().manual_seed(0), dtype=torch.float64)

    def smooth(reach: int):
        return lambda part: torch.nn.functional.conv1d(
            part[:, None], torch.ones(1, 1, 2 * reach + 1, dtype=torch.float64), padding=reach
        )[:, 0]

    near, far = smooth(8), smooth(24)
    pieces = {"piece": 100, "overlap": 32, "factor": 1}
    assert torch.allclose(in_pieces(near, x, **pieces), near(x), atol=1e-12)
    # The claim is about reach, so a function that reaches further must differ, or this test shows nothing.
    assert not torch.allclose(in_pieces(far, x, **pieces), far(x), atol=1e-12)


def test_a_minute_through_the_vocoder_in_pieces_is_the_minute_as_a_whole() -> None:
    torch.manual_seed(0)
    # The starter's reach: 8 blocks of 7 frames.
    vocoder = IstftVocoder(IstftVocoderConfig(width=8, hidden=8, blocks=8, kernel=7), AUDIO.mel).eval()
    frames = round(2.5 * PIECE_S * AUDIO.mel.frames_per_s)
    log_mel = torch.randn(1, frames, AUDIO.mel.n_mels) - 5
    whole = vocoder.synthesise(log_mel)
    assert (synthesise(vocoder, log_mel, AUDIO) - whole).abs().max() < 1e-4 * whole.abs().max()


def test_seams_of_the_codec_are_near_the_whole_and_the_floor_holds(tiny_bundle) -> None:
    from sounddesk.engine.models.latent_codec import LatentCodec

    codec = LatentCodec.load(tiny_bundle / "vae", AUDIO).eval()
    frames_per_s = AUDIO.mel.frames_per_s / AUDIO.latent.time_factor
    length = round(1.7 * PIECE_S * frames_per_s)
    latent = torch.randn(1, AUDIO.latent.channels, length, 4, generator=torch.Generator().manual_seed(5))
    with torch.no_grad():
        whole = codec.decode(latent).clamp(min=AUDIO.mel.log_silence)
        pieces = decode_mel(codec, latent, AUDIO)
    assert pieces.shape == whole.shape == (1, length * AUDIO.latent.time_factor, AUDIO.mel.n_mels)
    assert (pieces - whole).abs().max() < 0.2 * whole.std()
    with torch.no_grad():
        codec.vae.decoder.conv_out.bias.sub_(10.0)
        assert codec.decode(latent[:, :, :8]).max() < AUDIO.mel.log_silence
        assert decode_mel(codec, latent[:, :, :8], AUDIO).min().item() == pytest.approx(AUDIO.mel.log_silence)


def test_overlap_fits_into_a_piece() -> None:
    assert OVERLAP_S < PIECE_S / 4
