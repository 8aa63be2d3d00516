from __future__ import annotations

from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import settings
from hypothesis import strategies as st

from sounddesk.domain.errors import EngineError
from sounddesk.engine.models.quantised_weights import SCALE_SUFFIX
from sounddesk.engine.models.quantised_weights import load_weights
from sounddesk.engine.models.quantised_weights import save_weights
from sounddesk.engine.models.quantised_weights import stored_as


def weights(seed: int = 0, *, rows: int = 12, columns: int = 40, magnitude: float = 0.05) -> dict[str, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return {
        "layer.weight": torch.randn(rows, columns, generator=generator) * magnitude,
        "conv.weight": torch.randn(6, 5, 3, 3, generator=generator) * magnitude,
        "layer.bias": torch.randn(rows, generator=generator) * magnitude,
        "steps": torch.tensor(7),
        "var_sum": torch.tensor(1.0 / 3.0, dtype=torch.float64),
    }


def test_float32_round_trip_is_exact(tmp_path: Path) -> None:
    path = tmp_path / "w.safetensors"
    save_weights(weights(), path, storage="float32")
    loaded = load_weights(path)
    assert loaded.keys() == weights().keys()
    assert all(torch.equal(loaded[name], tensor) for name, tensor in weights().items())
    assert stored_as(path) == "float32"


def test_float16_round_trip_is_the_nearest_float16(tmp_path: Path) -> None:
    path = tmp_path / "w.safetensors"
    save_weights(weights(), path, storage="float16")
    loaded = load_weights(path)
    assert loaded["layer.weight"].dtype == torch.float32
    assert torch.equal(loaded["layer.weight"], weights()["layer.weight"].half().float())
    assert torch.equal(loaded["var_sum"], weights()["var_sum"])
    assert loaded["steps"] == 7


@settings(deadline=None, max_examples=30)
@given(seed=st.integers(0, 10_000), magnitude=st.floats(1e-4, 100.0))
def test_int8_error_is_at_most_half_a_step_of_each_row(
    tmp_path_factory: pytest.TempPathFactory, seed: int, magnitude: float
) -> None:
    path = tmp_path_factory.mktemp("int8") / "w.safetensors"
    original = weights(seed, magnitude=magnitude)
    save_weights(original, path, storage="int8-rowwise")
    loaded = load_weights(path)
    for name in ("layer.weight", "conv.weight"):
        row_peak = original[name].flatten(1).abs().amax(1)
        error = (loaded[name] - original[name]).flatten(1).abs().amax(1)
        # Half of peak / 127, with the float16 rounding of the scale (1 in 1024, or 6e-8 where it is subnormal).
        assert (error <= 0.5 * (row_peak / 127 * (1 + 2**-10) + 6e-8) * (1 + 1e-5)).all()


def test_int8_file_is_a_quarter_of_float32_and_bit_stable(tmp_path: Path) -> None:
    big = {"weight": torch.randn(64, 1024, generator=torch.Generator().manual_seed(1))}
    sizes = {}
    for storage in ("float32", "int8-rowwise"):
        path = tmp_path / f"{storage}.safetensors"
        save_weights(big, path, storage=storage)
        sizes[storage] = path.stat().st_size
    assert sizes["int8-rowwise"] < 0.27 * sizes["float32"]
    again = tmp_path / "again.safetensors"
    save_weights(big, again, storage="int8-rowwise")
    assert again.read_bytes() == (tmp_path / "int8-rowwise.safetensors").read_bytes()
    # What was read and stored again is the same file: nothing drifts when a bundle is exported from a bundle.
    save_weights(load_weights(again), tmp_path / "third.safetensors", storage="int8-rowwise")
    assert (tmp_path / "third.safetensors").read_bytes() == again.read_bytes()


def test_rows_of_zeros_tiny_and_huge_values_survive(tmp_path: Path) -> None:
    weight = torch.zeros(3, 32)
    weight[1] = 1e-7
    weight[2, 0] = 1e7
    path = tmp_path / "w.safetensors"
    save_weights({"weight": weight, "big": torch.tensor([1e6])}, path, storage="int8-rowwise")
    loaded = load_weights(path)
    assert (loaded["weight"][0] == 0).all()
    assert (loaded["weight"][1] - 1e-7).abs().max() < 6e-8
    assert loaded["weight"][2, 0] == 1e7  # beyond 127 * 65504 the tensor stays float32
    assert loaded["big"] == 1e6


def test_tied_tensors_and_empty_tensors_are_stored(tmp_path: Path) -> None:
    tied = torch.randn(4, 32)
    path = tmp_path / "w.safetensors"
    save_weights({"a": tied, "b": tied, "none": torch.zeros(0)}, path, storage="float32")
    loaded = load_weights(path)
    assert torch.equal(loaded["a"], loaded["b"])
    assert loaded["none"].shape == (0,)


@pytest.mark.parametrize(
    ("tensors", "storage", "message"),
    [
        ({"a": torch.tensor([torch.nan])}, "float16", "tensor 'a' holds NaN"),
        ({"a" + SCALE_SUFFIX: torch.zeros(1)}, "float16", "kept for row scales"),
        ({"a": torch.zeros(1)}, "int4", "weight storage is 'int4'"),
    ],
)
def test_broken_input_is_refused_and_nothing_is_written(tmp_path: Path, tensors, storage, message) -> None:
    with pytest.raises(ValueError, match=message.replace("|", r"\|")):
        save_weights(tensors, tmp_path / "w.safetensors", storage=storage)
    assert list(tmp_path.iterdir()) == []


def test_a_header_of_more_tensors_than_any_network_has_is_refused_unread(tmp_path: Path) -> None:
    path = tmp_path / "wide.safetensors"
    header_bytes = 9 << 20
    with path.open("wb") as file:
        file.write(header_bytes.to_bytes(8, "little"))
        file.truncate(8 + header_bytes)
    for read in (load_weights, stored_as):
        with pytest.raises(EngineError, match="wide.safetensors lists more tensors than any network has"):
            read(path)


def test_unreadable_file_names_itself(tmp_path: Path) -> None:
    path = tmp_path / "w.safetensors"
    path.write_bytes(b"\x80\x04pickle")
    with pytest.raises(EngineError, match=r"w\.safetensors is not a readable safetensors file"):
        load_weights(path)
