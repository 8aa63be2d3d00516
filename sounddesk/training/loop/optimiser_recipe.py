"""Recipe sections that all tasks share: optimiser, checkpoints and live view."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class OptimiserRecipe:
    """AdamW and its schedule. Defaults of betas, eps and weight decay are the paper's (4.1).

    Attributes:
        steps: optimiser steps; 0 with `epochs` set.
        epochs: instead of steps, how often all training examples are seen; for tasks that have a number of examples.
        batch_size: examples of one optimiser step, over all processes and micro-batches together.
        micro_batches: how many parts a batch is computed in, one after the other (gradient accumulation) or by several
            processes; a multiple of the number of processes, 0 for exactly that number. The same number gives the same
            loss curve on any number of processes.
        schedule: 'constant' after the warm-up, or 'cosine' down to a twentieth of the learning rate.
        ema_decay: decay of the averaged weights that are exported.
        clip_norm: gradient norm limit; None for none.
        precision: 'bfloat16' and 'float16' run the forward pass in autocast, 'float32' does not.
        device: 'cpu', 'cuda', 'mps', or 'auto' for the best there is.
        checkpoint_minutes: time between two checkpoints; `checkpoint_steps`, where set, counts steps instead.
        threads: CPU threads; None leaves torch's choice.
    """

    steps: int = 0
    epochs: int | None = None
    batch_size: int
    micro_batches: int = 0
    learning_rate: float = 1e-4
    betas: tuple[float, ...] = (0.95, 0.999)
    eps: float = 1e-6
    weight_decay: float = 1e-3
    warmup_steps: int = 0
    schedule: str = "constant"
    ema_decay: float = 0.9999
    clip_norm: float | None = None
    precision: str = "float32"
    device: str = "cpu"
    checkpoint_minutes: float = 3.0
    checkpoint_steps: int | None = None
    threads: int | None = None

    def __post_init__(self) -> None:
        _choose("schedule", self.schedule, ("constant", "cosine"))
        _choose("precision", self.precision, ("float32", "bfloat16", "float16"))
        _choose("device", self.device, ("cpu", "cuda", "mps", "auto"))
        if self.epochs is not None and (self.epochs < 1 or self.steps):
            raise ValueError(f"epochs is {self.epochs} and steps {self.steps}: give one of them")
        if self.steps < 0 or self.batch_size < 1:
            raise ValueError(f"steps is {self.steps} and batch_size {self.batch_size}: choose at least 0 and 1")
        if self.micro_batches < 0 or (self.micro_batches and self.batch_size % self.micro_batches):
            raise ValueError(
                f"micro_batches is {self.micro_batches}: choose a divisor of batch_size {self.batch_size}, or 0"
            )
        if self.checkpoint_steps is not None and self.checkpoint_steps < 1:
            raise ValueError(f"checkpoint_steps is {self.checkpoint_steps}: choose at least 1")

    def learning_rate_at(self, step: int) -> float:
        """Learning rate of `step` (0-based)."""
        if step < self.warmup_steps:
            return self.learning_rate * (step + 1) / self.warmup_steps
        if self.schedule == "constant":
            return self.learning_rate
        done = (step - self.warmup_steps) / max(1, self.steps - self.warmup_steps)
        return self.learning_rate * (0.05 + 0.95 * 0.5 * (1 + math.cos(math.pi * min(1.0, done))))


@dataclass(frozen=True, kw_only=True)
class LiveRecipe:
    """Logging, live page and previews of a run.

    Attributes:
        log_steps: steps between two rows of `log.jsonl` and two versions of the page.
        page: keep `live.html` in the run's folder: time left, curves, memory, previews.
        tensorboard: also write event files (`pip install 'sounddesk[tensorboard]'`).
        preview_steps: steps between two previews (WAV and spectrogram, same seeds each time); 0 for none.
        preview_seconds, preview_count: length and number of the previews.
    """

    log_steps: int = 25
    page: bool = True
    tensorboard: bool = False
    preview_steps: int = 0
    preview_seconds: float = 4.0
    preview_count: int = 2

    def __post_init__(self) -> None:
        if self.log_steps < 1 or self.preview_steps < 0 or self.preview_count < 1:
            raise ValueError("log_steps and preview_count must be at least 1 and preview_steps at least 0")


def _choose(name: str, value: str, choices: tuple[str, ...]) -> None:
    if value not in choices:
        raise ValueError(f"{name} is {value!r}: choose one of {', '.join(map(repr, choices))}")
