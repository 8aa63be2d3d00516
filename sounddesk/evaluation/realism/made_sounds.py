"""The sounds of each stage: copies of a recording by the bundle's parts, and takes of its kind."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from sounddesk.domain.seeds import take_seed
from sounddesk.engine.images.scene_composition import CutOut
from sounddesk.engine.session import EngineSession
from sounddesk.engine.tasks import CancelToken
from sounddesk.engine.types import GenerationRequest
from sounddesk.engine.types import ObjectRequest
from sounddesk.engine.types import RgbImage
from sounddesk.engine.types import RoundTrip
from sounddesk.engine.types import SamplingSettings
from sounddesk.engine.types import TextRequest
from sounddesk.engine.types import Waveform
from sounddesk.engine.types import steps_of
from sounddesk.evaluation.evaluation_scenes import draw_single
from sounddesk.evaluation.realism.realism_result import Stage
from sounddesk.evaluation.recordings.bundle_weights import NO_PART_IN_SOUND
from sounddesk.evaluation.recordings.bundle_weights import weights_sha256
from sounddesk.evaluation.recordings.excerpts import BANDS
from sounddesk.evaluation.recordings.excerpts import in_band
from sounddesk.evaluation.recordings.excerpts import loudest_excerpt
from sounddesk.evaluation.recordings.excerpts import loudest_part
from sounddesk.evaluation.recordings.excerpts import matched
from sounddesk.evaluation.recordings.recording_folder import ReferenceRecording
from sounddesk.evaluation.recordings.recording_folder import read_mono
from sounddesk.evaluation.recordings.sound_embedding import SoundEmbedder
from sounddesk.evaluation.recordings.sound_journal import JournalSound
from sounddesk.evaluation.recordings.sound_journal import SoundJournal
from sounddesk.evaluation.recordings.sound_journal import sound_key
from sounddesk.evaluation.sound_classifier import SILENT_PEAK

_COPIES: Final[dict[Stage, RoundTrip]] = {"vocoder copy": "vocoder", "codec copy": "codec"}


@dataclass(frozen=True, kw_only=True, eq=False)
class RealExcerpt:
    """What a recording's sounds are compared with: its loudest part at a peak of 1, float32[n]."""

    recording: ReferenceRecording
    waveform: Waveform
    sample_rate_hz: int
    sha256: str
    sound: JournalSound


@dataclass(frozen=True, kw_only=True, eq=False)
class SoundMaker:
    """Makes, embeds and keeps the sounds of one measurement.

    Attributes:
        captions: of the bundle's kinds; another kind is asked for by its own name.
        cut_outs: of kinds that can be seen.
    """

    session: EngineSession
    embedder: SoundEmbedder
    journal: SoundJournal
    captions: Mapping[str, str]
    cut_outs: Mapping[str, Sequence[CutOut]]
    backgrounds: Sequence[RgbImage]
    seed: int
    seconds: float
    sampling: SamplingSettings
    cancel: CancelToken | None

    def real(self, recording: ReferenceRecording) -> RealExcerpt | None:
        """A recording's excerpt; None where it holds nothing to compare. Raises: SoundFileError."""
        found = read_mono(recording.path)
        if found is None:
            return None
        mono, rate = found
        excerpt = loudest_excerpt(mono, sample_rate_hz=rate)
        digest = hashlib.sha256(excerpt.tobytes()).hexdigest()
        key = sound_key("real", digest, rate)
        sound = self.journal.get(key)
        if sound is None:
            sound = self.journal.add(
                key,
                excerpt,
                sample_rate_hz=rate,
                peak=1.0,
                embeddings={
                    band: self.embedder.embed(in_band(excerpt, sample_rate_hz=rate, band=band), band) for band in BANDS
                },
            )
        return RealExcerpt(recording=recording, waveform=excerpt, sample_rate_hz=rate, sha256=digest, sound=sound)

    def made(self, stage: Stage, real: RealExcerpt, number: int) -> JournalSound:
        """The sound of a stage that belongs to a recording, the `number`-th of its kind."""
        bundle = weights_sha256(self.session.bundle, without=NO_PART_IN_SOUND)
        key = sound_key(stage, bundle, real.sha256, real.sample_rate_hz, *self._settings(stage))
        kept = self.journal.get(key)
        if kept is not None:
            return kept
        rate = self.session.audio.sample_rate_hz
        waveform = self._waveform(stage, real, number)
        embeddings = {}
        for band in BANDS:
            truth = in_band(real.waveform, sample_rate_hz=real.sample_rate_hz, band=band)
            mine = matched(in_band(waveform, sample_rate_hz=rate, band=band), truth)
            embeddings[band] = self.embedder.embed(mine, band)
        peak = float(np.abs(waveform).max())
        heard = loudest_part(waveform, n_samples=round(len(real.waveform) / real.sample_rate_hz * rate))
        # Copies peak where the bundle learned; what is kept shall be as loud as the recording beside it.
        heard = heard / max(float(np.abs(heard).max()), SILENT_PEAK)
        return self.journal.add(key, heard, sample_rate_hz=rate, peak=peak, embeddings=embeddings)

    def _settings(self, stage: Stage) -> tuple[object, ...]:
        if stage in _COPIES:
            return ()
        sampling = self.sampling
        return (self.seed, self.seconds, sampling.preset, steps_of(sampling), sampling.guidance, sampling.eta)

    def _waveform(self, stage: Stage, real: RealExcerpt, number: int) -> Waveform:
        kind = real.recording.kind
        # Of the recording's name, so that a take does not depend on which others are asked for.
        seed = take_seed(self.seed, name=f"{kind}/{real.recording.id}", take=0)
        if stage in _COPIES:
            return self.session.round_trip(real.waveform, sample_rate_hz=real.sample_rate_hz, through=_COPIES[stage])
        if stage == "take by words":
            request = TextRequest(
                prompts=(self.captions.get(kind, kind),), seeds=(seed,), seconds=self.seconds, sampling=self.sampling
            )
            return self.session.generate_from_text(request, cancel=self.cancel)[0].mono
        pictures = self.cut_outs[kind]
        scene = draw_single(
            pictures[number % len(pictures)], kind=kind, seed=self.seed, number=number, backgrounds=self.backgrounds
        )
        take = ObjectRequest(name=kind, mask=scene.masks[0], seed=seed)
        asked = GenerationRequest(image=scene.image, takes=(take,), seconds=self.seconds, sampling=self.sampling)
        return self.session.generate(asked, cancel=self.cancel)[0].mono
