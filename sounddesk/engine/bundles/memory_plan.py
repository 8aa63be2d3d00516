"""Where networks are between their uses: all ready, beside the device, or on the disk.

A generation uses its networks one after the other (image encoder, text encoder, U-Net, codec, vocoder), so at any
moment only one needs the device's memory. Keeping all of them there is quickest; the other plans trade time for memory:

- `keep`: all stay on the device.
- `offload`: all stay in the computer's memory and visit the graphics card for their turn, in half precision where the
  device computes in it.
- `sequential`: each is read from the disk for its turn and dropped after it, its hashes checked every time.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from collections.abc import Mapping
from contextlib import AbstractContextManager
from types import TracebackType
from typing import Final
from typing import Generic
from typing import Literal
from typing import TypeVar
from typing import get_args

import torch
from torch import nn

from sounddesk.domain.errors import EngineError
from sounddesk.engine.bundles.bundle import Bundle
from sounddesk.engine.device import DevicePolicy
from sounddesk.engine.device import memory_figures
from sounddesk.engine.device import out_of_memory_reported
from sounddesk.engine.device import release_memory

MemoryPlan = Literal["keep", "offload", "sequential"]
MEMORY_VARIABLE: Final = "SOUNDDESK_MEMORY"
# Bytes in memory for one on the disk: networks run in float32.
_IN_FLOAT32: Final = {"float32": 1, "float16": 2, "int8-rowwise": 4}
# Twice the activations of four guided takes of 10 s in the U-Net l (`benchmarks/memory_table.py`), since kernels
# take some memory of their own.
_ACTIVATION_BYTES: Final = 2 << 30

_Module = TypeVar("_Module", bound=nn.Module)


class Part(Generic[_Module]):
    """One network. Inside `with part as network:` it is on the device; blocks may nest, and threads may share one.

    Args:
        name: for messages.
        load: reads it, on the CPU.
        half: whether it computes in the device's half precision with weights of that type, where the plan saves memory.
    """

    def __init__(
        self, name: str, load: Callable[[], _Module], *, policy: DevicePolicy, plan: MemoryPlan, half: bool = False
    ) -> None:
        self._name = name
        self._load = load
        self._policy = policy
        self._plan = plan
        self._dtype = policy.network_dtype if half and plan != "keep" else torch.float32
        self._network: _Module | None = None
        self._users = 0
        self._lock = threading.RLock()

    @property
    def network(self) -> _Module | None:
        """The network where it is in memory, wherever it lies; for a look at it."""
        return self._network

    def prepare(self) -> None:
        """Load it now, unless the plan is to load it for its turn only. Raises: EngineError, as `with` does."""
        if self._plan != "sequential":
            self._ready()

    def __enter__(self) -> _Module:
        with self._lock:
            network = self._ready()
            if self._plan == "offload" and self._users == 0:
                self._moved(network)
            self._users += 1
            return network

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        with self._lock:
            self._users -= 1
            if self._users or self._plan == "keep":
                return
            if self._plan == "offload" and self._network is not None:
                self._network.to("cpu")
            else:
                self._network = None
            release_memory(self._policy.device)

    def _ready(self) -> _Module:
        if self._network is None:
            with self._remedy():
                network = self._load().to(self._dtype).eval().requires_grad_(False)
            self._network = network if self._plan == "offload" else self._moved(network)
        return self._network

    def _moved(self, network: _Module) -> _Module:
        with self._remedy():
            return network.to(self._policy.device)

    def _remedy(self) -> AbstractContextManager[None]:
        device = self._policy.device
        return out_of_memory_reported(f"{self._name} does not fit into the memory of {device}", device)


def plan_from_environment(variables: Mapping[str, str] | None = None) -> MemoryPlan | None:
    """The plan that `SOUNDDESK_MEMORY` names; None where it is not set. Raises: EngineError."""
    named = (os.environ if variables is None else variables).get(MEMORY_VARIABLE, "").strip()
    for plan in get_args(MemoryPlan):
        if named == plan:
            return plan  # type: ignore[no-any-return]
    if named and named != "auto":
        raise EngineError(f"{MEMORY_VARIABLE} is {named!r}: choose auto, {', '.join(get_args(MemoryPlan))}")
    return None


def choose_plan(bundle: Bundle, policy: DevicePolicy, *, free_bytes: int | None = None) -> MemoryPlan:
    """The quickest plan that the free memory of the device allows.

    Args:
        free_bytes: instead of what the device says.
    """
    weights = float32_bytes(bundle)
    free = memory_figures(policy.device).free_bytes if free_bytes is None else free_bytes
    # Activations grow with the U-Net, whose weights are a third to two thirds of a bundle.
    if weights + min(weights, _ACTIVATION_BYTES) <= free:
        return "keep"
    return frugal_plan(policy)


def frugal_plan(policy: DevicePolicy) -> MemoryPlan:
    """The plan for a device whose memory is short."""
    return "sequential" if policy.device.type == "cpu" else "offload"


def float32_bytes(bundle: Bundle) -> int:
    """What the weights of a bundle take in memory."""
    return sum(
        entry.bytes * _IN_FLOAT32[component.weight_storage]
        for component in bundle.manifest.components.values()
        for path, entry in component.files.items()
        if path.endswith(".safetensors")
    )
