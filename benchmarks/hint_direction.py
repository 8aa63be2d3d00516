"""Does a text hint steer the sound? Objects of kind A get the caption of a related kind B as hint.

A case counts as right when the classifier's log-odds of B against A are higher for the take with the hint than for
the take without it (same scene, mask and seed).

python -m benchmarks.hint_direction --data FOLDER [--bundle NAME] [--cases 24] [--seconds 5]
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Mapping
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from benchmarks.common import parser
from sounddesk.engine.session import EngineSession
from sounddesk.engine.starter.kinds_document import KINDS_DOCUMENT
from sounddesk.engine.types import GenerationRequest
from sounddesk.engine.types import ObjectRequest
from sounddesk.evaluation.evaluation_scenes import draw_scene
from sounddesk.evaluation.metrics.proportion import Proportion
from sounddesk.evaluation.picture_folder import read_bundle_kinds
from sounddesk.evaluation.picture_folder import read_picture_folder
from sounddesk.evaluation.sound_classifier import SoundJudge
from sounddesk.training.data.recordings import copy_test_pictures


def main(arguments: Sequence[str] | None = None) -> None:
    arguments_of = parser(__doc__, data=True)
    arguments_of.add_argument("--cases", type=int, default=24)
    arguments_of.add_argument("--seed", type=int, default=0)
    arguments_of.add_argument("--seconds", type=float, default=5.0)
    arguments_of.add_argument("--classifier", type=Path, default=None, help="another than the one that ships")
    options = arguments_of.parse_args(arguments)
    judge = SoundJudge.load(options.classifier)
    changes, before, after, chosen = [], [], [], 0
    with tempfile.TemporaryDirectory() as folder, EngineSession.open(bundle=options.bundle) as session:
        pictures = copy_test_pictures(options.data, Path(folder))
        captions = {kind.name: kind.caption for kind in read_bundle_kinds(session.bundle) if kind.name in judge.kinds}
        groups = read_groups(session.bundle.document(KINDS_DOCUMENT), set(captions))
        cut_outs = read_picture_folder(pictures, list(captions)).cut_outs
        for index in range(options.cases):
            scene = draw_scene(cut_outs, counts=(2,), seed=options.seed, index=index)
            kind, mask = scene.kinds[0], scene.composed.masks[0]
            rng = np.random.default_rng((options.seed, index, 2))
            other = related_kind(kind, groups, rng)
            plain = ObjectRequest(name=kind, mask=mask, seed=int(rng.integers(2**63 - 1)))
            request = GenerationRequest(
                image=scene.composed.image,
                takes=(plain, replace(plain, name=f"{kind} hinted", prompt=captions[other])),
                seconds=options.seconds,
            )
            takes = session.generate(request)
            scores = [judge.log_probabilities(t.waveform, sample_rate_hz=t.sample_rate_hz) for t in takes]
            if any(score is None for score in scores):
                continue
            odds = [float(s[judge.kinds.index(other)] - s[judge.kinds.index(kind)]) for s in scores]
            changes.append(odds[1] - odds[0])
            before.append(judge.probability(scores[0], other, [kind, other]))
            after.append(judge.probability(scores[1], other, [kind, other]))
            chosen += odds[1] > 0
        name = session.bundle.name
    right = Proportion(hits=sum(change > 0 for change in changes), trials=len(changes))
    print(
        f"hint direction {right.text()}, chance 0.5; probability of the hinted kind against the shown one "
        f"{np.mean(before):.2f} without, {np.mean(after):.2f} with the hint; "
        f"the hinted kind wins in {chosen} of {len(changes)}; "
        f"median change of log-odds {np.median(changes):+.2f}, {options.seconds:g} s, bundle {name}"
    )


def read_groups(kinds_file: Path, usable: set[str]) -> dict[str, str]:
    """Group of each usable kind (such as 'mammals')."""
    rows = json.loads(kinds_file.read_text(encoding="utf-8"))
    return {row["kind"]: row.get("group", "") for row in rows if row["kind"] in usable}


def related_kind(kind: str, groups: Mapping[str, str], rng: np.random.Generator) -> str:
    """Another kind of the same group, or any other where the group has no second."""
    others = [name for name, group in groups.items() if name != kind and group == groups[kind]]
    others = others or [name for name in groups if name != kind]
    return others[int(rng.integers(len(others)))]


if __name__ == "__main__":
    main(sys.argv[1:])
