"""What a recording's file says of itself, from every place where its format keeps it, and from its name."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from sounddesk.audio.exporters.ucs import words_of_cat_id
from sounddesk.audio.files.riff_reader import RiffTexts
from sounddesk.audio.files.riff_reader import read_riff_texts
from sounddesk.domain.recordings import RecordingTags

# A CatID is a category in capitals and a subcategory: ANMLDog, DOORMisc, RAIN; it ends at the first '_' of the name.
_CAT_ID: Final = re.compile(r"([A-Z]{2,5}(?:[A-Z][a-z]{1,5}|[a-z]{2,5})?)(?=_)")
_CAMEL: Final = re.compile(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_SUFFIX: Final = re.compile(r"\.[A-Za-z0-9]{1,5}$")
# Of libsndfile's texts: what is worth finding a recording by.
_KEYWORD_TEXTS: Final = ("title", "album", "artist", "genre")
_IXML_KEYWORDS: Final = ("PROJECT", "SCENE", "CATEGORY", "SUBCATEGORY", "FXNAME", "KEYWORDS", "LIBRARY")
# Folders above the file that say something of it.
_MOST_FOLDERS: Final = 3


def read_tags(path: Path, texts: Mapping[str, str]) -> RecordingTags:
    """The tags of a file.

    Args:
        texts: those that `SoundStream.texts` found.

    Raises:
        OSError: the file cannot be read.
    """
    riff = read_riff_texts(path)
    cat_id = riff.ixml.get("CATID", "") or cat_id_of(path.name)
    keywords = [texts.get(key, "") for key in _KEYWORD_TEXTS] + [riff.ixml.get(key, "") for key in _IXML_KEYWORDS]
    return RecordingTags(
        description=_description(riff, texts),
        originator=riff.originator,
        originator_reference=riff.originator_reference,
        keywords="\n".join(dict.fromkeys(each for each in keywords if each)),
        cat_id=cat_id,
        licence=texts.get("license") or riff.ixml.get("LICENSE") or riff.ixml.get("LICENCE") or "",
    )


def _description(riff: RiffTexts, texts: Mapping[str, str]) -> str:
    found = [riff.description, riff.ixml.get("NOTE", ""), texts.get("comment", ""), riff.info.get("ICMT", "")]
    return "\n".join(dict.fromkeys(each for each in found if each))


def cat_id_of(name: str) -> str:
    """The CatID that a file name begins with, as the Universal Category System writes it; '' without.

    Example:
        >>> cat_id_of("ANMLDog_OldDogTake02_JANE_NONE.wav"), cat_id_of("dog_bark.wav")
        ('ANMLDog', '')
    """
    found = _CAT_ID.match(name)
    return found[1] if found else ""


def words_of_name(name: str) -> str:
    """The words of a file's or folder's name: no ending, no numbers, runs of capitals and CamelCase taken apart.

    Example:
        >>> words_of_name("smallDog_bark-02.wav")
        'small dog bark'
    """
    words = re.findall(r"[^\W\d_]+", _CAMEL.sub(" ", _SUFFIX.sub("", name)))
    return " ".join(word.casefold() for word in words)


def folder_words(path: Path, *, root: Path) -> str:
    """The words of the nearest folders that a file lies in, below the library's folder `root`."""
    folders = path.relative_to(root).parts[:-1] if path.is_relative_to(root) else ()
    return " ".join(filter(None, (words_of_name(f"{each}/") for each in folders[-_MOST_FOLDERS:])))


def recording_words(path: Path, tags: RecordingTags, *, root: Path) -> str:
    """All that is said of a recording, as one text to compare with others: what it is called and what is told of it.

    Args:
        root: folder of the library that it lies in; the names of folders below it count.
    """
    texts = [
        words_of_name(path.name.removeprefix(tags.cat_id)),
        words_of_cat_id(tags.cat_id),
        folder_words(path, root=root),
        tags.description,
        tags.keywords,
    ]
    return ", ".join(dict.fromkeys(" ".join(each.split()) for each in texts if each.strip()))
