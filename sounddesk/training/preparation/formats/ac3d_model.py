"""Models in AC3D's text format, as FlightGear's scenery has them.

The format is Inivis' AC3D file format (version b): materials by number, then a tree of objects with `numvert` points,
`numsurf` polygons of points and texture coordinates, and a texture file beside the model. y is up.
"""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from sounddesk.training.preparation.formats.mesh_drawing import PLAIN
from sounddesk.training.preparation.formats.mesh_drawing import FloatArray
from sounddesk.training.preparation.formats.mesh_drawing import MeshError
from sounddesk.training.preparation.formats.mesh_drawing import MeshPart

# The low bits of a surface's flags say what it is; the others are lines.
# Textures of models: what their collections hold.
_TEXTURES: Final = ("PNG", "JPEG", "SGI", "TGA", "BMP")
_TYPE_BITS: Final = 0xF
_POLYGON: Final = 0


class Ac3dFolder:
    """Models below a folder, by their path without its ending."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def names(self) -> list[str]:
        return sorted(path.relative_to(self._folder).as_posix()[:-3] for path in self._folder.rglob("*.ac"))

    def credit(self, _name: str, /) -> str:
        return ""

    def parts(self, name: str, *, look: int) -> list[MeshPart]:  # noqa: ARG002
        """The model's triangles, one part an object and material; there is one look only.

        Raises:
            MeshError: no such model, or not in this format.
        """
        path = self._folder / f"{name}.ac"
        if not path.is_file():
            raise MeshError(f"there is no model {name!r}")
        return _Reading(path).parts()


class _Reading:
    """One pass over a file; objects come before their children."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lines = [line for line in path.read_text(encoding="latin-1").splitlines() if line.strip()]
        self._next = 0
        self._colours: list[tuple[float, float, float]] = []
        self._parts: list[MeshPart] = []
        self._textures: dict[str, NDArray[np.uint8] | None] = {}

    def parts(self) -> list[MeshPart]:
        if not self._lines or not self._lines[0].startswith("AC3D"):
            raise MeshError(f"{self._path.name} is no AC3D file")
        self._next = 1
        try:
            while self._next < len(self._lines):
                words = self._words()
                if words[:1] == ["MATERIAL"]:
                    at = words.index("rgb")
                    self._colours.append(_colour(words[at + 1 : at + 4]))
                elif words[:1] == ["OBJECT"]:
                    self._object(np.eye(3), np.zeros(3))
        except (ValueError, IndexError) as error:
            raise MeshError(f"{self._path.name}, line {self._next} of those with text: {error}") from error
        return self._parts

    def _words(self) -> list[str]:
        line = self._lines[self._next]
        self._next += 1
        return shlex.split(line) if '"' in line else line.split()

    def _object(self, turn: FloatArray, shift: FloatArray) -> None:
        texture = ""
        repeat = np.ones(2)
        points = np.zeros((0, 3))
        while self._next < len(self._lines):
            words = self._words()
            key = words[0] if words else ""
            if key == "texture":
                texture = words[1]
            elif key == "texrep":
                repeat = np.array([float(word) for word in words[1:3]])
            elif key == "data":
                # The text follows on a line of its own and is as long as the number says.
                self._next += 1
            elif key == "rot":
                turn = turn @ np.array([float(word) for word in words[1:10]]).reshape(3, 3).T
            elif key == "loc":
                shift = shift + turn @ np.array([float(word) for word in words[1:4]])
            elif key == "numvert":
                rows = [self._words()[:3] for _ in range(int(words[1]))]
                points = np.array(rows, np.float64).reshape(-1, 3) @ turn.T + shift
            elif key == "numsurf":
                self._surfaces(int(words[1]), points, texture=texture, repeat=repeat)
            elif key == "kids":
                for _ in range(int(words[1])):
                    # Some files promise more children than they have.
                    if self._next < len(self._lines):
                        self._words()
                        self._object(turn, shift)
                return

    def _surfaces(self, count: int, points: FloatArray, *, texture: str, repeat: FloatArray) -> None:
        corners: dict[int, list[FloatArray]] = {}
        places: dict[int, list[FloatArray]] = {}
        for _ in range(count):
            flags, material = int(self._words()[1], 0), 0
            words = self._words()
            while words[0] != "refs":
                material = int(words[1]) if words[0] == "mat" else material
                words = self._words()
            refs = np.array([self._words()[:3] for _ in range(int(words[1]))], np.float64).reshape(-1, 3)
            if flags & _TYPE_BITS != _POLYGON or len(refs) < 3:
                continue
            # Polygons are flat and mostly convex: a fan of triangles.
            fan = np.array([(0, i, i + 1) for i in range(1, len(refs) - 1)])
            corners.setdefault(material, []).append(points[refs[:, 0].astype(np.int64)][fan])
            places.setdefault(material, []).append((refs[:, 1:] * repeat)[fan])
        for material, triangles in corners.items():
            self._parts.append(
                MeshPart(
                    corners=np.concatenate(triangles),
                    uv=np.concatenate(places[material]),
                    texture=self._texture(texture) if texture else None,
                    colour=self._colours[material] if material < len(self._colours) else PLAIN,
                )
            )

    def _texture(self, name: str) -> NDArray[np.uint8] | None:
        """Pixels of a texture beside the model; None where it cannot be had, so that the material's colour shows."""
        if name not in self._textures:
            try:
                file = self._path.parent / Path(name).name
                with Image.open(file, formats=_TEXTURES) as image:  # noqa: TID251  # also SGI and TGA, by name
                    self._textures[name] = np.asarray(image.convert("RGBA"))
            except OSError:
                self._textures[name] = None
        return self._textures[name]


def _colour(words: list[str]) -> tuple[float, float, float]:
    red, green, blue = (255.0 * float(word) for word in words)
    return red, green, blue
