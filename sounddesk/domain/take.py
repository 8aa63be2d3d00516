"""Takes: one generated waveform each, with its whole recipe. Never changed and never removed."""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Iterator
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from sounddesk.domain.seeds import check_seed


@dataclass(frozen=True, kw_only=True, eq=False)
class Take:
    """One generated waveform; never overwritten, so the samples are made read-only.

    Attributes:
        id: unique within the project.
        object_id: whose sound it is; the object may have been deleted since.
        number: 1 for the object's first take.
        seed: 0 to 2**63 - 1.
        waveform: float32[n], or float32[n, 2] where left and right are sounds of their own; finite, at
            `sample_rate_hz`; read-only.
        recipe: JSON-ready facts to make it again: bundle, seed, steps, guidance, mask hash, hint, length.
        created: UTC, ISO 8601.
        notes: what the engine wants the user to know.

    Raises:
        ValueError: waveform neither mono nor stereo float32, empty or with samples that are not finite.
    """

    id: str
    object_id: str
    number: int
    seed: int
    waveform: npt.NDArray[np.float32]
    sample_rate_hz: int
    recipe: Mapping[str, Any]
    created: str
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        check_seed(self.seed)
        shape = self.waveform.shape
        if self.waveform.dtype != np.float32 or not self.waveform.size or not (len(shape) == 1 or shape[1:] == (2,)):
            raise ValueError(
                f"waveform of take {self.id!r} is {self.waveform.dtype}{list(shape)}: "
                "give float32[n] or float32[n, 2] with at least one sample"
            )
        if not np.isfinite(self.waveform).all():
            raise ValueError(f"waveform of take {self.id!r} has samples that are not finite: make the take again")
        if self.sample_rate_hz <= 0:
            raise ValueError(f"sample rate is {self.sample_rate_hz} Hz: it must be positive")
        waveform = self.waveform
        if waveform.flags.writeable:
            waveform = waveform.copy()
            waveform.setflags(write=False)
        object.__setattr__(self, "waveform", waveform)

    @property
    def seconds(self) -> float:
        """Length in seconds."""
        return len(self.waveform) / self.sample_rate_hz

    @property
    def channels(self) -> int:
        """1, or 2 where left and right are sounds of their own."""
        return 1 if self.waveform.ndim == 1 else 2

    @property
    def mono(self) -> npt.NDArray[np.float32]:
        """Both channels averaged, float32[n]; of a mono take its waveform."""
        return mono_of(self.waveform)


def mono_of(waveform: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """The mean of all channels of float32[n, channels]; float32[n] is returned as it is.

    Example:
        >>> mono_of(np.array([[0.5, 0.0], [1.0, 1.0]], np.float32)).tolist()
        [0.25, 1.0]
    """
    return waveform if waveform.ndim == 1 else waveform.mean(axis=1, dtype=np.float64).astype(np.float32)


def waveform_of(frames: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """A sound float32[n] or float32[n, channels] as a take holds it: one channel, or left and right; more are averaged.

    Example:
        >>> [waveform_of(np.ones((5, channels), np.float32)).shape for channels in (1, 2, 6)]
        [(5,), (5, 2), (5,)]
    """
    return np.ascontiguousarray(frames if frames.shape[1:] == (2,) else mono_of(frames))


class TakeLibrary:
    """Every take of a project, by id. Takes are only ever added: undo, deletion of an object or a failed
    generation cannot lose one.
    """

    def __init__(self, takes: Iterable[Take] = ()) -> None:
        self._takes: dict[str, Take] = {}
        for take in takes:
            self.add(take)

    def add(self, take: Take) -> None:
        """Keep a take. Raises: ValueError, when its id is taken."""
        if take.id in self._takes:
            raise ValueError(f"take {take.id!r} exists already: a take is never overwritten")
        self._takes[take.id] = take

    def of_object(self, object_id: str) -> list[Take]:
        """Takes of an object, oldest first."""
        return [take for take in self._takes.values() if take.object_id == object_id]

    def next_number(self, object_id: str) -> int:
        """Number of the object's next take, from 1."""
        return max((take.number for take in self.of_object(object_id)), default=0) + 1

    def get(self, take_id: str) -> Take | None:
        return self._takes.get(take_id)

    def __getitem__(self, take_id: str) -> Take:
        return self._takes[take_id]

    def __contains__(self, take_id: object) -> bool:
        return take_id in self._takes

    def __iter__(self) -> Iterator[Take]:
        return iter(self._takes.values())

    def __len__(self) -> int:
        return len(self._takes)
