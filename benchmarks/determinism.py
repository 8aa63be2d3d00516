"""The same request twice, in sessions of their own; and four objects at once against one after the other.

python -m benchmarks.determinism [--bundle NAME] [--seconds 5]
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from benchmarks.common import parser
from benchmarks.common import shapes_request
from sounddesk.engine.session import EngineSession
from sounddesk.engine.types import GenerationRequest

SEEDS = (11, 12, 13, 14)


def main(arguments: Sequence[str] | None = None) -> None:
    arguments_of = parser(__doc__)
    arguments_of.add_argument("--seconds", type=float, default=5.0)
    options = arguments_of.parse_args(arguments)
    request = shapes_request(4, seconds=options.seconds, seeds=SEEDS)
    first = waveforms(options.bundle, [request])
    second = waveforms(options.bundle, [request])
    alone = waveforms(options.bundle, [replace(request, takes=(take,)) for take in request.takes])
    same = "identical" if np.array_equal(first, second) else f"differ by {np.abs(first - second).max():.2e}"
    print(
        f"determinism: the same request twice {same}; four objects at once against one by one differ by at most "
        f"{np.abs(first - alone).max():.2e} (full scale 1), largest sample {np.abs(first).max():.2f}, "
        f"{options.seconds:g} s, bundle {options.bundle}"
    )


def waveforms(bundle: str, requests: Sequence[GenerationRequest]) -> np.ndarray:
    """Takes of all requests, float32[N, n], from a session that is opened for them."""
    with EngineSession.open(bundle=bundle, device="cpu") as session:
        return np.stack([take.waveform for request in requests for take in session.generate(request)])


if __name__ == "__main__":
    main(sys.argv[1:])
