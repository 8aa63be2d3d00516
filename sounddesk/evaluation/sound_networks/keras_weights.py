"""Weights that Keras 1 and 2 wrote as HDF5: layers in their order, each with its arrays in theirs."""

from __future__ import annotations

import gzip
import io
from pathlib import Path
from typing import Any
from typing import Final

import torch
from torch import Tensor

from sounddesk.domain.errors import EngineError
from sounddesk.domain.errors import MissingPackageError

_MOST_BYTES: Final = 256 << 20
_NORM: Final = ("gamma", "beta", "moving_mean", "moving_variance")
_NORM_NAMES: Final = ("weight", "bias", "running_mean", "running_var")


def keras_tensors(path: Path) -> dict[str, Tensor]:
    """Tensors of convolutions ('conv2d_N.weight') and batch norms ('batch_normalization_N.weight'), N from 1 in order.

    A layer that has a name of its own keeps it. Nothing in the file is executed; a packed file may have 256 MiB.

    Raises:
        MissingPackageError: h5py is not installed.
        EngineError: not such a file.
    """
    try:
        import h5py
    except ImportError as error:
        raise MissingPackageError("weights of Keras need h5py", remedy="pip install h5py") from error
    try:
        data = _unpacked(path)
        with h5py.File(io.BytesIO(data), "r") as file:
            return _tensors(file)
    # h5py raises classes of its own, and of numpy, on damaged bytes.
    except Exception as error:
        raise EngineError(f"{path.name} cannot be read as Keras' weights ({error}): install it again") from error


def _unpacked(path: Path) -> bytes:
    with path.open("rb") as file:
        packed = file.read(2) == b"\x1f\x8b"
    with gzip.open(path) if packed else path.open("rb") as stream:
        data: bytes = stream.read(_MOST_BYTES + 1)
    if len(data) > _MOST_BYTES:
        raise ValueError(f"more than {_MOST_BYTES >> 20} MiB")
    return data


def _tensors(file: Any) -> dict[str, Tensor]:
    found: dict[str, Tensor] = {}
    counts = {"conv2d": 0, "batch_normalization": 0}
    for layer in map(_text, file.attrs["layer_names"]):
        arrays = {
            _text(name).rpartition("/")[2].partition(":")[0]: torch.from_numpy(file[layer][_text(name)][()]).float()
            for name in file[layer].attrs["weight_names"]
        }
        if not arrays:
            continue
        family = "batch_normalization" if "gamma" in arrays else "conv2d"
        counts[family] += 1
        own = not layer.startswith(("conv2d", "batch_normalization"))
        name = layer if own else f"{family}_{counts[family]}"
        if family == "conv2d":
            # Keras: rows, columns, in, out.
            found[f"{name}.weight"] = arrays["kernel"].permute(3, 2, 0, 1).contiguous()
            found[f"{name}.bias"] = arrays["bias"]
        else:
            found |= {f"{name}.{ours}": arrays[theirs] for theirs, ours in zip(_NORM, _NORM_NAMES, strict=True)}
    return found


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)
