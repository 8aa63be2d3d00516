"""One worker, and it is this process."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Iterable

from sounddesk.batch.frame_renderer import FrameRenderer
from sounddesk.batch.jobs import Job
from sounddesk.batch.jobs import RenderSettings
from sounddesk.domain.batch_manifest import Row
from sounddesk.engine.tasks import CancelToken


class InlineExecutor:
    """Renders in this process, with the threads of one worker."""

    def __init__(self, settings: RenderSettings) -> None:
        self._settings = settings

    def run(self, jobs: Iterable[Job], *, on_row: Callable[[Row], None], cancel: CancelToken) -> None:
        renderer = FrameRenderer(self._settings)
        try:
            renderer.render(jobs, emit=on_row, cancel=cancel)
        finally:
            renderer.close()
