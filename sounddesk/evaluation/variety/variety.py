"""How different are takes of one object, and how many are copies of training recordings? `sounddesk evaluate variety`.

Takes by the words of a kind are compared with each other, and with the recordings of the kind that the bundle heard in
training. As the codec changes every sound, a take is compared with the codec's copy of a recording, not with the
recording. The yardstick are recordings of the same kinds that the bundle never heard, copied likewise: a take counts as
copied where it is nearer to something heard than nine in ten of those are.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from typing import Final

import numpy as np

from sounddesk.domain.errors import BadInputError
from sounddesk.domain.preset import PresetName
from sounddesk.domain.seeds import take_seed
from sounddesk.engine.session import EngineSession
from sounddesk.engine.specs import check_seconds
from sounddesk.engine.tasks import CancelToken
from sounddesk.engine.tasks import OnProgress
from sounddesk.engine.tasks import StageReporter
from sounddesk.engine.types import SamplingSettings
from sounddesk.engine.types import TextRequest
from sounddesk.engine.types import Waveform
from sounddesk.engine.types import steps_of
from sounddesk.evaluation.metrics.bootstrap import bootstrap_interval
from sounddesk.evaluation.picture_folder import read_bundle_kinds
from sounddesk.evaluation.recordings.bundle_weights import NO_PART_IN_SOUND
from sounddesk.evaluation.recordings.bundle_weights import weights_sha256
from sounddesk.evaluation.recordings.excerpts import in_band
from sounddesk.evaluation.recordings.excerpts import loudest_excerpt
from sounddesk.evaluation.recordings.heard_recordings import heard_by
from sounddesk.evaluation.recordings.recording_folder import ReferenceRecording
from sounddesk.evaluation.recordings.recording_folder import read_mono
from sounddesk.evaluation.recordings.recording_folder import read_recording_folder
from sounddesk.evaluation.recordings.sound_embedding import Embedding
from sounddesk.evaluation.recordings.sound_embedding import SoundEmbedder
from sounddesk.evaluation.recordings.sound_journal import SoundJournal
from sounddesk.evaluation.recordings.sound_journal import sound_key
from sounddesk.evaluation.rendered_figures import RenderedFigures
from sounddesk.resources_folder import SHIPPED_BUNDLE

COPIED_QUANTILE: Final = 0.1
"""A take is copied where it is nearer to something heard than all but this share of unheard recordings."""
LEAST_UNHEARD: Final = 3


@dataclass(frozen=True, kw_only=True)
class KindVariety:
    """Distances of one kind, cosine, 0 to 2.

    Attributes:
        between_takes: of each pair of takes.
        between_recordings: of each pair of recordings that the bundle heard, copied by the codec.
        nearest: of each take to the nearest of those.
        unheard: of each recording that the bundle never heard to the nearest of those.
    """

    kind: str
    between_takes: tuple[float, ...]
    between_recordings: tuple[float, ...]
    nearest: tuple[float, ...]
    unheard: tuple[float, ...]


@dataclass(frozen=True, kw_only=True, eq=False)
class VarietyResult(RenderedFigures):
    """Figures of one evaluation."""

    kinds: tuple[KindVariety, ...]
    takes: int

    @property
    def threshold(self) -> float:
        """Distance below which a take counts as copied."""
        return float(np.quantile([value for kind in self.kinds for value in kind.unheard], COPIED_QUANTILE))

    @property
    def copied(self) -> tuple[float, float, float]:
        """Share of takes that are copied, with its 95 % interval, drawn by kinds."""
        groups = [index for index, kind in enumerate(self.kinds) for _ in kind.nearest]
        values = [float(value < self.threshold) for kind in self.kinds for value in kind.nearest]
        return float(np.mean(values)), *bootstrap_interval(values, groups)

    @property
    def between_takes(self) -> tuple[float, float, float]:
        """Mean distance of two takes of a kind, with its 95 % interval, drawn by kinds."""
        groups = [index for index, kind in enumerate(self.kinds) for _ in kind.between_takes]
        values = [value for kind in self.kinds for value in kind.between_takes]
        return float(np.mean(values)), *bootstrap_interval(values, groups)

    @property
    def between_recordings(self) -> float | None:
        """Mean distance of two recordings of a kind; None where no kind has two."""
        values = [value for kind in self.kinds for value in kind.between_recordings]
        return float(np.mean(values)) if values else None

    def line(self) -> str:
        """The result in one line."""
        share, low, high = self.copied
        apart, apart_low, apart_high = self.between_takes
        real = self.between_recordings
        beside = "" if real is None else f", two recordings {real:.3f}"
        return (
            f"variety: two takes of a kind are {apart:.3f} ({apart_low:.3f} to {apart_high:.3f}) apart{beside}; "
            f"copied {share:.3f} (95 % interval {low:.3f} to {high:.3f}) where unheard recordings have "
            f"{COPIED_QUANTILE:g}; {self.takes} takes of each of {len(self.kinds)} kinds, {self.settings_text()}"
        )

    def to_json(self) -> dict[str, Any]:
        share, low, high = self.copied
        apart, apart_low, apart_high = self.between_takes
        return {
            "measure": "variety",
            **self.settings_json(),
            "takes": self.takes,
            "kinds": len(self.kinds),
            "between_takes": {"value": apart, "interval_95": [apart_low, apart_high]},
            "between_recordings": self.between_recordings,
            "copied": {"share": share, "interval_95": [low, high]},
            "copied_of_unheard_recordings": COPIED_QUANTILE,
            "threshold": self.threshold,
            "by_kind": {
                each.kind: {
                    "between_takes": float(np.mean(each.between_takes)),
                    "nearest": list(each.nearest),
                    "unheard": list(each.unheard),
                }
                for each in self.kinds
            },
        }


def run(
    *,
    out: Path,
    reference: Path,
    bundle: str | Path = SHIPPED_BUNDLE,
    takes: int = 4,
    kinds: int | None = None,
    seed: int = 0,
    preset: PresetName = "fast",
    sampling: SamplingSettings | None = None,
    seconds: float = 5.0,
    embedder: SoundEmbedder | None = None,
    device: str = "auto",
    progress: OnProgress | None = None,
    cancel: CancelToken | None = None,
) -> VarietyResult:
    """Measure a bundle; what an earlier, stopped run into `out` has made is used.

    Args:
        out: folder of the measurement, its own.
        reference: a data set that holds what the bundle heard, and other recordings of the same kinds.
        takes: of each kind, at least 2.
        kinds: at most so many, spread over the alphabet.
        embedder: by default the encoder that ships.

    Raises:
        BadInputError: the bundle does not say what it heard, or the set does not hold both.
        EngineError: the bundle cannot be used.
        OutputError: `out` cannot be written.
        Cancelled: through `cancel`; the sounds made so far are kept for the next run.
    """
    check_seconds(seconds)
    if takes < 2:
        raise ValueError(f"takes is {takes}: choose 2 or more")
    settings = sampling or SamplingSettings(preset=preset)
    # Read first: nothing is written for a reference that is not there.
    recordings = read_recording_folder(reference, split="all")
    with EngineSession.open(bundle=bundle, device=device) as session, SoundJournal(out) as journal:
        session.bundle.require_texts()
        heard = heard_by(session.bundle)
        if not heard.known:
            raise BadInputError(f"bundle {session.bundle.name!r} does not say what it heard: it has no sources.csv")
        captions = {kind.name: kind.caption for kind in read_bundle_kinds(session.bundle)}
        known = {each.path for each in recordings if heard.has(each)}
        chosen = _chosen_kinds(recordings, known, captions, most=kinds)
        maker = _Maker(
            session=session,
            journal=journal,
            embedder=embedder or SoundEmbedder(),
            seed=seed,
            seconds=seconds,
            sampling=settings,
            cancel=cancel,
        )
        copies = [each for each in recordings if each.kind in chosen]
        reporter = StageReporter(
            stage="sounds", total=len(copies) + takes * len(chosen), on_progress=progress, cancel=cancel
        )
        done = 0
        found = []
        for kind in chosen:
            sides: dict[bool, list[Embedding]] = {True: [], False: []}
            for recording in (each for each in copies if each.kind == kind):
                copy = maker.copy(recording)
                if copy is not None:
                    sides[recording.path in known].append(copy)
                done += 1
                reporter.step(done)
            made = []
            for number in range(takes):
                made.append(maker.take(kind, captions[kind], number))
                done += 1
                reporter.step(done)
            if sides[True]:
                found.append(_variety(kind, made, heard=sides[True], unheard=sides[False]))
        if sum(len(each.unheard) for each in found) < LEAST_UNHEARD:
            raise BadInputError(f"{reference} holds too few recordings that the bundle never heard: add some")
        return VarietyResult(
            bundle=session.bundle.name,
            bundle_sha256=session.bundle.sha256,
            seed=seed,
            seconds=seconds,
            sampling=settings,
            kinds=tuple(found),
            takes=takes,
        )


def cosine_distance(a: Embedding, b: Embedding) -> float:
    """0 for the same direction, 1 for none in common."""
    return 1.0 - float(a @ b) / max(float(np.linalg.norm(a) * np.linalg.norm(b)), 1e-12)


def _variety(
    kind: str, takes: Sequence[Embedding], *, heard: Sequence[Embedding], unheard: Sequence[Embedding]
) -> KindVariety:
    def nearest(vector: Embedding) -> float:
        return min(cosine_distance(vector, each) for each in heard)

    return KindVariety(
        kind=kind,
        between_takes=tuple(cosine_distance(a, b) for a, b in itertools.combinations(takes, 2)),
        between_recordings=tuple(cosine_distance(a, b) for a, b in itertools.combinations(heard, 2)),
        nearest=tuple(nearest(each) for each in takes),
        unheard=tuple(nearest(each) for each in unheard),
    )


def _chosen_kinds(
    recordings: Sequence[ReferenceRecording], known: set[Path], captions: Mapping[str, str], *, most: int | None
) -> list[str]:
    """Kinds of which there is something heard and something unheard, at most so many, evenly out of the alphabet."""
    heard = {each.kind for each in recordings if each.path in known}
    other = {each.kind for each in recordings if each.path not in known}
    both = sorted(heard & other & set(captions))
    if not both:
        raise BadInputError("no kind of the bundle has recordings that it heard and others: name its own data set")
    if most is None or most >= len(both):
        return both
    return [both[index * len(both) // most] for index in range(most)]


@dataclass(frozen=True, kw_only=True, eq=False)
class _Maker:
    """Copies and takes as embeddings, kept in a journal."""

    session: EngineSession
    journal: SoundJournal
    embedder: SoundEmbedder
    seed: int
    seconds: float
    sampling: SamplingSettings
    cancel: CancelToken | None

    def copy(self, recording: ReferenceRecording) -> Embedding | None:
        """Of the codec's copy of a recording's loudest part."""
        found = read_mono(recording.path)
        if found is None:
            return None
        mono, rate = found
        excerpt = loudest_excerpt(mono, sample_rate_hz=rate)
        key = sound_key(
            "codec copy at its peak",
            weights_sha256(self.session.bundle, without=NO_PART_IN_SOUND),
            rate,
            excerpt.tobytes().hex(),
        )
        kept = self.journal.get(key)
        if kept is not None:
            return kept.embeddings["16 kHz"]
        return self._keep(key, self.session.round_trip(excerpt, sample_rate_hz=rate, through="codec"))

    def take(self, kind: str, caption: str, number: int) -> Embedding:
        """Of take `number` of a kind."""
        sampling = self.sampling
        settings = (sampling.preset, steps_of(sampling), sampling.guidance, sampling.eta)
        seed = take_seed(self.seed, name=kind, take=number)
        bundle = weights_sha256(self.session.bundle, without=NO_PART_IN_SOUND)
        key = sound_key("take at its peak", bundle, caption, seed, self.seconds, *settings)
        kept = self.journal.get(key)
        if kept is not None:
            return kept.embeddings["16 kHz"]
        request = TextRequest(prompts=(caption,), seeds=(seed,), seconds=self.seconds, sampling=sampling)
        return self._keep(key, self.session.generate_from_text(request, cancel=self.cancel)[0].mono)

    def _keep(self, key: str, waveform: Waveform) -> Embedding:
        rate = self.session.audio.sample_rate_hz
        excerpt = loudest_excerpt(waveform, sample_rate_hz=rate)
        vector = self.embedder.embed(in_band(excerpt, sample_rate_hz=rate, band="16 kHz"), "16 kHz")
        peak = float(np.abs(waveform).max())
        self.journal.add(key, excerpt, sample_rate_hz=rate, peak=peak, embeddings={"16 kHz": vector})
        return vector
