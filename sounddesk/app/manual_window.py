"""The manual: short pages in Markdown from the installation, with search."""

from __future__ import annotations

import html
import posixpath
from typing import Any
from typing import Final

from PySide6.QtCore import QByteArray
from PySide6.QtCore import Qt
from PySide6.QtCore import QTimer
from PySide6.QtCore import QUrl
from PySide6.QtCore import Signal
from PySide6.QtGui import QDesktopServices
from PySide6.QtGui import QImage
from PySide6.QtGui import QKeySequence
from PySide6.QtGui import QResizeEvent
from PySide6.QtGui import QTextCursor
from PySide6.QtGui import QTextDocument
from PySide6.QtWidgets import QDialog
from PySide6.QtWidgets import QHBoxLayout
from PySide6.QtWidgets import QLineEdit
from PySide6.QtWidgets import QListWidget
from PySide6.QtWidgets import QListWidgetItem
from PySide6.QtWidgets import QSplitter
from PySide6.QtWidgets import QTextBrowser
from PySide6.QtWidgets import QVBoxLayout
from PySide6.QtWidgets import QWidget

from sounddesk.app.commands.registry import CommandRegistry
from sounddesk.app.plain_text import set_spacing
from sounddesk.resources_folder import resource

# Beside a picture, in pixels.
_MARGIN: Final = 24

# In the order of an artist's day, then what is behind it; the files lie in resources/manual. The site has the same.
SECTIONS: Final = {
    "Working": (
        ("getting_started", "Getting started"),
        ("selecting_objects", "Selecting objects"),
        ("takes", "Takes and generation"),
        ("library", "Recordings of your own"),
        ("timeline", "Timeline"),
        ("mixer", "Mixer"),
        ("export", "Export"),
        ("batch", "A folder of frames"),
        ("models", "Models"),
        ("training", "Training"),
        ("installing", "Installing and updating"),
        ("shortcuts", "Keyboard shortcuts"),
        ("commands", "Commands"),
        ("troubleshooting", "Troubleshooting"),
    ),
    "Background": (
        ("evaluation", "Comparing systems"),
        ("ablations", "Ablations in miniature"),
        ("measurements", "Measurements"),
        ("threat_model", "Threat model"),
        ("decisions", "Decisions"),
    ),
}
PAGES: Final = tuple(page for pages in SECTIONS.values() for page in pages)


class ManualView(QTextBrowser):
    """Shows pictures no wider than the page.

    Signals: width_changed(): the page has another width now.
    """

    width_changed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._settle = QTimer(self)
        self._settle.setSingleShot(True)
        self._settle.setInterval(120)
        self._settle.timeout.connect(self.width_changed)

    def loadResource(self, kind: int, url: QUrl | str) -> Any:  # noqa: N802
        loaded = super().loadResource(kind, url)
        if kind != QTextDocument.ResourceType.ImageResource.value:
            return loaded
        image = QImage.fromData(loaded) if isinstance(loaded, QByteArray) else loaded
        room = self.viewport().width() - _MARGIN
        if isinstance(image, QImage) and image.width() > room > 0:
            # Twice as fine on a dense screen, and no wider on the page.
            ratio = self.devicePixelRatioF()
            image = image.scaledToWidth(
                min(image.width(), round(room * ratio)), Qt.TransformationMode.SmoothTransformation
            )
            image.setDevicePixelRatio(image.width() / room)
        return image

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802
        super().resizeEvent(event)
        if event.size().width() != event.oldSize().width():
            self._settle.start()


class ManualWindow(QDialog):
    """Pages on the left, text on the right; the search looks through all pages. It does not block the main window."""

    def __init__(self, actions: CommandRegistry, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle(self.tr("Manual"))
        self.resize(900, 640)
        self.setModal(False)
        self._texts = {name: page_text(name, actions) for name, _ in PAGES}
        self._shown, self._text = "", ""
        self._search = QLineEdit()
        self._search.setPlaceholderText(self.tr("Search the manual"))
        self._search.setAccessibleName(self.tr("Search the manual"))
        self._search.setClearButtonEnabled(True)
        self._list = QListWidget()
        self._list.setAccessibleName(self.tr("Pages"))
        for name, title in PAGES:
            item = QListWidgetItem(title)
            item.setData(Qt.ItemDataRole.UserRole, name)
            self._list.addItem(item)
        self._view = ManualView()
        self._view.width_changed.connect(self._show_again)
        self._view.setOpenLinks(False)
        self._view.setAccessibleName(self.tr("Manual page"))
        self._view.setSearchPaths([str(resource("manual"))])
        self._view.anchorClicked.connect(self._follow)
        side = QWidget()
        column = QVBoxLayout(side)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self._search)
        column.addWidget(self._list, 1)
        splitter = QSplitter()
        splitter.addWidget(side)
        splitter.addWidget(self._view)
        splitter.setSizes([220, 680])
        splitter.setChildrenCollapsible(False)
        layout = QHBoxLayout(self)
        layout.addWidget(splitter)
        self._search.textChanged.connect(self._filter)
        self._search.returnPressed.connect(self._find_next)
        self._list.currentItemChanged.connect(lambda *_: self._show())
        self._list.setCurrentRow(0)

    @property
    def pages_found(self) -> list[str]:
        """Names of the pages that the search leaves."""
        rows = [self._list.item(index) for index in range(self._list.count())]
        return [row.data(Qt.ItemDataRole.UserRole) for row in rows if not row.isHidden()]

    def open_page(self, name: str) -> None:
        """Show a page of `PAGES`."""
        row = [each for each, _ in PAGES].index(name)
        if row == self._list.currentRow():
            self._show()
        self._list.setCurrentRow(row)

    def _show(self) -> None:
        item = self._list.currentItem()
        if item is not None:
            name = item.data(Qt.ItemDataRole.UserRole)
            self._show_text(f"{name}.md", self._texts[name])

    def _show_text(self, path: str, text: str) -> None:
        """Show Markdown that stands at `path` below the manual's folder."""
        self._shown, self._text = path, text
        self._view.setMarkdown(text)
        set_spacing(self._view.document())
        self._mark()

    def _show_again(self) -> None:
        """With pictures as wide as the page is now, at the same place."""
        bar = self._view.verticalScrollBar()
        share = bar.value() / max(1, bar.maximum())
        self._show_text(self._shown, self._text)
        bar.setValue(round(share * bar.maximum()))

    def _filter(self, query: str) -> None:
        wanted = query.casefold().split()
        for index, (name, title) in enumerate(PAGES):
            text = f"{title} {self._texts[name]}".casefold()
            self._list.item(index).setHidden(not all(word in text for word in wanted))
        current = self._list.currentItem()
        if (current is None or current.isHidden()) and self.pages_found:
            self.open_page(self.pages_found[0])
        else:
            self._mark()

    def _mark(self) -> None:
        """Jump to the first place found."""
        if str(self._search.text()).strip():
            self._view.moveCursor(QTextCursor.MoveOperation.Start)
            self._view.find(str(self._search.text()).strip())

    def _find_next(self) -> None:
        query = str(self._search.text()).strip()
        if query and not self._view.find(query, QTextDocument.FindFlag(0)):
            self._mark()

    def _follow(self, url: QUrl) -> None:
        if url.scheme() in ("http", "https"):
            QDesktopServices.openUrl(url)
            return
        # From a page below the manual's folder a link to another one begins there.
        target = posixpath.normpath(posixpath.join(posixpath.dirname(self._shown), url.path() or self._shown))
        name = target.removesuffix(".md")
        if name in self._texts:
            self.open_page(name)
        elif (
            target.endswith(".md")
            and not target.startswith(("../", "/"))
            and resource("manual").joinpath(target).is_file()
        ):
            # A page that the list does not have: one of the decisions, a history.
            self._show_text(target, resource(f"manual/{target}").read_text(encoding="utf-8"))


def page_text(name: str, actions: CommandRegistry) -> str:
    """Markdown of a page; that of the shortcuts is made from the commands in force."""
    if name == "shortcuts":
        return shortcuts_text(actions)
    return resource(f"manual/{name}.md").read_text(encoding="utf-8")


def shortcuts_text(actions: CommandRegistry) -> str:
    """A table of every command that has keys, by menu, and of the keys that a panel handles while it has the focus."""
    intro = resource("manual/shortcuts.md").read_text(encoding="utf-8")
    groups: dict[str, list[tuple[str, str]]] = {}
    for command in actions:
        keys = actions[command.id].shortcut().toString(QKeySequence.SequenceFormat.NativeText)
        if keys:
            groups.setdefault(command.menu, []).append((command.name, keys))
    for each in actions.panel_keys:
        keys = QKeySequence(each.keys).toString(QKeySequence.SequenceFormat.NativeText)
        groups.setdefault(f"{each.panel} (while it has the focus)", []).append((each.does, keys))
    return intro + "\n" + "\n".join(_table(group, rows) for group, rows in groups.items())


def _table(title: str, rows: list[tuple[str, str]]) -> str:
    lines = [f"| {_cell(name)} | {_cell(keys)} |" for name, keys in rows]
    return f"## {title}\n\n| command | keys |\n|---|---|\n" + "\n".join(lines) + "\n"


def _cell(text: str) -> str:
    """Text as Markdown that shows it as it is."""
    escaped = html.escape(text)
    for sign in "\\|`[]*_":
        escaped = escaped.replace(sign, f"\\{sign}")
    return escaped
