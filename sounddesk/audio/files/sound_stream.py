"""Sound files read in blocks, so that four gigabytes take no more memory than a minute."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
import soundfile

from sounddesk.audio.files.foreign_sound import open_foreign_sound
from sounddesk.audio.files.pcm import Waveform
from sounddesk.audio.files.wav_io import SoundFileError
from sounddesk.domain.recordings import SoundFormat
from sounddesk.storage.closing import Closing

# A second of eight channels at 192 kHz in float32 is 6 MB.
_BLOCK_SAMPLES: Final = 1 << 21
_MAX_CHANNELS: Final = 128
_MAX_RATE_HZ: Final = 768_000


class SoundStream(Closing):
    """An open sound file: WAV, RF64, FLAC, MP3, OGG or AIFF, as libsndfile reads them.

    Raises:
        SoundFileError: missing, not a sound file, empty, or of a shape that no recording has.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            # Opened here, because libsndfile tells a missing file and a damaged one only apart in prose.
            self._file = open_foreign_sound(path)
        except OSError as error:
            raise SoundFileError(
                f"cannot read {path}: {error.strerror or error}: give the path of a sound file"
            ) from error
        try:
            self._sound = soundfile.SoundFile(self._file)
            self.format = SoundFormat(
                frames=self._sound.frames,
                sample_rate_hz=self._sound.samplerate,
                channels=self._sound.channels,
                encoding=self._sound.subtype,
            )
            self._check()
        except soundfile.LibsndfileError as error:
            self._file.close()
            raise SoundFileError(f"{path} is no sound file: {error.error_string}") from error
        except BaseException:
            self._file.close()
            raise

    def _check(self) -> None:
        found = self.format
        if found.frames <= 0:
            raise SoundFileError(f"{self._path} has no samples: record it again")
        if not 1 <= found.channels <= _MAX_CHANNELS or not 1_000 <= found.sample_rate_hz <= _MAX_RATE_HZ:
            raise SoundFileError(
                f"{self._path} has {found.channels} channels at {found.sample_rate_hz} Hz: "
                f"at most {_MAX_CHANNELS} channels and 1 to {_MAX_RATE_HZ // 1000} kHz are read"
            )

    @property
    def texts(self) -> dict[str, str]:
        """Title, artist, comment, licence and the like, as the file's format keeps them."""
        return {key: text for key, text in self._sound.copy_metadata().items() if text}

    def close(self) -> None:
        self._sound.close()
        self._file.close()

    def read(self, start: int, stop: int) -> Waveform:
        """Frames from `start` up to `stop` or the end, float32[n, channels]; what is not finite is 0.

        Raises:
            SoundFileError: the file is damaged there, or its disk has gone.
        """
        try:
            self._sound.seek(max(0, min(start, self.format.frames)))
            samples = self._sound.read(max(0, stop - start), dtype="float32", always_2d=True)
        except soundfile.LibsndfileError as error:
            raise SoundFileError(f"{self._path} is damaged: {error.error_string}") from error
        except OSError as error:
            raise SoundFileError(f"cannot read {self._path}: {error.strerror or error}") from error
        return np.nan_to_num(samples, copy=False, nan=0.0, posinf=1.0, neginf=-1.0)

    def mono(self, start: int, stop: int) -> Waveform:
        """The same with all channels averaged, float32[n]."""
        return _averaged(self.read(start, stop))

    def mono_blocks(self) -> Iterator[Waveform]:
        """The whole file from its start, all channels averaged, in blocks float32[n] of bounded size.

        Raises:
            SoundFileError: the file is damaged, or shorter than its header says.
        """
        block = max(1, _BLOCK_SAMPLES // self.format.channels)
        done = 0
        while done < self.format.frames:
            samples = self.read(done, done + block)
            if not len(samples):
                raise SoundFileError(
                    f"{self._path} ends after {done / self.format.sample_rate_hz:.1f} s of "
                    f"{self.format.seconds:.1f} s: copy or record it again"
                )
            done += len(samples)
            yield _averaged(samples)


def _averaged(samples: npt.NDArray[np.float32]) -> Waveform:
    return samples[:, 0] if samples.shape[1] == 1 else samples.mean(axis=1, dtype=np.float32)
