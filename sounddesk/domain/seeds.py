"""Seeds of takes, derived so that no take's noise depends on the order or number of the others."""

from __future__ import annotations

import hashlib
import struct
import unicodedata
from typing import Final

MAX_SEED: Final = 2**63 - 1


def check_seed(seed: int) -> None:
    """Refuse a seed outside 0 to 2**63 - 1.

    Raises:
        ValueError: with the value and the remedy.
    """
    if not 0 <= seed <= MAX_SEED:
        raise ValueError(f"seed is {seed}: choose from 0 to {MAX_SEED}")


def take_seed(seed: int, *, name: str, take: int) -> int:
    """The seed of one take, from the seed of the render, the object's name and the take's number.

    Args:
        seed: 0 to 2**63 - 1, of the whole render.
        name: the object's name as given (or the blend's).
        take: 0 for the first take.

    Returns:
        0 to 2**63 - 1, spread evenly.

    Raises:
        ValueError: seed or take out of range.
    """
    check_seed(seed)
    if take < 0:
        raise ValueError(f"take is {take}: count takes from 0")
    # One name has two Unicode forms; which one arrives depends on the keyboard and the file system.
    text = unicodedata.normalize("NFC", name)
    data = struct.pack("<QQ", seed, take) + text.encode(errors="surrogatepass")
    return int.from_bytes(hashlib.sha256(data).digest()[:8], "little") & MAX_SEED


def redraw_seed(seed: int, *, attempt: int) -> int:
    """The seed of a take that is drawn again because its own seed gave silence.

    Args:
        seed: 0 to 2**63 - 1, of the take.
        attempt: 1 for the first time that it is drawn again.

    Raises:
        ValueError: seed or attempt out of range.
    """
    if attempt < 1:
        raise ValueError(f"attempt is {attempt}: count from 1")
    return take_seed(seed, name="drawn again", take=attempt)


def frame_take_seed(seed: int, *, project: str, frame: str, name: str, take: int) -> int:
    """The seed of one take of one frame of a batch; nothing but these five decides it.

    Args:
        seed: 0 to 2**63 - 1, of the whole batch.
        project: name of the project or of the folder of frames.
        frame: file name of the frame; empty for a sound that lasts over the whole shot.
        name: the object's name as given.
        take: 0 for the first take.

    Returns:
        0 to 2**63 - 1, spread evenly.

    Raises:
        ValueError: seed or take out of range.
    """
    # Lengths between the texts, so that no two triples run together into one.
    texts = [unicodedata.normalize("NFC", text) for text in (project, frame, name)]
    return take_seed(seed, name="".join(f"{len(text)}:{text}" for text in texts), take=take)
