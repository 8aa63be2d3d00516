"""Weights of installed models, read into networks of our own."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import TypeVar

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor
from torch import nn

from sounddesk.domain.errors import EngineError
from sounddesk.engine.catalogue.model_store import InstalledModel
from sounddesk.engine.catalogue.model_store import ModelError

Network = TypeVar("Network", bound=nn.Module)


def tensors_of(model: InstalledModel, *, ending: str = ".safetensors") -> dict[str, Tensor]:
    """All tensors of the model's one file of weights, float32 on the CPU. Raises: ModelError."""
    names = [name for name in model.files if PurePosixPath(name).name.endswith(ending)]
    if len(names) != 1:
        raise ModelError(
            f"model {model.id!r} has {len(names)} files that end in {ending}, not one: "
            f"run 'sounddesk models remove {model.id}' and install it again"
        )
    try:
        return {name: value.float() for name, value in load_file(model.file(names[0])).items()}
    except (OSError, SafetensorError) as error:
        raise ModelError(
            f"{names[0]} of model {model.id!r} cannot be read ({error}): run 'sounddesk models verify {model.id}'"
        ) from error


def load_into(
    network: Network, tensors: Mapping[str, Tensor], *, of: str, rename: Callable[[str], str | None] = lambda name: name
) -> Network:
    """Put tensors into a network; every one of its parameters must be there, in its shape.

    Args:
        of: what they are, for messages.
        rename: our name of a tensor; None for one that the network does not use.

    Raises:
        EngineError: one is missing, or has another shape.
    """
    ours = {new: value for name, value in tensors.items() if (new := rename(name)) is not None}
    counters = {name for name in network.state_dict() if name.endswith("num_batches_tracked")}
    wanted = set(network.state_dict()) - counters
    if missing := sorted(wanted - set(ours)):
        raise EngineError(f"{of} lacks {missing[0]} and {len(missing) - 1} more: it is not the network that is named")
    try:
        network.load_state_dict({name: ours[name] for name in wanted}, strict=False)
    except RuntimeError as error:
        raise EngineError(f"{of} does not fit its network ({str(error).splitlines()[-1].strip()})") from error
    return network.eval().requires_grad_(False)


@torch.no_grad()
def in_batches(network: Callable[[Tensor], Tensor], inputs: Tensor, *, size: int = 16) -> Tensor:
    """The outputs for inputs [N, ...], `size` at a time."""
    return torch.cat([network(part) for part in inputs.split(size)])
