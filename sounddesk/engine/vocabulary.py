"""Words for things that sound (resources/vocabulary): what a picture shows, and how its sound is described."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from sounddesk.domain.errors import EngineError
from sounddesk.resources_folder import resource

PICTURE_TEMPLATES: Final = ("{}", "a photo of {}", "a close-up photo of {}")
SOUND_TEMPLATES: Final = ("{}", "the sound of {}", "{}")
"""By the picture template at the same place: both speak of the same thing, each as its own encoder has read of it."""

FROM_TEXTS: Final = "texts"
"""Name of the grounding that is fitted on the vocabulary, in place of a folder with a trained one."""

_FILE: Final = "phrases.tsv"
_HEADER: Final = ("source", "thing", "sound")


@dataclass(frozen=True, kw_only=True)
class Phrase:
    """A line of the vocabulary.

    Attributes:
        source: where it comes from, as in the vocabulary's README.
        thing: as a picture shows it, 'dog'.
        sound: as a recording is described, 'a dog barking'.
    """

    source: str
    thing: str
    sound: str


@dataclass(frozen=True, kw_only=True)
class TextPair:
    """Two texts of the same meaning for two encoders.

    Attributes:
        picture: for an encoder of images and texts (CLIP).
        sound: for an encoder of sounds and texts (CLAP).
        thing: what both are of; pairs of one thing are held out together.
    """

    picture: str
    sound: str
    thing: str


def read_vocabulary(folder: Path | None = None) -> list[Phrase]:
    """The phrases of `folder`, or of the vocabulary that ships, in their order.

    Raises:
        EngineError: no such file, or a line that has not three texts; the message names it.

    Example:
        >>> read_vocabulary()[0].source
        'audioset'
    """
    path = (resource("vocabulary") if folder is None else folder) / _FILE
    try:
        lines = path.read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise EngineError(f"{path} cannot be read ({error}): install sounddesk again") from error
    phrases = []
    for number, line in enumerate(lines, start=1):
        cells = tuple(cell.strip() for cell in line.split("\t"))
        if number == 1 and cells == _HEADER:
            continue
        if len(cells) != len(_HEADER) or not all(cells):
            raise EngineError(f"{path}, line {number}: write source, thing and sound, with tabs between them")
        source, thing, sound = cells
        phrases.append(Phrase(source=source, thing=thing, sound=sound))
    return phrases


def text_pairs(phrases: Sequence[Phrase]) -> list[TextPair]:
    """Every phrase in every template, without repeats.

    Example:
        >>> text_pairs([Phrase(source="kinds", thing="dog", sound="a dog barking")])[1].picture
        'a photo of dog'
    """
    pairs: dict[tuple[str, str], TextPair] = {}
    for phrase in phrases:
        for picture, sound in zip(PICTURE_TEMPLATES, SOUND_TEMPLATES, strict=True):
            pair = TextPair(
                picture=picture.format(phrase.thing), sound=sound.format(phrase.sound), thing=phrase.thing.casefold()
            )
            pairs.setdefault((pair.picture, pair.sound), pair)
    return list(pairs.values())
