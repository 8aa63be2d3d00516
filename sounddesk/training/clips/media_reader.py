"""Reads frames and sound of a clip; times are those of the file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import soundfile

from sounddesk.audio.files.foreign_sound import open_foreign_sound
from sounddesk.audio.resample import resample
from sounddesk.domain.errors import BadInputError
from sounddesk.engine.images.image_file import load_image
from sounddesk.engine.images.mask_file import load_coverage
from sounddesk.engine.images.picture_decoding import ImageFileError
from sounddesk.engine.media_file import open_media
from sounddesk.engine.types import RgbImage
from sounddesk.training.clips.clip_manifest import ClipSource
from sounddesk.training.data.recordings import Samples


class MediaError(BadInputError, ValueError):
    """A file that cannot be read; the message names it."""


@dataclass(frozen=True, kw_only=True, eq=False)
class ClipMedia:
    """Picture and sound of one clip.

    Attributes:
        frames: uint8[H, W, 3] sRGB each; one for an image.
        times_s: of each frame, from the clip's start, on the clock of the sound.
        waveform: mono float32[n], cut or padded with silence to the length asked for.
        mask: float32[H', W'] in 0 to 1, where the clip has one.
        heard_s: how much sound the file had, at most the length asked for.
    """

    frames: tuple[RgbImage, ...]
    times_s: tuple[float, ...]
    waveform: Samples
    mask: npt.NDArray[np.float32] | None
    heard_s: float


def read_clip(clip: ClipSource, *, seconds: float, sample_rate_hz: int, frame_times_s: Sequence[float]) -> ClipMedia:
    """Read the sound of a clip and its frames at `frame_times_s` (ascending, from the clip's start).

    A time behind the last frame gives the last frame. An image stands for every time once.

    Raises:
        MediaError: a file is missing, damaged, or has no sound or no picture.
    """
    if clip.video is not None:
        frames, times_s = read_video_frames(clip.video, [clip.start_s + time for time in frame_times_s])
        times_s = tuple(time - clip.start_s for time in times_s)
        sound = read_video_sound(clip.video, start_s=clip.start_s, seconds=seconds, sample_rate_hz=sample_rate_hz)
    else:
        assert clip.image is not None
        assert clip.audio is not None
        frames, times_s = (read_image(clip.image),), (0.0,)
        sound = _read_sound(clip.audio, start_s=clip.start_s, seconds=seconds, sample_rate_hz=sample_rate_hz)
    count = round(seconds * sample_rate_hz)
    if len(sound) == 0:
        raise MediaError(f"{clip.files()[-1]} has no sound at {clip.start_s:g} s")
    waveform = np.zeros(count, dtype=np.float32)
    waveform[: min(count, len(sound))] = sound[:count]
    mask = read_mask(clip.mask) if clip.mask is not None else None
    heard_s = min(count, len(sound)) / sample_rate_hz
    return ClipMedia(frames=frames, times_s=times_s, waveform=waveform, mask=mask, heard_s=heard_s)


def read_image(path: Path) -> RgbImage:
    """SRGB uint8[H, W, 3]. Raises: MediaError."""
    try:
        return load_image(path).pixels
    except ImageFileError as error:
        raise MediaError(str(error)) from error


def read_mask(path: Path) -> npt.NDArray[np.float32]:
    """Float32[H, W] in 0 to 1, see `load_coverage`. Raises: MediaError."""
    try:
        return load_coverage(path)
    except ImageFileError as error:
        raise MediaError(str(error)) from error


def read_video_frames(path: Path, times_s: Sequence[float]) -> tuple[tuple[RgbImage, ...], tuple[float, ...]]:
    """The frame on display at each time, with its presentation time.

    Args:
        times_s: ascending, from the file's start.

    Raises:
        MediaError: no readable picture.
    """
    import av

    frames: list[RgbImage] = []
    shown: list[float] = []
    try:
        with open_media(path) as container:
            if not container.streams.video:
                raise MediaError(f"{path} has no picture")
            stream = container.streams.video[0]
            stream.thread_type = "AUTO"
            origin_s = (container.start_time or 0) / av.time_base
            if times_s and times_s[0] > 0:
                container.seek(int((origin_s + times_s[0]) * av.time_base))
            last: Any = None
            for frame in container.decode(stream):
                if frame.time is None:
                    continue
                # A frame is shown until the next one: the first later frame says that the one before was the right one.
                while last is not None and len(frames) < len(times_s) and frame.time - origin_s > times_s[len(frames)]:
                    frames.append(last.to_ndarray(format="rgb24"))
                    shown.append(float(last.time - origin_s))
                last = frame
                if len(frames) == len(times_s):
                    break
            while last is not None and len(frames) < len(times_s):
                frames.append(last.to_ndarray(format="rgb24"))
                shown.append(float(last.time - origin_s))
    except (av.error.FFmpegError, OSError) as error:
        raise MediaError(f"{path} cannot be read: {error.strerror or error}") from error
    if not frames:
        raise MediaError(f"{path} has no readable frame")
    return tuple(frames), tuple(shown)


def read_video_sound(path: Path, *, start_s: float, seconds: float, sample_rate_hz: int) -> Samples:
    """Mono float32 of at most `seconds` from `start_s` on the file's clock; a late beginning is led in by silence.

    Raises:
        MediaError: no readable sound.
    """
    import av

    blocks: list[Samples] = []
    first_s: float | None = None
    try:
        with open_media(path) as container:
            if not container.streams.audio:
                raise MediaError(f"{path} has no sound")
            stream = container.streams.audio[0]
            origin_s = (container.start_time or 0) / av.time_base
            resampler = av.AudioResampler(format="flt", layout="mono", rate=sample_rate_hz)
            if start_s > 0:
                container.seek(int((origin_s + start_s) * av.time_base))
            for frame in container.decode(stream):
                if frame.time is not None:
                    if frame.time - origin_s >= start_s + seconds:
                        break
                    first_s = frame.time - origin_s if first_s is None else first_s
                blocks += [out.to_ndarray()[0] for out in resampler.resample(frame)]
            blocks += [out.to_ndarray()[0] for out in resampler.resample(None)]
    except (av.error.FFmpegError, OSError) as error:
        raise MediaError(f"{path} cannot be read: {error.strerror or error}") from error
    if first_s is None or not blocks:
        return np.zeros(0, dtype=np.float32)
    samples = np.concatenate(blocks).astype(np.float32)
    lead = round((first_s - start_s) * sample_rate_hz)
    placed = np.concatenate([np.zeros(lead, dtype=np.float32), samples]) if lead > 0 else samples[-lead:]
    return placed[: round(seconds * sample_rate_hz)]


def _read_sound(path: Path, *, start_s: float, seconds: float, sample_rate_hz: int) -> Samples:
    """As `read_video_sound`, of a sound file; what soundfile does not know is left to PyAV."""
    try:
        if path.is_file() and path.stat().st_size == 0:
            raise MediaError(f"{path.name} is empty (0 bytes): was the recording finished?")
        with open_foreign_sound(path) as opened, soundfile.SoundFile(opened) as file:
            if file.frames == 0:
                raise MediaError(f"{path.name} says it has no samples: was the recording finished?")
            file.seek(min(file.frames, round(start_s * file.samplerate)))
            samples = file.read(round(seconds * file.samplerate), dtype="float32", always_2d=True)
            if not len(samples):
                return np.zeros(0, dtype=np.float32)
            # Two loud channels may be finite and their sum not.
            if not np.isfinite(samples.mean(axis=1)).all():
                raise MediaError(f"{path} holds samples that are no numbers: export it again")
            return resample(samples.mean(axis=1), from_hz=file.samplerate, to_hz=sample_rate_hz)
    except soundfile.LibsndfileError:
        return read_video_sound(path, start_s=start_s, seconds=seconds, sample_rate_hz=sample_rate_hz)
    except (OSError, RuntimeError) as error:
        raise MediaError(f"{path} cannot be read: {error}") from error
