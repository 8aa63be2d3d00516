"""HTML pages that a browser opens from the disk: no server, no network, light and dark as the reader has it.

A page is a Jinja2 template beside the module that makes it. It extends `layout.html` of this package and may import
`audio_player` and `picture` from `media.html`; whatever it is given is escaped.
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Any
from typing import Final

from jinja2 import Environment
from jinja2 import FileSystemLoader
from jinja2 import StrictUndefined

_SHARED: Final = Path(__file__).with_name("pages")
_LONE_SURROGATE: Final = re.compile("[\ud800-\udfff]")


def render_template(template: Path, **values: Any) -> str:
    """Fill in a template.

    Args:
        template: the file of the template.
        values: what the template names; text of any kind, since it is escaped. `title` is asked for by the layout.

    Returns:
        The page, with `escape_undecodable` applied.

    Raises:
        jinja2.UndefinedError: the template names something that is not among `values`.
    """
    return escape_undecodable(_environment(template.parent).get_template(template.name).render(values))


def escape_undecodable(name: str) -> str:
    r"""A file name as text that UTF-8 can hold: a byte that is no text stands there as '\xe9'."""
    return _LONE_SURROGATE.sub(_escaped, name)


def _escaped(match: re.Match[str]) -> str:
    code = ord(match[0])
    # Python keeps byte 0xE9 of a name that is no UTF-8 as U+DCE9.
    return f"\\x{code - 0xDC00:02x}" if 0xDC80 <= code <= 0xDCFF else f"\\u{code:04x}"


@cache
def _environment(folder: Path) -> Environment:
    return Environment(
        loader=FileSystemLoader([folder, _SHARED]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
