"""The parts of a project as JSON rows. Keys that this version does not know are handed back beside each part."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterable
from collections.abc import Mapping
from typing import Any
from typing import TypeVar

from sounddesk.domain.crossfades import overlap
from sounddesk.domain.project import ImageInfo
from sounddesk.domain.project import MasterBus
from sounddesk.domain.project import ProjectSettings
from sounddesk.domain.project import TakeMark
from sounddesk.domain.scene import MixerStrip
from sounddesk.domain.scene import SceneObject
from sounddesk.domain.tiled_mask import TiledMask
from sounddesk.domain.timeline import Clip
from sounddesk.domain.timeline import Marker
from sounddesk.storage.codec import decode
from sounddesk.storage.codec import encode
from sounddesk.storage.text_formats import FieldError
from sounddesk.storage.text_formats import parse_json

Json = dict[str, Any]
Part = TypeVar("Part", ImageInfo, MasterBus, ProjectSettings, TakeMark, MixerStrip, Clip, Marker)

_DROPPED_BEFORE_1_1 = 30000 / 1001

# What a recogniser said of an object; not written where it said nothing, so that such rows are as they always were.
_RECOGNISED = ("named_by", "guesses", "guess")

# Keys of an object's row that are not plain values of its dataclass.
_SPECIAL = ("mask", "strip", "members", *_RECOGNISED)


def part_to_json(part: Any) -> Json:
    """Any of the plain parts."""
    found: Json = encode(part)
    return found


def part_from_json(kind: type[Part], data: Mapping[str, Any], *, where: str = "") -> tuple[Part, Json]:
    """The part, and the keys that it does not know. Missing keys take their defaults (an older minor version).

    Raises:
        FieldError: a key without a default is missing, or a value is of the wrong kind or out of range.
    """
    known = {each.name for each in dataclasses.fields(kind)}
    part = decode(kind, data, unknown="ignore", where=where or kind.__name__)
    return part, {key: value for key, value in data.items() if key not in known}


def with_drop_frame(settings: Json) -> Json:
    """The project's settings as version 1.1 has them: before it, timecode at 29.97 always dropped frames."""
    rate = settings.get("frame_rate")
    if "drop_frame" in settings or not isinstance(rate, float) or abs(rate - _DROPPED_BEFORE_1_1) >= 0.005:
        return settings
    return {**settings, "drop_frame": True}


def with_crossfades(settings: Json, clips: Iterable[Clip]) -> Json:
    """The project's settings as version 1.2 has them: before it, clips that overlap added up, and still do."""
    if not settings or "crossfades" in settings or not overlap(clips):
        return settings
    return {**settings, "crossfades": False}


def object_to_json(found: SceneObject) -> Json:
    """An object, with the hash of its mask in place of the mask."""
    own = {each.name: getattr(found, each.name) for each in dataclasses.fields(found) if each.name not in _SPECIAL}
    recognised = {
        each.name: getattr(found, each.name)
        for each in dataclasses.fields(found)
        if each.name in _RECOGNISED and getattr(found, each.name) != each.default
    }
    if "guesses" in recognised:
        recognised["guesses"] = [encode(each) for each in found.guesses]
    return {
        **own,
        **recognised,
        "members": list(found.members),
        "strip": encode(found.strip),
        "mask_sha256": found.mask.sha256,
    }


def object_from_json(
    data: Mapping[str, Any], masks: Mapping[str, TiledMask], *, where: str = "object"
) -> tuple[SceneObject, Json]:
    """The object, and the keys that it does not know (those of its strip under 'strip').

    Raises:
        FieldError: as `part_from_json`, or its mask is not among `masks`.
    """
    known = {each.name for each in dataclasses.fields(SceneObject)} - {"mask"}
    strip, strip_rest = part_from_json(MixerStrip, decode(Json, data.get("strip", {})), where=f"{where}.strip")
    mask = masks.get(mask_sha256(data, where=where))
    if mask is None:
        raise FieldError(f"{where}: the mask of {data.get('name')!r} is missing")
    own = {key: value for key, value in data.items() if key in known}
    found = decode(SceneObject, {**own, "strip": strip, "mask": mask}, where=where)
    rest = {key: value for key, value in data.items() if key not in known and key != "mask_sha256"}
    return found, {**rest, "strip": strip_rest} if strip_rest else rest


def mask_sha256(data: Mapping[str, Any], *, where: str = "object") -> str:
    """The hash of an object's mask. Raises: FieldError."""
    return decode(str, data.get("mask_sha256"), where=f"{where}.mask_sha256")


def merged(own: Json, rest: Mapping[str, Any] | None) -> Json:
    """`own` with the unknown keys that came with it, one level deep for parts of parts."""
    if not rest:
        return own
    out = {**rest, **own}
    for key, value in own.items():
        if isinstance(value, dict) and isinstance(rest.get(key), dict):
            out[key] = {**rest[key], **value}
    return out


def to_text(data: Any) -> str:
    """JSON in pure ASCII, keys in order, so that equal parts give equal text. Numbers come back exactly."""
    return json.dumps(data, ensure_ascii=True, allow_nan=False, sort_keys=True, separators=(",", ":"))


def from_text(text: Any, what: str) -> Json:
    """The JSON object of a column. Raises: FieldError."""
    try:
        # Names could hold NUL in files of the first version.
        return decode(Json, parse_json(decode(str, text), allow_nul=True))
    except FieldError as error:
        raise FieldError(f"{what} is damaged ({error})") from None
