"""Clips whose picture and sound tell the time: second n shows grey level 40 + 40 n and sounds at 300 + 200 n Hz."""

from __future__ import annotations

from pathlib import Path

import av
import cv2
import numpy as np
import soundfile

RATE_HZ = 16_000
FPS = 8


def level_at(second: int) -> int:
    return 40 + 40 * second


def pitch_at(second: int) -> float:
    return 300.0 + 200.0 * second


def tones(seconds: int) -> np.ndarray:
    time_s = np.arange(RATE_HZ) / RATE_HZ
    return np.concatenate([0.3 * np.sin(2 * np.pi * pitch_at(s) * time_s) for s in range(seconds)]).astype(np.float32)


def write_video(
    path: Path, *, seconds: int = 4, sound: np.ndarray | None = None, size: tuple[int, int] = (64, 48), shade: int = 0
) -> Path:
    """An MP4 with MPEG-4 pictures and AAC sound."""
    path.parent.mkdir(parents=True, exist_ok=True)
    sound = tones(seconds) if sound is None else sound
    with av.open(str(path), "w") as container:
        video = container.add_stream("mpeg4", rate=FPS)
        video.width, video.height, video.pix_fmt = *size, "yuv420p"
        audio = container.add_stream("aac", rate=RATE_HZ, layout="mono")
        for index in range(seconds * FPS):
            picture = np.full((size[1], size[0], 3), level_at(index // FPS) + shade, dtype=np.uint8)
            container.mux(video.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(video.encode(None))
        frame = av.AudioFrame.from_ndarray(sound[None].astype(np.float32), format="fltp", layout="mono")
        frame.sample_rate = RATE_HZ
        container.mux(audio.encode(frame))
        container.mux(audio.encode(None))
    return path


def write_pair(stem: Path, *, colour: tuple[int, int, int], sound: np.ndarray, mask: bool = False) -> None:
    """An image and a sound of the same name, perhaps with a mask of the left half."""
    stem.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(f"{stem}.png", np.full((48, 64, 3), colour, dtype=np.uint8))
    soundfile.write(f"{stem}.wav", sound.astype(np.float32), RATE_HZ)
    if mask:
        half = np.zeros((48, 64), dtype=np.uint8)
        half[:, :32] = 255
        cv2.imwrite(f"{stem}.mask.png", half)


def pitch_of(samples: np.ndarray) -> float:
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples))))
    return float(spectrum.argmax() * RATE_HZ / len(samples))
