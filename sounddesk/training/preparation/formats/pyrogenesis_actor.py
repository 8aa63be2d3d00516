"""Actors of the Pyrogenesis engine (the game 0 A.D.): meshes in PMD files with the textures that XML files name.

PMD is described in the engine's `graphics/ModelDef.cpp`: all little-endian, "PSMD", version, size; vertices of
position, normal, texture coordinates and four bones with weights; triangles of three 16-bit indices. Vertices are in
the rest position; animations are not read.
"""

from __future__ import annotations

import io
import struct
import xml.etree.ElementTree as ET
import zipfile
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from sounddesk.training.preparation.formats.mesh_drawing import MeshError
from sounddesk.training.preparation.formats.mesh_drawing import MeshPart

_HEADER: Final = struct.Struct("<4sIII")
_ACTORS: Final = "art/actors/"
_VARIANTS: Final = "art/variants/"
_BLEND_BYTES: Final = 4 + 4 * 4
# Materials with transparency; 'no_trans' and 'player_trans' are others.
_TRANSPARENT: Final = ("basic_trans", "alphatest", "trans")


@dataclass(frozen=True, kw_only=True)
class Actor:
    """What an actor may look like: its meshes, and the textures that each may wear.

    `transparent`: alpha of the textures is transparency; else it says where the colour of a player shows or how much
    light a place throws back.
    """

    meshes: tuple[str, ...]
    textures: tuple[str, ...]
    transparent: bool


class ActorArchive:
    """Actors in an archive of the game."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        self._archive = archive
        self._names = set(archive.namelist())

    def names(self) -> list[str]:
        """Names of all actors, as 'fauna/seagull'."""
        return sorted(
            name.removeprefix(_ACTORS).removesuffix(".xml")
            for name in self._names
            if name.startswith(_ACTORS) and name.endswith(".xml")
        )

    def actor(self, name: str) -> Actor:
        """Meshes and base textures of all its variants; raises `MeshError`."""
        root = self._xml(f"{_ACTORS}{name}.xml")
        shared = [self._xml(_VARIANTS + file) for element in root.iter("variant") if (file := element.get("file"))]
        meshes, textures, materials = [], [], []
        for tree in (root, *shared):
            meshes += [element.text.strip() for element in tree.iter("mesh") if element.text]
            textures += [
                element.get("file", "") for element in tree.iter("texture") if element.get("name") == "baseTex"
            ]
            materials += [element.text or "" for element in tree.iter("material")]
        if not meshes or not textures:
            raise MeshError(f"actor {name!r} names no mesh or no texture of its own")
        return Actor(
            meshes=tuple(dict.fromkeys(meshes)),
            textures=tuple(dict.fromkeys(textures)),
            transparent=any(material.startswith(_TRANSPARENT) for material in materials),
        )

    def credit(self, _name: str, /) -> str:
        return ""

    def parts(self, name: str, *, look: int) -> list[MeshPart]:
        """One look of an actor: mesh and texture number `look`, each counted round; raises `MeshError`."""
        actor = self.actor(name)
        mesh = actor.meshes[look % len(actor.meshes)]
        texture = actor.textures[look % len(actor.textures)]
        corners, uv = read_pmd(self._read("art/meshes/" + mesh, converted=".cached.pmd"), name=mesh)
        encoded = self._read("art/textures/skins/" + texture, converted=".cached.dds")
        try:
            image = Image.open(io.BytesIO(encoded), formats=("DDS", "PNG"))  # noqa: TID251  # the game's own formats
            pixels = np.asarray(image.convert("RGBA"))
        except OSError as error:
            raise MeshError(f"texture {texture!r} cannot be decoded: {error}") from error
        if not actor.transparent:
            pixels = np.dstack([pixels[..., :3], np.full(pixels.shape[:2], 255, np.uint8)])
        return [MeshPart(corners=corners, uv=uv, texture=pixels)]

    def _xml(self, path: str) -> ET.Element:
        try:
            return ET.fromstring(self._archive.read(path))
        except (KeyError, ET.ParseError) as error:
            raise MeshError(f"the game has no {path!r} that can be read") from error

    def _read(self, name: str, *, converted: str) -> bytes:
        """A file, or what the engine made of it for speed; a release holds most files so only."""
        for path in (name + converted, name):
            if path in self._names:
                return self._archive.read(path)
        raise MeshError(f"the game has no {name!r}")


def read_pmd(data: bytes, *, name: str) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Triangles float64[F, 3, 3] (y up) and their texture coordinates float64[F, 3, 2].

    Raises:
        MeshError: another format, or less data than it says.
    """
    try:
        magic, version, _, count = _HEADER.unpack_from(data)
        if magic != b"PSMD" or not 1 <= version <= 4:
            raise MeshError(f"{name} is no PMD file of version 1 to 4")
        offset = _HEADER.size
        sets = 1
        if version >= 4:
            (sets,) = struct.unpack_from("<I", data, offset)
            offset += 4
        stride = 12 + 12 + 8 * sets + _BLEND_BYTES
        table = np.frombuffer(data, np.uint8, count * stride, offset).reshape(count, stride)
        position = np.ascontiguousarray(table[:, :12]).view("<f4").astype(np.float64)
        uv = np.ascontiguousarray(table[:, 24:32]).view("<f4").astype(np.float64)
        offset += count * stride
        (faces,) = struct.unpack_from("<I", data, offset)
        index = np.frombuffer(data, "<u2", faces * 3, offset + 4).reshape(faces, 3)
        return position[index], uv[index]
    except (struct.error, ValueError, IndexError) as error:
        if isinstance(error, MeshError):
            raise
        raise MeshError(f"{name} is shorter than it says") from error
