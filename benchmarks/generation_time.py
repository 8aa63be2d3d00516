"""Time of one and of four objects with the bundle loaded; every run has a new image, so that encoding it counts.

python -m benchmarks.generation_time [--bundle NAME] [--seconds 10] [--runs 3] [--threads 2]
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Sequence

import torch

from benchmarks.common import parser
from benchmarks.common import shapes_request
from sounddesk.engine.session import EngineSession
from sounddesk.engine.types import SamplingSettings


def main(arguments: Sequence[str] | None = None) -> None:
    arguments_of = parser(__doc__)
    arguments_of.add_argument("--seconds", type=float, default=10.0)
    arguments_of.add_argument("--runs", type=int, default=3, help="the median counts (default: 3)")
    arguments_of.add_argument("--threads", type=int, default=2)
    arguments_of.add_argument("--preset", default="fast", choices=("fast", "paper"))
    options = arguments_of.parse_args(arguments)
    torch.set_num_threads(options.threads)
    sampling = SamplingSettings(preset=options.preset)
    times: dict[int, list[float]] = {1: [], 4: []}
    with EngineSession.open(bundle=options.bundle, device="cpu") as session:
        session.load()
        session.generate(shapes_request(1, seconds=1.0, seeds=[0]))
        for run in range(options.runs):
            for objects, measured in times.items():
                request = shapes_request(
                    objects,
                    seconds=options.seconds,
                    seeds=range(4),
                    sampling=sampling,
                    shade=2 * run + objects // 4 + 1,
                )
                start = time.perf_counter()
                session.generate(request)
                measured.append(time.perf_counter() - start)
        name = session.bundle.name
    one, four = statistics.median(times[1]), statistics.median(times[4])
    print(
        f"generation time of {options.seconds:g} s, {options.threads} threads, preset {options.preset}: one object "
        f"{one:.2f} s (best {min(times[1]):.2f}), four objects {four:.2f} s (best {min(times[4]):.2f}), "
        f"ratio {four / one:.2f}, median of {options.runs}, bundle {name}"
    )


if __name__ == "__main__":
    main(sys.argv[1:])
