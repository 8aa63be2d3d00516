"""All takes of a render from the engine, in one batch."""

from __future__ import annotations

from collections.abc import Mapping

from sounddesk.cli.render_plan import RenderPlan
from sounddesk.domain.errors import BadInputError
from sounddesk.domain.errors import EngineError
from sounddesk.engine.tasks import CancelToken
from sounddesk.engine.tasks import OnProgress
from sounddesk.engine.types import GeneratedTake
from sounddesk.engine.types import GenerationRequest
from sounddesk.engine.types import ObjectRequest

TakesByName = Mapping[str, tuple[GeneratedTake, ...]]


def generate_all(plan: RenderPlan, *, on_progress: OnProgress, cancel: CancelToken) -> TakesByName:
    """Every take of every object, blend and ambience, by name.

    Raises:
        BadInputError: a device that is not there.
        EngineError: the engine could not finish; the message names the remedy.
        Cancelled: through `cancel`.
    """
    from sounddesk.engine.session import EngineSession

    if plan.recordings.from_library or plan.recordings.source is not None:
        from sounddesk.cli.recording_takes import takes_of_recordings

        return takes_of_recordings(plan, on_progress=on_progress, cancel=cancel)
    objects = plan.scene.objects
    masks = {entry.name: entry.probability for entry in objects}
    # Object by object, so that the takes of one are neighbours; what each sounds like depends on its seed alone.
    requests = tuple(
        ObjectRequest(
            name=entry.name,
            mask=masks[entry.name],
            seed=seed,
            prompt=entry.hint,
            proposed_prompt=entry.words,
            kind=entry.kind,
        )
        for entry in objects
        for seed in plan.seeds[entry.name]
    )
    request = GenerationRequest(
        image=plan.scene.image.pixels,
        takes=requests,
        seconds=plan.seconds,
        sampling=plan.sampling,
        grounding=plan.grounding,
    )
    try:
        session = EngineSession.open(bundle=plan.bundle, device=plan.device)
    except EngineError as error:
        raise BadInputError(str(error)) from error
    with session:
        takes = iter(session.generate(request, on_progress=on_progress, cancel=cancel))
    return {entry.name: tuple(next(takes) for _ in plan.seeds[entry.name]) for entry in objects}
