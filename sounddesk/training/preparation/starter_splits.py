"""Chooses what is kept apart from training, the same on every machine.

Three parts by origin: training; validation, on which one may choose; test, which is for the figure at the end alone.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Mapping
from collections.abc import Sequence
from fnmatch import fnmatchcase

_LEAST_PICTURES = 2
_PICTURE_SHARE = 0.2
# Fewer than this, and the recordings kept for training could no longer vary.
_LEAST_RECORDINGS = 3
_MANY_RECORDINGS = 9
# With fewer origins left beside the test part, training needs them more than a choice does.
_LEAST_ORIGINS_FOR_VALIDATION = 4
_VALIDATION_SHARE = 0.1


def listed_for_test(names: Sequence[str], patterns: Sequence[str]) -> set[str]:
    """The names (``SOURCE:MEMBER``) that the recipe lists for testing."""
    return {name for name in names if any(name == pattern or fnmatchcase(name, pattern) for pattern in patterns)}


def held_out_pictures(names: Sequence[str], patterns: Sequence[str]) -> set[str]:
    """Pictures for testing: those listed, and more until they are a fifth; one of two to seven.

    The recipe lists photographs, so that testing always sees some; the rest falls where it
    falls, the same way every time.
    """
    held = listed_for_test(names, patterns)
    if len(names) < _LEAST_PICTURES:
        return held
    wanted = max(1, round(_PICTURE_SHARE * len(names)))
    for name in _by_hash([name for name in names if name not in held]):
        if len(held) >= wanted:
            break
        held.add(name)
    return held


def held_out_recordings(origins: Mapping[str, str], patterns: Sequence[str]) -> set[str]:
    """Recordings for testing: those listed, else one of three or more and two of nine or more.

    ``origins`` maps every recording to the member it was cut from. Parts of one member go
    to the same side, since they sound alike.
    """
    listed = listed_for_test(list(origins), patterns)
    if listed:
        return {name for name, origin in origins.items() if origin in {origins[other] for other in listed}}
    parts: dict[str, list[str]] = defaultdict(list)
    for name, origin in origins.items():
        parts[origin].append(name)
    if len(origins) < _LEAST_RECORDINGS or len(parts) < 2:
        return set()
    wanted = 2 if len(parts) >= _MANY_RECORDINGS else 1
    # The shortest groups first: a long recording cut into parts is worth more in training.
    order = sorted(_by_hash(list(parts)), key=lambda origin: len(parts[origin]))
    return {name for origin in order[:wanted] for name in parts[origin]}


def validation_part(origins: Mapping[str, str], test: set[str]) -> set[str]:
    """Names for validation, beside those for testing: a tenth of the origins that are left, one at least of four.

    ``origins`` maps every name to the member that it comes from; what shares an origin with a test name stays in
    training, as before there was a validation part.
    """
    taken = {origins[name] for name in test}
    parts: dict[str, list[str]] = defaultdict(list)
    for name, origin in origins.items():
        if origin not in taken:
            parts[origin].append(name)
    if len(parts) < _LEAST_ORIGINS_FOR_VALIDATION:
        return set()
    wanted = max(1, round(_VALIDATION_SHARE * len(parts)))
    # Another order than that of the test part, whose first origins are gone.
    order = sorted(_by_hash(list(parts)), key=lambda origin: len(parts[origin]))
    return {name for origin in order[:wanted] for name in parts[origin]}


def _by_hash(names: Sequence[str]) -> list[str]:
    return sorted(names, key=lambda name: hashlib.sha256(name.encode()).hexdigest())
