"""Waveforms as bytes in the project file: float32 without loss.

Takes may exceed full scale and use all 24 bits of a float's significand at every loudness, which no integer format
keeps; so the four bytes of each sample are laid out in planes (signs and exponents lie together and compress well) and
zlib does the rest. The reason is written down in resources/manual/decisions.md.
"""

from __future__ import annotations

import zlib
from typing import Final

import numpy as np
import numpy.typing as npt

ENCODING: Final = "float32-planes-zlib"


def encode_waveform(waveform: npt.NDArray[np.float32]) -> bytes:
    """Bytes of float32[n]; `decode_waveform` gives the same bits back."""
    planes = np.ascontiguousarray(waveform, dtype="<f4").view(np.uint8).reshape(-1, 4).T
    return zlib.compress(planes.tobytes(), 1)


def decode_waveform(blob: bytes, *, samples: int, encoding: str = ENCODING) -> npt.NDArray[np.float32]:
    """float32[samples], read-only.

    Raises:
        ValueError: unknown encoding, or bytes that are damaged.
    """
    if encoding != ENCODING:
        raise ValueError(f"the sound is stored as {encoding!r}: a newer sounddesk can read it")
    try:
        # One byte more than wanted tells a blob that would go on, however long.
        unpacker = zlib.decompressobj()
        data = unpacker.decompress(blob, samples * 4 + 1)
    except zlib.error as error:
        raise ValueError(f"the sound is damaged ({error})") from None
    if len(data) != samples * 4:
        more = "more" if len(data) > samples * 4 else f"{len(data) / 4:g}"
        raise ValueError(f"the sound is damaged: it has {more} samples instead of {samples}")
    if not unpacker.eof:
        raise ValueError("the sound is damaged: it ends too early")
    planes = np.frombuffer(data, dtype=np.uint8).reshape(4, samples)
    waveform: npt.NDArray[np.float32] = np.ascontiguousarray(planes.T).view("<f4").reshape(samples).astype(np.float32)
    waveform.setflags(write=False)
    return waveform
