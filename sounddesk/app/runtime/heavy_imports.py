"""Loading of torch and diffusers on a worker thread without freezing the window."""

from __future__ import annotations

import contextlib
import ctypes
import importlib.util
import os
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from sounddesk.app.runtime.garbage_collection import collection_paused

# What `import torch` maps, in the order in which it does; the first one globally, as torch itself asks for it.
_TORCH_LIBRARIES: Final = ("torch_global_deps", "c10", "torch_cpu", "torch_cuda", "torch", "torch_python")

# Until an example that is opened as soon as the window is there has begun to sound: loading scipy takes a second.
_SCIPY_AFTER_S: Final = 1.5


@contextlib.contextmanager
def gil_friendly_imports() -> Iterator[None]:
    """Import heavy libraries on this thread without holding the GIL for long.

    Two things froze the window for up to 0.8 s on 2 cores: mapping torch's libraries, which an import does under
    Python's lock; and the garbage collector, which walks all of the many new objects again and again. The third, long
    turns of a thread, is seen to where the application is made.
    """
    map_torch_libraries()
    with collection_paused():
        # It asks whether what is imported already is torch, and fails where another thread has half of torch.
        import scipy.signal  # noqa: F401

        yield


def load_what_comes_next() -> None:
    """Import on a thread what the first project and the first sound need, so that the window does not wait for it."""

    def load() -> None:
        with collection_paused():
            map_opencv_library()
            import sounddesk.audio.files.wav_io
            import sounddesk.engine.bundles.bundle_reference
            import sounddesk.engine.images.image_file
            import sounddesk.engine.images.mask_file  # noqa: F401
        time.sleep(_SCIPY_AFTER_S)
        with collection_paused():
            # For the equalizer and the reverb, whose thread must not wait for it.
            import scipy.signal  # noqa: F401

    threading.Thread(target=load, name="loading what comes next", daemon=True).start()


def map_torch_libraries() -> None:
    """Bring torch's shared libraries into memory, so that `import torch` finds them there.

    And that of Triton, which CUDA builds of torch bring along: loading its 500 MB took 23 ms at a stretch.
    """
    suffix = ".dylib" if sys.platform == "darwin" else ".so"
    _map_libraries("torch", tuple(f"lib/lib{name}{suffix}" for name in _TORCH_LIBRARIES))
    _map_libraries("triton", ("_C/libtriton.so",))


def map_opencv_library() -> None:
    """Bring OpenCV's shared library into memory, so that `import cv2` finds it there."""
    _map_libraries("cv2", ("cv2.abi3.so",))


def _map_libraries(package: str, names: tuple[str, ...]) -> None:
    """Load libraries, named by their paths in the package's folder, without Python's lock.

    A foreign function gives the lock back while it runs; `ctypes.CDLL` and an import do not. Nothing happens where
    the package is loaded already or not to be found, nor on Windows, where torch calls the loader in this way itself.
    """
    if package in sys.modules or sys.platform == "win32":
        return
    spec = importlib.util.find_spec(package)
    if spec is None or spec.origin is None:
        return
    load = ctypes.CDLL(None).dlopen
    load.restype = ctypes.c_void_p
    load.argtypes = [ctypes.c_char_p, ctypes.c_int]
    for name in names:
        library = Path(spec.origin).parent / name
        if library.exists():
            # A library that cannot be loaded is left to the import, which says why.
            scope = os.RTLD_GLOBAL if "global" in name else os.RTLD_LOCAL
            load(os.fsencode(library), os.RTLD_NOW | scope)
