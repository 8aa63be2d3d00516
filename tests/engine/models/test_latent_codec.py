"""Fold and unfold, shapes of both geometries, scaling factor, saving."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL

from sounddesk.engine.models.latent_codec import LatentCodec
from sounddesk.engine.models.latent_codec import fold_mel
from sounddesk.engine.models.latent_codec import unfold_mel
from sounddesk.engine.specs import AudioSpec
from sounddesk.engine.specs import LatentSpec
from sounddesk.engine.specs import MelSpec


def folded_codec(scaling_factor: float = 0.5) -> LatentCodec:
    torch.manual_seed(0)
    vae = AutoencoderKL(
        in_channels=32,
        out_channels=32,
        block_out_channels=(16,),
        down_block_types=("DownEncoderBlock2D",),
        up_block_types=("UpDecoderBlock2D",),
        latent_channels=6,
        layers_per_block=1,
        norm_num_groups=4,
        mid_block_add_attention=False,
        scaling_factor=scaling_factor,
    )
    latent = LatentSpec(channels=6, time_factor=4, freq_factor=8, mel_fold=(4, 8))
    return LatentCodec(vae.eval(), AudioSpec(mel=MelSpec(), latent=latent))


def strided_codec() -> LatentCodec:
    torch.manual_seed(0)
    vae = AutoencoderKL(
        in_channels=1,
        out_channels=1,
        block_out_channels=(8, 8, 8),
        down_block_types=("DownEncoderBlock2D",) * 3,
        up_block_types=("UpDecoderBlock2D",) * 3,
        latent_channels=8,
        layers_per_block=1,
        norm_num_groups=4,
    )
    return LatentCodec(vae.eval(), AudioSpec(mel=MelSpec(), latent=LatentSpec()))


def test_fold_is_undone_by_unfold_and_keeps_neighbours_together() -> None:
    mel = torch.arange(16 * 16).float().reshape(1, 1, 16, 16)
    blocks = fold_mel(mel, (4, 8))
    assert blocks.shape == (1, 32, 4, 2)
    torch.testing.assert_close(blocks[0, :, 1, 1].reshape(4, 8), mel[0, 0, 4:8, 8:16])
    assert torch.equal(unfold_mel(blocks, (4, 8)), mel)


@pytest.mark.parametrize(("codec", "shape"), [(folded_codec(), (2, 6, 8, 8)), (strided_codec(), (2, 8, 8, 16))])
def test_latents_have_the_shape_of_the_spec(codec: LatentCodec, shape: tuple[int, ...]) -> None:
    mel = torch.randn(2, 32, 64)
    with torch.no_grad():
        latent = codec.encode(mel, sample=False)
        assert latent.shape == shape
        assert codec.decode(latent).shape == mel.shape


def test_scaling_factor_is_read_from_the_configuration() -> None:
    mel = torch.randn(1, 32, 64)
    with torch.no_grad():
        one, two = folded_codec(1.0).encode(mel, sample=False), folded_codec(2.0).encode(mel, sample=False)
        torch.testing.assert_close(two, 2 * one)
        torch.testing.assert_close(folded_codec(1.0).decode(one), folded_codec(2.0).decode(two))


def test_sampling_follows_the_generator() -> None:
    codec, mel = folded_codec(), torch.randn(1, 32, 64)

    def sampled(seed: int) -> Any:
        with torch.no_grad():
            return codec.encode(mel, generator=torch.Generator().manual_seed(seed))

    assert torch.equal(sampled(1), sampled(1))
    assert not torch.equal(sampled(1), sampled(2))


def test_save_and_load_are_bit_equal(tmp_path: Path) -> None:
    codec, mel = folded_codec(0.7), torch.randn(1, 32, 64)
    codec.save(tmp_path)
    loaded = LatentCodec.load(tmp_path, codec.spec)
    assert loaded.scaling_factor == 0.7
    with torch.no_grad():
        assert torch.equal(loaded.encode(mel, sample=False), codec.encode(mel, sample=False))


def test_a_fold_that_does_not_divide_the_factors_is_refused() -> None:
    with pytest.raises(ValueError, match="must divide"):
        LatentSpec(time_factor=4, mel_fold=(3, 4))
