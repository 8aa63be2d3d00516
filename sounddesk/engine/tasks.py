"""Progress and cancellation of long work, free of Qt and torch."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from sounddesk.domain.errors import Cancelled


class CancelToken:
    """A thread-safe request to stop; checked between steps of long work."""

    def __init__(self) -> None:
        self._event = threading.Event()

    def cancel(self) -> None:
        self._event.set()

    @property
    def cancelled(self) -> bool:
        return self._event.is_set()

    def raise_if_cancelled(self) -> None:
        """Raises: Cancelled, when `cancel` was called."""
        if self._event.is_set():
            raise Cancelled


@dataclass(frozen=True, kw_only=True)
class Progress:
    """One progress report: `done` of `total` units of `stage`, `elapsed_s` since the stage began.

    Attributes:
        unit: 'bytes' where a reader wants to see amounts and speed, empty for steps and the like.
        done_before: units that were done when the stage began, such as the kept part of a download.
    """

    stage: str
    done: int
    total: int
    elapsed_s: float
    unit: str = ""
    done_before: int = 0

    @property
    def per_s(self) -> float | None:
        """Mean speed so far in units a second; None before the first unit is done."""
        if self.done <= self.done_before or self.elapsed_s <= 0:
            return None
        return (self.done - self.done_before) / self.elapsed_s

    @property
    def remaining_s(self) -> float | None:
        """Time left by the mean speed so far; None before the first unit is done."""
        if self.done <= self.done_before:
            return None
        return self.elapsed_s / (self.done - self.done_before) * (self.total - self.done)


OnProgress = Callable[[Progress], None]


class StageReporter:
    """Turns `step(done)` calls of one stage into `Progress` reports and cancellation points."""

    def __init__(
        self,
        *,
        stage: str,
        total: int,
        on_progress: OnProgress | None,
        cancel: CancelToken | None,
        unit: str = "",
        done_before: int = 0,
    ) -> None:
        self._stage = stage
        self._total = total
        self._unit = unit
        self._done_before = done_before
        self._on_progress = on_progress
        self._cancel = cancel
        self._start = time.monotonic()
        self.step(done_before)

    def step(self, done: int) -> None:
        """Report `done` units. Raises: Cancelled."""
        if self._cancel is not None:
            self._cancel.raise_if_cancelled()
        if self._on_progress is not None:
            elapsed_s = time.monotonic() - self._start
            self._on_progress(
                Progress(
                    stage=self._stage,
                    done=done,
                    total=self._total,
                    elapsed_s=elapsed_s,
                    unit=self._unit,
                    done_before=self._done_before,
                )
            )


def duration_text(seconds: float) -> str:
    """A duration as people say it: 8 s, 3 min 20 s, 2 h 5 min."""
    whole_s = max(0, round(seconds))
    if whole_s < 60:
        return f"{whole_s} s"
    if whole_s < 3600:
        return f"{whole_s // 60} min {whole_s % 60} s"
    return f"{whole_s // 3600} h {whole_s % 3600 // 60} min"


def size_text(n_bytes: int) -> str:
    """An amount of data as download pages say it, in powers of ten: 375 MB, 2.56 GB."""
    if n_bytes < 10**6:
        return f"{n_bytes / 10**3:.0f} kB"
    if n_bytes < 10**9:
        return f"{n_bytes / 10**6:.0f} MB"
    return f"{n_bytes / 10**9:.2f} GB"
