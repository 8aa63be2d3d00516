"""Which of the names that the starter knows a word means: the same one, one of its sort, or how each speaks for it."""

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

PEOPLE_CLASSES: Final = "vocabulary/people.txt"
"""Names of those classes that show people, most of them by what they wear."""

_SOMEBODY: Final = ("person", "people", "human", "lady", "guy", "man", "men", "woman", "women")
_YOUNG: Final = ("boy", "girl", "child", "children", "kid")
_PEOPLE: Final = frozenset((*_SOMEBODY, *_YOUNG))
# Ridge penalty, in units of the squared length of a name's vector (decision 176).
_STRENGTH: Final = 3.0


def read_class_names() -> tuple[str, ...]:
    """Names of the published classes. Raises: EngineError."""
    return _read_names(CLASS_NAMES)


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


def shows_people(thing: str) -> bool:
    """Whether its last word means a person.

    Example:
        >>> shows_people("old man"), shows_people("two women"), shows_people("man hole")
        (True, True, False)
    """
    return bool(_PEOPLE.intersection(_words(thing)[-1:]))


def read_people_classes() -> frozenset[str]:
    """Names of the classes that show people. Raises: EngineError."""
    return frozenset(_read_names(PEOPLE_CLASSES))


def spoken_for(thing: Tensor, names: Tensor) -> npt.NDArray[np.float64]:
    """How much each name speaks for a thing that is none of them, float64[names] of sum 0 and length 1.

    Ridge regression writes the thing's vector as a sum of the names' vectors; what a classifier would look for in a
    picture of it is then the same sum of what it looks for in pictures of the names. What speaks against it counts too.

    Args:
        thing: unit vector float[W] of its words.
        names: unit vectors float[names, W].
    """
    known: npt.NDArray[np.float64] = names.double().cpu().numpy()
    middle = known.mean(axis=0)
    known = known - middle
    gram = known @ known.T + _STRENGTH * np.eye(len(known))
    weights: npt.NDArray[np.float64] = np.linalg.solve(gram, known @ (thing.double().cpu().numpy() - middle))
    weights = weights - weights.mean()
    return weights / max(float(np.linalg.norm(weights)), 1e-12)


def _read_names(name: str) -> tuple[str, ...]:
    try:
        return tuple(resource(name).read_text("utf-8").splitlines())
    except OSError as error:
        raise EngineError(f"{name} cannot be read ({error}): install sounddesk again") from error


def _words(text: str) -> tuple[str, ...]:
    """Its words in lower case and singular, as far as an 's' at the end says."""
    found = re.findall(r"[^\W_]+", text.casefold())
    return tuple(
        word[:-1] if len(word) > 3 and word.endswith("s") and not word.endswith("ss") else word for word in found
    )


def _ends_with(longer: Sequence[str], shorter: Sequence[str]) -> bool:
    return 0 < len(shorter) < len(longer) and tuple(longer[-len(shorter) :]) == tuple(shorter)
