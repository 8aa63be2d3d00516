"""Checkpoints that are small on the disk and large in memory are refused before they take it."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from sounddesk.domain.errors import EngineError
from sounddesk.engine.catalogue.pickled_weights import convert_pickle
from sounddesk.engine.catalogue.pickled_weights import tensors_of_pickle


def saved(state: object) -> bytes:
    buffer = io.BytesIO()
    torch.save(state, buffer)
    return buffer.getvalue()


def packed() -> bytes:
    """Zeros in a hundredth of their bytes, as torch never writes them."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(saved({"a": torch.zeros(1 << 16)}))) as source, zipfile.ZipFile(out, "w") as target:
        for name in source.namelist():
            target.writestr(name, source.read(name), zipfile.ZIP_DEFLATED)
    return out.getvalue()


def overlapping() -> bytes:
    """Entries that all say that they are as large as the largest."""
    whole = saved({name: torch.ones(1 << 14) for name in "ab"})
    # Sizes of entries stand in the list at the end; torch writes no other number that is this one.
    return whole.replace((1 << 16).to_bytes(4, "little"), (1 << 30).to_bytes(4, "little"))


HARMFUL: dict[str, tuple[Callable[[], bytes], str]] = {
    "strides of 0": (lambda: saved({"a": torch.zeros(1).expand(1 << 20, 1 << 10)}), "but not its numbers"),
    "strides of 0 among others": (
        lambda: saved({"model": {"b": torch.ones(4), "a": torch.zeros(3).expand(1 << 20, 3)}}), "but not its numbers"),
    "one storage a thousand times": (
        lambda: saved(dict.fromkeys(map(str, range(1000)), torch.zeros(1 << 16))), "in a file of"),
    "a sparse tensor": (lambda: saved({"a": torch.sparse_coo_tensor(size=(1 << 20, 1 << 20))}), "not dense"),
    "packed entries": (packed, "packed entries"),
    "entries larger than the file": (overlapping, "names more bytes|cannot be read"),
    "no names": (lambda: saved([torch.ones(3)]), "holds no state dict"),
    "no tensor": (lambda: saved({"a": 7}), "holds no state dict"),
    "nothing": (lambda: saved({}), "holds no state dict"),
    "cut off": (lambda: saved({"a": torch.ones(1 << 10)})[:2000], "cannot be read"),
}  # fmt: skip


@pytest.mark.parametrize("name", HARMFUL)
def test_what_is_small_in_the_file_and_large_in_memory_is_refused(tmp_path: Path, name: str) -> None:
    make, message = HARMFUL[name]
    (tmp_path / "a.pth").write_bytes(make())
    with pytest.raises(EngineError, match=message):
        tensors_of_pickle(tmp_path / "a.pth")
    with pytest.raises(EngineError, match=r"a\.pth .*: it is not loaded; install another version"):
        convert_pickle(tmp_path / "a.pth", tmp_path / "a.safetensors")
    assert not (tmp_path / "a.safetensors").exists()


def test_tied_weights_are_written_out_for_each_name(tmp_path: Path) -> None:
    tied = torch.arange(6.0)
    (tmp_path / "a.pth").write_bytes(saved({"state_dict": {"a": tied, "b": tied.reshape(2, 3)}}))
    convert_pickle(tmp_path / "a.pth", tmp_path / "a.safetensors")
    assert {name: tuple(value.shape) for name, value in tensors_of_pickle(tmp_path / "a.pth").items()} == {
        "a": (6,), "b": (2, 3)}  # fmt: skip
    assert (tmp_path / "a.safetensors").stat().st_size > 48
