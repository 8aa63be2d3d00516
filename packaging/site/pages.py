"""Hook of mkdocs: the order of the pages, and those that the manual does not have as files.

The order is that of the app's help (`sounddesk/app/manual_window.py`). Made here are the front page, the reference,
which mkdocstrings fills from the docstrings, and the table of keys, which the app's help makes of commands in force.
"""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path
from typing import Any
from typing import Final

from mkdocs.structure.files import File
from mkdocs.structure.files import Files

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

ROOT: Final = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "packaging"))
from publisher import publisher  # noqa: E402

MANUAL: Final = ROOT / "resources" / "manual"
# What a program calls that uses sounddesk as a library, in the order in which it does.
REFERENCE: Final = {
    "Generating": ("sounddesk.engine.session", "sounddesk.engine.types", "sounddesk.engine.self_test"),
    "Projects": ("sounddesk.domain.project", "sounddesk.domain.scene", "sounddesk.storage.project_file"),
    "Masks and images": ("sounddesk.domain.mask", "sounddesk.engine.images.image_file"),
    "Sound": (
        "sounddesk.audio.exporters.export",
        "sounddesk.audio.exporters.export_settings",
        "sounddesk.audio.metering.loudness",
        "sounddesk.audio.files.wav_io",
    ),
    "Registries": ("sounddesk.domain.registry",),
}
# For the front page, in a reader's order.
_BEGINNINGS: Final = (
    ("installing.md", "Installing", "with or without Python, graphics cards, updates"),
    ("getting_started.md", "Getting started", "from an image to stems in the window"),
    ("takes.md", "Takes", "what is generated, and how to steer it"),
    ("library.md", "Recordings of your own", "finding them for objects, and making takes of them"),
    ("batch.md", "A folder of frames", "sounds for every frame, overnight"),
    ("commands.md", "Commands", "everything that works without a window"),
    ("measurements.md", "Measurements", "what was measured, and what falls short"),
    ("reference/generating.md", "Reference", "sounddesk as a library of Python"),
)
_WORKER: Final = "assets/iframe-worker.js"
# A bar in code in a table is written with a backslash, which this reader of Markdown would show.
_CODE: Final = re.compile(r"`[^`\n]*`")
_LINK: Final = re.compile(r"\[([^\]]+)\]\((\.\./[^)]+)\)")


def on_config(config: Any) -> Any:
    """Set the order of the pages, and our own script for the search from files in place of one from a server."""
    from sounddesk.app.manual_window import SECTIONS

    config.nav = [
        {"Overview": "index.md"},
        *({section: [{title: f"{name}.md"} for name, title in pages]} for section, pages in SECTIONS.items()),
        {"Reference": [{title: f"reference/{_slug(title)}.md"} for title in REFERENCE]},
    ]
    config.site_url = f"{publisher().homepage}/" if publisher().homepage else None
    config.extra["polyfills"] = [_WORKER]
    return config


def on_files(files: Files, *, config: Any) -> Files:
    """Add the pages that are made here."""
    made = {"index.md": _front_page()}
    for title, modules in REFERENCE.items():
        made[f"reference/{_slug(title)}.md"] = "\n\n".join((f"# {title}", *(f"::: {module}" for module in modules)))
    made[_WORKER] = (Path(__file__).parent / "iframe-worker.js").read_text(encoding="utf-8")
    for name, text in made.items():
        files.append(File.generated(config, name, content=text))
    return files


def on_page_markdown(markdown: str, *, page: Any, config: Any, files: Files) -> str:  # noqa: ARG001
    """Complete the table of keys; make plain text of links to files that are no pages; settle bars in tables."""
    if page.file.src_uri == "shortcuts.md":
        markdown = _keys()

    def plain(found: re.Match[str]) -> str:
        target = (MANUAL / page.file.src_uri).parent / found[2].partition("#")[0]
        inside = target.resolve().is_relative_to(MANUAL)
        return found[0] if inside else f"{found[1]} (`{target.resolve().relative_to(ROOT).as_posix()}`)"

    lines = (
        _CODE.sub(lambda code: code[0].replace(r"\|", "|"), line) if line.startswith("|") else line
        for line in markdown.splitlines()
    )
    return _LINK.sub(plain, "\n".join(lines))


def _slug(title: str) -> str:
    return title.lower().replace(" ", "_")


def _front_page() -> str:
    """The head of the README, up to the first heading below its title, with the pictures that the manual has."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    head = readme.partition("\n## ")[0].replace("resources/manual/", "")
    rows = [f"| [{title}]({target}) | {about} |" for target, title, about in _BEGINNINGS]
    return "\n".join((head, "", "## Where to begin", "", "| page | what it is about |", "|---|---|", *rows, ""))


def _keys() -> str:
    """The table of keys as a fresh installation has them."""
    import tempfile

    from PySide6.QtCore import QSettings

    # The window that is asked for its commands must not read or write the settings of whoever builds the site.
    with tempfile.TemporaryDirectory() as home:
        os.environ.update(XDG_DATA_HOME=home, XDG_STATE_HOME=home, XDG_CONFIG_HOME=home)
        QSettings.setPath(QSettings.Format.NativeFormat, QSettings.Scope.UserScope, home)
        from sounddesk.app.desk import make_application
        from sounddesk.app.main_window import MainWindow
        from sounddesk.app.manual_window import shortcuts_text
        from sounddesk.app.services import Services
        from sounddesk.app.settings import Settings

        application = make_application(())
        window = MainWindow(Services(Settings()))
        try:
            return shortcuts_text(window.services.actions)
        finally:
            window.shut_down()
            del window, application
