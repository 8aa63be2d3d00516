"""Takes at the project rate, each resampled once."""

from __future__ import annotations

import threading

from sounddesk.audio.resample import resample
from sounddesk.audio.timeline_mix import PROJECT_RATE_HZ
from sounddesk.audio.timeline_mix import Mono
from sounddesk.domain.take import TakeLibrary


class TakeSamples:
    """Gives a take's samples by id, float32[n] at 48 kHz; None for a take that is not there. Safe in any thread."""

    def __init__(self, takes: TakeLibrary) -> None:
        self._takes = takes
        self._made: dict[str, Mono] = {}
        self._lock = threading.Lock()

    def __call__(self, take_id: str) -> Mono | None:
        take = self._takes.get(take_id)
        if take is None:
            return None
        with self._lock:
            if take_id not in self._made:
                self._made[take_id] = resample(take.waveform, from_hz=take.sample_rate_hz, to_hz=PROJECT_RATE_HZ)
            return self._made[take_id]
