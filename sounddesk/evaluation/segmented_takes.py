"""Segmenters by the takes that follow: `sounddesk evaluate segmented-takes` (the paper's table 8).

Scenes are composed of held-out cut-outs. Each segmenter gets one click at the innermost point of every object, and the
bundle makes takes of the masks that it answers with; the true masks are a system beside them. Seeds are the same for
all, so that only the mask differs. The folders are systems of `sounddesk evaluate sounds`, which measures them at once.
"""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass
from dataclasses import replace
from pathlib import Path
from typing import Any
from typing import Final

import numpy as np

from sounddesk.audio.files.wav_io import encode_wav
from sounddesk.audio.pictures.spectrogram_image import encode_png
from sounddesk.domain.preset import PresetName
from sounddesk.engine.segmenters.entry import LoadedSegmenter
from sounddesk.engine.segmenters.mask_quality import overlap
from sounddesk.engine.segmenters.protocol import EmptySelectionError
from sounddesk.engine.segmenters.protocol import Prompt
from sounddesk.engine.session import EngineSession
from sounddesk.engine.tasks import CancelToken
from sounddesk.engine.tasks import OnProgress
from sounddesk.engine.tasks import StageReporter
from sounddesk.engine.types import BoolMask
from sounddesk.engine.types import SamplingSettings
from sounddesk.evaluation.chosen_segmenters import load_segmenters
from sounddesk.evaluation.evaluation_clip import EvaluationClip
from sounddesk.evaluation.evaluation_clip import clips_to_json_lines
from sounddesk.evaluation.evaluation_scenes import EvaluationScene
from sounddesk.evaluation.evaluation_scenes import draw_scene
from sounddesk.evaluation.picture_folder import read_bundle_kinds
from sounddesk.evaluation.recordings.recording_folder import read_recording_folder
from sounddesk.evaluation.report_folder import LOCK_NAME
from sounddesk.evaluation.report_folder import check_report_folder
from sounddesk.evaluation.report_folder import keep_settings
from sounddesk.evaluation.report_folder import told_folder
from sounddesk.evaluation.right_object import scene_request
from sounddesk.evaluation.simulated_clicks import innermost_point
from sounddesk.evaluation.sounds import sounds
from sounddesk.evaluation.sounds.sounds_result import SoundsResult
from sounddesk.evaluation.split_pictures import read_split_pictures
from sounddesk.storage.atomic_file import translate_os_errors
from sounddesk.storage.atomic_file import write_file
from sounddesk.storage.folder_lock import FolderLock
from sounddesk.storage.png_mask import encode_mask_png

OBJECT_COUNTS: Final = (2, 3)
TRUE_MASK: Final = "true mask"
SETTINGS_FILE: Final = "segmented.json"
MANIFEST: Final = "clips.jsonl"


@dataclass(frozen=True, kw_only=True)
class SegmentedTakes:
    """What was found.

    Attributes:
        overlaps: mean intersection over union with the true masks, by segmenter; 0 where it found nothing.
        not_found: how many objects a segmenter found nothing at; they have no take.
        sounds: the takes, measured.
    """

    overlaps: dict[str, float]
    not_found: dict[str, int]
    sounds: SoundsResult

    def line(self) -> str:
        return self.sounds.line()

    def details(self) -> list[str]:
        told = [
            f"{name}: mean IoU {each:.3f}, nothing found at {self.not_found[name]} objects"
            for name, each in self.overlaps.items()
        ]
        return [*told, *self.sounds.details()]

    def to_json(self) -> dict[str, Any]:
        own = {"measure": "segmented-takes", "mean_iou": self.overlaps, "not_found": self.not_found}
        return self.sounds.to_json() | own


def run(
    *,
    out: Path,
    reference: Path,
    segmenter: Sequence[str] = (),
    metrics: Sequence[str] = (),
    bundle: str | Path = "starter",
    scenes: int = 40,
    seconds: float = 2.56,
    preset: PresetName = "fast",
    seed: int = 0,
    device: str = "auto",
    progress: OnProgress | None = None,
    cancel: CancelToken | None = None,
) -> SegmentedTakes:
    """Select, make the takes that an earlier run with the same settings has not made, and measure.

    Args:
        segmenter: names; the one that clicks use and GrabCut by default.
        metrics: as `sounds.run`.

    Raises:
        BadInputError: pictures or recordings cannot be used, a segmenter is not installed, or `out` holds others' files
            or takes of other settings.
        EngineError: bundle or segmenter cannot be used.
        OutputError: `out` cannot be written, or another run is at work there.
        Cancelled: through `cancel`; what was made is kept.
    """
    loaded = {each.segmenter.name: each for each in load_segmenters(segmenter, bundle=bundle, device=device)}
    check_report_folder(out, marker=SETTINGS_FILE)
    with contextlib.ExitStack() as held:
        with EngineSession.open(bundle=bundle, device=device) as session:
            facts = {
                "bundle_sha256": session.bundle.sha256,
                "reference": told_folder(reference),
                "scenes": scenes,
                "seconds": seconds,
                "preset": preset,
                "seed": seed,
            }
            kinds = {kind.name for kind in read_bundle_kinds(session.bundle)}
            found = read_split_pictures(reference, split="test")
            pictures = {kind: each for kind, each in found.items() if kind in kinds}
            real: dict[str, list[Path]] = {}
            for recording in read_recording_folder(reference):
                real.setdefault(recording.kind, []).append(recording.path.resolve())
            with translate_os_errors(out, what="cannot make"):
                out.mkdir(parents=True, exist_ok=True)
            held.callback(FolderLock(out / LOCK_NAME, folder=out, work="measurement").release)
            as_before = {**facts, "reference": str(reference.resolve())}
            keep_settings(out / SETTINGS_FILE, facts, as_before=as_before)
            clips: list[EvaluationClip] = []
            overlaps: dict[str, list[float]] = {name: [] for name in loaded}
            not_found = dict.fromkeys(loaded, 0)
            reporter = StageReporter(stage="takes", total=scenes, on_progress=progress, cancel=cancel)
            sampling = SamplingSettings(preset=preset)
            for index in range(scenes):
                scene = draw_scene(pictures, counts=OBJECT_COUNTS, seed=seed, index=index)
                rows = _describe(out, scene, index, real)
                clips += rows
                truth = [each >= 0.5 for each in scene.composed.masks]
                systems: dict[str, list[BoolMask | None]] = {TRUE_MASK: list(truth)}
                for name, each in loaded.items():
                    systems[name] = select(each, scene, truth)
                    pairs = zip(systems[name], truth, strict=True)
                    not_found[name] += sum(mask is None for mask in systems[name])
                    overlaps[name] += [0.0 if mask is None else overlap(mask, true) for mask, true in pairs]
                request = scene_request(scene, seed=seed, index=index, seconds=seconds, sampling=sampling)
                for name, masks in systems.items():
                    wanted = [
                        (clip.id, replace(take, mask=mask))
                        for clip, take, mask in zip(rows, request.takes, masks, strict=True)
                        if mask is not None and not (out / name / f"{clip.id}.wav").is_file()
                    ]
                    if wanted:
                        made = session.generate(replace(request, takes=tuple(t for _, t in wanted)), cancel=cancel)
                        for (clip_id, _), take in zip(wanted, made, strict=True):
                            data, _ = encode_wav(take.waveform, sample_rate_hz=take.sample_rate_hz, wav_format="PCM_16")
                            _write(out / name / f"{clip_id}.wav", data)
                reporter.step(index + 1)
        write_file(out / MANIFEST, clips_to_json_lines(clips))
        measured = sounds.run(
            system=[f"{name}={out / name}" for name in (TRUE_MASK, *loaded)],
            manifest=out / MANIFEST,
            out=out / "report",
            metrics=metrics,
            progress=progress,
            cancel=cancel,
        )
    return SegmentedTakes(
        overlaps={name: float(np.mean(each)) for name, each in overlaps.items()},
        not_found=not_found,
        sounds=measured,
    )


def select(loaded: LoadedSegmenter, scene: EvaluationScene, truth: Sequence[BoolMask]) -> list[BoolMask | None]:
    """The mask at one click on each object; None where nothing was found."""
    encoded = loaded.segmenter.encode(scene.composed.image)
    found: list[BoolMask | None] = []
    for mask in truth:
        try:
            answer = loaded.segmenter.predict(encoded, Prompt.click(*innermost_point(mask)))[0].mask
        except EmptySelectionError:
            answer = None
        found.append(answer if answer is not None and answer.any() else None)
    return found


def _describe(out: Path, scene: EvaluationScene, index: int, real: dict[str, list[Path]]) -> list[EvaluationClip]:
    """The clips of a scene, one for each object; picture and true masks are written. Raises: OutputError."""
    image = Path("images") / f"{index:04d}.png"
    _write(out / image, encode_png(scene.composed.image))
    rows = []
    for number, (kind, mask) in enumerate(zip(scene.kinds, scene.composed.masks, strict=True)):
        place = Path("masks") / f"{index:04d}-{number}.png"
        _write(out / place, encode_mask_png(np.round(255 * mask.astype(np.float32)).astype(np.uint8)))
        recordings = real.get(kind)
        rows.append(
            EvaluationClip(
                id=place.stem,
                image=image,
                mask=place,
                object=kind.replace("_", " "),
                reference=recordings[index % len(recordings)] if recordings else None,
            )
        )
    return rows


def _write(path: Path, data: bytes) -> None:
    """Raises: OutputError."""
    with translate_os_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
    write_file(path, data)
