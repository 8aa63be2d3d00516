"""What the fast preset loses against the paper's: 'right object' on the same scenes with the same seeds.

python -m benchmarks.preset_gap --data FOLDER [--bundle NAME] [--scenes 20] [--seconds 5]
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from benchmarks.common import parser
from sounddesk.evaluation import right_object
from sounddesk.training.data.recordings import copy_test_pictures


def main(arguments: Sequence[str] | None = None) -> None:
    arguments_of = parser(__doc__, data=True)
    arguments_of.add_argument("--scenes", type=int, default=20)
    arguments_of.add_argument("--seed", type=int, default=0)
    arguments_of.add_argument("--seconds", type=float, default=5.0)
    arguments_of.add_argument("--classifier", type=Path, default=None, help="another than the one that ships")
    options = arguments_of.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        pictures = copy_test_pictures(options.data, Path(folder))
        fast, paper = (
            right_object.run(
                pictures,
                bundle=options.bundle,
                scenes=options.scenes,
                seed=options.seed,
                preset=preset,
                seconds=options.seconds,
                classifier=options.classifier,
            )
            for preset in ("fast", "paper")
        )
    lost, won = discordant(fast.verdicts, paper.verdicts)
    points = 100 * (paper.accuracy.share - fast.accuracy.share)
    print(
        f"preset gap: fast {fast.accuracy.text()}, paper {paper.accuracy.text()}, fast loses {points:.1f} points; "
        f"right only with paper {lost}, only with fast {won}; {options.scenes} scenes, {options.seconds:g} s, "
        f"bundle {fast.bundle}"
    )


def discordant(fast: Sequence[right_object.Verdict], paper: Sequence[right_object.Verdict]) -> tuple[int, int]:
    """Takes that are right only in `paper`, and only in `fast`; both lists hold the same objects in the same order."""
    pairs = list(zip(fast, paper, strict=True))
    if any(a.kind != b.kind or a.among != b.among for a, b in pairs):
        raise ValueError("the two presets were not measured on the same scenes")
    return sum(b.right and not a.right for a, b in pairs), sum(a.right and not b.right for a, b in pairs)


if __name__ == "__main__":
    main(sys.argv[1:])
