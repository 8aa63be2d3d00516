"""What a network takes in memory, worked out on torch's `meta` device: shapes without numbers, in a second or two.

Activations are counted as they live and die during one forward pass without gradients. What the kernels of a device
take for themselves (workspaces, reordered weights) is not in it.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves


@dataclass(frozen=True, kw_only=True)
class NetworkMemory:
    """One network at one size of input.

    Attributes:
        parameters: how many there are.
        weight_bytes: of parameters and buffers.
        activation_bytes: the most that lives at one moment of a forward pass, inputs and outputs among it.
    """

    parameters: int
    weight_bytes: int
    activation_bytes: int

    @property
    def peak_bytes(self) -> int:
        return self.weight_bytes + self.activation_bytes


def network_memory(modules: Iterable[nn.Module], forward: Callable[[], Any]) -> NetworkMemory:
    """Memory of `modules` while `forward` runs them; both on the meta device, or on any other."""
    weights = _distinct(tensor for module in modules for tensor in (*module.parameters(), *module.buffers()))
    counted = _LiveBytes(own={_key(tensor) for tensor in weights})
    with torch.no_grad(), counted:
        forward()
    return NetworkMemory(
        parameters=sum(tensor.numel() for tensor in weights if isinstance(tensor, nn.Parameter)),
        weight_bytes=sum(tensor.numel() * tensor.element_size() for tensor in weights),
        activation_bytes=counted.peak_bytes,
    )


class _LiveBytes(TorchDispatchMode):
    """Counts the storages that operations make, from their making until the last tensor on them is gone."""

    def __init__(self, *, own: set[int]) -> None:
        super().__init__()
        self._own = own
        self._users: dict[int, int] = {}
        self._sizes: dict[int, int] = {}
        self._live_bytes = 0
        self.peak_bytes = 0

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        result = func(*args, **(kwargs or {}))
        for leaf in tree_leaves(result):
            if isinstance(leaf, Tensor):
                self._hold(leaf)
        return result

    def _hold(self, tensor: Tensor) -> None:
        key = _key(tensor)
        if key in self._own:
            return
        if key not in self._users:
            self._sizes[key] = tensor.untyped_storage().nbytes()
            self._live_bytes += self._sizes[key]
            self.peak_bytes = max(self.peak_bytes, self._live_bytes)
        self._users[key] = self._users.get(key, 0) + 1
        weakref.finalize(tensor, self._let_go, key)

    def _let_go(self, key: int) -> None:
        self._users[key] -= 1
        if self._users[key] == 0:
            del self._users[key]
            self._live_bytes -= self._sizes.pop(key)


def _key(tensor: Tensor) -> int:
    return int(tensor.untyped_storage()._cdata)


def _distinct(tensors: Iterable[Tensor]) -> list[Tensor]:
    """Each storage once: tied weights share theirs."""
    return list({_key(tensor): tensor for tensor in tensors}.values())
