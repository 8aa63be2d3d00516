"""WAV files: exact 16- and 24-bit PCM and 32-bit float, read and written whole."""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from typing import Final

import numpy as np
import numpy.typing as npt
import soundfile

from sounddesk.audio.files.foreign_sound import open_foreign_sound
from sounddesk.audio.files.pcm import Waveform
from sounddesk.audio.files.pcm import WavFormat
from sounddesk.audio.files.pcm import bits_of
from sounddesk.audio.files.pcm import check_samples
from sounddesk.audio.files.pcm import count_clipped
from sounddesk.audio.files.pcm import to_integers
from sounddesk.domain.errors import BadInputError
from sounddesk.storage.atomic_file import write_file

# Six minutes of stereo at 96 kHz are read from any file; beyond that only silence is packed more tightly.
_FREE_SAMPLES: Final = 1 << 26
_MAX_SAMPLES_PER_BYTE: Final = 64


class SoundFileError(BadInputError, ValueError):
    """A sound file that cannot be used; the message names it, the reason and the remedy."""


@dataclass(frozen=True, kw_only=True, eq=False)
class SoundFile:
    """What was in a sound file.

    Attributes:
        samples: float32[n] (one channel) or float32[n, channels]; 24-bit values are exact.
        sample_rate_hz: of the file.
        encoding: as libsndfile names it, e.g. 'PCM_24'.
    """

    samples: Waveform
    sample_rate_hz: int
    encoding: str

    @property
    def seconds(self) -> float:
        return len(self.samples) / self.sample_rate_hz

    @property
    def mono(self) -> Waveform:
        """All channels averaged, float32[n]."""
        return self.samples if self.samples.ndim == 1 else self.samples.mean(axis=1, dtype=np.float32)


@dataclass(frozen=True, kw_only=True)
class WriteReport:
    """What a write did to the samples.

    Attributes:
        peak: largest absolute sample before writing, linear; over 1.0 is beyond full scale.
        clipped_samples: how many were cut off at full scale; 0 unless the sound was too loud for the format.
    """

    peak: float
    clipped_samples: int


def read_sound(path: Path) -> SoundFile:
    """Read a WAV (or FLAC, OGG, AIFF) file.

    Raises:
        SoundFileError: missing, not a sound file, or empty.
    """
    try:
        # Opened here, because libsndfile tells a missing file and a damaged one only apart in prose.
        with open_foreign_sound(path) as file, soundfile.SoundFile(file) as sound:
            _check_length(sound, path)
            samples = sound.read(dtype="float32")
            rate, encoding = sound.samplerate, sound.subtype
    except OSError as error:
        raise SoundFileError(f"cannot read {path}: {error.strerror or error}: give the path of a sound file") from error
    except soundfile.LibsndfileError as error:
        raise SoundFileError(f"{path} is no sound file: {error.error_string} Give a WAV, FLAC or OGG file") from error
    if samples.size == 0:
        raise SoundFileError(f"{path} has no samples: give a sound file with at least one")
    return SoundFile(samples=samples, sample_rate_hz=rate, encoding=encoding)


def _check_length(sound: soundfile.SoundFile, path: Path) -> None:
    """Refuse a file whose header promises more samples than its bytes can hold, before memory is taken for them."""
    promised = sound.frames * sound.channels
    if promised > max(_FREE_SAMPLES, path.stat().st_size * _MAX_SAMPLES_PER_BYTE):
        raise SoundFileError(
            f"{path} says that it holds {promised} samples, but has {path.stat().st_size} bytes: export it again"
        )


def encode_wav(
    samples: npt.NDArray[np.floating[Any]],
    *,
    sample_rate_hz: int = 48_000,
    wav_format: WavFormat = "PCM_24",
) -> tuple[bytes, WriteReport]:
    """The bytes of a WAV file.

    Nothing is normalised or dithered; PCM samples are rounded to the nearest step (`pcm.quantize`). What lies
    beyond full scale is cut off there and counted in the report; FLOAT keeps it.

    Args:
        samples: float[n] or float[n, channels].
        sample_rate_hz: of the file.
        wav_format: 'PCM_16', 'PCM_24' or 'FLOAT'.

    Raises:
        ValueError: no samples, samples that are not finite, an unknown format or rate.
    """
    check_samples(samples)
    bits = bits_of(wav_format)
    if sample_rate_hz <= 0:
        raise ValueError(f"sample rate is {sample_rate_hz} Hz: it must be positive")
    # Whole numbers, because libsndfile scales floats by 2**(b - 1) - 1 on the way in and 2**(b - 1) on the way out.
    data = samples.astype(np.float32) if bits is None else to_integers(samples, bits=bits)
    # In memory first, because libsndfile reports a full disk as 'System error'.
    buffer = io.BytesIO()
    soundfile.write(buffer, data, sample_rate_hz, format="WAV", subtype=wav_format)
    report = WriteReport(
        peak=float(np.abs(samples).max()), clipped_samples=count_clipped(samples, wav_format=wav_format)
    )
    return buffer.getvalue(), report


def write_wav(
    path: Path,
    samples: npt.NDArray[np.floating[Any]],
    *,
    sample_rate_hz: int = 48_000,
    wav_format: WavFormat = "PCM_24",
) -> WriteReport:
    """Write a WAV file whole or not at all; samples as in `encode_wav`.

    Raises:
        ValueError: as `encode_wav`; nothing is written.
        OutputError: the file cannot be written; an earlier one is as it was.

    Example:
        >>> import tempfile
        >>> samples = np.array([0.0, 0.5, -0.5, 1.5], np.float32)
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     report = write_wav(Path(folder) / "dog.wav", samples, sample_rate_hz=48_000)
        ...     sound = read_sound(Path(folder) / "dog.wav")
        >>> report.clipped_samples, sound.encoding, sound.samples.tolist()
        (1, 'PCM_24', [0.0, 0.5, -0.5, 0.9999998807907104])
    """
    data, report = encode_wav(samples, sample_rate_hz=sample_rate_hz, wav_format=wav_format)
    write_file(path, data)
    return report
