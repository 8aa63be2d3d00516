"""The lane that installs, checks and removes models: one job at a time on a thread of its own."""

from __future__ import annotations

import logging
from collections.abc import Callable

from PySide6.QtCore import QObject
from PySide6.QtCore import Qt
from PySide6.QtCore import Signal
from PySide6.QtCore import Slot

from sounddesk.app.runtime.thread_priority import LaneThread
from sounddesk.domain.errors import Cancelled
from sounddesk.engine.catalogue.entries import CatalogueEntry
from sounddesk.engine.tasks import CancelToken

_log = logging.getLogger(__name__)

Work = Callable[[CancelToken], object]


class _Worker(QObject):
    """Lives on the lane's thread."""

    progress = Signal(object)
    finished = Signal(str, str)
    paused = Signal(str)
    failed = Signal(str, str)

    @Slot(str, str, object, object)
    def run(self, model_id: str, what: str, work: Work, token: CancelToken) -> None:
        from sounddesk.domain.errors import EngineError
        from sounddesk.domain.errors import OutputError

        try:
            work(token)
        except Cancelled:
            self.paused.emit(model_id)
        except (EngineError, OutputError) as error:
            self.failed.emit(model_id, str(error))
        except Exception:  # noqa: BLE001  # every failure is shown, none ends the lane (design 5)
            _log.exception("%s of model %s failed", what, model_id)
            self.failed.emit(model_id, "it failed unexpectedly; the log has the details (Help > Log)")
        else:
            self.finished.emit(model_id, what)


class ModelsLane(QObject):
    """Long work on models off the UI thread. Every job ends in exactly one of finished, paused, failed.

    Signals:
        progress(report): a `Progress` of the job in hand.
        finished(model_id, what): `what` is 'install', 'verify' or 'remove'.
        paused(model_id): it was stopped; what has arrived is kept, and installing goes on from there.
        failed(model_id, message): for the user.
    """

    progress = Signal(object)
    finished = Signal(str, str)
    paused = Signal(str)
    failed = Signal(str, str)

    _run = Signal(str, str, object, object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._token: CancelToken | None = None
        self._thread = LaneThread(self)
        self._thread.setObjectName("models")
        self._worker = _Worker()
        self._worker.moveToThread(self._thread)
        queued = Qt.ConnectionType.QueuedConnection
        self._run.connect(self._worker.run, queued)
        for name in ("finished", "paused", "failed"):
            getattr(self._worker, name).connect(self._on_end, queued)
            getattr(self._worker, name).connect(getattr(self, name), queued)
        self._worker.progress.connect(self.progress, queued)
        self._thread.finished.connect(self._worker.deleteLater)
        self._thread.start()

    @property
    def is_busy(self) -> bool:
        return self._token is not None

    def install(self, entry: CatalogueEntry) -> None:
        """Install a model whose licence the user has accepted, or go on with it."""

        def work(token: CancelToken) -> object:
            from sounddesk.engine.catalogue.model_install import install

            return install(entry, accept_licence=True, on_progress=self._worker.progress.emit, cancel=token)

        self._start(entry.id, "install", work)

    def verify(self, model_id: str) -> None:
        """Check every file of an installed model."""

        def work(token: CancelToken) -> None:
            from sounddesk.engine.catalogue.model_store import require_model

            require_model(model_id).verify(on_progress=self._worker.progress.emit, cancel=token)

        self._start(model_id, "verify", work)

    def remove(self, model_id: str) -> None:
        """Remove an installed model and what is left of its downloads."""

        def work(_token: CancelToken) -> object:
            from sounddesk.engine.catalogue.model_store import remove_model

            return remove_model(model_id)

        self._start(model_id, "remove", work)

    def pause(self) -> None:
        """Stop the job in hand; `paused` follows."""
        if self._token is not None:
            self._token.cancel()

    def close(self) -> None:
        """Stop and wait; what has arrived is kept."""
        self.pause()
        self._thread.quit()
        self._thread.wait()

    def _start(self, model_id: str, what: str, work: Work) -> None:
        if self._token is not None:
            raise RuntimeError("one model at a time")
        self._token = CancelToken()
        self._run.emit(model_id, what, work, self._token)

    def _on_end(self, *_: str) -> None:
        self._token = None
