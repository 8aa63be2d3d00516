"""Matches levels to the scene: faders set so that the stems add up like a blend of the same objects."""

from __future__ import annotations

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QWidget

from sounddesk.app.notifications import notifier
from sounddesk.app.services import Services
from sounddesk.app.workers.background import Background
from sounddesk.app.workers.generation_queue import GenerateJob
from sounddesk.app.workers.serial_thread import Ticket
from sounddesk.domain.take import Take


class LevelMatching(QObject):
    """Makes the blend where it is missing, then sets the faders by it as one undo step."""

    def __init__(self, services: Services, window: QWidget) -> None:
        super().__init__(window)
        self._services = services
        self._match_after: int | None = None
        self._background = Background(self, name="matching the levels")
        self._background.done.connect(self._set_faders)
        self._background.failed.connect(lambda _key, error: notifier.failed(error))
        services.generate.finished.connect(self._on_generated)
        services.document.replaced.connect(self._forget)

    def close(self) -> None:
        self._background.close()

    def match(self) -> None:
        """Suggest faders so that the stems add up like a blend of the same objects; makes the blend where missing."""
        services = self._services
        project = services.document.project
        members = [o.id for o in project.objects if o.kind == "object" and project.clips_of(o.id)]
        if len(members) < 2:
            notifier.warning(self.tr("Matching levels needs two objects with sound: generate their takes first."))
            return
        blend_id = services.generation.add_blend(members)
        if blend_id is None:
            return
        if services.document.takes.of_object(blend_id):
            self._suggest(blend_id)
            return
        jobs = services.generation.generate([blend_id])
        self._match_after = jobs[0] if jobs else None
        notifier.info(self.tr("Generating the blend to match; the faders follow."))

    def _forget(self) -> None:
        """Another project is open: its faders are not meant."""
        self._match_after = None
        self._background.forget_all()

    def _on_generated(self, ticket: Ticket[GenerateJob], _takes: object) -> None:
        if ticket.id == self._match_after:
            self._match_after = None
            self._suggest(ticket.job.object_ids[0])

    def _suggest(self, blend_id: str) -> None:
        document = self._services.document
        project = document.project
        # While the blend was in the making the user may have deleted it, its take or the sounds of its members.
        blend = next((each for each in project.objects if each.id == blend_id and each.kind == "blend"), None)
        blend_takes = document.takes.of_object(blend_id)
        members = () if blend is None else blend.members
        takes = [document.takes[project.clips_of(each)[0].take_id] for each in members if project.clips_of(each)]
        if len(takes) < 2 or not blend_takes:
            notifier.warning(
                self.tr("The faders stay: the blend to match, or sounds of its objects, were deleted meanwhile.")
            )
            return
        object_ids = tuple(take.object_id for take in takes)
        self._background.start(object_ids, lambda: suggest_gains_db(takes, blend_takes[-1]))

    def _set_faders(self, object_ids: tuple[str, ...], gains_db: tuple[float, ...]) -> None:
        document = self._services.document

        def apply() -> None:
            project = document.project
            known = {each.id for each in project.objects}
            for object_id, gain_db in zip(object_ids, gains_db, strict=True):
                if object_id in known:
                    project = project.with_strip(object_id, gain_db=gain_db)
            document.commit(self.tr("Match levels to the scene"), project)

        document.when_free(apply)
        notifier.info(self.tr("The faders match the blend; undo puts them back."))


def suggest_gains_db(takes: list[Take], blend: Take) -> tuple[float, ...]:
    """Gains in dB, one per take, by which the takes add up like the blend (paper 4.4). Raises: ValueError."""
    from sounddesk.audio.balance import suggest_gains

    stems = [(take.mono, take.sample_rate_hz) for take in takes]
    return suggest_gains(stems, (blend.mono, blend.sample_rate_hz)).gains_db
