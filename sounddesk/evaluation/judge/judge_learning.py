"""Learns the judge of 'right object' from recordings that a bundle never heard. `sounddesk evaluate judge`.

The bundle's own table of sources says what it heard. What it did not hear is all that the judge learns from, varied in
speed and repeated, since takes last longer than many recordings. What the bundle did hear is new to the judge: so those
recordings are its ceiling, on the questions that takes are asked.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from typing import Final

import numpy as np
import numpy.typing as npt

from sounddesk.audio.resample import resample
from sounddesk.domain.errors import BadInputError
from sounddesk.engine.bundles.installed_bundles import find_bundle
from sounddesk.engine.tasks import CancelToken
from sounddesk.engine.tasks import OnProgress
from sounddesk.engine.tasks import StageReporter
from sounddesk.engine.types import Waveform
from sounddesk.engine.verified_files import hash_file
from sounddesk.evaluation.judge.independent_judge import Ceiling
from sounddesk.evaluation.judge.independent_judge import IndependentJudge
from sounddesk.evaluation.recordings.excerpts import EXCERPT_S
from sounddesk.evaluation.recordings.excerpts import in_band
from sounddesk.evaluation.recordings.excerpts import loudest_excerpt
from sounddesk.evaluation.recordings.heard_recordings import HeardRecordings
from sounddesk.evaluation.recordings.heard_recordings import heard_by
from sounddesk.evaluation.recordings.recording_folder import ReferenceRecording
from sounddesk.evaluation.recordings.recording_folder import read_mono
from sounddesk.evaluation.recordings.recording_folder import read_recording_folder
from sounddesk.evaluation.recordings.sound_embedding import SoundEmbedder
from sounddesk.evaluation.recordings.sound_journal import SoundJournal
from sounddesk.evaluation.recordings.sound_journal import sound_key
from sounddesk.resources_folder import SHIPPED_BUNDLE

SPEEDS: Final = (0.92, 1.09)
_RATE_HZ: Final = 16_000
# A recording shorter than this is also learned as something that happens again and again.
_SHORT_S: Final = 1.2
_PAUSE_S: Final = 0.25
_ASKED: Final = (2, 3, 4)


@dataclass(frozen=True, kw_only=True)
class LearnedJudge:
    """A judge in a folder, and what it says of real recordings."""

    folder: Path
    judge: IndependentJudge
    learned: int
    ceiling_of_all: Ceiling
    ceiling: Ceiling

    def line(self) -> str:
        return (
            f"judge of {len(self.judge.kinds)} kinds from {self.learned} recordings that the bundle never heard: right "
            f"among 2 to 4 kinds {self.ceiling.text()}; among all {self.ceiling_of_all.share:.3f}; it is in "
            f"{self.folder}"
        )

    def to_json(self) -> dict[str, Any]:
        return {
            "measure": "judge",
            "folder": str(self.folder),
            "kinds": list(self.judge.kinds),
            "recordings": self.learned,
            "ceiling": self.ceiling.to_json(),
            "ceiling_of_all": self.ceiling_of_all.to_json(),
        }


def run(
    *,
    out: Path,
    reference: Path,
    bundle: str | Path = SHIPPED_BUNDLE,
    work: Path | None = None,
    embedder: SoundEmbedder | None = None,
    device: str = "auto",  # noqa: ARG001  # nothing is generated
    progress: OnProgress | None = None,
    cancel: CancelToken | None = None,
) -> LearnedJudge:
    """Learn a judge and write it.

    Args:
        out: folder for the judge.
        reference: a prepared data set of which the bundle heard a part.
        work: keeps what was embedded, so that a stopped run goes on; by default OUT-work beside it.

    Raises:
        BadInputError: the bundle does not say what it heard, or has heard all or none of the recordings.
        EngineError: the bundle cannot be used.
        OutputError: `out` cannot be written.
        Cancelled: through `cancel`; nothing is written but what `work` keeps.
    """
    heard = heard_by(find_bundle(bundle))
    if not heard.known:
        raise BadInputError(f"bundle {bundle} does not say what it heard in training: measure one with a sources.csv")
    learned, held_out = _parts(read_recording_folder(reference, split="all"), heard)
    if len({each.kind for each in learned}) < 2 or not held_out:
        raise BadInputError(
            f"{reference} holds {len(learned)} recordings that the bundle has not heard, and {len(held_out)} of the "
            "same kinds that it has: a judge needs both, of two kinds or more"
        )
    reporter = StageReporter(
        stage="embed recordings", total=len(learned) + len(held_out), on_progress=progress, cancel=cancel
    )
    with SoundJournal(work or out.with_name(f"{out.name}-work")) as journal:
        ear = _JudgeEar(journal, embedder or SoundEmbedder())
        vectors: list[npt.NDArray[np.float32]] = []
        kinds: list[str] = []
        for index, recording in enumerate(learned):
            for vector in ear.variants(recording):
                vectors.append(vector)
                kinds.append(recording.kind)
            reporter.step(index + 1)
        asked, asked_kinds = [], []
        for index, recording in enumerate(held_out):
            found = ear.plain(recording)
            if found is not None:
                asked.append(found)
                asked_kinds.append(recording.kind)
            reporter.step(len(learned) + index + 1)
    judge = learn(
        np.stack(vectors),
        kinds,
        held_out=np.stack(asked),
        held_out_kinds=asked_kinds,
        learned_from={hash_file(each.path).sha256: f"{each.kind}/{each.id}" for each in learned},
    )
    judge.save(out)
    return LearnedJudge(
        folder=out,
        judge=judge,
        learned=len(learned),
        ceiling_of_all=_known(judge.ceiling([(kind, judge.kinds) for kind in sorted(set(asked_kinds))])),
        ceiling=_known(judge.ceiling(random_questions(judge.kinds))),
    )


def learn(
    vectors: npt.NDArray[np.float32],
    kinds: Sequence[str],
    *,
    held_out: npt.NDArray[np.float32],
    held_out_kinds: Sequence[str],
    learned_from: dict[str, str],
    embedder: SoundEmbedder | None = None,
) -> IndependentJudge:
    """The mean direction of each kind among embeddings float32[n, D], standardised over all of them.

    Discriminant analysis and the nearest recording were tried on real recordings, too, and were not right more often
    among two to four kinds.
    """
    names = sorted(set(kinds))
    index = np.array([names.index(kind) for kind in kinds])
    mean, scale = vectors.mean(axis=0), vectors.std(axis=0)
    scale = np.maximum(scale, 1e-2 * scale.mean() + 1e-12)
    standardised = _unit((vectors - mean) / scale)
    directions = _unit(np.stack([standardised[index == each].mean(axis=0) for each in range(len(names))]))
    judge = IndependentJudge(
        kinds=names,
        mean=mean,
        scale=scale,
        directions=directions.astype(np.float32),
        held_out=np.zeros((0, len(names)), dtype=np.float32),
        held_out_kinds=(),
        learned_from=learned_from,
        embedder=embedder,
    )
    return judge.with_held_out(held_out, held_out_kinds)


def random_questions(kinds: Sequence[str], *, count: int = 2000, seed: int = 0) -> list[tuple[str, tuple[str, ...]]]:
    """As the scenes of 'right object' ask: two to four different kinds, each as often as any other."""
    rng = np.random.default_rng(seed)
    questions = []
    for _ in range(count):
        among = tuple(
            kinds[int(i)] for i in rng.choice(len(kinds), size=min(int(rng.choice(_ASKED)), len(kinds)), replace=False)
        )
        questions += [(kind, among) for kind in among]
    return questions


def variants(excerpt: Waveform) -> list[Waveform]:
    """An excerpt at 16 kHz as it is, slower and faster, and short ones repeated: each float32[n] of 2.56 s at most."""
    found = [excerpt]
    for speed in SPEEDS:
        found.append(resample(excerpt, from_hz=round(_RATE_HZ * speed), to_hz=_RATE_HZ))
    if len(excerpt) < _SHORT_S * _RATE_HZ:
        unit = np.concatenate([excerpt, np.zeros(round(_PAUSE_S * _RATE_HZ), dtype=np.float32)])
        found.append(np.tile(unit, -(-round(EXCERPT_S * _RATE_HZ) // len(unit))))
    return [each[: round(EXCERPT_S * _RATE_HZ)] for each in found]


@dataclass(frozen=True, eq=False)
class _JudgeEar:
    """Embeddings of recordings, kept in a journal."""

    journal: SoundJournal
    embedder: SoundEmbedder

    def plain(self, recording: ReferenceRecording) -> npt.NDArray[np.float32] | None:
        excerpt = self._excerpt(recording)
        return None if excerpt is None else self._embedded(excerpt)

    def variants(self, recording: ReferenceRecording) -> list[npt.NDArray[np.float32]]:
        excerpt = self._excerpt(recording)
        return [] if excerpt is None else [self._embedded(each) for each in variants(excerpt)]

    def _excerpt(self, recording: ReferenceRecording) -> Waveform | None:
        found = read_mono(recording.path)
        if found is None:
            return None
        excerpt = loudest_excerpt(found[0], sample_rate_hz=found[1])
        return in_band(excerpt, sample_rate_hz=found[1], band="16 kHz")

    def _embedded(self, sound: Waveform) -> npt.NDArray[np.float32]:
        key = sound_key("judge", sound.tobytes().hex())
        kept = self.journal.get(key)
        if kept is None:
            kept = self.journal.add(
                key,
                sound,
                sample_rate_hz=_RATE_HZ,
                peak=1.0,
                embeddings={"16 kHz": self.embedder.embed(sound, "16 kHz")},
            )
        return kept.embeddings["16 kHz"]


def _unit(vectors: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    lengths = np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)
    return np.asarray(vectors / lengths, dtype=np.float32)


def _parts(
    recordings: Sequence[ReferenceRecording], heard: HeardRecordings
) -> tuple[list[ReferenceRecording], list[ReferenceRecording]]:
    """What to learn from, and of the same kinds what the bundle heard, of other origins."""
    learned = [each for each in recordings if not heard.has(each)]
    kinds = {each.kind for each in learned}
    origins = {each.origin for each in learned}
    held_out = [each for each in recordings if heard.has(each) and each.kind in kinds and each.origin not in origins]
    return learned, held_out


def _known(ceiling: Ceiling | None) -> Ceiling:
    assert ceiling is not None, "there are recordings that were held out"
    return ceiling
