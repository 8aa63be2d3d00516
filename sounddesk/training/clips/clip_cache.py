"""A cache of encoded clips: encoders and codec are frozen, so each clip is encoded once and not in every epoch.

One safetensors file for each clip, written whole, so an interrupted encoding goes on where it stopped and several
processes may share a cache. The posterior of the codec is kept, not a sample: every epoch still draws its own latent.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from safetensors.torch import save_file
from torch import Tensor

from sounddesk.engine.bundles.bundle import Bundle
from sounddesk.engine.generation.patch_weights import patch_coverage
from sounddesk.engine.models.image_encoder import Geometry
from sounddesk.engine.models.image_encoder import ImageEncoder
from sounddesk.engine.models.image_encoder import fit_mask
from sounddesk.engine.models.latent_codec import LatentCodec
from sounddesk.engine.models.mel import LogMel
from sounddesk.engine.models.text_encoder import TextEncoder
from sounddesk.engine.specs import AudioSpec
from sounddesk.engine.tasks import CancelToken
from sounddesk.engine.tasks import OnProgress
from sounddesk.engine.tasks import StageReporter
from sounddesk.storage.atomic_file import atomic_path
from sounddesk.training.clips.clip_manifest import ClipSource
from sounddesk.training.clips.media_reader import ClipMedia
from sounddesk.training.clips.media_reader import MediaError
from sounddesk.training.clips.media_reader import read_clip
from sounddesk.training.data.recordings import scale_peak

IN_MEMORY_MIB: Final = 2048
"""Encoded clips are kept in memory up to this size; what is beyond is read again when it is needed."""


@dataclass(frozen=True, kw_only=True, eq=False)
class FrozenEncoders:
    """The frozen networks that encode a clip."""

    image: ImageEncoder
    text: TextEncoder
    codec: LatentCodec
    log_mel: LogMel
    spec: AudioSpec
    geometry: Geometry


def read_media(clip: ClipSource, *, seconds: float, frames: int, sample_rate_hz: int) -> ClipMedia:
    """A clip with `frames` frames spread evenly over its length. Raises: MediaError."""
    times_s = [(index + 0.5) * seconds / frames for index in range(frames)]
    return read_clip(clip, seconds=seconds, sample_rate_hz=sample_rate_hz, frame_times_s=times_s)


@torch.no_grad()
def encode_clip(clip: ClipSource, media: ClipMedia, encoders: FrozenEncoders, *, seconds: float) -> dict[str, Tensor]:
    """Patches float16[frames, P, D], text float32[Lt], the latent's mean and std float16[C, T, F], and coverage [P].

    The sound is scaled to the codec's peak and padded with silence to whole latents before its mel is taken
    (a log-mel padded with zeros would be loud).
    """
    shape = encoders.spec.request_shape(seconds)
    waveform = np.zeros(shape.mel_frames * encoders.spec.mel.hop_length, dtype=np.float32)
    scaled = scale_peak(media.waveform, encoders.spec.mel.peak)
    waveform[: len(scaled)] = scaled[: len(waveform)]
    mel = encoders.log_mel(torch.from_numpy(waveform)[None])
    posterior = encoders.codec.vae.encode(encoders.codec.to_blocks(mel)).latent_dist
    factor = encoders.codec.scaling_factor
    encoded = {
        "patches": torch.cat([encoders.image.encode([frame]) for frame in media.frames]).half(),
        "text": encoders.text.encode([clip.caption])[0].float(),
        "latent_mean": (posterior.mean[0] * factor).half(),
        "latent_std": (posterior.std[0] * factor).half(),
    }
    if media.mask is not None:
        mask = fit_mask(media.mask, geometry=encoders.geometry)
        coverage = patch_coverage(mask.astype(np.float32), grid=encoders.image.grid)
        encoded["coverage"] = torch.from_numpy(coverage)
    return {name: value.contiguous().clone() for name, value in encoded.items()}


def encoder_key(bundle: Bundle, *, seconds: float, frames: int) -> str:
    """Cache key of everything that an encoding depends on besides the clip."""
    files = {
        role: {name: entry.sha256 for name, entry in bundle.manifest.component(role).files.items()}
        for role in ("image_encoder", "text_encoder", "vae")
    }
    facts = [files, bundle.audio.to_json(), seconds, frames]
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:16]


def _clip_key(clip: ClipSource) -> str:
    files = [path for path in (*clip.files(), clip.mask) if path is not None]
    facts = [clip.id, clip.caption, clip.start_s]
    facts += [[path.name, path.stat().st_size, path.stat().st_mtime_ns] for path in files if path.exists()]
    return hashlib.sha256(json.dumps(facts).encode()).hexdigest()[:24]


class ClipCache:
    """Encoded clips in the order of `clips`.

    Attributes:
        clips: those that could be read.
        broken: the others, by id, with the reason.
    """

    def __init__(self, folder: Path, clips: Sequence[ClipSource], broken: dict[str, str]) -> None:
        self.clips = tuple(clips)
        self.broken = broken
        self._files = [folder / f"{_clip_key(clip)}.safetensors" for clip in clips]
        self._memory: dict[int, dict[str, Tensor]] = {}
        self._memory_bytes = 0

    def __len__(self) -> int:
        return len(self._files)

    def __getitem__(self, index: int) -> dict[str, Tensor]:
        kept = self._memory.get(index)
        if kept is None:
            kept = load_file(self._files[index])
            size = sum(value.numel() * value.element_size() for value in kept.values())
            if self._memory_bytes + size <= IN_MEMORY_MIB * 2**20:
                self._memory[index] = kept
                self._memory_bytes += size
        return kept

    @classmethod
    def open_or_make(
        cls,
        folder: Path,
        clips: Sequence[ClipSource],
        encoders: Callable[[], FrozenEncoders],
        *,
        seconds: float,
        frames: int,
        progress: OnProgress | None = None,
        cancel: CancelToken | None = None,
    ) -> ClipCache:
        """Open the cache in `folder` and encode the clips that it lacks; unreadable clips are listed, not fatal.

        Args:
            encoders: called once when the first clip has to be encoded.

        Raises:
            Cancelled: through `cancel`; what was encoded stays.
        """
        folder.mkdir(parents=True, exist_ok=True)
        usable, broken = [], {}
        loaded: FrozenEncoders | None = None
        reporter = StageReporter(stage="encode", total=len(clips), on_progress=progress, cancel=cancel)
        for index, clip in enumerate(clips):
            try:
                target = folder / f"{_clip_key(clip)}.safetensors"
                if not _whole(target):
                    loaded = loaded or encoders()
                    rate_hz = loaded.spec.mel.sample_rate_hz
                    media = read_media(clip, seconds=seconds, frames=frames, sample_rate_hz=rate_hz)
                    with atomic_path(target) as part:
                        save_file(encode_clip(clip, media, loaded, seconds=seconds), part)
                usable.append(clip)
            except (MediaError, ValueError, OSError) as error:
                broken[clip.id] = str(error)
            reporter.step(index + 1)
        return cls(folder, usable, broken)


def _whole(path: Path) -> bool:
    """Whether the file is there and its header fits its length."""
    from safetensors import safe_open

    try:
        with safe_open(path, framework="pt"):
            return True
    except (OSError, SafetensorError):
        return False


def epoch_order(count: int, *, first: int, length: int, seed: int) -> list[int]:
    """Example indices at positions `first` to `first + length` of an endless sequence of shuffled epochs.

    Every example comes once in each epoch, and a place alone says where an interrupted run goes on.
    """
    order: list[int] = []
    while len(order) < length:
        epoch, offset = divmod(first + len(order), count)
        shuffled = np.random.default_rng((seed, epoch)).permutation(count)
        order += [int(index) for index in shuffled[offset : offset + length - len(order)]]
    return order
