"""HTML pages that a browser opens from the disk: no server, no network, light and dark as the reader has it.

A page is a Jinja2 template beside the module that makes it. It extends `layout.html` of this package and may import
`audio_player` and `picture` from `media.html`; whatever it is given is escaped.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any
from typing import Final

from jinja2 import Environment
from jinja2 import FileSystemLoader
from jinja2 import StrictUndefined

_SHARED: Final = Path(__file__).with_name("pages")


def render_template(template: Path, **values: Any) -> str:
    """Fill in a template.

    Args:
        template: the file of the template.
        values: what the template names; text of any kind, since it is escaped. `title` is asked for by the layout.

    Raises:
        jinja2.UndefinedError: the template names something that is not among `values`.
    """
    return _environment(template.parent).get_template(template.name).render(values)


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
