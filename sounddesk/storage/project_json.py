"""The parts of a project as JSON rows. Keys that this version does not know are handed back beside each part."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from typing import Any
from typing import TypeVar

from sounddesk.domain.project import ImageInfo
from sounddesk.domain.project import MasterBus
from sounddesk.domain.project import ProjectSettings
from sounddesk.domain.project import TakeMark
from sounddesk.domain.scene import MixerStrip
from sounddesk.domain.scene import SceneObject
from sounddesk.domain.tiled_mask import TiledMask
from sounddesk.domain.timeline import Clip
from sounddesk.domain.timeline import Marker

Json = dict[str, Any]
Part = TypeVar("Part", ImageInfo, MasterBus, ProjectSettings, TakeMark, MixerStrip, Clip, Marker)

# Keys of an object's row that are not plain values of its dataclass.
_OBJECT_SPECIAL = ("mask", "strip", "members")


def part_to_json(part: Any) -> Json:
    """Any of the plain parts."""
    return {each.name: getattr(part, each.name) for each in dataclasses.fields(part)}


def part_from_json(kind: type[Part], data: Mapping[str, Any]) -> tuple[Part, Json]:
    """The part, and the keys that it does not know. Missing keys take their defaults (an older minor version).

    Raises:
        ValueError: a key without a default is missing, or a value is of the wrong kind or out of range.
    """
    known = {each.name: each for each in dataclasses.fields(kind)}
    values = {key: value for key, value in data.items() if key in known}
    for name, value in values.items():
        _check_kind(kind.__name__, name, str(known[name].type), value)
    try:
        return kind(**values), {key: value for key, value in data.items() if key not in known}
    except TypeError as error:
        raise ValueError(f"{kind.__name__}: {error}") from None


def object_to_json(found: SceneObject) -> Json:
    """An object, with the hash of its mask in place of the mask."""
    own = {k: v for k, v in part_to_json(found).items() if k not in _OBJECT_SPECIAL}
    own["members"] = list(found.members)
    own["strip"] = part_to_json(found.strip)
    own["mask_sha256"] = found.mask.sha256
    return own


def object_from_json(data: Mapping[str, Any], masks: Mapping[str, TiledMask]) -> tuple[SceneObject, Json]:
    """The object, and the keys that it does not know (those of its strip under 'strip').

    Raises:
        ValueError: as `part_from_json`, or its mask is not among `masks`.
    """
    fields = {each.name: each for each in dataclasses.fields(SceneObject) if each.name not in _OBJECT_SPECIAL}
    strip, strip_rest = part_from_json(MixerStrip, _mapping(data.get("strip", {}), "strip"))
    mask_sha256 = data.get("mask_sha256")
    if not isinstance(mask_sha256, str) or mask_sha256 not in masks:
        raise ValueError(f"the mask of {data.get('name')!r} is missing")
    own = {key: value for key, value in data.items() if key in fields}
    for name, value in own.items():
        _check_kind("SceneObject", name, str(fields[name].type), value)
    members = data.get("members", [])
    if not isinstance(members, list) or not all(isinstance(each, str) for each in members):
        raise ValueError(f"members of {data.get('name')!r} are {members!r}: expected a list of ids")
    try:
        found = SceneObject(**own, mask=masks[mask_sha256], members=tuple(members), strip=strip)
    except TypeError as error:
        raise ValueError(f"SceneObject: {error}") from None
    rest = {k: v for k, v in data.items() if k not in fields and k not in ("strip", "members", "mask_sha256")}
    if strip_rest:
        rest["strip"] = strip_rest
    return found, rest


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


def from_text(text: str, what: str) -> Json:
    """Raises: ValueError, not a JSON object."""
    try:
        return _mapping(json.loads(text), what)
    except (json.JSONDecodeError, TypeError, RecursionError) as error:
        raise ValueError(f"{what} is damaged ({error})") from None


def _mapping(value: Any, what: str) -> Json:
    if not isinstance(value, dict):
        raise ValueError(f"{what} is {type(value).__name__}: expected an object")
    return value


def _check_kind(part: str, name: str, annotation: str, value: Any) -> None:
    if value is None and "None" in annotation:
        return
    kind = annotation.removesuffix(" | None")
    if kind == "bool":
        fits = isinstance(value, bool)
    elif kind in ("float", "int"):
        fits = isinstance(value, int if kind == "int" else int | float) and not isinstance(value, bool)
    else:
        fits = isinstance(value, str)
    if not fits:
        raise ValueError(f"{name} of {part} is {value!r}: expected {kind}")
