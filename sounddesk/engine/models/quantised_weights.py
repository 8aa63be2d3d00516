"""Weights on disk: float32, float16, or int8 with one scale per row, all in safetensors.

Layout of a file written by `save_weights` (`storage` is also the manifest's `weight_storage`):

- `float32`, `float16`: every floating tensor in that type under its own name; integer and bool tensors as they are.
- `int8-rowwise`: a floating tensor `name` with at least 2 dimensions and `MIN_ROW_LENGTH` values a row (a row is
  one index of the first dimension, so one output unit of a linear or convolution layer) becomes int8 `name` of the
  same shape plus float16 `name|row_scale` of shape [rows]; its value is `name * row_scale`. All other floating
  tensors (biases, norms, statistics) are float16.

A floating tensor whose values leave float16's range stays float32 and float64 stays float64 (running sums lose
their meaning in float16). The metadata key `storage` names the storage. `load_weights` reads these files and any
other safetensors file, and needs no manifest for it.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from typing import Final
from typing import Literal
from typing import get_args

import torch
from safetensors import SafetensorError
from safetensors import safe_open
from safetensors.torch import save as to_safetensors_bytes

from sounddesk.domain.errors import EngineError
from sounddesk.storage.atomic_file import atomic_path
from sounddesk.storage.foreign_file import open_foreign_file

WeightStorage = Literal["float32", "float16", "int8-rowwise"]
WEIGHT_STORAGES: Final[tuple[WeightStorage, ...]] = get_args(WeightStorage)

STORAGE_KEY: Final = "storage"
SCALE_SUFFIX: Final = "|row_scale"
MIN_ROW_LENGTH: Final = 16
_INT8_MAX: Final = 127
_FLOAT16_MAX: Final = 65_504.0
# The largest published networks take a hundredth of it.
_MOST_HEADER_BYTES: Final = 8 << 20


def save_weights(state_dict: Mapping[str, torch.Tensor], path: Path, *, storage: WeightStorage) -> None:
    """Write `state_dict` to `path` in `storage`; the same values give the same bytes. Atomic.

    Raises:
        ValueError: unknown storage, a name that ends in the suffix of scales, or a NaN or infinite value.
    """
    if storage not in WEIGHT_STORAGES:
        raise ValueError(f"weight storage is {storage!r}: choose one of {', '.join(WEIGHT_STORAGES)}")
    stored: dict[str, torch.Tensor] = {}
    for name in sorted(state_dict):
        if name.endswith(SCALE_SUFFIX):
            raise ValueError(f"tensor name {name!r} ends in {SCALE_SUFFIX!r}, which is kept for row scales")
        stored.update(_stored_tensors(name, state_dict[name].detach().cpu(), storage=storage))
    # One metadata key only: the order of several is not fixed, and equal weights shall give equal files.
    data = to_safetensors_bytes(stored, metadata={STORAGE_KEY: storage})
    with atomic_path(path) as part:
        part.write_bytes(data)


def checked_weights(path: Path) -> Path:
    """The path of a safetensors file that may be handed to the library, which opens it by its name.

    Raises:
        OSError: it cannot be opened, or is no file: the library would wait for ever at a pipe.
        EngineError: its header is larger than that of any network, so that reading it would take minutes.
    """
    with open_foreign_file(path) as file:
        header_bytes = int.from_bytes(file.read(8), "little")
        # A length beyond the file's own is damage, which the library names.
        if _MOST_HEADER_BYTES < header_bytes <= os.fstat(file.fileno()).st_size:
            raise EngineError(
                f"{path} lists more tensors than any network has (a header of {header_bytes:,} bytes)",
                remedy="install the bundle again",
            )
    return path


def open_weights(path: Path) -> Any:
    """A safetensors file, to be opened by `with`. Raises: SafetensorError, and as `checked_weights`."""
    return safe_open(checked_weights(path), framework="pt")


def load_weights(path: Path) -> dict[str, torch.Tensor]:
    """Read a safetensors file of any storage as float32 on the CPU (float64, integer and bool as they are).

    Raises:
        EngineError: not readable as safetensors, a header beyond any network's, or an int8 tensor without its scale.
    """
    try:
        with open_weights(path) as file:
            raw = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118  # not a mapping
            storage = (file.metadata() or {}).get(STORAGE_KEY)
    except (OSError, SafetensorError) as error:
        raise EngineError(f"{path} is not a readable safetensors file ({error}): install the bundle again") from error
    weights: dict[str, torch.Tensor] = {}
    for name in [name for name in raw if not name.endswith(SCALE_SUFFIX)]:
        tensor = raw.pop(name)
        scale = raw.pop(name + SCALE_SUFFIX, None)
        if scale is not None:
            tensor = tensor.to(torch.float32).mul_(scale.to(torch.float32).reshape(_row_shape(tensor)))
        elif tensor.dtype in (torch.float16, torch.bfloat16):
            tensor = tensor.to(torch.float32)
        weights[name] = tensor
    if raw:
        raise EngineError(f"{path}: row scale without a tensor: {sorted(raw)[0]!r}: install the bundle again")
    if storage is not None and storage not in WEIGHT_STORAGES:
        raise EngineError(f"{path}: weight storage {storage!r} is unknown to this version: update sounddesk")
    return weights


def convert_weights(source: Path, target: Path, *, storage: WeightStorage) -> None:
    """Store the weights of `source` in `storage` at `target`; a file already stored so is copied byte for byte.

    Raises:
        EngineError: `source` is not readable as safetensors.
        ValueError: as `save_weights`.
    """
    weights = load_weights(source)
    if stored_as(source) == storage or (storage == "float32" and _is_float32(source)):
        shutil.copyfile(source, target)
    else:
        save_weights(weights, target, storage=storage)


def _is_float32(source: Path) -> bool:
    """Whether a file that `save_weights` did not write holds float32 all the same, such as a published one."""
    with open_weights(source) as file:
        types = {file.get_slice(name).get_dtype() for name in file.keys()}  # noqa: SIM118  # not a mapping
        return STORAGE_KEY not in (file.metadata() or {}) and not types & {"F16", "BF16", "F64"}


def fingerprint(state_dict: Mapping[str, torch.Tensor]) -> str:
    """Hex sha256 of names and values, rounded to float16: the same for weights stored as float32 and as float16."""
    digest = hashlib.sha256()
    for name in sorted(state_dict):
        tensor = state_dict[name].detach().cpu()
        # Counters of batches seen are no weights, and not every file holds them.
        if tensor.is_floating_point():
            digest.update(f"{name} {list(tensor.shape)}".encode())
            digest.update(tensor.to(torch.float16).contiguous().numpy().tobytes())
    return digest.hexdigest()


def stored_as(path: Path) -> WeightStorage | None:
    """Storage named in the file's metadata; None for a file that `save_weights` did not write."""
    with open_weights(path) as file:
        storage = (file.metadata() or {}).get(STORAGE_KEY)
    return storage if storage in WEIGHT_STORAGES else None


def _stored_tensors(name: str, tensor: torch.Tensor, *, storage: WeightStorage) -> dict[str, torch.Tensor]:
    if not tensor.is_floating_point():
        return {name: tensor.contiguous().clone()}
    if not bool(torch.isfinite(tensor).all()):
        raise ValueError(f"tensor {name!r} holds NaN or infinite values: these weights are broken")
    if tensor.dtype == torch.float64:
        return {name: tensor.contiguous().clone()}
    if storage == "int8-rowwise" and tensor.ndim >= 2 and tensor[0].numel() >= MIN_ROW_LENGTH:
        row_peak = tensor.to(torch.float32).flatten(1).abs().amax(dim=1)
        if float(row_peak.max()) / _INT8_MAX <= _FLOAT16_MAX:
            scale = _round_up_to_float16(row_peak / _INT8_MAX)
            # A row of zeros has scale 0; any divisor gives its zeros.
            divisor = torch.where(scale > 0, scale, torch.ones_like(scale)).to(torch.float32)
            quantised = torch.round(tensor.to(torch.float32) / divisor.reshape(_row_shape(tensor)))
            int8 = quantised.clamp(-_INT8_MAX, _INT8_MAX).to(torch.int8).contiguous()
            return {name: int8, name + SCALE_SUFFIX: scale}
    fits_float16 = tensor.numel() == 0 or float(tensor.abs().max()) <= _FLOAT16_MAX
    wanted = torch.float32 if storage == "float32" or not fits_float16 else torch.float16
    # clone: tied tensors share memory, which safetensors refuses.
    return {name: tensor.to(wanted).contiguous().clone()}


def _round_up_to_float16(values: torch.Tensor) -> torch.Tensor:
    """Smallest float16 not below each value, so that value / scale stays within 127 and nothing is clipped."""
    rounded = values.to(torch.float16)
    too_small = rounded.to(torch.float32) < values
    return torch.where(too_small, torch.nextafter(rounded, torch.full_like(rounded, torch.inf)), rounded)


def _row_shape(tensor: torch.Tensor) -> tuple[int, ...]:
    return (-1,) + (1,) * (tensor.ndim - 1)
