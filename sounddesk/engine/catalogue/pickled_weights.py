"""Pickled checkpoints, read once by a restricted unpickler and kept as safetensors.

`torch.load(weights_only=True)` builds tensors and plain containers and refuses everything else, so a file cannot run
code; see the threat model in torch's documentation of `torch.load`.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from pathlib import PurePosixPath
from typing import Any
from typing import Final

import torch
from safetensors import SafetensorError
from safetensors.torch import save_file

from sounddesk.domain.errors import EngineError

# Where trainers put the weights among other things; the first that is there counts.
_INNER_KEYS: Final = ("model", "state_dict")
_OS_ERROR: Final = re.compile(r"os error (\d+)")


def tensors_of_pickle(path: Path) -> dict[str, torch.Tensor]:
    """The tensors of a .pth, .pt or .bin file on the CPU; nothing in the file is executed.

    Raises:
        EngineError: damaged, or holding anything but tensors by name; the message begins with the reason.
    """
    try:
        state: Any = torch.load(path, map_location="cpu", weights_only=True)
    # torch, pickle and zipfile each raise classes of their own on damaged bytes.
    except Exception as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise EngineError(f"cannot be read ({reason})") from error
    for key in _INNER_KEYS:
        if isinstance(state, Mapping) and isinstance(state.get(key), Mapping):
            state = state[key]
            break
    if not isinstance(state, Mapping) or not state or not all(isinstance(v, torch.Tensor) for v in state.values()):
        raise EngineError("holds no state dict")
    return {str(key): value for key, value in state.items()}


def safetensors_name(pickle_path: str) -> str:
    """What the converted file is called: 'pytorch_model.bin' becomes 'model.safetensors', as transformers reads it."""
    path = PurePosixPath(pickle_path)
    stem = "model" if path.name == "pytorch_model.bin" else path.stem
    return path.with_name(f"{stem}.safetensors").as_posix()


def convert_pickle(source: Path, target: Path) -> None:
    """Write the tensors of `source` to the safetensors file `target`, unchanged.

    Raises:
        EngineError: `source` cannot be read.
        OSError: `target` cannot be written.
    """
    try:
        state = tensors_of_pickle(source)
    except EngineError as error:
        raise EngineError(f"{source.name} {error}: it is not loaded; install another version") from error
    seen: set[int] = set()
    separate = {}
    for name, tensor in state.items():
        # safetensors refuses tensors that share memory, such as tied embeddings.
        shared = tensor.untyped_storage().data_ptr()
        separate[name] = tensor.clone() if shared in seen else tensor.contiguous()
        seen.add(shared)
    try:
        save_file(separate, target, metadata={"format": "pt"})
    except SafetensorError as error:
        # safetensors wraps what the system says in words of its own.
        number = _OS_ERROR.search(str(error))
        if number is None:
            raise EngineError(f"{source.name} cannot be kept as safetensors ({error})") from error
        raise OSError(int(number[1]), os.strerror(int(number[1]))) from error
