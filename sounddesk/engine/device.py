"""The one policy for where networks run and how precisely, and what to do when memory runs out."""

from __future__ import annotations

import contextlib
import dataclasses
import gc
import re
from collections.abc import Callable
from collections.abc import Iterator
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from typing import Literal

import psutil
import torch

from sounddesk.domain.errors import EngineError

DeviceKind = Literal["cpu", "cuda", "mps"]

# From glibc's malloc.h.
_M_TRIM_THRESHOLD: Final = -1
_M_MMAP_THRESHOLD: Final = -3

_OUT_OF_MEMORY_TEXTS: Final = (
    "out of memory",
    "can't allocate memory",
    "not enough memory",
    "alloc_failed",
    "failed to allocate",
)


@dataclass(frozen=True, kw_only=True)
class CudaFacts:
    """What matters about one CUDA device: bf16 in hardware, and fast fp16 (compute capability 7 or newer)."""

    name: str
    bf16: bool
    fp16: bool


@dataclass(frozen=True, kw_only=True)
class AvailableDevices:
    """What this machine offers besides the CPU."""

    cuda: Sequence[CudaFacts] = ()
    mps: bool = False

    def names(self) -> list[str]:
        return ["cpu", *(f"cuda:{index}" for index in range(len(self.cuda))), *(["mps"] if self.mps else [])]


@dataclass(frozen=True, kw_only=True)
class DevicePolicy:
    """Where and how the networks run.

    Attributes:
        device: holds all weights and activations.
        network_dtype: type of the encoders' and the U-Net's matrix products and convolutions. Weights, norms,
            softmax, guidance and scheduler arithmetic, codec and vocoder are float32 on every device: their
            errors add up over the steps or are heard at once, and they cost little.
        reason: one sentence for `doctor` and the log.
    """

    device: torch.device
    network_dtype: torch.dtype
    reason: str

    def network_precision(self) -> contextlib.AbstractContextManager[object]:
        """Context in which encoders and U-Net run."""
        if self.network_dtype == torch.float32:
            return contextlib.nullcontext()
        return torch.autocast(self.device.type, dtype=self.network_dtype)


@dataclass(frozen=True, kw_only=True)
class MemoryFigures:
    """Memory that the device's work draws on, in bytes; None where the system does not tell."""

    total_bytes: int
    free_bytes: int
    peak_bytes: int | None


class OutOfMemoryError(EngineError):
    """The device ran out of memory even at the smallest batch."""


def probe_devices() -> AvailableDevices:
    """What torch can use on this machine."""
    cuda = []
    if torch.cuda.is_available():
        for index in range(torch.cuda.device_count()):
            properties = torch.cuda.get_device_properties(index)
            # Compute capability 8.0 (Ampere) brought bf16, 7.0 (Volta) fast fp16.
            cuda.append(CudaFacts(name=properties.name, bf16=properties.major >= 8, fp16=properties.major >= 7))
    return AvailableDevices(cuda=tuple(cuda), mps=torch.backends.mps.is_available())


def choose_device(request: str = "auto", *, probe: Callable[[], AvailableDevices] = probe_devices) -> DevicePolicy:
    """Policy for 'auto', 'cpu', 'cuda', 'cuda:1' or 'mps'; 'auto' takes the first of cuda, mps, cpu that is there.

    Raises:
        EngineError: unknown name, or a device that this machine does not have; the message lists what it has.
    """
    if request == "cpu":
        return _cpu("asked for")
    match = re.fullmatch(r"(auto|mps|cuda)(?:(?<=cuda):([0-9]+))?", request)
    if match is None:
        raise EngineError(f"device is {request!r}: choose 'auto', 'cpu', 'cuda', 'cuda:1' or 'mps'")
    kind, index_text = match.groups()
    available = probe()
    if kind == "auto":
        kind = "cuda" if available.cuda else "mps" if available.mps else "cpu"
        if kind == "cpu":
            return _cpu("no CUDA or MPS device")
    index = int(index_text or 0)
    if (kind == "cuda" and index >= len(available.cuda)) or (kind == "mps" and not available.mps):
        raise EngineError(f"device {request!r} is not there: choose one of {', '.join(available.names())}")
    if kind == "mps":
        # fp16 overflows in group norms and bf16 is incomplete on MPS; float32 is the subset that is safe everywhere.
        return DevicePolicy(device=torch.device("mps"), network_dtype=torch.float32, reason="mps in float32")
    facts = available.cuda[index]
    dtype = torch.bfloat16 if facts.bf16 else torch.float16 if facts.fp16 else torch.float32
    return DevicePolicy(
        device=torch.device("cuda", index),
        network_dtype=dtype,
        reason=f"{facts.name} in {str(dtype).removeprefix('torch.')}",
    )


def in_full_precision(policy: DevicePolicy) -> DevicePolicy:
    """The same device with every network in float32: slower, with twice the memory, as exact as on a CPU."""
    if policy.network_dtype == torch.float32:
        return policy
    reason = f"{policy.reason}, but in full precision as asked for"
    return dataclasses.replace(policy, network_dtype=torch.float32, reason=reason)


def _cpu(why: str) -> DevicePolicy:
    return DevicePolicy(device=torch.device("cpu"), network_dtype=torch.float32, reason=f"cpu in float32 ({why})")


def memory_figures(device: torch.device) -> MemoryFigures:
    """Total and free memory of the device, and the most this process has used of it so far."""
    if device.type == "cuda":
        free, total = torch.cuda.mem_get_info(device)
        return MemoryFigures(total_bytes=total, free_bytes=free, peak_bytes=torch.cuda.max_memory_allocated(device))
    memory = psutil.virtual_memory()
    return MemoryFigures(total_bytes=memory.total, free_bytes=memory.available, peak_bytes=peak_process_bytes())


def peak_process_bytes() -> int | None:
    """Largest resident size of this process so far; None where the system does not tell."""
    try:
        import resource
    except ImportError:  # Windows
        peak = getattr(psutil.Process().memory_info(), "peak_wset", None)
        return None if peak is None else int(peak)
    import sys

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    # Linux counts in KiB, macOS in bytes.
    return peak if sys.platform == "darwin" else peak * 1024


def is_out_of_memory(error: BaseException) -> bool:
    """Whether `error` means that memory ran out: torch's own class, MemoryError, or a RuntimeError that says so."""
    own_class = getattr(torch, "OutOfMemoryError", torch.cuda.OutOfMemoryError)
    if isinstance(error, MemoryError | own_class):
        return True
    return isinstance(error, RuntimeError) and any(text in str(error).lower() for text in _OUT_OF_MEMORY_TEXTS)


def out_of_memory_remedy(device: torch.device, *, seconds: float) -> str:
    """What the user can do, in the order in which it helps."""
    remedies = []
    if seconds > 10:
        remedies.append(f"generate less than {seconds:g} s at once")
    if device.type == "cpu":
        remedies.append("close other programs")
        remedies.append("choose a smaller bundle")
    else:
        remedies.append("close other programs that use the graphics card")
        remedies.append("choose the device 'cpu'")
    return ", or ".join(remedies)


@contextlib.contextmanager
def out_of_memory_reported(what: str, device: torch.device, *, seconds: float = 0) -> Iterator[None]:
    """Inside, running out of memory becomes an error with the remedy, after what filled the memory was given back.

    Args:
        what: begins the message, e.g. 'memory of cuda:0 ran out on one take of 10 s'.
        seconds: length of sound that was being made; a long one can be made shorter.

    Raises:
        OutOfMemoryError: memory ran out.
    """
    try:
        yield
        return
    except (RuntimeError, MemoryError) as error:
        if not is_out_of_memory(error):
            raise
    # Outside the handler: while the exception lives, its traceback keeps the tensors that filled the memory.
    release_memory(device)
    raise OutOfMemoryError(f"{what}: {out_of_memory_remedy(device, seconds=seconds)}")


def release_memory(device: torch.device) -> None:
    """Give what nothing refers to any more back to the system."""
    gc.collect()
    if device.type == "cuda":
        torch.cuda.empty_cache()
    elif device.type == "mps":
        torch.mps.empty_cache()
    else:
        _trim_heap()


def _trim_heap() -> None:
    """Return freed heap pages; glibc keeps them otherwise, so an unloaded bundle would still count as used."""
    import ctypes
    import sys

    if sys.platform == "linux":
        with contextlib.suppress(OSError, AttributeError):  # musl has no malloc_trim
            ctypes.CDLL("libc.so.6").malloc_trim(0)


def keep_freed_memory() -> None:
    """Let glibc keep what the networks free between two steps, for the next one.

    By default it gives 64 MiB and more back at once: four takes of 10 s then cost 500,000 page faults, and none with
    this. `release_memory` still gives everything back.
    """
    import ctypes
    import sys

    if sys.platform == "linux":
        with contextlib.suppress(OSError, AttributeError):  # musl has no mallopt
            libc = ctypes.CDLL("libc.so.6")
            libc.mallopt(_M_TRIM_THRESHOLD, 1 << 30)
            libc.mallopt(_M_MMAP_THRESHOLD, 1 << 28)


def use_cpu_threads(count: int) -> None:
    """Let torch and OpenCV compute on `count` threads in this process.

    Sums come out in another order with another number, so files are identical only under the same one.
    """
    import cv2

    torch.set_num_threads(count)
    cv2.setNumThreads(count)
