"""Protocols of training tasks: what the loop calls."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol
from typing import runtime_checkable

import numpy as np
from torch import Tensor
from torch import nn

from sounddesk.engine.types import Waveform
from sounddesk.training.loop.provenance import Provenance

Batch = dict[str, Tensor]
"""Named tensors whose first axis is the example."""


class TrainingTask(Protocol):
    """A training task. All randomness of a step comes from the generator it is given.

    Attributes:
        module: what is optimised, averaged and checkpointed.
        learning_rate_factors: factors on the learning rate of parameters whose name contains the key.
    """

    module: nn.Module
    learning_rate_factors: Mapping[str, float]

    def loss(self, rng: np.random.Generator, batch_size: int) -> tuple[Tensor, dict[str, float]]:
        """Loss of one random batch, and figures to log."""
        ...

    def export(self, folder: Path) -> None:
        """Write deployable weights; `module` holds the averaged ones during the call."""
        ...


@runtime_checkable
class DrawingTask(Protocol):
    """A task that draws a batch apart from its loss: its micro-batches add up to it on any number of processes."""

    def draw(self, rng: np.random.Generator, batch_size: int, *, step: int) -> Batch:
        """All that is random in step `step`."""
        ...

    def loss_of(self, batch: Batch) -> tuple[Tensor, dict[str, float]]:
        """Mean loss over the examples of `batch`, and figures to log."""
        ...


@runtime_checkable
class CountedTask(Protocol):
    """A task whose data have a number of examples, so that epochs can be counted."""

    def examples(self) -> int: ...


@runtime_checkable
class DescendedTask(Protocol):
    """A task that starts from a bundle."""

    provenance: Provenance | None


@dataclass(frozen=True, kw_only=True, eq=False)
class Preview:
    """An audio preview: its name, mono float32 samples and sample rate."""

    name: str
    samples: Waveform
    sample_rate_hz: int


@runtime_checkable
class PreviewingTask(Protocol):
    """A task that can render audio previews."""

    def previews(self, *, seconds: float, count: int) -> Sequence[Preview]:
        """The same requests with the same seeds at every call; `module` holds the averaged weights."""
        ...
