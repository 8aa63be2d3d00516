"""oneDNN's layers against torch's own."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from diffusers.models.attention_processor import AttnProcessor2_0
from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel
from hypothesis import given
from hypothesis import settings
from hypothesis import strategies as st
from torch import Tensor
from torch import nn

from sounddesk.engine.models import packed_layers
from sounddesk.engine.models.diffusion import Denoiser
from sounddesk.engine.models.packed_attention import PackedAttnProcessor
from sounddesk.engine.models.packed_attention import attend
from sounddesk.engine.models.packed_layers import PackedConv2d
from sounddesk.engine.models.packed_layers import PackedLinear
from sounddesk.engine.models.packed_layers import PackedPointwiseConv2d
from sounddesk.engine.models.packed_layers import can_pack
from sounddesk.engine.models.packed_layers import pack_layers

pytestmark = pytest.mark.skipif(not torch.backends.mkldnn.is_available(), reason="this torch has no oneDNN")

sizes = st.integers(1, 12)


def close(ours: Tensor, theirs: Tensor) -> None:
    assert ours.shape == theirs.shape
    torch.testing.assert_close(ours, theirs, atol=2e-5, rtol=1e-4)


def packed_of(layer: nn.Module) -> nn.Module:
    holder = nn.Sequential(layer)
    assert pack_layers(holder) == 1
    return holder[0]


def test_the_operators_are_there() -> None:
    assert can_pack()


@given(outer=st.lists(sizes, min_size=1, max_size=3), width=sizes, out=sizes, bias=st.booleans())
@settings(max_examples=40, deadline=None)
def test_linear_layers_of_any_shape(outer: list[int], width: int, out: int, bias: bool) -> None:
    layer = nn.Linear(width, out, bias=bias)
    features = torch.randn(*outer, width)
    with torch.no_grad():
        packed = packed_of(layer)
        assert isinstance(packed, PackedLinear)
        close(packed(features), layer(features))
        # A view that lies in memory the other way round.
        turned = torch.randn(width, outer[0]).T
        close(packed(turned), layer(turned))


@given(
    channels=st.tuples(sizes, sizes),
    kernel=st.sampled_from([1, 3, 5]),
    stride=st.sampled_from([1, 2]),
    dilation=st.sampled_from([1, 2]),
    bias=st.booleans(),
    first=st.tuples(st.integers(1, 3), st.integers(9, 16), st.integers(9, 16)),
    second=st.tuples(st.integers(1, 3), st.integers(9, 16), st.integers(9, 16)),
)
@settings(max_examples=40, deadline=None)
def test_convolutions_of_any_shape_and_size(
    channels: tuple[int, int],
    kernel: int,
    stride: int,
    dilation: int,
    bias: bool,
    first: tuple[int, int, int],
    second: tuple[int, int, int],
) -> None:
    layer = nn.Conv2d(*channels, kernel, stride=stride, dilation=dilation, padding=kernel // 2, bias=bias)
    with torch.no_grad():
        packed = packed_of(layer)
        pointwise = (kernel, stride) == (1, 1)
        assert type(packed) is (PackedPointwiseConv2d if pointwise and dilation == 1 else PackedConv2d) or pointwise
        for batch, height, width in (first, second):
            features = torch.randn(batch, channels[0], height, width)
            for layout in (torch.contiguous_format, torch.channels_last):
                close(packed(features.contiguous(memory_format=layout)), layer(features))


def test_groups_stay_and_what_it_cannot_stand_for_is_left_alone() -> None:
    class Own(nn.Linear):
        pass

    network = nn.Sequential(
        nn.Conv2d(8, 8, 3, groups=4),
        nn.Conv2d(8, 8, 3, padding=1, padding_mode="circular"),
        nn.Conv2d(8, 8, 3, padding="same"),
        Own(4, 4),
        nn.Linear(4, 4).double(),
        nn.Linear(4, 4, device="meta"),
    )
    features = torch.randn(2, 8, 6, 6)
    with torch.no_grad():
        expected = network[0](features)
        kinds = [type(layer) for layer in network[1:]]
        assert pack_layers(network) == 1
        close(network[0](features), expected)
    assert [type(layer) for layer in network[1:]] == kinds


def test_without_the_operators_the_layers_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    can_pack.cache_clear()

    def gone(*_: object) -> Tensor:
        raise AttributeError("no such operator")

    monkeypatch.setattr(packed_layers, "linear", gone)
    try:
        network = nn.Sequential(nn.Linear(4, 4))
        assert not can_pack()
        assert pack_layers(network) == 0
        assert type(network[0]) is nn.Linear
    finally:
        can_pack.cache_clear()


def test_trying_the_operators_leaves_the_users_seed_alone() -> None:
    can_pack.cache_clear()
    torch.manual_seed(5)
    expected = torch.randn(3)
    torch.manual_seed(5)
    can_pack()
    assert torch.equal(torch.randn(3), expected)


@pytest.mark.parametrize(("queries", "keys"), [(300, 300), (200, 129), (2000, 1500), (64, 64), (128, 1)])
def test_attention_in_blocks_and_below_their_size(queries: int, keys: int) -> None:
    generator = torch.Generator().manual_seed(1)
    query, key, value = (
        # Heads side by side in memory, as a projection leaves them.
        torch.randn(2, length, 3, 16, generator=generator).transpose(1, 2)
        for length in (queries, keys, keys)
    )
    close(attend(query, key, value), nn.functional.scaled_dot_product_attention(query, key, value))
    mask = torch.rand(2, 1, queries, keys, generator=generator) > 0.5
    mask[..., 0] = True
    close(attend(query, key, value, mask), nn.functional.scaled_dot_product_attention(query, key, value, mask))


def test_attention_that_is_trained_has_its_gradient() -> None:
    query, key, value = (torch.randn(1, 2, 200, 8, requires_grad=True) for _ in range(3))
    attend(query, key, value).sum().backward()
    assert query.grad is not None and value.grad is not None and value.grad.abs().sum() > 0


@pytest.mark.parametrize("inject", ["film", "both"])
def test_a_packed_denoiser_computes_the_same_and_is_never_saved(inject: str, tmp_path: Path) -> None:
    torch.manual_seed(0)
    unet = UNet2DConditionModel(
        sample_size=32,
        in_channels=4,
        out_channels=4,
        block_out_channels=(32, 64),
        layers_per_block=1,
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"),
        cross_attention_dim=(32, 64),
        class_embed_type="simple_projection",
        projection_class_embeddings_input_dim=24,
        class_embeddings_concat=True,
    )
    denoiser = Denoiser(unet, condition_width=24, inject=inject).eval().requires_grad_(False)  # type: ignore[arg-type]
    for name, parameter in unet.named_parameters():
        if "to_v_object" in name:
            parameter.normal_(std=0.05)
    # Half of 64 x 8 positions in the level that has attention, which oneDNN's attention needs at least.
    latent, condition = torch.randn(2, 4, 64, 8), torch.randn(2, 24)
    with torch.no_grad():
        expected = denoiser(latent, torch.tensor(300), condition)
        denoiser.pack_for_cpu()
        assert denoiser.packed
        for _ in range(2):
            close(denoiser(latent, torch.tensor(300), condition), expected)
        shorter = denoiser(latent[:, :, :32], torch.tensor(300), condition)
    assert shorter.shape == (2, 4, 32, 8)
    processors = {type(processor) for processor in unet.attn_processors.values()}
    assert PackedAttnProcessor in processors and AttnProcessor2_0 not in processors
    with pytest.raises(ValueError, match="pack_for_cpu"):
        denoiser.save(tmp_path / "unet", tmp_path / "injection.safetensors")
