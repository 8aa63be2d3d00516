"""Loading of torch and diffusers on a worker thread without freezing the window."""

from __future__ import annotations

import contextlib
import ctypes
import gc
import importlib.util
import sys
from collections.abc import Iterator
from pathlib import Path


@contextlib.contextmanager
def friendly_to_the_ui() -> Iterator[None]:
    """Inside the block imports on this thread leave the UI thread its turns.

    Two things freeze it otherwise, for 100 to 250 ms at a time (measured on 2 busy cores): the garbage collector, which
    walks all of the many new objects, and the loading of torch's libraries inside `import`, which keeps Python's lock;
    through ctypes they are mapped beforehand.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    interval_s = sys.getswitchinterval()
    sys.setswitchinterval(min(interval_s, 0.001))
    try:
        if "torch" not in sys.modules:
            _map_torch_libraries()
        yield
    finally:
        sys.setswitchinterval(interval_s)
        if was_enabled:
            gc.enable()
            # What was imported stays for good: no collection needs to look at it again.
            gc.freeze()


def _map_torch_libraries() -> None:
    spec = importlib.util.find_spec("torch")
    if spec is None or spec.origin is None:
        return
    folder = Path(spec.origin).parent / "lib"
    for name in ("libc10.so", "libtorch_cpu.so", "libtorch.so", "libtorch_python.so"):
        # Other names on other systems; `import torch` finds them itself.
        with contextlib.suppress(OSError):
            ctypes.CDLL(str(folder / name))
