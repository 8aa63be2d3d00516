"""What must hold of any bundle once it is installed: two seconds of sound, finite, heard, not clipped, the same twice.

It says nothing of how good the sound is. It finds files that fit in name and shape and still do not work: a vocoder of
another model, a scaling factor that is not the codec's, weights that a precision turns into no numbers.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from sounddesk.engine.session import EngineSession
from sounddesk.engine.tasks import CancelToken
from sounddesk.engine.tasks import OnProgress
from sounddesk.engine.types import GenerationRequest
from sounddesk.engine.types import ObjectRequest
from sounddesk.engine.types import SamplingSettings
from sounddesk.engine.types import TextRequest
from sounddesk.engine.types import Waveform

SECONDS: Final = 2.0
STEPS: Final = 4
# -60 dBFS, below which a take counts as silent.
_SILENT_PEAK: Final = 1e-3
# A vocoder ends in tanh, so what is too loud for it lies flat at the top instead of going over.
_FLAT: Final = 0.995
_MOST_FLAT: Final = 0.01
_PROMPT: Final = "a dog barking"
_SEED: Final = 1


@dataclass(frozen=True, kw_only=True)
class SelfTest:
    """Result of a self-test.

    Attributes:
        checks: what was looked at, and whether it held, in order.
        peak: largest sample.
        seconds: length of what was rendered.
    """

    checks: tuple[tuple[str, bool], ...]
    peak: float
    seconds: float

    @property
    def passed(self) -> bool:
        return all(held for _, held in self.checks)

    def line(self) -> str:
        """The result in one line."""
        failed = [name for name, held in self.checks if not held]
        if failed:
            return f"self-test failed: what was rendered is not {', not '.join(failed)}"
        names = ", ".join(name for name, _ in self.checks)
        return f"self-test passed: {self.seconds:g} s rendered, {names} (peak {self.peak:.3f})"


def run_self_test(
    bundle: str | Path,
    *,
    device: str = "auto",
    on_progress: OnProgress | None = None,
    cancel: CancelToken | None = None,
) -> SelfTest:
    """Render two seconds twice with a bundle, of an object or of words, and look at them.

    Args:
        bundle: name of an installed bundle or text engine, or a folder.

    Raises:
        EngineError: it cannot be loaded, or its sound is not made of numbers.
        Cancelled: through `cancel`.

    Example:
        >>> run_self_test("starter", device="cpu").passed
        True
    """
    with EngineSession.open(bundle=bundle, device=device) as session:
        first = _render(session, on_progress=on_progress, cancel=cancel)
        second = _render(session, on_progress=on_progress, cancel=cancel)
    return judge_renders(first, second)


def judge_renders(first: Waveform, second: Waveform) -> SelfTest:
    """The checks of two renders float32[n] of the same request."""
    peak = float(np.abs(first).max())
    checks = (
        ("finite", bool(np.isfinite(first).all())),
        ("heard", peak > _SILENT_PEAK),
        ("free of clipping", float((np.abs(first) > _FLAT * peak).mean()) < _MOST_FLAT),
        ("the same twice", bool(np.array_equal(first, second))),
    )
    return SelfTest(checks=checks, peak=peak, seconds=SECONDS)


def _render(session: EngineSession, *, on_progress: OnProgress | None, cancel: CancelToken | None) -> Waveform:
    sampling = SamplingSettings(preset="paper", steps=STEPS)
    if session.bundle.text_engine is not None:
        text = TextRequest(prompts=(_PROMPT,), seeds=(_SEED,), seconds=SECONDS, sampling=sampling)
        return session.generate_from_text(text, on_progress=on_progress, cancel=cancel)[0].waveform
    image = np.full((256, 256, 3), 90, dtype=np.uint8)
    mask = np.zeros((256, 256), dtype=np.bool_)
    mask[64:192, 64:192] = True
    image[mask] = (180, 120, 60)
    request = GenerationRequest(
        image=image, takes=(ObjectRequest(name="self-test", mask=mask, seed=_SEED),), seconds=SECONDS, sampling=sampling
    )
    return session.generate(request, on_progress=on_progress, cancel=cancel)[0].waveform
