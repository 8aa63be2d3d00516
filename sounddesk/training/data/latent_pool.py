"""Latents of the training sounds, encoded once: the codec is frozen."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from collections.abc import Mapping
from collections.abc import Sequence
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
    def open_or_make(
        cls,
        folder: Path,
        *,
        recordings: Sequence[Sequence[Recording]],
        kinds: Sequence[Kind],
        pairs: Sequence[Pair],
        variants: int,
        length: int,
        peak: float,
        codec_file: Path,
        encode: Encode,
    ) -> LatentPool:
        """Read the pool that fits these arguments from `folder`, else encode it and keep it there.

        Args:
            recordings: of each kind, in the order of `kinds`.
            encode: waveforms float32[B, length] -> latents float[B, C, T, F].
        """
        facts = [
            [[r.id, len(r.samples)] for group in recordings for r in group],
            [[kind.name, kind.repeat] for kind in kinds],
            [list(pair) for pair in pairs],
            [variants, length, peak, hashlib.sha256(codec_file.read_bytes()).hexdigest()],
        ]
        key = hashlib.sha256(json.dumps(facts).encode()).hexdigest()[:16]
        path = folder / f"latents_{key}.safetensors"
        if not path.exists():
            made = _encode_all(recordings, kinds, pairs, variants=variants, length=length, peak=peak, encode=encode)
            with atomic_path(path) as part:
                save_file(made, part)
        stored = load_file(path)
        singles = {int(name[5:]): value for name, value in stored.items() if name.startswith("kind_")}
        mixtures = dict(zip(pairs, stored["pairs"], strict=True)) if pairs else {}
        return cls(singles=singles, pairs=mixtures)


def _encode_all(
    recordings: Sequence[Sequence[Recording]],
    kinds: Sequence[Kind],
    pairs: Sequence[Pair],
    *,
    variants: int,
    length: int,
    peak: float,
    encode: Encode,
) -> dict[str, Tensor]:
    def sound(kind: int, rng: np.random.Generator) -> Samples:
        options = recordings[kind]
        samples = options[int(rng.integers(len(options)))].samples
        return lay_out(samples, length=length, repeat=kinds[kind].repeat, rng=rng)

    def encoded(sounds: list[Samples]) -> Tensor:
        batches = [np.stack(sounds[i : i + 16]) for i in range(0, len(sounds), 16)]
        return torch.cat([encode(batch).half() for batch in batches]).contiguous()

    made: dict[str, Tensor] = {}
    for kind, options in enumerate(recordings):
        if options:
            rng = np.random.default_rng((1, kind))
            made[f"kind_{kind}"] = encoded([scale_peak(sound(kind, rng), peak) for _ in range(variants)])
    mixtures = []
    for first, second in pairs:
        rng = np.random.default_rng((2, first, second))
        louder = scale_peak(sound(first, rng), 1.0)
        softer = scale_peak(sound(second, rng), float(rng.uniform(0.3, 1.0)))
        mixtures.append(scale_peak(louder + softer, peak))
    if mixtures:
        made["pairs"] = encoded(mixtures)
    return made
