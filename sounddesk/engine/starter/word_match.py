"""Which of the names that the starter knows a word means: the same one, one of its sort, or the nearest in meaning."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt
from torch import Tensor

from sounddesk.domain.errors import EngineError
from sounddesk.resources_folder import resource

CLASS_NAMES: Final = "vocabulary/imagenet.txt"
"""Names of the published classes, a line each, in the order of the network's outputs."""

# Cosine of two texts from which on they may mean the same thing, and the number of nearest names that are heard.
_LEAST_COSINE: Final = 0.35
_NEAREST: Final = 5


def read_class_names() -> tuple[str, ...]:
    """Names of the published classes. Raises: EngineError."""
    try:
        return tuple(resource(CLASS_NAMES).read_text("utf-8").splitlines())
    except OSError as error:
        raise EngineError(f"{CLASS_NAMES} cannot be read ({error}): install sounddesk again") from error


def same_names(thing: str, names: Sequence[str]) -> npt.NDArray[np.float64]:
    """Which names stand for a thing by their words, float64[names] of zeros and ones.

    A name that is the same counts alone; else those that end in it ('shark': 'tiger shark') or that it ends in ('brown
    dog': 'dog'). The last word says what it is: a shark net is no shark.
    """
    wanted = _words(thing)
    known = [_words(name) for name in names]
    same = np.array([words == wanted for words in known])
    if not same.any():
        same = np.array([_ends_with(words, wanted) or _ends_with(wanted, words) for words in known])
    return same.astype(np.float64)


def near_names(thing: Tensor, names: Tensor) -> npt.NDArray[np.float64]:
    """How near some names come to a thing in meaning, float64[names] from 0 to 1; all but the nearest five are 0.

    Args:
        thing: unit vector float[W] of its words.
        names: unit vectors float[names, W].
    """
    cosines: npt.NDArray[np.float64] = (names @ thing).double().cpu().numpy()
    weights: npt.NDArray[np.float64] = np.clip((cosines - _LEAST_COSINE) / (1.0 - _LEAST_COSINE), 0.0, 1.0)
    weights[np.argsort(-weights, kind="stable")[_NEAREST:]] = 0.0
    return weights


def _words(text: str) -> tuple[str, ...]:
    """Its words in lower case and singular, as far as an 's' at the end says."""
    found = re.findall(r"[^\W_]+", text.casefold())
    return tuple(
        word[:-1] if len(word) > 3 and word.endswith("s") and not word.endswith("ss") else word for word in found
    )


def _ends_with(longer: Sequence[str], shorter: Sequence[str]) -> bool:
    return 0 < len(shorter) < len(longer) and tuple(longer[-len(shorter) :]) == tuple(shorter)
