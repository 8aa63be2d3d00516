"""The figures of an ablation's row: ACC, FAD, KL, IS and AVC of a bundle's takes on held-out scenes (paper 4.1, C).

PANNs, VGGish and OpenL3 need downloads, so their places are taken by what ships: the sound classifier (its softmax for
ACC, KL and IS, its features over time for FAD) and the audio-visual matching model (AVC is the probability that take
and object belong together). Rows of one table compare with each other, never with the paper's numbers.
"""

from __future__ import annotations

from dataclasses import asdict
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from typing import Literal

import numpy as np
import numpy.typing as npt
import torch

from sounddesk.audio.resample import resample
from sounddesk.domain.errors import BadInputError
from sounddesk.engine.bundles.component_classes import load_image_encoder
from sounddesk.engine.models.image_encoder import TimmPatchEncoder
from sounddesk.engine.models.mel import scale_to_peak
from sounddesk.engine.perception.matching_inputs import MatchingEar
from sounddesk.engine.perception.matching_inputs import frame_times
from sounddesk.engine.perception.matching_inputs import still_frames
from sounddesk.engine.perception.matching_model import MatchingModel
from sounddesk.engine.perception.sound_classifier import WINDOW_S
from sounddesk.engine.perception.sound_classifier import SoundClassifier
from sounddesk.engine.session import EngineSession
from sounddesk.engine.tasks import CancelToken
from sounddesk.engine.tasks import OnProgress
from sounddesk.engine.tasks import StageReporter
from sounddesk.engine.types import GenerationRequest
from sounddesk.engine.types import ObjectRequest
from sounddesk.engine.types import RgbImage
from sounddesk.engine.types import SamplingSettings
from sounddesk.engine.types import Waveform
from sounddesk.evaluation.evaluation_scenes import EvaluationScene
from sounddesk.evaluation.evaluation_scenes import draw_scene
from sounddesk.evaluation.metrics.classifier_divergence import inception_score
from sounddesk.evaluation.metrics.classifier_divergence import paired_kl
from sounddesk.evaluation.metrics.frechet import frechet_distance
from sounddesk.evaluation.picture_folder import read_bundle_kinds
from sounddesk.evaluation.picture_folder import read_picture_folder
from sounddesk.evaluation.recordings.recording_folder import read_mono
from sounddesk.evaluation.recordings.recording_folder import read_recording_folder
from sounddesk.evaluation.theorem_terms import TheoremTerms
from sounddesk.evaluation.theorem_terms import theorem_terms
from sounddesk.resources_folder import resource

OBJECT_COUNTS = (2, 3)
_LEAST_COMPARED: Final = 2


@dataclass(frozen=True, kw_only=True)
class RowFigures:
    """One row of one seed; AVC is None where no matching model was given, `terms` where no attention was measured.

    Attributes:
        takes, compared: all, and those of kinds with a held-out recording, which FAD and KL compare with.
    """

    acc: float
    fad: float
    kl: float
    is_: float
    avc: float | None
    right_object: float
    takes: int
    compared: int
    terms: TheoremTerms | None

    def to_json(self) -> dict[str, object]:
        data = asdict(self)
        data["is"] = data.pop("is_")
        return data


class _Judge:
    """Logits and features of the classifier that ships."""

    def __init__(self, classifier: SoundClassifier) -> None:
        self.classifier = classifier
        self.index = {kind: index for index, kind in enumerate(classifier.config.kinds)}

    def window(self, waveform: Waveform, *, sample_rate_hz: int) -> torch.Tensor:
        """The first window of a sound as the classifier takes it, float32[1, n]."""
        mel = self.classifier.mel
        sound = resample(waveform, from_hz=sample_rate_hz, to_hz=mel.sample_rate_hz)
        length = round(WINDOW_S * mel.sample_rate_hz)
        window = np.zeros(length, dtype=np.float32)
        window[: min(length, len(sound))] = sound[:length]
        return scale_to_peak(torch.from_numpy(window)[None], mel)

    @torch.no_grad()
    def hear(self, window: torch.Tensor) -> tuple[npt.NDArray[np.float32], torch.Tensor]:
        """Logits float32[kinds] and features float32[T', A] of a `window`."""
        features = self.classifier.features(self.classifier.log_mel(window))
        logits = self.classifier.classify(self.classifier.pool(features))[0]
        return logits.numpy().astype(np.float32), features[0]


class _Correspondence:
    """AVC: the matching model on the square around an object and its take."""

    def __init__(self, folder: Path, session: EngineSession, classifier: SoundClassifier) -> None:
        self.model = MatchingModel.load(folder)
        self.ear = MatchingEar(folder, self.model.config, classifier)
        entry = session.bundle.manifest.component("image_encoder")
        loaded = load_image_encoder(entry.class_name, session.bundle.component_folder("image_encoder"))
        if not isinstance(loaded, TimmPatchEncoder):
            raise ValueError("AVC needs the image encoder that the matching model was trained with")
        self.encoder = loaded.resized(image_size=self.model.config.image_size)

    @torch.no_grad()
    def score(self, image: RgbImage, mask: npt.NDArray[np.bool_], window: torch.Tensor) -> float:
        rows, cols = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
        side = max(rows[-1] - rows[0], cols[-1] - cols[0]) + 16
        top = max(0, int((rows[0] + rows[-1] - side) // 2))
        left = max(0, int((cols[0] + cols[-1] - side) // 2))
        patches = self.encoder.encode([np.ascontiguousarray(image[top : top + side, left : left + side])])
        config = self.model.config
        visual = still_frames(patches.reshape(1, *self.encoder.grid, -1), config.frames, np.random.default_rng(0))
        audio, audio_s = self.ear.tokens(window)
        return float(self.model.score(visual, frame_times(1, config.frames), audio, audio_s)[0])


def measure_bundle(
    bundle: Path,
    *,
    pictures: Path,
    references: Path,
    scenes: int,
    seed: int,
    seconds: float,
    sampling: SamplingSettings,
    weights: Literal["mask", "attention"] = "mask",
    matching: Path | None = None,
    with_terms: bool = False,
    device: str = "cpu",
    progress: OnProgress | None = None,
    cancel: CancelToken | None = None,
) -> RowFigures:
    """Generate a take for every object of `scenes` scenes and judge them.

    Args:
        pictures: holds KIND/*.png cut-outs never trained on.
        references: a prepared set, of whose test recordings the real things sound, or KIND/*.flac of anyone's that
            nothing was trained on. Objects of kinds without one have a part in ACC and right objects alone.
        weights: 'attention' lets the caption's attention over the whole image stand for the mask, ablation (iv).
        matching: folder of a matching model.
        device: makes the takes; they are judged on the CPU.
        with_terms: also measure the terms of theorem 3.1 (the attention has to read words).

    Raises:
        BadInputError: the references cannot be used, or are of too few of the kinds.
        EngineError: pictures, bundle or model cannot be used.
        Cancelled: through `cancel`.
    """
    judge = _Judge(SoundClassifier.load(resource("evaluation/classifier")))
    heard, real_logits, real_features, features, right, scores, terms = [], [], [], [], [], [], []
    kinds_of: list[str] = []
    compared: list[int] = []
    with EngineSession.open(bundle=bundle, device=device) as session:
        correspondence = _Correspondence(matching, session, judge.classifier) if matching is not None else None
        captions = {kind.name: kind.caption for kind in read_bundle_kinds(session.bundle)}
        recordings = _held_out(references)
        folder = read_picture_folder(pictures, [kind for kind in captions if kind in judge.index])
        reporter = StageReporter(stage="measure", total=scenes, on_progress=progress, cancel=cancel)
        for number in range(scenes):
            scene = draw_scene(folder.cut_outs, counts=OBJECT_COUNTS, seed=seed, index=number)
            request = _request(scene, captions, weights, seed=(seed, number), seconds=seconds, sampling=sampling)
            takes = session.generate(request, cancel=cancel)
            for kind, mask, take in zip(scene.kinds, scene.composed.masks, takes, strict=True):
                window = judge.window(take.mono, sample_rate_hz=take.sample_rate_hz)
                logits, own = judge.hear(window)
                heard.append(logits)
                kinds_of.append(kind)
                if correspondence is not None:
                    scores.append(correspondence.score(scene.composed.image, mask.astype(np.bool_), window))
                right.append(max(scene.kinds, key=lambda k: logits[judge.index[k]]) == kind)
                if kind not in recordings:
                    continue
                compared.append(len(heard) - 1)
                features.append(own.numpy())
                samples, rate_hz = recordings[kind][len(compared) % len(recordings[kind])]
                logits, own = judge.hear(judge.window(samples, sample_rate_hz=rate_hz))
                real_logits.append(logits)
                real_features.append(own.numpy())
            if with_terms:
                terms += theorem_terms(session, scene, [captions[kind] for kind in scene.kinds])
            reporter.step(number + 1)
    if len(compared) < _LEAST_COMPARED:
        raise BadInputError(
            f"{len(compared)} of {len(heard)} takes are of kinds with a held-out recording in {references}: "
            f"{_LEAST_COMPARED} are needed, so add scenes or recordings"
        )
    logits_of = np.stack(heard)
    shares = np.exp(logits_of - np.logaddexp.reduce(logits_of, axis=1, keepdims=True))
    return RowFigures(
        acc=float(np.mean([row[judge.index[kind]] for row, kind in zip(shares, kinds_of, strict=True)])),
        fad=frechet_distance(np.concatenate(real_features), np.concatenate(features)),
        kl=paired_kl(np.stack(real_logits), logits_of[compared]),
        is_=inception_score(logits_of, splits=1)[0],
        avc=float(np.mean(scores)) if scores else None,
        right_object=float(np.mean(right)),
        takes=len(heard),
        compared=len(compared),
        terms=TheoremTerms.mean(terms) if terms else None,
    )


def _held_out(references: Path) -> dict[str, list[tuple[Waveform, int]]]:
    """Held-out recordings and their rates by kind; those of a set that cannot be used are left out."""
    found: dict[str, list[tuple[Waveform, int]]] = {}
    for recording in read_recording_folder(references):
        read = read_mono(recording.path)
        if read is not None:
            found.setdefault(recording.kind, []).append(read)
    return found


def _request(
    scene: EvaluationScene,
    captions: dict[str, str],
    weights: str,
    *,
    seed: tuple[int, int],
    seconds: float,
    sampling: SamplingSettings,
) -> GenerationRequest:
    rng = np.random.default_rng((*seed, 1))
    takes = []
    for kind, mask in zip(scene.kinds, scene.composed.masks, strict=True):
        take_seed = int(rng.integers(2**63 - 1))
        if weights == "attention":
            # A hint inside a mask of everything: uniform weights times the attention, which is the attention itself.
            whole = np.ones(mask.shape, dtype=np.bool_)
            takes.append(ObjectRequest(name=kind, mask=whole, seed=take_seed, prompt=captions[kind]))
        else:
            takes.append(ObjectRequest(name=kind, mask=mask, seed=take_seed))
    return GenerationRequest(image=scene.composed.image, takes=tuple(takes), seconds=seconds, sampling=sampling)
