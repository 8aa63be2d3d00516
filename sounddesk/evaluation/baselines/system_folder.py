"""`sounddesk evaluate baseline`: a folder of sounds for the clips of a manifest, as `evaluate sounds` takes it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from typing import Final

import numpy as np

from sounddesk.audio.files.wav_io import encode_wav
from sounddesk.domain.errors import BadInputError
from sounddesk.domain.preset import PresetName
from sounddesk.engine.session import EngineSession
from sounddesk.engine.specs import check_seconds
from sounddesk.engine.tasks import CancelToken
from sounddesk.engine.tasks import OnProgress
from sounddesk.engine.tasks import StageReporter
from sounddesk.engine.types import SamplingSettings
from sounddesk.engine.types import Waveform
from sounddesk.evaluation.baselines.registry import BASELINES
from sounddesk.evaluation.baselines.registry import BaselineContext
from sounddesk.evaluation.baselines.registry import BaselineEntry
from sounddesk.evaluation.evaluation_clip import EvaluationClip
from sounddesk.evaluation.evaluation_clip import read_clip_manifest
from sounddesk.evaluation.report_folder import LOCK_NAME
from sounddesk.evaluation.report_folder import check_report_folder
from sounddesk.evaluation.report_folder import keep_settings
from sounddesk.evaluation.report_folder import told_folder
from sounddesk.storage.atomic_file import translate_os_errors
from sounddesk.storage.atomic_file import write_file
from sounddesk.storage.folder_lock import FolderLock

SETTINGS_FILE: Final = "system.json"


@dataclass(frozen=True, kw_only=True)
class SystemFolder:
    """What was made.

    Attributes:
        made, kept: sounds of this run and of earlier ones.
        left_out: clips that lack what the baseline needs, by what that is.
    """

    name: str
    folder: Path
    made: int
    kept: int
    left_out: dict[str, int]

    def line(self) -> str:
        return f"{self.name}: {self.made} sounds made, {self.kept} there already: {self.folder}"

    def details(self) -> list[str]:
        return [f"{count} clips left out: without {what}" for what, count in self.left_out.items()]

    def to_json(self) -> dict[str, Any]:
        return {
            "measure": "baseline",
            "name": self.name,
            "folder": str(self.folder),
            "made": self.made,
            "kept": self.kept,
            "left_out": self.left_out,
        }


def run(
    *,
    name: str,
    manifest: Path,
    out: Path,
    bundle: str | Path = "starter",
    recordings: Path | None = None,
    separator: Path | None = None,
    seed: int = 0,
    seconds: float = 10.0,
    preset: PresetName = "fast",
    sampling: SamplingSettings | None = None,
    device: str = "auto",
    progress: OnProgress | None = None,
    cancel: CancelToken | None = None,
) -> SystemFolder:
    """Make the sounds of a baseline; those that an earlier run with the same settings made are kept.

    Args:
        name: of the baseline.
        out: gets ID.wav of each clip, and the settings.
        recordings: to retrieve from.
        separator: folder of what takes sounds apart.
        sampling: every setting of the denoising loop; replaces `preset`.

    Raises:
        BadInputError: manifest, recordings or `out` cannot be used, or no clip has what the baseline needs.
        EngineError: the bundle cannot be used.
        OutputError: `out` cannot be written.
        Cancelled: through `cancel`; what was made is kept.
    """
    entry = BASELINES.get(name)
    check_seconds(seconds)
    settings = sampling or SamplingSettings(preset=preset)
    clips = read_clip_manifest(manifest).clips
    fitting, left_out = _fitting(entry, clips)
    if not fitting:
        told = ", ".join(f"{count} without {what}" for what, count in left_out.items())
        raise BadInputError(f"no clip of {manifest} has what {name} needs ({told})")
    check_report_folder(out, marker=SETTINGS_FILE)
    with translate_os_errors(out, what="cannot make"):
        out.mkdir(parents=True, exist_ok=True)
    lock = FolderLock(out / LOCK_NAME, folder=out, work="baseline")
    try:
        with EngineSession.open(bundle=bundle, device=device) as session:
            facts = {
                "baseline": name,
                "bundle": session.bundle.name,
                "bundle_sha256": session.bundle.sha256,
                "seed": seed,
                "seconds": seconds,
                "sampling": str(settings),
            }
            sources = {"recordings": recordings, "separator": separator}
            named = {what: path for what, path in sources.items() if path is not None}
            as_before = facts | {what: str(path.resolve()) for what, path in named.items()}
            facts |= {what: told_folder(path) for what, path in named.items()}
            missing = [clip for clip in fitting if not (out / f"{clip.id}.wav").is_file()]
            kept = len(fitting) - len(missing)
            reporter = StageReporter(
                stage=name, total=len(fitting), on_progress=progress, cancel=cancel, done_before=kept
            )
            context = BaselineContext(
                session=session,
                seed=seed,
                seconds=seconds,
                sampling=settings,
                recordings=recordings,
                separator=separator,
                cancel=cancel,
            )
            make = entry.start(context) if missing else None
            # Only now, so that a run that lacked something leaves no settings behind.
            keep_settings(out / SETTINGS_FILE, facts, as_before=as_before)
            for done, clip in enumerate(missing, start=1):
                if make is not None:
                    write_file(out / f"{clip.id}.wav", _wav(*make(clip)))
                reporter.step(kept + done)
    finally:
        lock.release()
    return SystemFolder(name=name, folder=out, made=len(missing), kept=kept, left_out=left_out)


def _fitting(entry: BaselineEntry, clips: Sequence[EvaluationClip]) -> tuple[list[EvaluationClip], dict[str, int]]:
    lacking = {"a picture": 0, "a text": 0}
    found = []
    for clip in clips:
        if "image" in entry.needs and clip.image is None:
            lacking["a picture"] += 1
        elif "text" in entry.needs and not (clip.caption or clip.object):
            lacking["a text"] += 1
        else:
            found.append(clip)
    return found, {what: count for what, count in lacking.items() if count}


def _wav(waveform: Waveform, rate: int) -> bytes:
    """16 bit; what lies beyond full scale is scaled down, since a metric would hear the clipping."""
    peak = float(np.abs(waveform).max(initial=0.0))
    return encode_wav(waveform / max(1.0, peak), sample_rate_hz=rate, wav_format="PCM_16")[0]
