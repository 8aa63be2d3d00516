"""The scene that ships: an image, and the names and masks of the objects in it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from sounddesk.storage.codec import decode
from sounddesk.storage.text_formats import read_json


@dataclass(frozen=True, kw_only=True)
class _Entry:
    name: str


@dataclass(frozen=True, kw_only=True)
class _Scene:
    objects: tuple[_Entry, ...]


def demo_masks(folder: Path) -> dict[str, Path]:
    """The mask file of each object by its name, in the scene's order. Raises: FieldError, OSError."""
    scene = decode(_Scene, read_json(folder / "scene.json"), unknown="ignore")
    return {each.name: folder / "masks" / f"{Path(each.name).name}.png" for each in scene.objects}
