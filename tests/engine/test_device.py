from __future__ import annotations

import pytest
import torch

from sounddesk.domain.errors import EngineError
from sounddesk.engine.device import AvailableDevices
from sounddesk.engine.device import CudaFacts
from sounddesk.engine.device import choose_device
from sounddesk.engine.device import in_full_precision
from sounddesk.engine.device import is_out_of_memory
from sounddesk.engine.device import memory_figures
from sounddesk.engine.device import out_of_memory_remedy
from sounddesk.engine.device import probe_devices
from sounddesk.engine.device import release_memory

AMPERE = CudaFacts(name="Ampere", bf16=True, fp16=True)
TURING = CudaFacts(name="Turing", bf16=False, fp16=True)
PASCAL = CudaFacts(name="Pascal", bf16=False, fp16=False)
THREE_CARDS = AvailableDevices(cuda=(AMPERE, TURING, PASCAL))
MAC = AvailableDevices(mps=True)
PLAIN = AvailableDevices()


@pytest.mark.parametrize(
    ("request_", "available", "device", "dtype"),
    [
        ("auto", PLAIN, "cpu", torch.float32),
        ("auto", MAC, "mps", torch.float32),
        ("auto", THREE_CARDS, "cuda:0", torch.bfloat16),
        ("cuda", THREE_CARDS, "cuda:0", torch.bfloat16),
        ("cuda:1", THREE_CARDS, "cuda:1", torch.float16),
        ("cuda:2", THREE_CARDS, "cuda:2", torch.float32),
        ("mps", MAC, "mps", torch.float32),
        ("cpu", THREE_CARDS, "cpu", torch.float32),
    ],
)
def test_policy_follows_request_and_machine(request_, available, device, dtype) -> None:
    policy = choose_device(request_, probe=lambda: available)
    assert policy.device == torch.device(device)
    assert policy.network_dtype == dtype
    assert policy.reason


@pytest.mark.parametrize("request_", ["", "gpu", "cuda:", "cuda:x", "cuda:-1", "cpu:1", "mps:1", "auto:0", "CPU"])
def test_unknown_name_lists_the_choices(request_: str) -> None:
    with pytest.raises(EngineError, match="choose 'auto', 'cpu', 'cuda'"):
        choose_device(request_, probe=lambda: THREE_CARDS)


@pytest.mark.parametrize(
    ("request_", "available", "there"),
    [
        ("cuda", PLAIN, "choose one of cpu$"),
        ("cuda:3", THREE_CARDS, "cpu, cuda:0, cuda:1, cuda:2"),
        ("mps", PLAIN, "cpu"),
        ("cuda", MAC, "cpu, mps"),
    ],
)
def test_absent_device_lists_those_there_are(request_, available, there) -> None:
    with pytest.raises(EngineError, match=f"device '{request_}' is not there: .*{there}"):
        choose_device(request_, probe=lambda: available)


def test_this_machine_can_be_probed_and_measured() -> None:
    assert "cpu" in probe_devices().names()
    policy = choose_device("cpu")
    figures = memory_figures(policy.device)
    assert 0 < figures.free_bytes <= figures.total_bytes
    assert figures.peak_bytes is None or 10e6 < figures.peak_bytes < figures.total_bytes
    release_memory(policy.device)


def test_full_precision_changes_nothing_but_the_type() -> None:
    half = choose_device("cuda", probe=lambda: AvailableDevices(cuda=[AMPERE]))
    full = in_full_precision(half)
    assert (half.network_dtype, full.network_dtype) == (torch.bfloat16, torch.float32)
    assert full.device == half.device
    assert "full precision" in full.reason
    on_cpu = choose_device("cpu")
    assert in_full_precision(on_cpu) is on_cpu


def test_network_precision_is_half_inside_and_float32_outside() -> None:
    half = type(choose_device("cpu"))(device=torch.device("cpu"), network_dtype=torch.bfloat16, reason="test")
    layer, x = torch.nn.Linear(4, 4), torch.ones(1, 4)
    with half.network_precision():
        assert layer(x).dtype == torch.bfloat16
    with choose_device("cpu").network_precision():
        assert layer(x).dtype == torch.float32
    assert layer.weight.dtype == torch.float32


def real_cpu_allocation_failure() -> RuntimeError:
    with pytest.raises(RuntimeError) as caught:
        torch.empty(1 << 60, dtype=torch.uint8)
    return caught.value


@pytest.mark.parametrize(
    "error",
    [
        torch.cuda.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 MiB"),
        MemoryError(),
        RuntimeError("MPS backend out of memory (MPS allocated: 8 GB)"),
        RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling cublasCreate"),
        real_cpu_allocation_failure(),
    ],
    ids=lambda error: type(error).__name__,
)
def test_out_of_memory_is_recognised(error: BaseException) -> None:
    assert is_out_of_memory(error)


@pytest.mark.parametrize(
    "error", [RuntimeError("size mismatch"), ValueError("out of memory"), KeyboardInterrupt(), OSError("no space")]
)
def test_other_errors_are_not_out_of_memory(error: BaseException) -> None:
    assert not is_out_of_memory(error)


def test_remedy_fits_the_device_and_the_length() -> None:
    cpu, cuda = torch.device("cpu"), torch.device("cuda", 0)
    assert "less than 60 s" in out_of_memory_remedy(cpu, seconds=60)
    assert "at once" not in out_of_memory_remedy(cpu, seconds=5)
    assert "device 'cpu'" in out_of_memory_remedy(cuda, seconds=5)
    assert "device 'cpu'" not in out_of_memory_remedy(cpu, seconds=5)
