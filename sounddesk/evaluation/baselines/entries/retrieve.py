"""The first half of Retrieve & Separate (paper, section 4.1): a recording whose name is nearest to the text."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sounddesk.evaluation.baselines.registry import BASELINES
from sounddesk.evaluation.baselines.registry import BaselineContext
from sounddesk.evaluation.baselines.registry import BaselineEntry
from sounddesk.evaluation.baselines.registry import MakeSound

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from sounddesk.engine.types import Waveform
    from sounddesk.evaluation.evaluation_clip import EvaluationClip


def start(context: BaselineContext) -> MakeSound:
    """By the cosine of text and kinds' names in the bundle's text space; which one of a kind follows from the seed."""
    import numpy as np

    from sounddesk.domain.errors import BadInputError
    from sounddesk.domain.seeds import take_seed
    from sounddesk.evaluation.recordings.excerpts import loudest_part
    from sounddesk.evaluation.recordings.recording_folder import ReferenceRecording
    from sounddesk.evaluation.recordings.recording_folder import read_mono
    from sounddesk.evaluation.recordings.recording_folder import read_recording_folder

    if context.recordings is None:
        raise BadInputError("recordings to retrieve from are missing: name a folder with --recordings")
    by_kind: dict[str, list[ReferenceRecording]] = {}
    for recording in read_recording_folder(context.recordings, split=None):
        by_kind.setdefault(recording.kind, []).append(recording)
    kinds = sorted(by_kind)
    vectors = _unit(context.session.text_vectors([kind.replace("_", " ") for kind in kinds]))

    def make(clip: EvaluationClip) -> tuple[Waveform, int]:
        asked = _unit(context.session.text_vectors([clip.caption or clip.object]))
        kind = kinds[int(np.argmax(vectors @ asked[0]))]
        seed = take_seed(context.seed, name=clip.id, take=0)
        order = np.random.default_rng(seed).permutation(len(by_kind[kind]))
        for place in order:
            found = read_mono(by_kind[kind][int(place)].path)
            if found is not None:
                mono, rate = found
                return loudest_part(mono, n_samples=round(context.seconds * rate)), rate
        raise BadInputError(f"{context.recordings} has no usable recording of {kind!r}")

    return make


def _unit(vectors: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    import numpy as np

    return np.asarray(vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9), dtype=np.float32)


BASELINES.register(
    BaselineEntry(
        name="retrieve",
        summary="a recording of the kind whose name is nearest to the text, not separated",
        needs=("text", "recordings"),
        start=start,
    )
)
