"""Takes of a render that are made of the user's recordings, or begin from one."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

import numpy as np

from sounddesk.cli.library import open_library
from sounddesk.cli.render_plan import RenderPlan
from sounddesk.domain.errors import BadInputError
from sounddesk.domain.errors import EngineError
from sounddesk.engine.generation.variation_types import VariationRequest
from sounddesk.engine.library.kind_space import KindSpace
from sounddesk.engine.library.library_takes import LibraryTake
from sounddesk.engine.library.library_takes import arranged_take
from sounddesk.engine.library.object_conditions import object_query
from sounddesk.engine.library.recording_facts import file_facts
from sounddesk.engine.library.recording_facts import licence_notes
from sounddesk.engine.library.search import LibrarySearch
from sounddesk.engine.session import EngineSession
from sounddesk.engine.tasks import CancelToken
from sounddesk.engine.tasks import OnProgress
from sounddesk.engine.tasks import StageReporter
from sounddesk.engine.types import GeneratedTake
from sounddesk.engine.types import ObjectRequest
from sounddesk.engine.types import Waveform
from sounddesk.storage.library.library import default_library_path


def takes_of_recordings(
    plan: RenderPlan, *, on_progress: OnProgress, cancel: CancelToken
) -> Mapping[str, tuple[GeneratedTake, ...]]:
    """Every take of every object, by name.

    Raises:
        BadInputError: no library, nothing in it, or a sound that cannot be used.
        EngineError: the engine could not finish.
        Cancelled: through `cancel`.
    """
    try:
        session = EngineSession.open(bundle=plan.bundle, device=plan.device)
    except EngineError as error:
        raise BadInputError(str(error)) from error
    with session:
        if plan.recordings.from_library:
            return _arranged(plan, session, on_progress=on_progress, cancel=cancel)
        return _varied(plan, session, on_progress=on_progress, cancel=cancel)


def _arranged(
    plan: RenderPlan, session: EngineSession, *, on_progress: OnProgress, cancel: CancelToken
) -> Mapping[str, tuple[GeneratedTake, ...]]:
    objects = plan.scene.objects
    made: dict[str, tuple[GeneratedTake, ...]] = {}
    with open_library(plan.recordings.library) as library:
        search = LibrarySearch(library, KindSpace.load())
        reporter = StageReporter(stage="search", total=len(objects), on_progress=on_progress, cancel=cancel)
        for number, entry in enumerate(objects, start=1):
            request = ObjectRequest(name=entry.name, mask=entry.probability, seed=0, prompt=entry.hint, kind=entry.kind)
            query = object_query(session, plan.scene.image.pixels, request, by_user=entry.kind == "object")
            found = search.of_object(query, limit=plan.takes)
            if not found:
                raise BadInputError(
                    f"the library {library.path} has no recording for {entry.name!r}: add a folder and scan it"
                )
            takes = []
            for take, seed in enumerate(plan.seeds[entry.name]):
                # With fewer recordings than takes the best ones come again, laid out anew.
                chosen = found[take % len(found)]
                arranged = arranged_take(library, chosen, seconds=plan.seconds, seed=seed)
                takes.append(_generated(arranged, request, plan))
            made[entry.name] = tuple(takes)
            reporter.step(number)
    return made


def _generated(arranged: LibraryTake, request: ObjectRequest, plan: RenderPlan) -> GeneratedTake:
    (recording,) = arranged.recipe["recordings"]
    steps = {"steps": 1, "device": plan.device, "network_dtype": "none"}
    return GeneratedTake(
        name=request.name,
        kind=request.kind,
        waveform=_without_clipping(arranged.waveform),
        sample_rate_hz=arranged.sample_rate_hz,
        recipe={**steps, **arranged.recipe},
        notes=(f"made of {recording['file']}", *arranged.notes),
        patch_weights=np.zeros(0, dtype=np.float32),
    )


def _without_clipping(samples: Waveform) -> Waveform:
    peak = float(np.abs(samples).max(initial=0.0))
    return samples if peak <= 1.0 else (samples / np.float32(peak)).astype(np.float32)


def _varied(
    plan: RenderPlan, session: EngineSession, *, on_progress: OnProgress, cancel: CancelToken
) -> Mapping[str, tuple[GeneratedTake, ...]]:
    from sounddesk.audio.files.wav_io import read_sound

    options = plan.recordings
    assert options.source is not None
    sound = read_sound(options.source)
    if options.library is not None:
        # One that was named has to be there.
        open_library(options.library).close()
    facts = [file_facts(options.source, library_path=options.library or default_library_path())]
    notes = licence_notes(facts)
    made = {}
    for entry in plan.scene.objects:
        seeds = plan.seeds[entry.name]
        request = VariationRequest(
            image=plan.scene.image.pixels,
            take=ObjectRequest(
                name=entry.name, mask=entry.probability, seed=seeds[0], prompt=entry.hint, kind=entry.kind
            ),
            seeds=seeds,
            waveform=np.ascontiguousarray(np.nan_to_num(sound.mono, posinf=1.0, neginf=-1.0)),
            sample_rate_hz=sound.sample_rate_hz,
            edit=options.edit,
            sampling=plan.sampling,
            origin={"recordings": facts},
        )
        try:
            takes = session.generate_variations(request, on_progress=on_progress, cancel=cancel)
        except ValueError as error:
            raise BadInputError(str(error)) from error
        made[entry.name] = tuple(dataclasses.replace(each, notes=(*each.notes, *notes)) for each in takes)
    return made
