"""Self-attention by oneDNN's matrix products, for CPUs; see `packed_layers`.

Torch's own fused attention multiplies with MKL: 1024 positions in 8 heads of 32 channels took it 53 ms, this 35 ms (one
core of an EPYC with AVX-512). It needs the scores of a block of queries in memory, which the fused one does not.
"""

from __future__ import annotations

from typing import Final

import torch
from diffusers.models.attention_processor import Attention
from diffusers.models.attention_processor import AttnProcessor2_0
from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel
from torch import Tensor
from torch import nn

from sounddesk.engine.models.packed_layers import can_pack
from sounddesk.engine.models.packed_layers import linear

# Below, the calls cost more than the quicker products save: 64 positions take 1.3 instead of 0.6 ms.
_FEWEST_POSITIONS: Final = 128
# Of one head at a time, so that they stay in the cache: 4 MiB.
_SCORES_AT_ONCE: Final = 1 << 20


def attend(query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None = None) -> Tensor:
    """Scaled dot-product attention of float[B, H, N, d] over keys and values float[B, H, M, d]: float[B, H, N, d].

    Where oneDNN does not pay off, or a gradient is asked for, it is torch's own.
    """
    if mask is not None or not _pays_off(query, key):
        return nn.functional.scaled_dot_product_attention(query, key, value, attn_mask=mask)
    batch, heads, positions, depth = query.shape
    rows = max(1, _SCORES_AT_ONCE // key.shape[2])
    result = query.new_empty(batch, positions, heads, depth)
    query = (query * depth**-0.5).contiguous()
    key, value = key.contiguous(), value.transpose(2, 3).contiguous()
    for item in range(batch):
        for head in range(heads):
            for start in range(0, positions, rows):
                scores = linear(query[item, head, start : start + rows], key[item, head])
                result[item, start : start + rows, head] = linear(torch.softmax(scores, dim=-1), value[item, head])
    return result.transpose(1, 2)


def attention_block(
    attn: Attention,
    hidden_states: Tensor,
    encoder_hidden_states: Tensor | None,
    mask: Tensor | None,
    *,
    added: tuple[Tensor, Tensor] | None = None,
) -> Tensor:
    """What diffusers' `AttnProcessor2_0` computes for a block without norms and residuals of its own.

    Args:
        added: projected keys and values float[B, K, H * d] that the same queries also attend to; that result is added.
    """
    batch = hidden_states.shape[0]
    depth = attn.to_q.out_features // attn.heads

    def split(x: Tensor) -> Tensor:
        return x.reshape(batch, -1, attn.heads, depth).transpose(1, 2)

    context = hidden_states if encoder_hidden_states is None else encoder_hidden_states
    query = split(attn.to_q(hidden_states))
    out = attend(query, split(attn.to_k(context)), split(attn.to_v(context)), mask)
    if added is not None:
        out = out + attend(query, split(added[0]), split(added[1]))
    out = out.transpose(1, 2).reshape(batch, -1, attn.heads * depth)
    out = attn.to_out[1](attn.to_out[0](out))
    return out / attn.rescale_output_factor


class PackedAttnProcessor:
    """`attention_block` as diffusers calls it."""

    def __call__(
        self,
        attn: Attention,
        hidden_states: Tensor,
        encoder_hidden_states: Tensor | None = None,
        attention_mask: Tensor | None = None,
        temb: Tensor | None = None,  # noqa: ARG002  # part of diffusers' processor signature
    ) -> Tensor:
        return attention_block(attn, hidden_states, encoder_hidden_states, attention_mask)


def pack_attention(unet: UNet2DConditionModel) -> int:
    """Give the plain attention blocks of `unet` the processor above; how many there were."""
    if not can_pack():
        return 0
    processors = dict(unet.attn_processors)
    packed = 0
    for name, processor in processors.items():
        block = unet.get_submodule(name.removesuffix(".processor"))
        if type(processor) is AttnProcessor2_0 and isinstance(block, Attention) and _is_plain(block):
            processors[name] = PackedAttnProcessor()  # type: ignore[assignment]
            packed += 1
    unet.set_attn_processor(processors)
    return packed


def _is_plain(block: Attention) -> bool:
    norms = (block.spatial_norm, block.group_norm, block.norm_q, block.norm_k, block.norm_cross)
    return all(norm is None for norm in norms) and not block.residual_connection


def _pays_off(query: Tensor, key: Tensor) -> bool:
    return (
        query.device.type == "cpu"
        and query.dtype == torch.float32
        and min(query.shape[2], key.shape[2]) >= _FEWEST_POSITIONS
        and not (torch.is_grad_enabled() and query.requires_grad)
        and can_pack()
    )
