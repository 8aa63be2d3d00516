"""How the condition vector enters the U-Net besides its FiLM slot: a zero-initialised decoupled cross-attention.

AudioLDM's U-Net has no cross-attention: its `attn2` runs as a second self-attention. The branch added here
reads the condition as one extra token. With one token the softmax is 1, so the branch adds the same vector
at every position; it starts at zero, so that a fresh branch leaves the U-Net's output bit-identical.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import torch
from diffusers.models.attention_processor import Attention
from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel
from torch import Tensor
from torch import nn

from sounddesk.engine.models.packed_attention import attention_block

# What the names of the added branches' parameters have in common, and no other name of a U-Net has.
_BRANCH: Final = "attn2.processor."


class ObjectAttnProcessor(nn.Module):
    """Self-attention plus attention to the condition tokens of `ip_hidden_states` float[B, K, C]."""

    def __init__(self, *, condition_width: int, inner_width: int) -> None:
        super().__init__()
        self.to_k_object = nn.Linear(condition_width, inner_width, bias=False)
        self.to_v_object = nn.Linear(condition_width, inner_width, bias=False)
        nn.init.zeros_(self.to_v_object.weight)

    def __call__(
        self,
        attn: Attention,
        hidden_states: Tensor,
        encoder_hidden_states: Tensor | None = None,
        attention_mask: Tensor | None = None,
        temb: Tensor | None = None,  # noqa: ARG002  # part of diffusers' processor signature
        ip_hidden_states: Tensor | None = None,
    ) -> Tensor:
        added = None
        if ip_hidden_states is not None:
            added = self.to_k_object(ip_hidden_states), self.to_v_object(ip_hidden_states)
        return attention_block(attn, hidden_states, encoder_hidden_states, attention_mask, added=added)


def install_object_attention(unet: UNet2DConditionModel, *, condition_width: int) -> list[str]:
    """Give every `attn2` of `unet` its own branch; the names of the new parameters.

    The original keys stay as they are; the new ones end up under `...attn2.processor.`.
    """
    processors = dict(unet.attn_processors)
    before = set(unet.state_dict())
    for name in processors:
        if name.endswith("attn2.processor"):
            attention = unet.get_submodule(name.removesuffix(".processor"))
            inner_width = int(attention.to_q.out_features)  # type: ignore[union-attr,arg-type]
            processors[name] = ObjectAttnProcessor(condition_width=condition_width, inner_width=inner_width)
    unet.set_attn_processor(processors)
    return sorted(set(unet.state_dict()) - before)


def object_attention_parameters(unet: nn.Module) -> Iterator[nn.Parameter]:
    """Parameters of the added branches, to train them alone or beside adapters."""
    return (parameter for name, parameter in unet.named_parameters() if _BRANCH in name)


def object_attention_state(unet: nn.Module) -> dict[str, Tensor]:
    """Parameters of the added branches alone, by their U-Net names."""
    return {k: v for k, v in unet.state_dict().items() if _BRANCH in k}


def original_state(unet: nn.Module) -> dict[str, Tensor]:
    """Parameters that a plain diffusers U-Net has, without the added branches."""
    return {k: v for k, v in unet.state_dict().items() if _BRANCH not in k}


def load_object_attention(unet: nn.Module, state: dict[str, Tensor]) -> None:
    """Fill the added branches. Raises: ValueError when the names do not fit this U-Net."""
    expected = set(object_attention_state(unet))
    if expected != set(state):
        odd = sorted(expected ^ set(state))[:3]
        raise ValueError(f"injection weights do not fit the U-Net: {', '.join(odd)}")
    with torch.no_grad():
        unet.load_state_dict(state, strict=False)
