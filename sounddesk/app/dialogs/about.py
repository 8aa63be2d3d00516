"""About sounddesk: version, licences of the application and of every installed bundle."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QDialog
from PySide6.QtWidgets import QDialogButtonBox
from PySide6.QtWidgets import QTabWidget
from PySide6.QtWidgets import QVBoxLayout
from PySide6.QtWidgets import QWidget

import sounddesk
from sounddesk.app.plain_text import ForeignMarkdown
from sounddesk.app.plain_text import PlainLabel
from sounddesk.engine.bundles.bundle import Bundle
from sounddesk.engine.bundles.installed_bundles import list_bundles
from sounddesk.engine.types import BundleError
from sounddesk.resources_folder import licences_folder

_LIBRARIES = (
    ("Qt and PySide6", "LGPL-3.0"), ("PyTorch", "BSD-3-Clause"), ("diffusers, transformers, safetensors", "Apache-2.0"),
    ("NumPy, SciPy", "BSD-3-Clause"), ("OpenCV", "Apache-2.0"), ("Pillow", "MIT-CMU"),
    ("libsndfile and soundfile", "LGPL-2.1 and BSD-3-Clause"), ("libsoxr and soxr", "LGPL-2.1"),
    ("mutagen", "GPL-2.0-or-later"), ("FFmpeg and PyAV, for movies", "LGPL-3.0 and BSD-3-Clause"),
    ("PortAudio and sounddevice", "MIT"), ("segment-anything", "Apache-2.0"),
)  # fmt: skip


class AboutBox(QDialog):
    """Who may use what, in words."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle(self.tr("About sounddesk"))
        self.resize(640, 520)
        title = PlainLabel(f"sounddesk {sounddesk.__version__}")
        title.setProperty("role", "title")
        about = PlainLabel(self.tr("One sound per object of a still image, exported as stems. Apache-2.0."))
        about.setWordWrap(True)
        tabs = QTabWidget()
        tabs.setUsesScrollButtons(True)
        for listing in list_bundles():
            bundle = listing.bundle
            if bundle is None:
                _add_page(tabs, listing.folder.name, f"{listing.problem}", markdown=False)
            else:
                _add_page(tabs, self.tr("Bundle {name}").format(name=bundle.name), _bundle_text(bundle))
        rows = "\n".join(f"| {name} | {licence} |" for name, licence in _LIBRARIES)
        _add_page(tabs, self.tr("Libraries"), f"| library | licence |\n|---|---|\n{rows}\n")
        folder = licences_folder()
        if folder is not None:
            text = self.tr("All licences are in {folder}.").format(folder=f"`{folder}`")
            page = (folder / "README.md").read_text(encoding="utf-8")
            _add_page(tabs, self.tr("This app"), f"{text}\n\n{page}")
        licence = _licence_text()
        if licence:
            _add_page(tabs, self.tr("Apache-2.0"), licence, markdown=False)
        box = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        box.rejected.connect(self.reject)
        layout = QVBoxLayout(self)
        layout.addWidget(title)
        layout.addWidget(about)
        layout.addWidget(tabs, 1)
        layout.addWidget(box)


def _bundle_text(bundle: Bundle) -> str:
    licence = bundle.manifest.licence
    use = {"yes": "yes", "no": "no", "conditional": "under conditions"}[licence.commercial]
    lines = [
        f"**Licence:** {licence.name}" + (f" ({licence.spdx})" if licence.spdx else ""),
        f"**Paid work:** {use}",
        licence.note,
        licence.url or "",
    ]
    try:
        lines.append(bundle.document("card.md").read_text(encoding="utf-8"))
    except (BundleError, OSError):
        lines.append("*This bundle has no card.*")
    return "\n\n".join(line for line in lines if line)


def _add_page(tabs: QTabWidget, title: str, text: str, *, markdown: bool = True) -> None:
    made = ForeignMarkdown(follow_links=False)
    made.setAccessibleName(title)
    # Links are to be read and copied; nothing is opened or loaded by itself.
    made.setTextInteractionFlags(
        Qt.TextInteractionFlag.TextSelectableByMouse | Qt.TextInteractionFlag.TextSelectableByKeyboard
    )
    if markdown:
        made.show_markdown(text)
    else:
        made.setPlainText(text)
    tabs.addTab(made, title)


def _licence_text() -> str:
    for path in (Path(sounddesk.__file__).parent.parent / "LICENSE",):
        if path.is_file():
            return path.read_text(encoding="utf-8")
    import importlib.metadata

    try:
        found = importlib.metadata.distribution("sounddesk").read_text("licenses/LICENSE")
    except importlib.metadata.PackageNotFoundError:
        return ""
    return found or ""
