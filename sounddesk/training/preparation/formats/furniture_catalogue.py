"""Models of a furniture library of Sweet Home 3D: Wavefront OBJ with materials, listed in a properties file.

The file format is that of the program's furniture libraries (.sh3f): a ZIP archive with
`PluginFurnitureCatalog.properties`, whose `id#N`, `name#N` and `model#N` describe model N.
"""

from __future__ import annotations

import io
import posixpath
import re
import zipfile
from typing import Any
from typing import Final

import numpy as np
from PIL import Image

from sounddesk.training.preparation.formats.mesh_drawing import PLAIN
from sounddesk.training.preparation.formats.mesh_drawing import MeshError
from sounddesk.training.preparation.formats.mesh_drawing import MeshPart

_CATALOGUE: Final = "PluginFurnitureCatalog.properties"
_ENTRY: Final = re.compile(r"^(?P<key>id|model|creator)#(?P<number>\d+)=(?P<value>.*)$", re.MULTILINE)
# Of black things the shading would not be seen.
_DARKEST: Final = 30.0


class FurnitureCatalogue:
    """Models by the last part of their id."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        self._archive = archive
        entries: dict[str, dict[str, str]] = {}
        for match in _ENTRY.finditer(archive.read(_CATALOGUE).decode("latin-1").replace("\r", "")):
            entries.setdefault(match["number"], {})[match["key"]] = match["value"].strip()
        self._models = {
            entry["id"].rpartition("#")[2]: (entry["model"].lstrip("/"), entry.get("creator", ""))
            for entry in entries.values()
            if "id" in entry and "model" in entry
        }

    def names(self) -> list[str]:
        return sorted(self._models)

    def credit(self, name: str, /) -> str:
        """Who made the model, as the library says."""
        return self._models[name][1] if name in self._models else ""

    def parts(self, name: str, *, look: int) -> list[MeshPart]:  # noqa: ARG002
        """The model's triangles, one part a material; there is one look only.

        Raises:
            MeshError: the library has no such model, or it cannot be read.
        """
        try:
            import trimesh
        except ImportError:
            raise MeshError(f"{name} is a model; install 'sounddesk[prepare]' (trimesh) to read it") from None
        if name not in self._models:
            raise MeshError(f"the library has no model {name!r}")
        path, _ = self._models[name]
        try:
            loaded: Any = trimesh.load(
                io.BytesIO(self._archive.read(path)),
                file_type="obj",
                resolver=self._beside(path),
                process=False,
                group_material=True,
            )
        except (KeyError, ValueError, IndexError, TypeError) as error:
            raise MeshError(f"model {name!r} cannot be read: {error}") from error
        meshes = loaded.dump() if hasattr(loaded, "dump") else [loaded]
        return [_part(mesh) for mesh in meshes if len(mesh.faces)]

    def _beside(self, path: str) -> dict[str, bytes]:
        """Materials and textures in the folder of a model, by their names."""
        folder = posixpath.dirname(path) + "/"
        names = [name for name in self._archive.namelist() if name.startswith(folder) and name not in (folder, path)]
        return {name.removeprefix(folder): self._archive.read(name) for name in names}


def _part(mesh: Any) -> MeshPart:
    corners = np.asarray(mesh.vertices, np.float64)[mesh.faces]
    visual = mesh.visual
    material = getattr(visual, "material", None)
    image, uv = getattr(material, "image", None), getattr(visual, "uv", None)
    if image is not None and uv is not None and len(uv) == len(mesh.vertices):
        texture = np.asarray(image.convert("RGBA") if isinstance(image, Image.Image) else image, np.uint8)
        return MeshPart(corners=corners, uv=np.asarray(uv, np.float64)[mesh.faces], texture=texture)
    diffuse = getattr(material, "diffuse", None)
    colour = tuple(max(_DARKEST, float(c)) for c in diffuse[:3]) if diffuse is not None else PLAIN
    return MeshPart(corners=corners, colour=(colour[0], colour[1], colour[2]))
