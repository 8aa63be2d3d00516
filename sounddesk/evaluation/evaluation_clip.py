"""The clips that systems are compared on, as a manifest lists them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from collections.abc import Sequence
from dataclasses import dataclass
from dataclasses import field
from dataclasses import replace
from pathlib import Path
from typing import Any

from sounddesk.domain.errors import BadInputError
from sounddesk.domain.limits import NotEmpty
from sounddesk.storage.codec import decode
from sounddesk.storage.codec import encode
from sounddesk.storage.text_formats import FieldError
from sounddesk.storage.text_formats import read_json_lines


@dataclass(frozen=True, kw_only=True)
class EvaluationClip:
    """What a system was given, and what is known about the right answer; a line of a manifest.

    Attributes:
        id: the systems' sounds are called ID.wav (or FLAC, OGG, AIFF).
        image: the picture; paths of a manifest are relative to its folder.
        mask: of the selected object, a picture of the same size.
        object: name of the selected object, e.g. 'dog'; '' for the whole picture.
        caption: the text.
        labels: what is heard in the real sound, as AudioSet names its classes.
        reference: the real sound.
    """

    id: NotEmpty
    image: Path | None = None
    mask: Path | None = None
    object: str = ""
    caption: str = ""
    labels: tuple[str, ...] = ()
    reference: Path | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if "/" in self.id or "\\" in self.id or "\0" in self.id or self.id in (".", ".."):
            raise ValueError(f"id {self.id!r} is no name of a file: use one without '/' and '\\'")


@dataclass(frozen=True, kw_only=True)
class ClipManifest:
    """The clips of a manifest.

    Attributes:
        clips: those of an id of their own, in the order of the file.
        doubled: line numbers of each id that stands there more than once; nobody can tell which of the lines a sound
            belongs to, so that none of them is among the clips.
    """

    clips: tuple[EvaluationClip, ...]
    doubled: Mapping[str, tuple[int, ...]]


def read_clip_manifest(path: Path) -> ClipManifest:
    """The clips of a JSON Lines file.

    Raises:
        BadInputError: not readable, a line that is no clip (its number is named), or no clip at all.
    """
    lines: dict[str, list[int]] = {}
    clips: list[EvaluationClip] = []
    try:
        for number, data in read_json_lines(path):
            try:
                clip = decode(EvaluationClip, data, unknown="keep")
            except FieldError as error:
                raise BadInputError(f"{path}, line {number}: {error}") from None
            lines.setdefault(clip.id, []).append(number)
            clips.append(_beside(path.parent, clip))
    except OSError as error:
        raise BadInputError(
            f"cannot read {path} ({error.strerror}): name a JSON Lines file with a clip in each line, "
            'as {"id": "a", "image": "a.jpg", "caption": "a dog barks"}'
        ) from error
    doubled = {clip_id: tuple(numbers) for clip_id, numbers in lines.items() if len(numbers) > 1}
    found = tuple(clip for clip in clips if clip.id not in doubled)
    if not found:
        raise BadInputError(f"{path} names no clip that has an id of its own: give each line an id")
    return ClipManifest(clips=found, doubled=doubled)


def clips_to_json_lines(clips: Sequence[EvaluationClip]) -> bytes:
    """What `read_clip_manifest` reads; empty fields are left out."""
    rows = [{key: value for key, value in encode(clip).items() if value not in (None, "", [], ())} for clip in clips]
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode("utf-8", errors="surrogateescape")


def _beside(folder: Path, clip: EvaluationClip) -> EvaluationClip:
    return replace(
        clip,
        image=None if clip.image is None else folder / clip.image,
        mask=None if clip.mask is None else folder / clip.mask,
        reference=None if clip.reference is None else folder / clip.reference,
    )
