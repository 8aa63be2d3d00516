"""Takes for objects of the document: what is asked of the engine, and what becomes of the answer."""

from __future__ import annotations

import datetime as dt
import functools
import uuid
from collections.abc import Iterable
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt
from PySide6.QtCore import QObject

from sounddesk.app.notifications import notifier
from sounddesk.app.project.document import Document
from sounddesk.app.workers.generation_queue import EngineChoice
from sounddesk.app.workers.generation_queue import GenerateJob
from sounddesk.app.workers.generation_queue import GenerationQueue
from sounddesk.app.workers.serial_thread import Ticket
from sounddesk.domain.clip_edits import with_room_for_clips
from sounddesk.domain.project import Project
from sounddesk.domain.recordings import recordings_of
from sounddesk.domain.scene import MixerStrip
from sounddesk.domain.scene import SceneObject
from sounddesk.domain.scene import free_name
from sounddesk.domain.seeds import take_seed
from sounddesk.domain.take import Take
from sounddesk.domain.take_placement import with_take_placed
from sounddesk.domain.take_placement import with_take_swapped
from sounddesk.domain.tiled_mask import TiledMask
from sounddesk.engine.generation.sound_edits import Looping
from sounddesk.engine.generation.sound_edits import SoundEdit
from sounddesk.engine.generation.sound_edits import Variation
from sounddesk.engine.generation.variation_types import VariationRequest
from sounddesk.engine.generation.variation_types import check_source
from sounddesk.engine.types import GeneratedTake
from sounddesk.engine.types import GenerationRequest
from sounddesk.engine.types import ObjectRequest
from sounddesk.engine.types import RgbImage
from sounddesk.engine.types import SamplingSettings
from sounddesk.engine.types import preset_named


class Generation(QObject):
    """Makes takes of objects and puts them into the document.

    Attributes:
        use_new_takes: a new take takes the place of the one in use; otherwise only an empty lane gets one.
    """

    def __init__(self, document: Document, queue: GenerationQueue, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._document = document
        self._queue = queue
        self.device = self.precision = self.memory = "auto"
        self.use_new_takes = False
        self._promised: dict[str, int] = {}
        queue.finished.connect(self._on_finished)
        queue.failed.connect(self._on_ended)
        queue.cancelled.connect(lambda ticket: self._on_ended(ticket, None))

    def generate(self, object_ids: Sequence[str], *, variations: int = 1) -> list[int]:
        """Queue `variations` takes of each object; the ids of the jobs. One job per length, so one batch per job.

        What cannot be generated is refused with a message, and nothing is queued.
        """
        document = self._document
        image = document.image
        if image is None:
            notifier.warning(self.tr("There is no image yet: open one first."))
            return []
        project = document.project
        chosen = [project.object(each) for each in object_ids]
        if not chosen:
            notifier.warning(self.tr("No object is selected: click on one in the image first."))
            return []
        if self._refuses_empty(project, chosen):
            return []
        by_length: dict[float, list[SceneObject]] = {}
        for each in chosen:
            by_length.setdefault(each.seconds or project.settings.seconds, []).append(each)
        return [self._submit(project, objects, seconds, variations) for seconds, objects in by_length.items()]

    def rework(self, take: Take, edit: SoundEdit, *, count: int = 1) -> int | None:
        """Queue `count` takes that begin from a take; the id of the job. None, with a message, where that cannot be.

        What is made in place of a take (all but variations) is played by the clips that play that one, as one undo
        step; the take itself stays.
        """
        document, project = self._document, self._document.project
        image = document.image
        owner = next((each for each in project.objects if each.id == take.object_id), None)
        if owner is None or image is None:
            notifier.warning(self.tr("The object of this take is gone: bring it back first."))
            return None
        if self._refuses_empty(project, [owner]):
            return None
        try:
            check_source(take.seconds, edit)
        except ValueError as error:
            notifier.refused(error, title=self.tr("Nothing can be made of take {number}.").format(number=take.number))
            return None
        seeds = tuple(self._next_seed(owner) for _ in range(count))
        made = self.tr("take {number} {how}").format(number=take.number, how=edit.word)
        job = GenerateJob(
            make_request=lambda: variation_request(project, image, owner, take, edit=edit, seeds=seeds),
            object_ids=(owner.id,) * count,
            title=f"{owner.name}, {made}" + (f" × {count}" if count > 1 else ""),
            engine=self.engine_for(project),
            place=None if isinstance(edit, Variation) else functools.partial(self._place_instead, take, edit),
        )
        return self._queue.submit(job)

    def _refuses_empty(self, project: Project, objects: Sequence[SceneObject]) -> bool:
        """Whether something cannot sound, for which its mask is needed; that is told."""
        empty = ", ".join(repr(each.name) for each in objects if not project.has_sounding_mask(each.id))
        if empty:
            notifier.warning(
                self.tr("The mask of {names} is empty: select the object or paint it.").format(names=empty)
            )
        return bool(empty)

    def _place_instead(self, source: Take, edit: SoundEdit, takes: Sequence[Take]) -> None:
        """Clips that play `source` play the first of `takes`, as one undo step."""
        project, made = self._document.project, takes[0]
        clips = [each for each in project.clips if each.take_id == source.id]
        if not clips:
            self._place(takes)
            return
        for each in clips:
            swapped = with_take_swapped(each, made.id, made.seconds)
            if isinstance(edit, Looping):
                # Its own seam is better than any crossfade over it.
                swapped = replace(swapped, looped=True, loop_crossfade_s=0.0)
            project = project.with_clip(swapped)
        text = self.tr("Take {number} {how}").format(number=source.number, how=edit.word)
        self._document.commit(text, with_room_for_clips(project))

    def add_blend(self, member_ids: Sequence[str]) -> str | None:
        """A blend of these objects, as one undo step; its id."""
        project = self._document.project
        members = tuple(each for each in member_ids if project.object(each).kind == "object")
        info = project.image
        if info is None or len(members) < 2:
            notifier.warning(self.tr("A blend needs at least two objects: select them first."))
            return None
        existing = next((o for o in project.objects if o.kind == "blend" and set(o.members) == set(members)), None)
        if existing is not None:
            return existing.id
        changed, object_id = project.with_new_id("o")
        name = free_name("blend", (each.name for each in project.objects))
        blend = SceneObject(
            id=object_id,
            name=name,
            kind="blend",
            members=members,
            mask=TiledMask.empty(width=info.width, height=info.height),
            colour=project.next_colour(),
            seed=take_seed(project.settings.seed, name=name, take=0),
            # Beside its members a blend would sound twice: it is there to be listened to and to balance by.
            strip=MixerStrip(muted=True),
        )
        self._document.commit(self.tr("Add {name}").format(name=name), changed.with_object(blend))
        return object_id

    def engine_for(self, project: Project) -> EngineChoice:
        """By what the takes of a project are made, with the preferences of this machine."""
        return EngineChoice(
            bundle=project.settings.bundle, device=self.device, precision=self.precision, memory=self.memory
        )

    def _submit(self, project: Project, objects: list[SceneObject], seconds: float, variations: int) -> int:
        plan = [(each, self._next_seed(each)) for each in objects for _ in range(variations)]
        image = self._document.image
        assert image is not None
        job = GenerateJob(
            make_request=lambda: generation_request(project, image, plan, seconds),
            object_ids=tuple(each.id for each, _ in plan),
            title=", ".join(each.name for each in objects) + (f" × {variations}" if variations > 1 else ""),
            engine=self.engine_for(project),
        )
        return self._queue.submit(job)

    def _next_seed(self, wanted: SceneObject) -> int:
        """The locked seed, or one that follows from the object's seed and the number of the take to come."""
        if wanted.seed_locked:
            return wanted.seed
        # Takes still in the queue have numbers too, or two quick presses would make the same take twice.
        first = self._document.takes.next_number(wanted.id)
        number = max(first, self._promised.get(wanted.id, 0) + 1)
        self._promised[wanted.id] = number
        return take_seed(wanted.seed, name=wanted.name, take=number - 1)

    def _on_finished(self, ticket: Ticket[GenerateJob], made: list[GeneratedTake]) -> None:
        takes = []
        for object_id, generated in zip(ticket.job.object_ids, made, strict=True):
            take = Take(
                id=uuid.uuid4().hex,
                object_id=object_id,
                number=self._document.takes.next_number(object_id),
                seed=int(generated.recipe["seed"]),
                waveform=generated.waveform,
                sample_rate_hz=generated.sample_rate_hz,
                recipe=generated.recipe,
                created=dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
                notes=generated.notes,
            )
            self._document.add_take(take)
            takes.append(take)
            for note in generated.notes:
                notifier.info(f"{generated.name}: {note}")
        place = ticket.job.place or self._place
        self._document.when_free(lambda: place(takes))

    def _place(self, takes: Sequence[Take]) -> None:
        """Place the first new take of each object on its lane where that is empty, or new takes are to be used."""
        project = self._document.project
        lanes = {each.id for each in project.objects}
        placed: list[str] = []
        for take in takes:
            wanted = self.use_new_takes or not project.clips_of(take.object_id)
            if wanted and take.object_id in lanes and take.object_id not in placed:
                project = with_take_placed(project, take.object_id, take.id, take.seconds)
                placed.append(take.object_id)
        if placed:
            names = ", ".join(project.object(each).name for each in placed)
            self._document.commit(self.tr("Place take of {names}").format(names=names), project)

    def _on_ended(self, ticket: Ticket[GenerateJob], error: Exception | None) -> None:
        for object_id in ticket.job.object_ids:
            self._promised.pop(object_id, None)
        if error is not None:
            notifier.failed(error, title=self.tr("{title} could not be generated.").format(title=ticket.job.title))


def generation_request(
    project: Project, image: RgbImage, plan: Iterable[tuple[SceneObject, int]], seconds: float
) -> GenerationRequest:
    """The engine's request for (object, seed) pairs.

    Not for the UI thread: the masks of 20 objects on a 4K image are 660 MB, and take seconds to unpack.
    """
    settings = project.settings
    masks: dict[str, npt.NDArray[np.float32]] = {}
    takes = []
    for each, seed in plan:
        if each.id not in masks:
            masks[each.id] = as_probability(project.sounding_mask(each.id))
        wanted = object_request(each, mask=masks[each.id], seed=seed)
        # A caption of the whole image takes the place of what was guessed of each object.
        takes.append(replace(wanted, proposed_prompt=None) if settings.grounding == "caption" else wanted)
    sampling = SamplingSettings(preset=preset_named(settings.preset), steps=settings.steps, guidance=settings.guidance)
    return GenerationRequest(
        image=image, takes=tuple(takes), seconds=seconds, sampling=sampling, grounding=settings.grounding
    )


def variation_request(
    project: Project, image: RgbImage, owner: SceneObject, take: Take, *, edit: SoundEdit, seeds: tuple[int, ...]
) -> VariationRequest:
    """The engine's request for takes that begin from a take; not for the UI thread, as `generation_request`."""
    settings = project.settings
    recordings = recordings_of(take.recipe)
    return VariationRequest(
        image=image,
        take=object_request(owner, mask=as_probability(project.sounding_mask(owner.id)), seed=seeds[0]),
        seeds=seeds,
        waveform=take.mono,
        sample_rate_hz=take.sample_rate_hz,
        edit=edit,
        sampling=SamplingSettings(
            preset=preset_named(settings.preset), steps=settings.steps, guidance=settings.guidance
        ),
        origin={
            "how": edit.word,
            "source_take": take.number,
            "source_take_id": take.id,
            **({"recordings": recordings} if recordings else {}),
        },
    )


def object_request(wanted: SceneObject, *, mask: npt.NDArray[np.float32], seed: int) -> ObjectRequest:
    """What the engine is asked for an object; `mask` is float32[H, W] from 0 to 1."""
    return ObjectRequest(
        name=wanted.name,
        mask=mask,
        seed=seed,
        prompt=wanted.hint.strip() or None,
        proposed_prompt=wanted.proposed_prompt or None,
        negative_prompt=wanted.negative_hint.strip() or None,
        kind=wanted.kind,
    )


def as_probability(mask: TiledMask) -> npt.NDArray[np.float32]:
    """Coverage float32[H, W] from 0 to 1."""
    return mask.to_array().astype(np.float32) / np.float32(255)
