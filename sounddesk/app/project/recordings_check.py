"""Looks for the recordings of a project when it is opened, off the UI thread, and names those that are not there."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Final

from PySide6.QtCore import QObject

from sounddesk.app.notifications import notifier
from sounddesk.app.project.document import Document
from sounddesk.app.project.project_store import ProjectStore
from sounddesk.app.workers.background import Background
from sounddesk.domain.errors import Cancelled
from sounddesk.domain.recordings import names_of_recordings
from sounddesk.engine.tasks import CancelToken
from sounddesk.storage.library.library import default_library_path

_MOST_NAMED: Final = 10


class RecordingsCheck(QObject):
    """Follows the document. Takes keep their sound whatever became of their recordings: nothing is lost by it."""

    def __init__(self, document: Document, store: ProjectStore, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._document = document
        self._store = store
        self._cancel = CancelToken()
        self._background = Background(self, name="looking for recordings")
        self._background.done.connect(lambda _key, lost: self._tell(lost))
        document.replaced.connect(self._look)

    def close(self) -> None:
        """Stop looking, and wait for the block in hand."""
        self._cancel.cancel()
        self._background.close()

    def _look(self) -> None:
        self._background.forget_all()
        self._cancel.cancel()
        self._cancel = cancel = CancelToken()
        names = names_of_recordings(take.recipe for take in self._document.takes)
        path, held = self._store.path, self._store.embedded
        if names:
            folder = None if path is None else path.parent
            self._background.start("recordings", lambda: _lost(names, folder, held, cancel))

    def _tell(self, lost: list[str]) -> None:
        if not lost:
            return
        more = self.tr(" and {count} more").format(count=len(lost) - _MOST_NAMED) if len(lost) > _MOST_NAMED else ""
        notifier.warning(
            self.tr("Recordings of this project are missing: {names}. Their takes are as they were.").format(
                names="; ".join(lost[:_MOST_NAMED]) + more
            ),
            remedy=self.tr("Connect their disk, or scan the folder that they are in now."),
        )


def _lost(names: dict[str, str], folder: Path | None, held: frozenset[str], cancel: CancelToken) -> list[str]:
    from sounddesk.engine.library.linked_recordings import RecordingFinder

    # Another project is shown by now, or the window was closed.
    with (
        contextlib.suppress(Cancelled),
        RecordingFinder(folder=folder, library_path=default_library_path(), cancel=cancel) as finder,
    ):
        return finder.lost(names, embedded=held)
    return []
