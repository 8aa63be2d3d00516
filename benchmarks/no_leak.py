"""Fifty renders in one process, each of another image: memory at the end against memory after the first ones.

Each render encodes, denoises and decodes two objects with a hint; every tenth is cancelled half-way, and every tenth
unloads the bundle, as the desk does when another one is chosen.

python -m benchmarks.no_leak [--renders 50] [--bundle starter]
"""

from __future__ import annotations

import dataclasses
import gc
import sys
from collections.abc import Sequence

import psutil

from benchmarks.common import parser
from benchmarks.common import shapes_request
from sounddesk.domain.errors import Cancelled
from sounddesk.engine.device import release_memory
from sounddesk.engine.session import EngineSession
from sounddesk.engine.tasks import CancelToken
from sounddesk.engine.tasks import Progress
from sounddesk.engine.types import GenerationRequest
from sounddesk.engine.types import SamplingSettings

# Caches are full by then: eight images' patches, and what libraries keep.
WARM_UP = 10


def main(arguments: Sequence[str] | None = None) -> None:
    arguments_of = parser(__doc__ or "")
    arguments_of.add_argument("--renders", type=int, default=50)
    arguments_of.add_argument("--seconds", type=float, default=2.0)
    arguments_of.add_argument("--steps", type=int, default=4)
    options = arguments_of.parse_args(arguments)
    sizes = []
    with EngineSession.open(bundle=options.bundle, device="cpu") as session:
        for number in range(options.renders):
            sampling = SamplingSettings(steps=options.steps)
            request = shapes_request(
                2, seconds=options.seconds, seeds=(number, number + 1), sampling=sampling, shade=number
            )
            takes = tuple(dataclasses.replace(take, prompt="a dog barks") for take in request.takes)
            render(session, dataclasses.replace(request, takes=takes), cancelled=number % 10 == 4)
            if number % 10 == 8:
                session.unload()
            sizes.append(resident_bytes(session))
    # Always just after a whole render with the bundle loaded, so that like is compared with like.
    early = max(sizes[WARM_UP // 2 : WARM_UP])
    late = max(sizes[-WARM_UP // 2 :])
    print(
        f"{len(sizes)} renders: {early / 2**20:.0f} MiB after the first {WARM_UP}, {late / 2**20:.0f} MiB at the end, "
        f"at most {max(sizes) / 2**20:.0f} MiB: {(late - early) / 2**20:+.1f} MiB"
    )


def render(session: EngineSession, request: GenerationRequest, *, cancelled: bool) -> None:
    cancel = CancelToken()

    def stop(report: Progress) -> None:
        if cancelled and report.stage == "denoise" and report.done >= report.total // 2:
            cancel.cancel()

    try:
        session.generate(request, on_progress=stop, cancel=cancel)
    except Cancelled:
        assert cancelled


def resident_bytes(session: EngineSession) -> int:
    gc.collect()
    release_memory(session.policy.device)
    return int(psutil.Process().memory_info().rss)


if __name__ == "__main__":
    main(sys.argv[1:])
