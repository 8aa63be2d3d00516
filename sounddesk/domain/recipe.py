"""The render recipe: everything needed to make a render's stems and mix again, as JSON.

Version 'MAJOR.MINOR'. A newer minor version only adds keys: they are kept and written back unchanged, with the
version they came with. A newer major version is refused. Keys that the file's own version does not know are refused,
so that a slip of the pen is not taken for a default.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import field
from pathlib import Path
from typing import Any
from typing import Final
from typing import Literal
from typing import cast
from typing import get_args

from sounddesk.domain.json_fields import FieldError
from sounddesk.domain.json_fields import Fields
from sounddesk.domain.json_fields import parse_json
from sounddesk.domain.scene import MAX_GAIN_DB
from sounddesk.domain.scene import check_gain_db
from sounddesk.domain.scene import check_unique_names
from sounddesk.domain.seeds import MAX_SEED
from sounddesk.domain.seeds import check_seed
from sounddesk.domain.selection import Selection

FORMAT: Final = "sounddesk-render"
VERSION: Final = "1.0"

RecipeKind = Literal["object", "ambience", "blend"]
Preset = Literal["fast", "paper"]
Extra = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class ImageReference:
    """The image: path as given (or relative to the recipe), SHA-256 of the file, size in pixels once upright."""

    path: str
    sha256: str
    width: int
    height: int
    extra: Extra = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        return {"path": self.path, "sha256": self.sha256, "width": self.width, "height": self.height, **self.extra}


@dataclass(frozen=True, kw_only=True)
class FileReference:
    """A file or folder that the render used: its name or path, and a SHA-256.

    For a mask: path of its PNG relative to the recipe, and `mask_sha256` of its pixels (not of the file, whose
    compression may change). For a bundle: name and hash of its manifest. For a segmenter: name, and hash of its
    weights or None if it has none.
    """

    name: str
    sha256: str | None
    extra: Extra = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        return {"name": self.name, "sha256": self.sha256, **self.extra}


@dataclass(frozen=True, kw_only=True)
class Sampling:
    """How the denoising loop ran; `steps` is the number used, also where the preset decided it."""

    preset: Preset
    steps: int
    guidance: float
    eta: float = 0.0
    extra: Extra = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        own = {"preset": self.preset, "steps": self.steps, "guidance": self.guidance, "eta": self.eta}
        return {**own, **self.extra}


@dataclass(frozen=True, kw_only=True)
class RecipeObject:
    """One thing that sounds: an object, the ambience, or the blend of the objects.

    Attributes:
        name: as the user gave it.
        kind: 'object', 'ambience' or 'blend'.
        selection: how it was selected.
        mask: PNG of the resulting mask beside the recipe, and `mask_sha256` of its pixels.
        seeds: one per take, 0 to 2**63 - 1.
        hint: words that steer which sound of the object is meant.
        gain_db: applied to its stem, -60 to 60.
        suggested_gain_db: what the balance suggested, whether or not it was applied.
        files: its stems, one per take, relative to the recipe.
    """

    name: str
    kind: RecipeKind = "object"
    selection: Selection
    mask: FileReference
    seeds: tuple[int, ...]
    hint: str | None = None
    gain_db: float = 0.0
    suggested_gain_db: float | None = None
    files: tuple[str, ...] = ()
    extra: Extra = field(default_factory=dict)

    def __post_init__(self) -> None:
        for seed in self.seeds:
            check_seed(seed)
        if self.mask.sha256 is None:
            raise ValueError(f"mask of {self.name!r} has no SHA-256: give that of its pixels")
        check_gain_db(self.gain_db)
        if self.files and len(self.files) != len(self.seeds):
            raise ValueError(f"{self.name!r} has {len(self.files)} files for {len(self.seeds)} seeds: one per take")

    def to_json(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "kind": self.kind,
            "selection": self.selection.to_json(),
            "mask": self.mask.to_json(),
            "hint": self.hint,
            "seeds": list(self.seeds),
            "gain_db": self.gain_db,
            "suggested_gain_db": self.suggested_gain_db,
            "files": list(self.files),
            **self.extra,
        }


@dataclass(frozen=True, kw_only=True)
class RenderRecipe:
    """Everything needed to make a render again.

    Attributes:
        objects: at least one; kinds 'ambience' and 'blend' at most once each, where asked for.
        seed: the seed that the takes' seeds were derived from (they are what counts).
        seconds: length of every stem, 1 to 60.
        takes: number of takes of each object, at least 1.
        bundle: name and hash.
        segmenter: name and hash of its weights; None where no object needed one.
        common_gain_db: applied to every stem and to the mix alike, to keep the mix from clipping.
        sample_rate_hz, wav_format: of the files written ('PCM_16', 'PCM_24' or 'FLOAT').
        made_with: versions of sounddesk and libraries, device and precision, free to read, e.g. {'torch': '2.14.1'}.
        version: of the recipe format.
        extra: keys of newer versions, kept as read (as in every part).

    Raises:
        ValueError: parts contradict each other; the message names the value.
    """

    image: ImageReference
    objects: tuple[RecipeObject, ...]
    seed: int
    seconds: float
    takes: int = 1
    sampling: Sampling
    bundle: FileReference
    segmenter: FileReference | None = None
    common_gain_db: float = 0.0
    sample_rate_hz: int = 48_000
    wav_format: str = "PCM_24"
    made_with: Mapping[str, str] = field(default_factory=dict)
    version: str = VERSION
    extra: Extra = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not self.objects:
            raise ValueError("recipe has no objects: select at least one")
        if self.bundle.sha256 is None:
            raise ValueError(f"bundle {self.bundle.name!r} has no SHA-256: give that of its manifest")
        check_unique_names(entry.name for entry in self.objects)
        check_seed(self.seed)
        check_gain_db(self.common_gain_db)
        for kind in ("ambience", "blend"):
            if sum(entry.kind == kind for entry in self.objects) > 1:
                raise ValueError(f"recipe has {kind} more than once: keep one")
        for entry in self.objects:
            if len(entry.seeds) != self.takes:
                raise ValueError(f"{entry.name!r} has {len(entry.seeds)} seeds for {self.takes} takes: one per take")

    @property
    def has_ambience(self) -> bool:
        return any(entry.kind == "ambience" for entry in self.objects)

    @property
    def has_blend(self) -> bool:
        return any(entry.kind == "blend" for entry in self.objects)

    def to_json(self) -> dict[str, Any]:
        """JSON-ready; `from_json` gives an equal recipe back."""
        return {
            "format": FORMAT,
            "version": self.version,
            "image": self.image.to_json(),
            "objects": [entry.to_json() for entry in self.objects],
            "seed": self.seed,
            "seconds": self.seconds,
            "takes": self.takes,
            "sampling": self.sampling.to_json(),
            "bundle": self.bundle.to_json(),
            "segmenter": None if self.segmenter is None else self.segmenter.to_json(),
            "common_gain_db": self.common_gain_db,
            "sample_rate_hz": self.sample_rate_hz,
            "wav_format": self.wav_format,
            "made_with": dict(self.made_with),
            **self.extra,
        }

    def to_text(self) -> str:
        """JSON text, indented, ends in a line break; pure ASCII, so that any name survives any editor."""
        return json.dumps(self.to_json(), indent=2, allow_nan=False) + "\n"

    @classmethod
    def from_text(cls, text: str) -> RenderRecipe:
        """Read a recipe file's text.

        Raises:
            FieldError: not JSON, or as `from_json`.
        """
        return cls.from_json(parse_json(text.removeprefix("\ufeff")))

    @classmethod
    def from_json(cls, data: Any) -> RenderRecipe:
        """Read back what `to_json` gave.

        Raises:
            FieldError: a key is missing, unknown, of the wrong kind or out of range (the message names it), the
                parts contradict each other, or the file is of a newer major version.
        """
        fields = Fields(data)
        fields.choice("format", [FORMAT])
        version = fields.text("version")
        unknown = _is_newer_minor(version)
        takes = fields.whole("takes", low=1, high=1000)
        rows, keys = fields.rows("objects")
        segmenter = fields.optional_fields("segmenter")
        try:
            return cls(
                image=_read_image(fields.fields("image"), unknown=unknown),
                objects=tuple(_read_object(rows.fields(key), unknown=unknown) for key in keys),
                seed=fields.whole("seed", low=0, high=MAX_SEED),
                seconds=fields.number("seconds", low=1.0, high=60.0),
                takes=takes,
                sampling=_read_sampling(fields.fields("sampling"), unknown=unknown),
                bundle=_read_file(fields.fields("bundle"), unknown=unknown),
                segmenter=None if segmenter is None else _read_file(segmenter, unknown=unknown),
                common_gain_db=fields.number("common_gain_db", low=-MAX_GAIN_DB, high=MAX_GAIN_DB),
                sample_rate_hz=fields.whole("sample_rate_hz", low=8_000, high=384_000),
                wav_format=fields.choice("wav_format", ["PCM_16", "PCM_24", "FLOAT"]),
                made_with=fields.text_map("made_with"),
                version=version,
                extra=fields.rest(allowed=unknown),
            )
        except FieldError:
            raise
        except ValueError as error:
            raise FieldError(f"recipe contradicts itself: {error}") from None


def _is_newer_minor(version: str) -> bool:
    match = re.fullmatch(r"([0-9]{1,6})\.([0-9]{1,6})", version)
    if match is None:
        raise FieldError(f"version is {version!r}: expected MAJOR.MINOR, e.g. {VERSION!r}")
    major, minor = int(match[1]), int(match[2])
    own_major, own_minor = (int(part) for part in VERSION.split("."))
    if major != own_major:
        raise FieldError(f"version is {version!r} and this sounddesk reads {own_major}.x: install a version that fits")
    return minor > own_minor


def _read_image(fields: Fields, *, unknown: bool) -> ImageReference:
    return ImageReference(
        path=fields.text("path"),
        sha256=fields.sha256("sha256"),
        width=fields.whole("width", low=1, high=2**31 - 1),
        height=fields.whole("height", low=1, high=2**31 - 1),
        extra=fields.rest(allowed=unknown),
    )


def _read_file(fields: Fields, *, unknown: bool) -> FileReference:
    return FileReference(
        name=fields.text("name"),
        sha256=fields.optional_sha256("sha256"),
        extra=fields.rest(allowed=unknown),
    )


def _read_sampling(fields: Fields, *, unknown: bool) -> Sampling:
    return Sampling(
        preset=cast(Preset, fields.choice("preset", get_args(Preset))),
        steps=fields.whole("steps", low=1, high=1000),
        guidance=fields.number("guidance", low=1.0, high=20.0),
        eta=fields.number("eta", low=0.0, high=1.0),
        extra=fields.rest(allowed=unknown),
    )


def _read_object(fields: Fields, *, unknown: bool) -> RecipeObject:
    return RecipeObject(
        name=fields.text("name"),
        kind=cast(RecipeKind, fields.choice("kind", get_args(RecipeKind))),
        selection=Selection.from_json(fields.fields("selection"), allow_unknown=unknown),
        mask=_read_file(fields.fields("mask"), unknown=unknown),
        hint=fields.optional_text("hint"),
        seeds=fields.wholes("seeds", low=0, high=MAX_SEED),
        gain_db=fields.number("gain_db", low=-MAX_GAIN_DB, high=MAX_GAIN_DB),
        suggested_gain_db=fields.optional_number("suggested_gain_db", low=-MAX_GAIN_DB, high=MAX_GAIN_DB),
        files=fields.texts("files"),
        extra=fields.rest(allowed=unknown),
    )


def path_from(folder: Path, image: Path) -> str:
    """The image's path relative to the folder of the recipe, so that both can be moved together."""
    try:
        return Path(os.path.relpath(image.resolve(), folder.resolve())).as_posix()
    except ValueError:  # another drive of Windows
        return str(image.resolve())
