"""How many takes go over full scale before their level is set, and how many are silent.

Takes are made by the words of each kind, which gets another seed each time its turn comes. The floor is under one in a
hundred of 1,000, and none.

python -m benchmarks.take_levels [--bundle NAME] [--takes 1000] [--seconds 5] [--seed 0] [--steps N]
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from collections.abc import Sequence

import numpy as np
from torch import Tensor

from benchmarks.common import parser
from sounddesk.engine.session import EngineSession
from sounddesk.engine.starter.spectral_detail import SpectralDetail
from sounddesk.engine.types import SamplingSettings
from sounddesk.engine.types import TextRequest
from sounddesk.evaluation.metrics.proportion import Proportion
from sounddesk.evaluation.picture_folder import read_bundle_kinds

# At once; each has its own words.
_BATCH = 4


class Levels:
    """Highest sample of each sound that a detail made, before anything brought it to a level."""

    def __init__(self) -> None:
        self.peaks: list[float] = []
        self._made = SpectralDetail.unlevelled

    def __enter__(self) -> Levels:
        made, peaks = self._made, self.peaks

        def unlevelled(
            detail: SpectralDetail, log_mel: Tensor, synthesise: Callable[[Tensor], Tensor], *, seed: int
        ) -> Tensor:
            finished = made(detail, log_mel, synthesise, seed=seed)
            peaks.append(float(finished.abs().max()))
            return finished

        SpectralDetail.unlevelled = unlevelled  # type: ignore[assignment,method-assign]
        return self

    def __exit__(self, *_: object) -> None:
        SpectralDetail.unlevelled = self._made  # type: ignore[method-assign]


def main(arguments: Sequence[str] | None = None) -> None:
    arguments_of = parser(__doc__)
    arguments_of.add_argument("--takes", type=int, default=1000)
    arguments_of.add_argument("--seconds", type=float, default=5.0)
    arguments_of.add_argument("--seed", type=int, default=0)
    arguments_of.add_argument("--steps", type=int, default=None, help="default: the fast preset's")
    options = arguments_of.parse_args(arguments)
    silent = 0
    with Levels() as levels, EngineSession.open(bundle=options.bundle) as session:
        captions = [kind.caption for kind in read_bundle_kinds(session.bundle)]
        for start in range(0, options.takes, _BATCH):
            turns = range(start, min(start + _BATCH, options.takes))
            request = TextRequest(
                prompts=tuple(captions[turn % len(captions)] for turn in turns),
                seeds=tuple(options.seed * options.takes + turn for turn in turns),
                seconds=options.seconds,
                sampling=SamplingSettings(preset="fast", steps=options.steps),
            )
            silent += sum(float(np.abs(take.waveform).max()) < 1e-3 for take in session.generate_from_text(request))
        name, sha256 = session.bundle.name, session.bundle.sha256
    if not levels.peaks:
        sys.exit(f"bundle {name!r} has no detail that sets levels: measure one that has, such as 'starter'")
    over = Proportion(hits=sum(peak > 1.0 for peak in levels.peaks), trials=len(levels.peaks))
    print(
        f"take levels: over full scale before the level is set {over.text()}, highest {max(levels.peaks):.2f}; "
        f"silent takes {silent} of {options.takes}, {len(levels.peaks) - options.takes} drawn again; "
        f"{options.seconds:g} s, bundle {name} {sha256[:12]}"
    )


if __name__ == "__main__":
    main(sys.argv[1:])
