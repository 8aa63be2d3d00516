"""Readers of source packages: list and read the members of each format.

A *member* is one picture or recording inside an unpacked package: a plain file, or
something inside an archive, a catalogue, a SoundFont or an emoji font.
"""

from __future__ import annotations

import io
import zipfile
import zlib
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cached_property
from pathlib import Path
from typing import Literal
from typing import Protocol

import cv2
import numpy as np

from sounddesk.domain.errors import BadInputError
from sounddesk.storage.rcc_archive import RccArchive
from sounddesk.training.preparation.formats.ac3d_model import Ac3dFolder
from sounddesk.training.preparation.formats.furniture_catalogue import FurnitureCatalogue
from sounddesk.training.preparation.formats.iconify_set import IconifyError
from sounddesk.training.preparation.formats.iconify_set import IconifySet
from sounddesk.training.preparation.formats.mesh_drawing import MeshError
from sounddesk.training.preparation.formats.mesh_drawing import Models
from sounddesk.training.preparation.formats.mesh_drawing import draw_mesh
from sounddesk.training.preparation.formats.mesh_drawing import random_viewpoint
from sounddesk.training.preparation.formats.opensfx_cat import CatSound
from sounddesk.training.preparation.formats.opensfx_cat import read_cat
from sounddesk.training.preparation.formats.outline_font import OutlineFont
from sounddesk.training.preparation.formats.pyrogenesis_actor import ActorArchive
from sounddesk.training.preparation.formats.soundfont import SoundFont
from sounddesk.training.preparation.formats.soundfont import parse_phrase
from sounddesk.training.preparation.recording_cleaning import encode_rendered
from sounddesk.training.preparation.recording_cleaning import join_recordings

ReaderKind = Literal[
    "folder", "zip", "rcc", "cat", "soundfont", "emoji-font", "outline-font", "iconify", "actors", "furniture", "ac3d"
]

# The strike that the bitmap emoji font carries; no other size can be drawn.
_EMOJI_STRIKE_PX = 109
_EMOJI_CANVAS_PX = 160
# Pictures of one model.
_VIEWS = 8
# Animals and vehicles are seen from all sides; of furniture and devices the back is bare.
_ROUND_DEG = 180.0
_FRONT_DEG = 75.0


class MemberError(BadInputError):
    """A member or pattern that the source does not hold."""

    def __str__(self) -> str:
        return str(self.args[0])


@dataclass(frozen=True, kw_only=True)
class Member:
    """The bytes of one member, and credit that the source gives with it (often empty)."""

    data: bytes
    credit: str = ""


class MemberReader(Protocol):
    """Lists and reads members; names use forward slashes on every system."""

    def names(self) -> list[str]: ...

    def read(self, name: str) -> Member: ...


def open_reader(*, kind: ReaderKind, path: Path, prefix: str = "") -> MemberReader:
    """A reader for ``path``.

    ``prefix`` is what all member names inside an archive begin with; of a font in parts, the pattern of their names.
    """
    if not path.exists():
        raise FileNotFoundError(f"{path} is missing; unpack the source package again")
    if kind == "folder":
        return FolderReader(path)
    if kind == "zip":
        return ZipReader(path, prefix=prefix)
    if kind == "rcc":
        return RccFolderReader(path, prefix=prefix)
    if kind == "cat":
        return CatReader(path)
    if kind == "soundfont":
        return SoundFontReader(path)
    if kind == "iconify":
        return IconifyReader(path)
    if kind == "actors":
        return ModelViewReader(ActorArchive(zipfile.ZipFile(path)), turn_deg=_ROUND_DEG)
    if kind == "ac3d":
        return ModelViewReader(Ac3dFolder(path), turn_deg=_ROUND_DEG)
    if kind == "furniture":
        return ModelViewReader(FurnitureCatalogue(zipfile.ZipFile(path)), turn_deg=_FRONT_DEG)
    if kind == "outline-font":
        return OutlineFontReader(path, pattern=prefix)
    return EmojiFontReader(path)


def expand(reader: MemberReader, pattern: str) -> list[str]:
    """The members that a shell pattern names, sorted; raises `MemberError` if there are none."""
    if not any(letter in pattern for letter in "*?["):
        return [pattern]
    found = [name for name in reader.names() if fnmatchcase(name, pattern)]
    if not found:
        raise MemberError(f"no member matches {pattern!r}")
    return found


class FolderReader:
    """Files below a folder."""

    def __init__(self, root: Path) -> None:
        self._root = root

    @cached_property
    def _names(self) -> list[str]:
        return sorted(path.relative_to(self._root).as_posix() for path in self._root.rglob("*") if path.is_file())

    def names(self) -> list[str]:
        return self._names

    def read(self, name: str) -> Member:
        """One file, or several recordings joined where their names are joined by `` + ``."""
        parts = [self._root / part for part in name.split(" + ")]
        for path in parts:
            if not path.is_file():
                raise MemberError(f"{self._root.name} has no file {path.relative_to(self._root).as_posix()!r}")
        if len(parts) == 1:
            return Member(data=parts[0].read_bytes())
        return Member(data=join_recordings([path.read_bytes() for path in parts], name=name))


class ZipReader:
    """Members of a ZIP archive."""

    def __init__(self, path: Path, *, prefix: str) -> None:
        self._archive = zipfile.ZipFile(path)
        self._prefix = prefix

    def names(self) -> list[str]:
        return sorted(n.removeprefix(self._prefix) for n in self._archive.namelist() if n.startswith(self._prefix))

    def read(self, name: str) -> Member:
        try:
            return Member(data=self._archive.read(self._prefix + name))
        except KeyError:
            raise MemberError(f"the archive has no member {self._prefix + name!r}") from None


class RccFolderReader:
    """A folder of Qt resource files; a name is ``ARCHIVE/REST``.

    ``prefix`` is where REST begins inside the archive, with ``{}`` for the archive's name.
    """

    def __init__(self, folder: Path, *, prefix: str) -> None:
        self._folder = folder
        self._prefix = prefix
        self._open: dict[str, RccArchive] = {}

    def names(self) -> list[str]:
        found = []
        for path in sorted(self._folder.glob("*.rcc")):
            prefix = self._prefix.format(path.stem)
            inside = [name for name in self._archive(path.stem).names() if name.startswith(prefix)]
            found += [f"{path.stem}/{name.removeprefix(prefix)}" for name in inside]
        return found

    def read(self, name: str) -> Member:
        archive, _, rest = name.partition("/")
        member = self._prefix.format(archive) + rest
        if member not in self._archive(archive):
            raise MemberError(f"{archive}.rcc has no member {member!r}")
        return Member(data=self._archive(archive).read(member))

    def _archive(self, stem: str) -> RccArchive:
        if stem not in self._open:
            self._open[stem] = RccArchive.open(self._folder / f"{stem}.rcc")
        return self._open[stem]


class CatReader:
    """Sounds of a catalogue by their number; the description becomes the credit."""

    def __init__(self, path: Path) -> None:
        self._path = path

    @cached_property
    def _sounds(self) -> dict[str, CatSound]:
        return {str(sound.index): sound for sound in read_cat(self._path)}

    def names(self) -> list[str]:
        return sorted(self._sounds, key=int)

    def read(self, name: str) -> Member:
        if name not in self._sounds:
            raise MemberError(f"the catalogue has {len(self._sounds)} sounds; there is no number {name!r}")
        return Member(data=self._sounds[name].riff, credit=self._sounds[name].description)


class SoundFontReader:
    """Phrases rendered from a SoundFont; a name is a phrase as `parse_phrase` reads it."""

    def __init__(self, path: Path) -> None:
        self._font = SoundFont(path)

    def names(self) -> list[str]:
        return self._font.names()

    def read(self, name: str) -> Member:
        samples, sample_rate_hz = self._font.render(parse_phrase(name))
        return Member(data=encode_rendered(samples, sample_rate_hz=sample_rate_hz))


class IconifyReader:
    """Icons of an Iconify set, as SVG."""

    def __init__(self, path: Path) -> None:
        self._set = IconifySet(path)

    def names(self) -> list[str]:
        return self._set.names()

    def read(self, name: str) -> Member:
        try:
            return Member(data=self._set.svg(name).encode("utf-8"))
        except IconifyError as error:
            raise MemberError(str(error)) from error


def _text_of(name: str) -> str:
    try:
        return "".join(chr(int(code, 16)) for code in name.split("-"))
    except ValueError:
        raise MemberError(f"{name!r} is not a list of code points; write for example '1f415'") from None


class OutlineFontReader:
    """Glyphs of an emoji font without colours; a name is the code points in hex, joined by ``-``."""

    def __init__(self, path: Path, *, pattern: str) -> None:
        self._font = OutlineFont(files=tuple(sorted(path.glob(pattern))) if path.is_dir() else (path,))

    def names(self) -> list[str]:
        # As of the coloured font.
        return []

    def read(self, name: str) -> Member:
        picture = self._font.draw(_text_of(name))
        if picture is None:
            raise MemberError(f"the font has no picture of {name!r}")
        encoded = cv2.imencode(".png", cv2.cvtColor(picture, cv2.COLOR_RGBA2BGRA))[1]
        return Member(data=encoded.tobytes())


class ModelViewReader:
    """Pictures of models; a name is ``MODEL/NUMBER``, where the number stands for a side and a look."""

    def __init__(self, models: Models, *, turn_deg: float) -> None:
        self._models = models
        self._turn_deg = turn_deg

    def names(self) -> list[str]:
        return [f"{model}/{view}" for model in self._models.names() for view in range(_VIEWS)]

    def read(self, name: str) -> Member:
        model, _, view = name.rpartition("/")
        if not view.isdecimal() or int(view) >= _VIEWS:
            raise MemberError(f"{name!r} is not a model and the number of a view, 0 to {_VIEWS - 1}")
        try:
            viewpoint = random_viewpoint(np.random.default_rng(zlib.crc32(name.encode())), turn_deg=self._turn_deg)
            picture = draw_mesh(self._models.parts(model, look=int(view)), viewpoint)
        except MeshError as error:
            raise MemberError(str(error)) from error
        encoded = cv2.imencode(".png", cv2.cvtColor(picture, cv2.COLOR_RGBA2BGRA))[1]
        return Member(data=encoded.tobytes(), credit=self._models.credit(model))


class EmojiFontReader:
    """Glyphs of a colour bitmap font; a name is the code points in hex, joined by ``-``."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def names(self) -> list[str]:
        # Patterns make no sense for code points, so nothing needs the list.
        return []

    def read(self, name: str) -> Member:
        from PIL import Image
        from PIL import ImageDraw
        from PIL import ImageFont

        text = _text_of(name)
        font = ImageFont.truetype(str(self._path), _EMOJI_STRIKE_PX)
        canvas = Image.new("RGBA", (_EMOJI_CANVAS_PX, _EMOJI_CANVAS_PX))
        ImageDraw.Draw(canvas).text((8, 8), text, font=font, embedded_color=True)
        if canvas.getbbox() is None:
            raise MemberError(f"the font has no picture of {name!r}")
        target = io.BytesIO()
        canvas.save(target, format="PNG")
        return Member(data=target.getvalue())
