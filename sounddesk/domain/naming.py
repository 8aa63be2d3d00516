"""File names that every system accepts, from any name that a user may give an object.

The name as given stays in the recipe and in the project; only the file is named by these.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from collections.abc import Sequence
from typing import Final

MAX_STEM_BYTES: Final = 80
FALLBACK_STEM: Final = "object"

# Names of devices on Windows, in any case and before any extension.
_WINDOWS_DEVICES: Final = frozenset(
    ["con", "prn", "aux", "nul", "conin$", "conout$"]
    + [f"{port}{number}" for port in ("com", "lpt") for number in range(10)]
)
_VARIATION_SELECTORS: Final = range(0xFE00, 0xFE10)


def safe_file_stem(name: str, *, max_bytes: int = MAX_STEM_BYTES) -> str:
    """A file name without extension for an object called `name`.

    Letters, digits and combining marks of every script stay (NFC), as do '-' and '_'; a pictograph becomes
    its Unicode name ('dog_face'), all else one '_'. The result is never empty, hidden, an option ('-x') or a
    device name of Windows, has at most `max_bytes` bytes of UTF-8, and is unchanged by a second pass.

    Args:
        name: any text, also with lone surrogates as file systems give them.
        max_bytes: at least 16.

    Raises:
        ValueError: `max_bytes` under 16.
    """
    if max_bytes < 16:
        raise ValueError(f"max_bytes is {max_bytes}: at least 16 are needed")
    text = "".join(_safe_text(character) for character in unicodedata.normalize("NFC", name))
    # Replacing characters may have brought a letter and a mark together.
    text = unicodedata.normalize("NFC", re.sub(r"_+", "_", text))
    stem = _cut(_strip_ends(text), max_bytes=max_bytes)
    if not stem:
        return FALLBACK_STEM
    if _is_windows_device(stem):
        stem = f"{FALLBACK_STEM}_{stem}"
    return stem


def as_utf8(text: str) -> str:
    r"""The text as UTF-8 can spell it: what a shell or a file system gives for bytes that are none becomes '?'.

    Example:
        >>> as_utf8("caf\udce9")
        'caf?'
    """
    return text.encode("utf-8", "replace").decode("utf-8")


def unique_file_stems(names: Sequence[str], *, taken: Iterable[str] = ()) -> tuple[str, ...]:
    """One file stem per name, no two alike on a file system that ignores case or Unicode form.

    The first name of each stem keeps it as `safe_file_stem` gives it; later ones get '-2', '-3', and so on. So an
    object's file name depends on the other objects only where they collide.

    Args:
        names: object names in their order in the scene.
        taken: stems that are in use already, e.g. 'mix'.
    """
    stems = [safe_file_stem(name) for name in names]
    used = {_collision_key(stem) for stem in taken}
    unique: list[str | None] = []
    for stem in stems:
        free = _collision_key(stem) not in used
        unique.append(stem if free else None)
        used.add(_collision_key(stem))
    result = []
    for stem, kept in zip(stems, unique, strict=True):
        numbered = kept if kept is not None else _number(stem, used=used)
        used.add(_collision_key(numbered))
        result.append(numbered)
    return tuple(result)


def _number(stem: str, *, used: set[str]) -> str:
    number = 2
    while True:
        suffix = f"-{number}"
        candidate = _cut(stem, max_bytes=MAX_STEM_BYTES - len(suffix)) + suffix
        if _collision_key(candidate) not in used:
            return candidate
        number += 1


def _safe_text(character: str) -> str:
    category = unicodedata.category(character)
    if character in "-_" or category[0] == "L" or category[0] == "N":
        return character
    if category[0] == "M":
        return "" if ord(character) in _VARIATION_SELECTORS else character
    if category in ("Cf", "Cs"):
        return ""
    if category == "So":
        return f"_{re.sub(r'[^a-z0-9]+', '_', unicodedata.name(character, '').lower())}_"
    return "_"


def _strip_ends(text: str) -> str:
    """Without separators at both ends, nor marks that have no letter to stand on."""
    text = text.rstrip("_-")
    start = 0
    while start < len(text) and (text[start] in "_-" or unicodedata.category(text[start])[0] == "M"):
        start += 1
    return text[start:]


def _cut(text: str, *, max_bytes: int) -> str:
    encoded = text.encode()
    if len(encoded) <= max_bytes:
        return text
    return encoded[:max_bytes].decode(errors="ignore").rstrip("_-")


def _is_windows_device(stem: str) -> bool:
    # NFKC because Windows takes the superscript digits of 'COM¹' for digits.
    return unicodedata.normalize("NFKC", stem).casefold() in _WINDOWS_DEVICES


def _collision_key(stem: str) -> str:
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", stem).upper().casefold())
