"""Pictures of a textured mesh from any side, drawn on the processor.

Models of games and interiors show a thing from all sides, which a drawing or a photograph does not. No GPU and no
OpenGL is needed, whose pictures would depend on the machine's driver.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from typing import Final
from typing import Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from sounddesk.domain.errors import BadInputError

FloatArray = NDArray[np.float64]

_CANVAS_PX: Final = 432
_PICTURE_PX: Final = 288
_MARGIN: Final = 0.94
# sRGB of what has neither texture nor colour.
PLAIN: Final = (160.0, 160.0, 160.0)
# A ray of light leaves this much where it does not fall.
_AMBIENT: Final = 0.55
# In radii of the mesh; near enough for some perspective.
_DISTANCE: Final = 4.0
# Samples held at a time.
_MOST_SAMPLES: Final = 1_500_000


class MeshError(BadInputError, ValueError):
    """A model that is missing, or of which mesh or texture cannot be read."""


@dataclass(frozen=True, kw_only=True, eq=False)
class MeshPart:
    """Triangles of one material.

    Attributes:
        corners: float64[F, 3, 3], x to the right, y up, z to the viewer, in any unit.
        uv: float64[F, 3, 2], places in `texture` (u to the right, v up, repeating), or None.
        texture: sRGB uint8[H, W, 4], or None.
        colour: sRGB 0 to 255, where there is no texture.
    """

    corners: FloatArray
    uv: FloatArray | None = None
    texture: NDArray[np.uint8] | None = None
    colour: tuple[float, float, float] = PLAIN


class Models(Protocol):
    """A collection of models; `look` numbers the meshes and textures that one of them may have, counted round."""

    def names(self) -> list[str]: ...

    def parts(self, name: str, *, look: int) -> list[MeshPart]: ...

    def credit(self, name: str, /) -> str:
        """Who made a model, where the collection says so."""
        ...


@dataclass(frozen=True, kw_only=True)
class Viewpoint:
    """Where a mesh is seen and lit from; angles in degrees, azimuth about the vertical axis."""

    azimuth_deg: float
    elevation_deg: float
    roll_deg: float = 0.0
    light_azimuth_deg: float = 30.0
    light_elevation_deg: float = 50.0


def random_viewpoint(rng: np.random.Generator, *, turn_deg: float) -> Viewpoint:
    """Turned by up to `turn_deg` to either side, mostly seen from a little above, lit from above."""
    return Viewpoint(
        azimuth_deg=float(rng.uniform(-turn_deg, turn_deg)),
        elevation_deg=float(rng.uniform(-8, 35)),
        roll_deg=float(rng.normal(0, 4)),
        light_azimuth_deg=float(rng.uniform(-70, 70)),
        light_elevation_deg=float(rng.uniform(20, 75)),
    )


def draw_mesh(parts: Sequence[MeshPart], viewpoint: Viewpoint) -> NDArray[np.uint8]:
    """The mesh in perspective, uint8[288, 288, 4], transparent around it.

    Surfaces are sampled about once and a half a pixel, and of the samples of a pixel the nearest is seen.

    Raises:
        MeshError: no triangle.
    """
    parts = [part for part in parts if len(part.corners)]
    if not parts:
        raise MeshError("mesh has no triangle")
    turn = _turn(viewpoint)
    everything = np.concatenate([part.corners.reshape(-1, 3) for part in parts])
    middle = (everything.min(axis=0) + everything.max(axis=0)) / 2
    radius = float(np.linalg.norm(everything - middle, axis=1).max()) or 1.0
    seen = [((part.corners - middle) / radius) @ turn.T for part in parts]
    flat = np.concatenate([_project(corners).reshape(-1, 2) for corners in seen])
    low, high = flat.min(axis=0), flat.max(axis=0)
    scale = _MARGIN * _CANVAS_PX / float((high - low).max())
    shift = _CANVAS_PX / 2 - (low + high) / 2 * scale
    light = _direction(viewpoint.light_azimuth_deg, viewpoint.light_elevation_deg)
    nearest = np.full(_CANVAS_PX * _CANVAS_PX, -np.inf)
    picture = np.zeros((_CANVAS_PX * _CANVAS_PX, 4), np.float32)
    for part, corners in zip(parts, seen, strict=True):
        _splat(part, corners, scale=scale, shift=shift, light=light, nearest=nearest, picture=picture)
    # Colours weighted by alpha, so that what is transparent lends none to the edges.
    picture[:, :3] *= picture[:, 3:]
    canvas = picture.reshape(_CANVAS_PX, _CANVAS_PX, 4)
    small: Any = cv2.resize(canvas, (_PICTURE_PX, _PICTURE_PX), interpolation=cv2.INTER_AREA)
    colours = small[..., :3] / np.maximum(small[..., 3:], 1e-6)
    return np.clip(np.dstack([colours, 255.0 * small[..., 3]]), 0, 255).astype(np.uint8)


def _splat(
    part: MeshPart,
    corners: FloatArray,
    *,
    scale: float,
    shift: FloatArray,
    light: FloatArray,
    nearest: FloatArray,
    picture: NDArray[np.float32],
) -> None:
    places = _project(corners) * scale + shift
    edges = places[:, [1, 2, 0]] - places
    steps = np.ceil(np.linalg.norm(edges, axis=2).max(axis=1) * 1.5).astype(np.int64) + 1
    normal = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    length = np.linalg.norm(normal, axis=1)
    # Lit on both sides: models of games are often thin sheets.
    shade = _AMBIENT + (1 - _AMBIENT) * np.abs(normal @ light) / np.maximum(length, 1e-12)
    for step in np.unique(steps[length > 0]):
        faces = np.flatnonzero((steps == step) & (length > 0))
        inner = _barycentric(int(step))
        together = max(1, _MOST_SAMPLES // len(inner))
        for start in range(0, len(faces), together):
            some = faces[start : start + together]
            where = np.floor(np.einsum("sk,fkd->fsd", inner, places[some])).astype(np.int64)
            depth = np.einsum("sk,fk->fs", inner, corners[some, :, 2]).ravel()
            column, row = np.clip(where, 0, _CANVAS_PX - 1).reshape(-1, 2).T
            colours, opaque = _colours(part, some, inner)
            lit = colours * np.repeat(shade[some], len(inner))[:, None]
            pixel = (_CANVAS_PX - 1 - row) * _CANVAS_PX + column
            pixel, depth, lit = pixel[opaque], depth[opaque], lit[opaque]
            # Far ones first: of those written to one pixel the last stays.
            order = np.argsort(depth, kind="stable")
            order = order[depth[order] > nearest[pixel[order]]]
            nearest[pixel[order]] = depth[order]
            picture[pixel[order], :3] = lit[order]
            picture[pixel[order], 3] = 1.0


def _colours(part: MeshPart, faces: NDArray[np.int64], inner: FloatArray) -> tuple[FloatArray, NDArray[np.bool_]]:
    """Colours float64[n, 3] of all samples, face by face, and which of them are not transparent."""
    count = len(faces) * len(inner)
    if part.uv is None or part.texture is None:
        return np.broadcast_to(np.array(part.colour), (count, 3)), np.ones(count, np.bool_)
    height, width = part.texture.shape[:2]
    uv: Any = np.einsum("sk,fkd->fsd", inner, part.uv[faces]).reshape(-1, 2)
    column = np.floor(uv[:, 0] * width).astype(np.int64) % width
    row = np.floor((1.0 - uv[:, 1]) * height).astype(np.int64) % height
    texel = part.texture[row, column]
    return texel[:, :3].astype(np.float64), texel[:, 3] > 127


def _barycentric(steps: int) -> FloatArray:
    """Weights float64[n, 3] of points spread evenly over a triangle, its corners and edges among them."""
    first, second = np.mgrid[0 : steps + 1, 0 : steps + 1]
    inside = first + second <= steps
    first, second = first[inside] / steps, second[inside] / steps
    return np.stack([first, second, 1.0 - first - second], axis=1)


def _project(corners: FloatArray) -> FloatArray:
    return corners[..., :2] / (_DISTANCE - corners[..., 2:])


def _direction(azimuth_deg: float, elevation_deg: float) -> FloatArray:
    azimuth, elevation = np.radians(azimuth_deg), np.radians(elevation_deg)
    return np.array([np.sin(azimuth) * np.cos(elevation), np.sin(elevation), np.cos(azimuth) * np.cos(elevation)])


def _turn(viewpoint: Viewpoint) -> FloatArray:
    a, e, r = np.radians([viewpoint.azimuth_deg, viewpoint.elevation_deg, viewpoint.roll_deg])
    about_y = np.array([[np.cos(a), 0, np.sin(a)], [0, 1, 0], [-np.sin(a), 0, np.cos(a)]])
    about_x = np.array([[1, 0, 0], [0, np.cos(e), -np.sin(e)], [0, np.sin(e), np.cos(e)]])
    about_z = np.array([[np.cos(r), -np.sin(r), 0], [np.sin(r), np.cos(r), 0], [0, 0, 1]])
    return about_z @ about_x @ about_y
