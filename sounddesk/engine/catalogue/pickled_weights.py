"""Pickled checkpoints, read once by a restricted unpickler and kept as safetensors.

`torch.load(weights_only=True)` builds tensors and plain containers and refuses everything else, so a file cannot run
code; see the threat model in torch's documentation of `torch.load`.
"""

from __future__ import annotations

import io
import os
import re
import zipfile
from collections.abc import Mapping
from pathlib import Path
from pathlib import PurePosixPath
from typing import Any
from typing import Final

import torch
from safetensors import SafetensorError
from safetensors.torch import save_file

from sounddesk.domain.errors import EngineError
from sounddesk.storage.foreign_file import open_foreign_file

# Where trainers put the weights among other things; the first that is there counts.
_INNER_KEYS: Final = ("model", "state_dict")
_OS_ERROR: Final = re.compile(r"os error (\d+)")
# A file holds a tensor once; several names for it (tied embeddings) are written out for each. A file of some kilobytes
# is allowed what its header alone takes.
_MOST_TIMES_THE_FILE: Final = 3
_SMALL_BYTES: Final = 1 << 20
# What zipfile reads at once: the list of entries, some 80 bytes for each tensor.
_MOST_READ_BYTES: Final = 16 << 20


def tensors_of_pickle(path: Path) -> dict[str, torch.Tensor]:
    """The tensors of a .pth, .pt or .bin file on the CPU; nothing in the file is executed.

    Together they take at most a few times the memory that the file takes on the disk, also when they are copied.

    Raises:
        EngineError: damaged, packed, or holding anything but dense tensors by name that the file has the numbers of;
            the message begins with the reason.
    """
    try:
        open_foreign_file(path).close()
        _refuse_packed(path)
        state: Any = torch.load(path, map_location="cpu", weights_only=True)
    except EngineError:
        raise
    # torch, pickle and zipfile each raise classes of their own on damaged bytes.
    except Exception as error:
        reason = str(error).splitlines()[0][:200] if str(error) else type(error).__name__
        raise EngineError(f"cannot be read ({reason})") from error
    for key in _INNER_KEYS:
        if isinstance(state, Mapping) and isinstance(state.get(key), Mapping):
            state = state[key]
            break
    if not isinstance(state, Mapping) or not state or not all(isinstance(v, torch.Tensor) for v in state.values()):
        raise EngineError("holds no state dict")
    tensors = {str(key): value for key, value in state.items()}
    _check_sizes(tensors, file_bytes=path.stat().st_size)
    return tensors


def _refuse_packed(path: Path) -> None:
    """torch packs nothing, so that packed entries are a way to make a small file huge. Raises: EngineError."""
    if not zipfile.is_zipfile(path):
        # The format before torch 1.6, which is not packed.
        return
    with _ShortReads(path) as file, zipfile.ZipFile(file) as archive:
        if any(entry.compress_type != zipfile.ZIP_STORED for entry in archive.infolist()):
            raise EngineError("holds packed entries, which torch does not write")
        # Entries may overlap, and say of themselves what they like.
        if sum(entry.file_size for entry in archive.infolist()) > path.stat().st_size:
            raise EngineError("names more bytes than it has")


class _ShortReads(io.FileIO):
    """Refuses to read a long list of entries as a whole."""

    def read(self, size: int | None = -1, /) -> bytes:
        wanted = os.fstat(self.fileno()).st_size - self.tell() if size is None or size < 0 else size
        if wanted > _MOST_READ_BYTES:
            raise EngineError("lists more entries than any checkpoint has")
        return super().read(size)


def _check_sizes(tensors: Mapping[str, torch.Tensor], *, file_bytes: int) -> None:
    """Refuse what is small in the file and large in memory: strides of 0, sparse tensors, one storage many times."""
    total = 0
    for name, tensor in tensors.items():
        if tensor.layout != torch.strided or tensor.device.type != "cpu" or tensor.is_quantized:
            raise EngineError(f"holds a tensor {name[:80]!r} that is not dense")
        n_bytes = tensor.numel() * tensor.element_size()
        if n_bytes > tensor.untyped_storage().nbytes():
            raise EngineError(f"holds a tensor {name[:80]!r} of {n_bytes} bytes, but not its numbers")
        total += n_bytes
    if total > max(_MOST_TIMES_THE_FILE * file_bytes, _SMALL_BYTES):
        raise EngineError(f"holds tensors of {total} bytes in a file of {file_bytes}")


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
        separate[name] = tensor.clone(memory_format=torch.contiguous_format) if shared in seen else tensor.contiguous()
        seen.add(shared)
    try:
        save_file(separate, target, metadata={"format": "pt"})
    except SafetensorError as error:
        # safetensors wraps what the system says in words of its own.
        number = _OS_ERROR.search(str(error))
        if number is None:
            raise EngineError(f"{source.name} cannot be kept as safetensors ({error})") from error
        raise OSError(int(number[1]), os.strerror(int(number[1]))) from error
