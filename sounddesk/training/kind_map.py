"""The linear map from pooled patches to text vectors that the image encoder was tuned with, kept beside its export."""

from __future__ import annotations

from pathlib import Path

from safetensors.torch import load_file
from safetensors.torch import save_file
from torch import Tensor

_FILE = "kind_map.safetensors"


def write_kind_map(folder: Path, *, weight: Tensor, bias: Tensor) -> None:
    """Write weight float[T, D] and bias float[T] into `folder`, as float32."""
    save_file(
        {"weight": weight.detach().float().contiguous(), "bias": bias.detach().float().contiguous()}, folder / _FILE
    )


def read_kind_map(folder: Path) -> tuple[Tensor, Tensor]:
    """Weight float32[T, D] and bias float32[T].

    Raises:
        ValueError: the encoders in `folder` were not tuned.
    """
    if not (folder / _FILE).exists():
        raise ValueError(f"{folder} holds no {_FILE}: tune the image encoder first, or set kind_map to 'fitted'")
    state = load_file(folder / _FILE)
    return state["weight"], state["bias"]
