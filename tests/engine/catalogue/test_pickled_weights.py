"""Checkpoints that are small on the disk and huge in memory, or no checkpoints at all."""

from __future__ import annotations

import resource
import struct
import zipfile
from pathlib import Path
from typing import Any

import pytest
import torch

from sounddesk.domain.errors import EngineError
from sounddesk.engine.catalogue.pickled_weights import convert_pickle
from sounddesk.engine.catalogue.pickled_weights import tensors_of_pickle


def saved(path: Path, state: Any, **options: Any) -> Path:
    torch.save(state, path, **options)
    return path


def packed(source: Path, target: Path) -> Path:
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            new.writestr(name, old.read(name))
    return target


@pytest.mark.parametrize(
    ("state", "message"),
    [
        ({"w": torch.zeros(1).expand(1 << 32)}, "'w' of 17179869184 bytes, but not its numbers"),
        ({"w": torch.zeros(1, 4).expand(1 << 20, 4)}, "but not its numbers"),
        ({"w": torch.arange(8.0).as_strided((1 << 15, 8), (0, 1))}, "but not its numbers"),
        ({"w": torch.sparse_coo_tensor(torch.tensor([[0]]), torch.ones(1), (1 << 40,))}, "is not dense"),
        ({"w": torch.empty(1 << 40, device="meta")}, "is not dense|cannot be read"),
        ({"w": torch.quantize_per_tensor(torch.zeros(4), 0.1, 0, torch.qint8)}, "is not dense|cannot be read"),
        (dict.fromkeys(map(str, range(200)), torch.zeros(100_000)), "holds tensors of 80000000 bytes in a file of"),
        ({"w": 1}, "holds no state dict"),
        ([], "holds no state dict"),
        ({}, "holds no state dict"),
        ({"model": {"state_dict": {}}}, "holds no state dict"),
    ],
)
@pytest.mark.parametrize("old_format", [False, True])
def test_what_would_grow_is_refused_before_it_grows(tmp_path: Path, state: Any, message: str, old_format: bool) -> None:
    path = saved(tmp_path / "w.pth", state, _use_new_zipfile_serialization=not old_format)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(EngineError, match=message):
        tensors_of_pickle(path)
    # In KiB on Linux; what was refused would take gigabytes.
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 200_000


def test_a_packed_archive_is_refused(tmp_path: Path) -> None:
    whole = saved(tmp_path / "whole.pth", {"w": torch.zeros(1 << 20)})
    with pytest.raises(EngineError, match="holds packed entries"):
        tensors_of_pickle(packed(whole, tmp_path / "packed.pth"))


@pytest.mark.parametrize(("entries", "entry_bytes"), [(400_000, 47), (1, 6 << 30)])
def test_a_long_list_of_entries_is_not_read(tmp_path: Path, entries: int, entry_bytes: int) -> None:
    n_bytes = entries * entry_bytes
    path = tmp_path / "many.pth"
    with path.open("wb") as file:
        # Nothing but a hole on the disk.
        file.truncate(n_bytes)
        file.seek(n_bytes)
        file.write(struct.pack("<IQHHIIQQQQ", 0x06064B50, 44, 45, 45, 0, 0, entries, entries, n_bytes, 0))
        file.write(struct.pack("<IIQI", 0x07064B50, 0, n_bytes, 1))
        file.write(struct.pack("<IHHHHIIH", 0x06054B50, 0, 0, 0xFFFF, 0xFFFF, 0xFFFFFFFF, 0xFFFFFFFF, 0))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(EngineError, match="lists more entries than any checkpoint has"):
        tensors_of_pickle(path)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 200_000


@pytest.mark.parametrize("cut", [0, 1, 4, 100, 2000, 4000])
def test_damage_is_a_message(tmp_path: Path, cut: int) -> None:
    whole = saved(tmp_path / "whole.pth", {"w": torch.ones(1000)}).read_bytes()
    (tmp_path / "cut.pth").write_bytes(whole[:cut])
    with pytest.raises(EngineError, match=r"cannot be read|holds no state dict"):
        tensors_of_pickle(tmp_path / "cut.pth")


def test_tied_transposed_and_half_tensors_are_read_and_converted(tmp_path: Path) -> None:
    table = torch.randn(300, 40)
    state = {"a": table, "b": table, "c": table.t(), "d": table.half(), "e": torch.tensor(3)}
    source = saved(tmp_path / "w.pth", {"state_dict": state})
    found = tensors_of_pickle(source)
    assert all(torch.equal(found[key], value) for key, value in state.items())
    convert_pickle(source, tmp_path / "w.safetensors")
    assert (tmp_path / "w.safetensors").stat().st_size > 3 * table.nbytes
