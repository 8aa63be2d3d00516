"""Networks are constructed one at a time, whatever the thread.

diffusers and transformers construct a network inside accelerate's `init_empty_weights`, which replaces methods of
`nn.Module` itself while it lasts: what another thread constructs meanwhile gets parameters without data, on the device
'meta'. In the desk a click may load the segmenter while sounds are asked for and the denoiser is loaded.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

_LOCK: Final = threading.RLock()


@contextmanager
def constructing() -> Iterator[None]:
    """Wait until no other thread constructs a network, and keep others out; also a decorator. May be nested."""
    with _LOCK:
        yield


def quieten_libraries() -> None:
    """Bars and advice of the libraries while loading would mix with our own progress."""
    import diffusers.utils.logging
    import transformers.utils.logging

    diffusers.utils.logging.set_verbosity_error()
    transformers.utils.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()
