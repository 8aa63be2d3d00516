"""Linear layers and convolutions with their weights in oneDNN's own layout, for CPUs.

Torch gives a float32 matrix product to MKL, and with one thread most 1 x 1 convolutions too. On AMD's processors MKL
leaves half of the vector unit unused: on an EPYC with AVX-512 the linear layers of AudioLDM's U-Net ran at 50 to 70
GFLOP/s, while oneDNN, which torch has on board for the larger convolutions, does 120 to 230. So these layers call
oneDNN, with weights that are brought into its layout once instead of at every call. `torch.compile` with frozen weights
does the same, but needs a C++ compiler on the user's machine and minutes of its time.

The operators are torch's own and private, so they are tried before they are relied on (`can_pack`).
"""

from __future__ import annotations

import functools
import logging
from typing import Any
from typing import Final

import torch
from torch import Tensor
from torch import nn

_log = logging.getLogger(__name__)

_TOLERANCE: Final = 1e-4


def linear(features: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """`nn.functional.linear` by oneDNN: float32[..., in], [out, in] (packed or not), [out] -> float32[..., out]."""
    result: Tensor = torch.ops.mkldnn._linear_pointwise(features, weight, bias, "none", [], "")
    return result


def _packed_for_linear(weight: Tensor) -> Tensor:
    result: Tensor = torch.ops.mkldnn._reorder_linear_weight(weight.detach().contiguous(), None)
    return result


# A packed weight is no parameter: only oneDNN can read it, so it can be neither saved nor moved.


class PackedLinear(nn.Module):
    """What an `nn.Linear` computes; float32[..., in] -> float32[..., out], on the CPU, without gradient."""

    def __init__(self, layer: nn.Linear) -> None:
        super().__init__()
        self.in_features = layer.in_features
        self.out_features = layer.out_features
        self.bias = layer.bias
        self._weight = _packed_for_linear(layer.weight)

    def forward(self, features: Tensor) -> Tensor:
        return linear(features, self._weight, self.bias)


class PackedPointwiseConv2d(nn.Module):
    """What an `nn.Conv2d` of 1 x 1 computes: a linear layer over the channels, which channels-last has side by side."""

    def __init__(self, layer: nn.Conv2d) -> None:
        super().__init__()
        self.in_channels = layer.in_channels
        self.out_channels = layer.out_channels
        self.bias = layer.bias
        self._weight = _packed_for_linear(layer.weight.flatten(1))

    def forward(self, features: Tensor) -> Tensor:
        return linear(features.permute(0, 2, 3, 1), self._weight, self.bias).permute(0, 3, 1, 2)


class PackedConv2d(nn.Module):
    """What an `nn.Conv2d` with zero padding computes, in the memory format channels-last.

    Quick where the longer axis comes last (`swap_time_and_frequency`); with two columns there it took 2 to 5 times as
    long.
    """

    def __init__(self, layer: nn.Conv2d) -> None:
        super().__init__()
        self.in_channels = layer.in_channels
        self.out_channels = layer.out_channels
        self.bias = layer.bias
        assert not isinstance(layer.padding, str)
        self._geometry = (list(layer.padding), list(layer.stride), list(layer.dilation), layer.groups)
        self._weight: Tensor = torch.ops.mkldnn._reorder_convolution_weight(
            layer.weight.detach().contiguous(), *self._geometry, None
        )

    def forward(self, features: Tensor) -> Tensor:
        last = features.contiguous(memory_format=torch.channels_last)
        result: Tensor = torch.ops.mkldnn._convolution_pointwise(
            last, self._weight, self.bias, *self._geometry, "none", [], ""
        )
        return result


def pack_layers(network: nn.Module) -> int:
    """Put packed layers in the place of the float32 ones that they can stand for; how many there were.

    The network can then compute on the CPU, and nothing else: its weights can be neither trained, saved nor moved.
    Nothing happens where `can_pack` says no.
    """
    if not can_pack():
        return 0
    packed = 0
    for parent in list(network.modules()):
        for name, layer in list(parent.named_children()):
            replacement = _packed(layer)
            if replacement is not None:
                setattr(parent, name, replacement)
                packed += 1
    return packed


@functools.cache
def can_pack() -> bool:
    """Whether torch's oneDNN operators are there and compute what the plain layers do."""
    if not torch.backends.mkldnn.is_available():
        return False
    # Examples of its own generator: the seeds that users gave must not depend on this.
    generator = torch.Generator().manual_seed(0)
    features, image = torch.randn(3, 5, 24, generator=generator), torch.randn(2, 8, 6, 4, generator=generator)
    try:
        with torch.random.fork_rng(devices=[]), torch.no_grad():
            layers: tuple[tuple[nn.Module, Tensor], ...] = (
                (nn.Linear(24, 40), features),
                (nn.Conv2d(8, 16, 3, padding=1), image),
                (nn.Conv2d(8, 16, 1), image),
            )
            for layer, example in layers:
                packed = _packed(layer)
                if packed is None or (packed(example) - layer(example)).abs().max() > _TOLERANCE:
                    return False
    except (AttributeError, RuntimeError, TypeError) as error:
        _log.info("layers stay as torch computes them: %s", error)
        return False
    return True


def _packed(layer: nn.Module) -> nn.Module | None:
    # By the very class: a subclass may do more than the layer itself.
    kind: Any = type(layer)
    if kind is nn.Linear and _is_plain(layer.weight):
        return PackedLinear(layer)  # type: ignore[arg-type]
    if kind is not nn.Conv2d or not _is_plain(layer.weight):
        return None
    assert isinstance(layer, nn.Conv2d)
    if layer.padding_mode != "zeros" or isinstance(layer.padding, str):
        return None
    if (*layer.kernel_size, *layer.stride, *layer.padding, layer.groups) == (1, 1, 1, 1, 0, 0, 1):
        return PackedPointwiseConv2d(layer)
    return PackedConv2d(layer)


def _is_plain(weight: Any) -> bool:
    return isinstance(weight, Tensor) and weight.device.type == "cpu" and weight.dtype == torch.float32
