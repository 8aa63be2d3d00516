"""Ray actors that hold the model: the way past one machine. Optional: `pip install 'sounddesk[ray]'`.

Frames and output lie on a disk that every node sees under the same path, as on any render farm.
"""

from __future__ import annotations

import contextlib
import os
from collections import deque
from collections.abc import Callable
from collections.abc import Iterable
from typing import Any
from typing import Final

from sounddesk.batch.executors.portable_error import portable_error
from sounddesk.batch.executors.protocol import MAX_ATTEMPTS
from sounddesk.batch.executors.protocol import given_up_row
from sounddesk.batch.frame_renderer import FrameRenderer
from sounddesk.batch.jobs import Job
from sounddesk.batch.jobs import RenderSettings
from sounddesk.domain.batch_manifest import Row
from sounddesk.domain.errors import BadInputError
from sounddesk.engine.tasks import CancelToken

_POLL_S: Final = 0.2
_CPU_THREADS: Final = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")


class RayExecutor:
    """Renders with `workers` actors, one CPU core or one GPU each, on the cluster that RAY_ADDRESS names or here.

    An actor that dies, alone or with its node, is started again by Ray where there is room, and its frame is rendered
    again: up to three times before it counts as failed.

    Raises:
        BadInputError: Ray is not installed, or the cluster cannot be reached.
    """

    def __init__(self, settings: RenderSettings, *, workers: int) -> None:
        self._settings = settings
        self._workers = workers
        try:
            import ray
        except ImportError as error:
            raise BadInputError(
                "--executor ray needs Ray, which is not installed: pip install 'sounddesk[ray]'"
            ) from error
        self._ray: Any = ray
        self._actors: list[Any] = []

    def run(self, jobs: Iterable[Job], *, on_row: Callable[[Row], None], cancel: CancelToken) -> None:
        ray = self._ray
        ours = self._connect()
        fresh = iter(jobs)
        returned: deque[tuple[Job, int]] = deque()
        idle: list[Any] = []
        running: dict[Any, tuple[Any, Job, int]] = {}
        try:
            while True:
                cancel.raise_if_cancelled()
                while len(running) < self._workers:
                    given = _next(returned, fresh)
                    if given is None:
                        break
                    if not idle:
                        idle.append(self._start())
                    actor, (job, attempts) = idle.pop(), given
                    running[actor.render.remote(job)] = (actor, job, attempts)
                if not running:
                    return
                done, _ = ray.wait(list(running), num_returns=1, timeout=_POLL_S)
                for result in done:
                    actor, job, attempts = running.pop(result)
                    idle.append(actor)
                    try:
                        rows, fatal = ray.get(result)
                    except ray.exceptions.RayActorError as error:
                        # Ray starts the actor again by itself; what is handed to it meanwhile waits.
                        if attempts + 1 >= MAX_ATTEMPTS:
                            on_row(given_up_row(job, type(error).__name__))
                        else:
                            returned.append((job, attempts + 1))
                        continue
                    for row in rows:
                        on_row(row)
                    if fatal is not None:
                        raise fatal
        finally:
            for actor in self._actors:
                with contextlib.suppress(Exception):
                    ray.kill(actor)
            self._actors = []
            if ours:
                ray.shutdown()

    def pids(self) -> list[int]:
        """Process ids of the actors that have answered, for tests that kill one."""
        return [int(pid) for pid in self._ray.get([actor.pid.remote() for actor in self._actors])]

    def _connect(self) -> bool:
        """Join the cluster, or start one on this machine; whether it was this that did so."""
        ray = self._ray
        if ray.is_initialized():
            return False
        # Nothing about the user's work leaves the machine.
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
        address = os.environ.get("RAY_ADDRESS")
        local = {} if address else {"num_cpus": self._workers, "include_dashboard": False}
        try:
            ray.init(address=address, log_to_driver=False, logging_level="ERROR", **local)
        except Exception as error:
            raise BadInputError(f"Ray cannot start or be reached ({error}): check RAY_ADDRESS") from error
        return True

    def _start(self) -> Any:
        ray = self._ray
        threads = str(self._settings.cpu_threads)
        gpu = self._settings.device != "cpu" and ray.cluster_resources().get("GPU", 0) > 0
        actor_class = ray.remote(
            num_cpus=self._settings.cpu_threads,
            num_gpus=1 if gpu else 0,
            max_restarts=-1,
            # A frame that kills its worker shall not be tried for ever: `run` counts.
            max_task_retries=0,
            runtime_env={"env_vars": dict.fromkeys(_CPU_THREADS, threads)},
        )(_RenderActor)
        actor = actor_class.remote(self._settings)
        self._actors.append(actor)
        return actor


class _RenderActor:
    """One worker: a loaded model that renders a frame at a time."""

    def __init__(self, settings: RenderSettings) -> None:
        self._renderer = FrameRenderer(settings)

    def render(self, job: Job) -> tuple[list[Row], Exception | None]:
        """The rows of a frame, and what ends the whole batch."""
        rows: list[Row] = []
        try:
            self._renderer.render([job], emit=rows.append, cancel=CancelToken())
        except Exception as error:  # noqa: BLE001  # the driver raises it, as a single worker would
            return rows, portable_error(error)
        return rows, None

    def pid(self) -> int:
        return os.getpid()


def _next(returned: deque[tuple[Job, int]], fresh: Any) -> tuple[Job, int] | None:
    if returned:
        return returned.popleft()
    job = next(fresh, None)
    return None if job is None else (job, 0)
