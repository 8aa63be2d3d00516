"""Beds that are laid out of the user's recordings instead of generated: a texture where one fits, made endless."""

from __future__ import annotations

from typing import Final

from sounddesk.batch.jobs import BedJob
from sounddesk.domain.errors import EngineError
from sounddesk.domain.recordings import FoundEvent
from sounddesk.engine.session import EngineSession
from sounddesk.engine.tasks import CancelToken
from sounddesk.engine.types import GeneratedBed
from sounddesk.engine.types import ObjectRequest
from sounddesk.engine.types import RgbImage
from sounddesk.storage.library.library import Library

# Among so many recordings that fit best a texture goes before the others.
_TEXTURE_AMONG: Final = 5


def bed_of_recordings(
    job: BedJob,
    library: Library,
    *,
    session: EngineSession,
    image: RgbImage,
    request: ObjectRequest,
    cancel: CancelToken,
) -> GeneratedBed:
    """The recording that fits the object best, laid out over the bed's length; the second take has the second best.

    Args:
        image, request: a frame that shows the object, and the object in it.

    Raises:
        EngineError: the library has no recording.
        BadInputError: the recording cannot be read.
        Cancelled: through `cancel`.
    """
    from sounddesk.engine.library.kind_space import KindSpace
    from sounddesk.engine.library.library_takes import arranged_take
    from sounddesk.engine.library.object_conditions import object_query
    from sounddesk.engine.library.search import LibrarySearch

    query = object_query(session, image, request, by_user=request.kind == "object")
    found = textures_first(LibrarySearch(library, KindSpace.load()).of_object(query, limit=_TEXTURE_AMONG))
    if not found:
        raise EngineError(f"the library {library.path} has no recording for {job.name!r}: add a folder and scan it")
    cancel.raise_if_cancelled()
    take = arranged_take(library, found[(job.take - 1) % len(found)], seconds=job.seconds, seed=job.seed)
    recordings = tuple(take.recipe["recordings"])
    names = ", ".join(each["file"] for each in recordings)
    return GeneratedBed(
        waveform=take.mono,
        sample_rate_hz=take.sample_rate_hz,
        joins_s=(),
        notes=(f"made of {names}", *take.notes),
        recordings=recordings,
    )


def textures_first(found: list[FoundEvent]) -> list[FoundEvent]:
    """Those that go on evenly before those that do not, each in the order of how well they fit."""
    return sorted(found, key=lambda each: each.recording.behaviour != "continuous")
