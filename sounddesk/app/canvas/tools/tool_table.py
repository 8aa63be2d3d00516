"""The tools of the canvas: buttons, keys, menu entries and hints follow from the entries."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final
from typing import Literal

from sounddesk.app.canvas.tools.base import Tool
from sounddesk.app.canvas.tools.canvas_port import CanvasPort
from sounddesk.domain.registry import Registry

OptionName = Literal["diameter", "hardness", "tolerance", "mode", "contiguous"]


@dataclass(frozen=True, kw_only=True)
class ToolEntry:
    """A tool as the window offers it.

    Attributes:
        name: stable; 'tool.name' is its command.
        title: in the menu and on its button, its mnemonic after '&'.
        key: its default shortcut. S, M, J, K, L and Space belong to the transport.
        order: place in the tool bar, from left to right.
        factory: makes it for a canvas.
        hint: what mouse and modifier keys do, in a line.
        options: which of `ToolOptions` it goes by.
    """

    name: str
    title: str
    key: str
    order: int
    factory: Callable[[CanvasPort], Tool]
    hint: str
    options: tuple[OptionName, ...] = ()


# Each module of the package registers its own.
TOOLS: Final[Registry[ToolEntry]] = Registry("tool", package="sounddesk.app.canvas.tools")


def tools_in_order() -> list[ToolEntry]:
    """All tools from left to right."""
    return sorted(TOOLS, key=lambda entry: entry.order)
