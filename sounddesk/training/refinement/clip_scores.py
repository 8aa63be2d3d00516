"""The matching model's score of any clip, by the frozen encoders that it was trained with."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch

from sounddesk.engine.bundles.component_classes import load_image_encoder
from sounddesk.engine.bundles.installed_bundles import find_bundle
from sounddesk.engine.models.image_encoder import TimmPatchEncoder
from sounddesk.engine.models.mel import scale_to_peak
from sounddesk.engine.perception.matching_inputs import MatchingEar
from sounddesk.engine.perception.matching_model import MatchingModel
from sounddesk.engine.perception.sound_classifier import WINDOW_S
from sounddesk.engine.perception.sound_classifier import SoundClassifier
from sounddesk.resources_folder import resource
from sounddesk.training.clips.clip_manifest import ClipSource
from sounddesk.training.clips.media_reader import read_clip
from sounddesk.training.loop.recipe import TrainingRecipeError


class ClipScorer:
    """Scores clips; every window of `WINDOW_S` seconds is judged and the mean is the clip's score.

    Args:
        matching: export of a matching run; bundle: whose image encoder it was trained with.

    Raises:
        EngineError: a model cannot be loaded.
        ValueError: the widths do not fit.
    """

    def __init__(self, matching: Path, *, bundle: str, classifier: Path | None = None) -> None:
        self.model = MatchingModel.load(matching)
        found = find_bundle(bundle)
        entry = found.manifest.component("image_encoder")
        loaded = load_image_encoder(entry.class_name, found.component_folder("image_encoder"))
        self.encoder: Any = loaded
        if isinstance(loaded, TimmPatchEncoder):
            self.encoder = loaded.resized(image_size=self.model.config.image_size)
        self.classifier = SoundClassifier.load(classifier or resource("evaluation/classifier"))
        config_ = self.model.config
        heard = self.classifier.config
        heard_width = len(heard.kinds) if config_.audio_features == "tags" else heard.head_width
        if (self.encoder.width, heard_width) != (config_.visual_width, config_.audio_width):
            raise TrainingRecipeError(
                f"the matching model wants embeddings of {config_.visual_width} and {config_.audio_width}, bundle "
                f"{bundle!r} and classifier give {self.encoder.width} and {heard_width}"
            )
        self.ear = MatchingEar(matching, config_, self.classifier)

    @torch.no_grad()
    def score(self, clip: ClipSource, *, seconds: float) -> float:
        """0 to 1. Raises: MediaError, the clip cannot be read."""
        config, mel = self.model.config, self.classifier.mel
        count = max(1, int(seconds // WINDOW_S))
        times_s = (np.arange(count * config.frames) + 0.5) * WINDOW_S / config.frames
        media = read_clip(clip, seconds=seconds, sample_rate_hz=mel.sample_rate_hz, frame_times_s=list(times_s))
        seen = torch.stack([self.encoder.encode([frame])[0].mean(dim=0) for frame in media.frames])
        if len(seen) == 1:
            seen = seen.expand(len(times_s), -1)
        length = round(WINDOW_S * mel.sample_rate_hz)
        padded = np.pad(media.waveform, (0, max(0, count * length - len(media.waveform))))[: count * length]
        windows = torch.from_numpy(padded.reshape(count, length))
        loud = windows.abs().amax(dim=1) > 1e-4
        if not bool(loud.any()):
            return 0.0  # silence belongs to nothing
        audio, audio_s = self.ear.tokens(scale_to_peak(windows, mel))
        visual = seen.reshape(count, config.frames, -1)
        visual_s = torch.from_numpy(times_s[: config.frames].astype(np.float32)).expand(count, -1)
        return float(self.model.score(visual, visual_s, audio, audio_s)[loud].mean())
