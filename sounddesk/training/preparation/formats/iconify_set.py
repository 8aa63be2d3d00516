"""Draws single icons out of an Iconify set: one JSON file that holds many SVG bodies."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sounddesk.domain.errors import BadInputError
from sounddesk.storage.text_formats import read_json

# Icons of one colour leave it to the page; a dark grey reads as a silhouette.
_ONE_COLOUR = "#33363b"
_DEFAULT_SIDE = 16
_DEEPEST_ALIAS = 5


class IconifyError(BadInputError, ValueError):
    """A file that is no icon set, or an icon that it does not hold."""


class IconifySet:
    """One icon set, held in memory."""

    def __init__(self, path: Path) -> None:
        try:
            self._set: dict[str, Any] = read_json(path)
            self._icons: dict[str, Any] = self._set["icons"]
        except (ValueError, KeyError, TypeError) as error:
            raise IconifyError(f"{path.name} is not an icon set: {error}") from error
        self._aliases: dict[str, Any] = self._set.get("aliases", {})

    def names(self) -> list[str]:
        """Names of all icons, aliases included, sorted."""
        return sorted({*self._icons, *self._aliases})

    def svg(self, name: str) -> str:
        """One icon as an SVG document; raises `IconifyError` for an unknown name."""
        icon = self._icons.get(self._resolve(name))
        if icon is None:
            raise IconifyError(f"the icon set {self._set.get('prefix', '')!r} has no icon {name!r}")
        left, top, width, height = (
            icon.get(key, self._set.get(key, default))
            for key, default in (("left", 0), ("top", 0), ("width", _DEFAULT_SIDE), ("height", _DEFAULT_SIDE))
        )
        body = str(icon["body"]).replace("currentColor", _ONE_COLOUR)
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" '
            f'width="{width}" height="{height}" viewBox="{left} {top} {width} {height}">{body}</svg>'
        )

    def _resolve(self, name: str) -> str:
        for _ in range(_DEEPEST_ALIAS):
            if name in self._icons or name not in self._aliases:
                return name
            name = self._aliases[name]["parent"]
        return name
