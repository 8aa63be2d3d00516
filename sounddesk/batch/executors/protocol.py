"""What the batch needs of whoever renders its frames."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Iterable
from typing import Final
from typing import Protocol

from sounddesk.batch.jobs import Job
from sounddesk.domain.batch_manifest import Row
from sounddesk.engine.tasks import CancelToken

# A frame whose worker dies is given to another one so often before it counts as failed.
MAX_ATTEMPTS: Final = 3


class Executor(Protocol):
    """Renders frames somewhere and hands back their rows."""

    def run(self, jobs: Iterable[Job], *, on_row: Callable[[Row], None], cancel: CancelToken) -> None:
        """Render every job; `on_row` is called from one thread at a time, last of each frame with its frame row.

        Args:
            jobs: taken one by one, and only as many as are needed to keep all workers busy.

        Raises:
            FatalError: nothing more can be rendered.
            Cancelled: through `cancel`.
            Exception: whatever `jobs` raises.
        """
        ...


def given_up_row(job: Job, reason: str) -> Row:
    """The row of a frame that killed every worker that tried it."""
    return job.failed_row(
        f"the worker ended {MAX_ATTEMPTS} times ({reason}): free memory or choose fewer workers, then --resume"
    )
