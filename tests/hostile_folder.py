"""A folder of others that is the current one: it holds modules named like Python's own and like sounddesk."""

from __future__ import annotations

from pathlib import Path

NAMES = (
    "json",
    "pickle",
    "platform",
    "random",
    "runpy",
    "selectors",
    "signal",
    "socket",
    "sounddesk",
    "struct",
    "tempfile",
)


def fill(folder: Path) -> Path:
    """Write the modules; the file that is returned is there once one of them was imported."""
    folder.mkdir()
    imported = folder.absolute() / "imported"
    for name in NAMES:
        (folder / f"{name}.py").write_text(f"open({str(imported)!r}, 'a').write({name!r})\n")
    return imported
