"""Latents of the training sounds, encoded once: the codec is frozen."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from collections.abc import Mapping
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from safetensors.torch import load_file
from safetensors.torch import save_file
from torch import Tensor

from sounddesk.storage.atomic_file import atomic_path
from sounddesk.training.data.recordings import Kind
from sounddesk.training.data.recordings import Recording
from sounddesk.training.data.recordings import Samples
from sounddesk.training.data.recordings import scale_peak
from sounddesk.training.data.soundscapes import lay_out

Pair = tuple[int, int]
Encode = Callable[[npt.NDArray[np.float32]], Tensor]


@dataclass(frozen=True, kw_only=True, eq=False)
class Layouts:
    """The sounds of a pool before they are encoded.

    Attributes:
        recordings: of each kind, in the order of `kinds`.
        pairs: kinds that are mixed, by their numbers.
        variants: layouts of each kind.
        length: of every sound, in samples.
        peak: of every sound.
    """

    recordings: Sequence[Sequence[Recording]]
    kinds: Sequence[Kind]
    pairs: Sequence[Pair]
    variants: int
    length: int
    peak: float

    def key(self, *, codec_file: Path) -> str:
        """What tells their latents apart from those of other layouts or of another codec."""
        facts = [
            [[r.id, len(r.samples)] for group in self.recordings for r in group],
            [[kind.name, kind.repeat] for kind in self.kinds],
            [list(pair) for pair in self.pairs],
            [self.variants, self.length, self.peak, hashlib.sha256(codec_file.read_bytes()).hexdigest()],
        ]
        return hashlib.sha256(json.dumps(facts).encode()).hexdigest()[:16]

    def of_kind(self, kind: int) -> list[Samples]:
        """The layouts of one kind."""
        rng = np.random.default_rng((1, kind))
        return [scale_peak(self._sound(kind, rng), self.peak) for _ in range(self.variants)]

    def of_pair(self, pair: Pair) -> Samples:
        """The mixture of two kinds, the second softer than the first."""
        first, second = pair
        rng = np.random.default_rng((2, first, second))
        louder = scale_peak(self._sound(first, rng), 1.0)
        softer = scale_peak(self._sound(second, rng), float(rng.uniform(0.3, 1.0)))
        return scale_peak(louder + softer, self.peak)

    def _sound(self, kind: int, rng: np.random.Generator) -> Samples:
        options = self.recordings[kind]
        samples = options[int(rng.integers(len(options)))].samples
        return lay_out(samples, length=self.length, repeat=self.kinds[kind].repeat, rng=rng)


class LatentPool:
    """`variants` layouts of every kind and one of every pair, as scaled latents float16[C, T, F].

    A layout is a random recording of the kind, placed in time as `lay_out` does it. The pool is a pure function
    of its arguments, so a file written once serves every run with the same key.
    """

    def __init__(self, *, singles: Mapping[int, Tensor], pairs: Mapping[Pair, Tensor]) -> None:
        self._singles = dict(singles)
        self._pairs = dict(pairs)

    def single(self, kind: int, rng: np.random.Generator) -> Tensor:
        """A random layout of `kind`, float32[C, T, F]."""
        variants = self._singles[kind]
        return variants[int(rng.integers(len(variants)))].float()

    def pair(self, pair: Pair) -> Tensor:
        """The mixture of two kinds, float32[C, T, F]. Raises: KeyError for a pair that was not asked for."""
        return self._pairs[pair].float()

    @classmethod
    def open_or_make(cls, folder: Path, layouts: Layouts, *, codec_file: Path, encode: Encode) -> LatentPool:
        """Read the pool of these layouts from `folder`, else encode it and keep it there.

        Args:
            codec_file: weights of the codec that encodes.
            encode: waveforms float32[B, length] -> latents float[B, C, T, F].
        """
        path = folder / f"latents_{layouts.key(codec_file=codec_file)}.safetensors"
        if not path.exists():
            made = _encode_all(layouts, encode)
            with atomic_path(path) as part:
                save_file(made, part)
        stored = load_file(path)
        singles = {int(name[5:]): value for name, value in stored.items() if name.startswith("kind_")}
        mixtures = dict(zip(layouts.pairs, stored["pairs"], strict=True)) if layouts.pairs else {}
        return cls(singles=singles, pairs=mixtures)


def _encode_all(layouts: Layouts, encode: Encode) -> dict[str, Tensor]:
    def encoded(sounds: list[Samples]) -> Tensor:
        batches = [np.stack(sounds[i : i + 16]) for i in range(0, len(sounds), 16)]
        return torch.cat([encode(batch).half() for batch in batches]).contiguous()

    made = {
        f"kind_{kind}": encoded(layouts.of_kind(kind)) for kind, options in enumerate(layouts.recordings) if options
    }
    if layouts.pairs:
        made["pairs"] = encoded([layouts.of_pair(pair) for pair in layouts.pairs])
    return made
