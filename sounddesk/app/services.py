"""What one window shares between its panels, made once and ended in the right order."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject

from sounddesk.app.commands.registry import CommandRegistry
from sounddesk.app.generation import Generation
from sounddesk.app.objects.object_naming import ObjectNaming
from sounddesk.app.player import Player
from sounddesk.app.project.document import Document
from sounddesk.app.project.image_opening import ImageOpener
from sounddesk.app.project.project_store import ProjectStore
from sounddesk.app.project.recordings_check import RecordingsCheck
from sounddesk.app.project.selection import SelectionModel
from sounddesk.app.settings import Settings
from sounddesk.app.workers.generation_queue import GenerationQueue
from sounddesk.app.workers.naming_worker import NamingWorker
from sounddesk.app.workers.said_worker import SaidWorker
from sounddesk.app.workers.segmentation_worker import SegmentationWorker
from sounddesk.app.workers.suggestion_worker import SuggestionWorker
from sounddesk.domain.project import Project

if TYPE_CHECKING:
    from sounddesk.engine.perception.recognition import RecognisesObjects
    from sounddesk.engine.prompters.registry import Prompter
    from sounddesk.engine.segmenters.choice import SegmenterChoice


class Services(QObject):
    """Document, selection, commands, workers, player and project file of one window."""

    def __init__(
        self,
        settings: Settings,
        parent: QObject | None = None,
        *,
        bundle: str | None = None,
        device: str | None = None,
    ) -> None:
        """`bundle`, `device`: for this window, in place of what the settings say."""
        super().__init__(parent)
        self._bundle, self._device = bundle, device
        self.settings = settings
        self.actions = CommandRegistry(self, shortcuts=settings.shortcuts)
        self.document = Document(self)
        self.selection = SelectionModel(self.document, self)
        self.segment = SegmentationWorker(self, choose=self._choose_segmenter)
        self._recogniser_lock = threading.Lock()
        self._recognisers: dict[str, RecognisesObjects | None] = {}
        self.suggestions = SuggestionWorker(self.segment, self._open_recogniser, self)
        self._prompters: dict[str, Prompter] = {}
        self.said = SaidWorker(self.segment, self._open_prompter, self)
        self.names = NamingWorker(self._open_recogniser, self)
        self.naming = ObjectNaming(self.document, self.selection, self.actions, settings, self.names, self)
        self.generate = GenerationQueue(self)
        self.generation = Generation(self.document, self.generate, self)
        for each in ("device", "precision", "memory", "use_new_takes"):
            self._apply(each)
        self.player = Player(self.document, self)
        self.store = ProjectStore(self.document, settings, self)
        self.recordings_check = RecordingsCheck(self.document, self.store, self)
        self.opener = ImageOpener(self)
        self._segmented: str | None = None
        self._apply("audio_device")
        self._apply("audio_buffer")
        self._apply("return_on_stop")
        self.generate.between_steps = self.player.wait_while_behind
        settings.changed.connect(self._apply)
        self.document.changed.connect(self._on_changed)
        self.document.replaced.connect(self._follow_image)

    @property
    def bundle_of_new_projects(self) -> str:
        """As projects name it: a folder is remembered on this computer and stands as name and hash."""
        from sounddesk.engine.bundles.bundle_reference import portable_reference

        return portable_reference(self._bundle or self.settings.bundle)

    def follow_models(self, kind: str) -> None:
        """Use what was installed or removed just now."""
        if kind == "segmenter":
            self.segment.set_segmenter(self._choose_segmenter)
        elif kind == "prompter":
            self._prompters = {}
        elif kind == "image_encoder":
            # Not under the lock, which a worker holds while it loads: another dict, for the next question.
            self._recognisers = {}

    def _choose_segmenter(self) -> SegmenterChoice:
        from sounddesk.engine.segmenters.choice import choose_segmenter

        return choose_segmenter(checkpoint=self.settings.sam_checkpoint, bundle=self.bundle_of_new_projects)

    def _open_recogniser(self) -> RecognisesObjects | None:
        """The recogniser of the bundle in use, loaded once; called on the threads of the workers."""
        from sounddesk.engine.starter.names import open_names

        bundle = self.bundle_of_new_projects
        with self._recogniser_lock:
            if bundle not in self._recognisers:
                self._recognisers = {bundle: open_names(bundle)}
            return self._recognisers[bundle]

    def _open_prompter(self) -> Prompter:
        """The prompter in use, loaded once; called on the thread of its worker."""
        from sounddesk.engine.prompters.choice import open_prompter

        bundle, known = self.bundle_of_new_projects, self._prompters
        if bundle not in known:
            known[bundle] = open_prompter(bundle)
        return known[bundle]

    def _apply(self, name: str) -> None:
        """Take over a setting that another one of our parts works by."""
        if name == "device":
            self.generation.device = self._device or self.settings.device
        elif name == "precision":
            self.generation.precision = self.settings.precision
        elif name == "memory":
            self.generation.memory = self.settings.memory
        elif name == "use_new_takes":
            self.generation.use_new_takes = self.settings.use_new_takes
        elif name == "audio_device":
            self.player.set_device(self.settings.audio_device)
        elif name == "return_on_stop":
            self.player.returns_on_stop = self.settings.return_on_stop
        elif name == "audio_buffer":
            self.player.set_buffer(self.settings.audio_buffer)
        elif name == "sam_checkpoint":
            self.segment.set_segmenter(self._choose_segmenter)

    def _on_changed(self, old: Project, new: Project) -> None:
        if old.image != new.image:
            self._follow_image()

    def _follow_image(self) -> None:
        """Give the segmenter the image that is shown."""
        info = self.document.project.image
        sha256 = None if info is None else info.sha256
        if sha256 != self._segmented:
            self._segmented = sha256
            self.segment.set_image(sha256, self.document.image, after_painting=True)

    def stop(self) -> None:
        """Ask everything that runs on another thread to end. Returns at once."""
        self.generate.stop()
        self.segment.stop()
        self.suggestions.stop()
        self.said.stop()
        self.names.stop()
        self.opener.stop()

    def close(self) -> None:
        """End everything that runs on another thread, and wait for it. The document stays readable."""
        self.stop()
        # First what nothing else may delay: a library that loads takes seconds.
        self.store.close()
        self.recordings_check.close()
        self.player.close()
        self.opener.close()
        self.suggestions.close()
        self.said.close()
        self.segment.close()
        self.names.close()
        self.generate.close()
