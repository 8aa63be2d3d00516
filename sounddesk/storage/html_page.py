"""HTML pages that a browser opens from the disk: no server, no network, light and dark as the reader has it."""

from __future__ import annotations

import html
from collections.abc import Sequence
from typing import Final
from urllib.parse import quote

_STYLE: Final = """\
:root { color-scheme: light dark; }
body { font: 15px/1.4 system-ui, sans-serif; margin: 2em auto; max-width: 72em; padding: 0 1em; }
table { border-collapse: collapse; }
th, td { text-align: left; vertical-align: top; padding: .4em .8em .4em 0; border-bottom: 1px solid #8884; }
img { max-width: 100%; height: auto; border-radius: 4px; }
audio { height: 2em; width: 20em; max-width: 100%; vertical-align: middle; }
.quiet { opacity: .65; }
"""


def html_page(parts: Sequence[str], *, title: str, style: str = "") -> str:
    """A whole page.

    Args:
        parts: HTML of the body, one below the other; empty ones are left out.
        title: any text.
        style: CSS after that of all pages.
    """
    lines = [
        "<!doctype html>",
        '<html lang="en"><head><meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<title>{html.escape(title)}</title>",
        f"<style>\n{_STYLE}{style}</style></head><body>",
        *parts,
        "</body></html>",
    ]
    return "\n".join(line for line in lines if line) + "\n"


def audio_player(file: str, *, label: str) -> str:
    """A player of a sound file, relative to the page; `label` is what a screen reader says of it."""
    return f'<audio controls preload="none" aria-label="{html.escape(label)}" src="{quote(file)}"></audio>'


def picture(file: str, *, alt: str, width: int | None = None, height: int | None = None) -> str:
    """A picture, relative to the page, loaded when it comes into view; with its size (pixels) the page stands still."""
    size = "" if width is None or height is None else f' width="{width}" height="{height}"'
    return f'<img loading="lazy" alt="{html.escape(alt)}"{size} src="{quote(file)}">'
