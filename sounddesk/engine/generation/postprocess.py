"""The end of every generation, whatever made the samples: checks, the exact length, and the recipe's facts."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any
from typing import Final

import numpy as np
import numpy.typing as npt

import sounddesk
from sounddesk.domain.errors import EngineError
from sounddesk.engine.bundles.bundle import Bundle
from sounddesk.engine.device import DevicePolicy
from sounddesk.engine.licence import licence_line
from sounddesk.engine.specs import AudioSpec
from sounddesk.engine.types import SamplingSettings
from sounddesk.engine.types import Waveform
from sounddesk.engine.types import steps_of

# Below this peak a take is as good as silent (-60 dBFS).
SILENCE_PEAK: Final = 1e-3


@dataclass(frozen=True, kw_only=True, eq=False)
class Sound:
    """One finished sound.

    Attributes:
        waveform: exactly the length asked for, with the channels of the samples.
        notes: what the user should know.
    """

    waveform: Waveform
    notes: tuple[str, ...]

    @property
    def is_silent(self) -> bool:
        """Whether it peaks below -60 dBFS."""
        return bool(np.abs(self.waveform).max() < SILENCE_PEAK)


def postprocess(samples: npt.NDArray[np.float32], *, audio: AudioSpec, seconds: float, name: str, seed: int) -> Sound:
    """Exactly `seconds` of `samples`, and nothing silent or broken unannounced.

    Args:
        samples: float32[n] or float32[n, 2], at least as long as asked for.

    Raises:
        EngineError: samples that are not numbers, or fewer than asked for.
    """
    waveform, notes = _checked_waveform(samples, name=name, seed=seed, n_samples=audio.shape_of(seconds).n_samples)
    peak = float(np.abs(waveform).max())
    if peak > 1.0:
        # Guidance can overshoot far beyond any sound that was learned from.
        waveform = (waveform * np.float32(audio.mel.peak / peak)).astype(np.float32)
        notes = (_lowered_note(peak, audio.mel.peak),)
    return Sound(waveform=waveform, notes=notes)


def recipe_facts(
    bundle: Bundle, policy: DevicePolicy, *, seed: int, seconds: float, sampling: SamplingSettings
) -> dict[str, Any]:
    """What decides the samples of any take, whatever it is conditioned on."""
    return {
        "engine_version": sounddesk.__version__,
        "bundle": bundle.name,
        "bundle_version": bundle.manifest.version,
        "bundle_sha256": bundle.sha256,
        # Here and not only in the bundle: the sound outlives it, and goes to machines that do not have it.
        "licence": licence_line(bundle.manifest.licence),
        "seed": seed,
        "seconds": seconds,
        "sample_rate_hz": bundle.audio.sample_rate_hz,
        "preset": sampling.preset,
        "steps": steps_of(sampling),
        "guidance": sampling.guidance,
        "eta": sampling.eta,
        "device": str(policy.device),
        "network_dtype": str(policy.network_dtype).removeprefix("torch."),
    }


def _checked_waveform(
    samples: npt.NDArray[np.float32], *, name: str, seed: int, n_samples: int
) -> tuple[Waveform, tuple[str, ...]]:
    if len(samples) < n_samples:
        raise EngineError(
            f"take of {name!r} has {len(samples)} samples instead of {n_samples}: the bundle's vocoder does not "
            "fit its audio settings; install the bundle again"
        )
    waveform = samples[:n_samples].astype(np.float32)
    if not np.isfinite(waveform).all():
        raise EngineError(
            f"take of {name!r} (seed {seed}) has samples that are not numbers: try another seed, "
            "lower guidance, or the device 'cpu'"
        )
    peak = float(np.abs(waveform).max())
    if peak < SILENCE_PEAK:
        level = f"peak {20 * math.log10(peak):.0f} dBFS" if peak > 0 else "digital silence"
        return waveform, (f"take is silent ({level}): try another seed or more steps",)
    return waveform, ()


def _lowered_note(peak: float, lowered_to: float) -> str:
    before_db, after_db = 20 * math.log10(peak), 20 * math.log10(lowered_to)
    return (
        f"lowered by {before_db - after_db:.1f} dB to stay below {after_db:.1f} dBFS, "
        "the loudest peak that the model learned from"
    )
