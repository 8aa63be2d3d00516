"""Inputs of the matching model for still images: frames out of a patch grid, audio tokens, and their times."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import numpy as np
import torch
from torch import Tensor

from sounddesk.engine.perception.effects_head import EffectsHead
from sounddesk.engine.perception.effects_head import both_tags
from sounddesk.engine.perception.matching_model import MatchingConfig
from sounddesk.engine.perception.sound_classifier import FEATURE_STRIDE
from sounddesk.engine.perception.sound_classifier import WINDOW_S
from sounddesk.engine.perception.sound_classifier import SoundClassifier
from sounddesk.engine.perception.sound_effects import SoundEffectsEncoder
from sounddesk.resources_folder import resource

EFFECTS_ENCODER: Final = "evaluation/sound_effects_encoder"
WINDOW_SHARE: Final = 5 / 7
"""Side of the window of patches that a frame is pooled from, as a share of the grid's: 5 of the 7 patches at 224 px."""


def still_frames(patches: Tensor, frames: int, rng: np.random.Generator) -> Tensor:
    """Frames float32[B, frames, D] of stills [B, rows, cols, D], each the mean of a random window."""
    rows, cols = patches.shape[1:3]
    window = max(1, round(WINDOW_SHARE * min(rows, cols)))
    pooled = []
    for _ in range(frames):
        top, left = int(rng.integers(rows - window + 1)), int(rng.integers(cols - window + 1))
        pooled.append(patches[:, top : top + window, left : left + window].float().mean(dim=(1, 2)))
    return torch.stack(pooled, dim=1)


def pooled_features(features: Tensor, pool: int) -> Tensor:
    """Means of `pool` neighbouring features of sounds [B, T', A]; what is left over at the end is dropped."""
    count = features.shape[1] // pool
    return features[:, : count * pool].float().reshape(len(features), count, pool, -1).mean(dim=2)


def audio_tokens(features: Tensor, config: MatchingConfig, classifier: SoundClassifier) -> tuple[Tensor, Tensor]:
    """Tokens float32[B, N, A] of sounds given as features over time [B, T', head_width], and their times float32[B, N].

    'pieces' are means of neighbouring features; 'tags' is one token, the log-probabilities of all kinds.
    """
    if config.audio_features == "tags":
        tokens = torch.log_softmax(classifier.classify(classifier.pool(features.float())).float(), dim=1)[:, None]
    else:
        tokens = pooled_features(features, config.audio_pool)
    return tokens, audio_times(len(tokens), tokens.shape[1], config, frames_per_s=classifier.mel.frames_per_s)


class MatchingEar:
    """Audio front end of a trained matching model: tokens of windows of sound, and their times."""

    def __init__(self, matching: Path, config: MatchingConfig, classifier: SoundClassifier) -> None:
        """`matching`: folder of the model. Raises: EngineError, a part cannot be loaded."""
        self._config = config
        self._classifier = classifier
        self._effects: tuple[SoundEffectsEncoder, EffectsHead] | None = None
        if config.effects:
            self._effects = SoundEffectsEncoder.load(resource(EFFECTS_ENCODER)), EffectsHead.load(matching)

    @torch.no_grad()
    def tokens(self, windows: Tensor) -> tuple[Tensor, Tensor]:
        """Of float32[B, n] at the classifier's sample rate, scaled to its mel's peak: see `audio_tokens`."""
        classifier = self._classifier
        tokens, times_s = audio_tokens(classifier.features(classifier.log_mel(windows)), self._config, classifier)
        if self._effects is not None:
            encoder, head = self._effects
            heard = head(encoder.embed(windows, sample_rate_hz=classifier.mel.sample_rate_hz))
            tokens = both_tags(tokens, heard[:, None])
        return tokens, times_s


def audio_times(batch: int, tokens: int, config: MatchingConfig, *, frames_per_s: float) -> Tensor:
    """Times of `audio_tokens` in seconds, float32[batch, tokens]; tags stand for a whole window."""
    if config.audio_features == "tags":
        return torch.full((batch, tokens), WINDOW_S / 2)
    return feature_times(batch, tokens, frames_per_s=frames_per_s, pool=config.audio_pool)


def frame_times(batch: int, frames: int) -> Tensor:
    """Float32[batch, frames], evenly over a window."""
    return ((torch.arange(frames) + 0.5) * WINDOW_S / frames).expand(batch, -1)


def feature_times(batch: int, count: int, *, frames_per_s: float, pool: int = 1) -> Tensor:
    """Middles of the stretches of a sound that its (pooled) features stand for, in seconds: float32[batch, count]."""
    return ((torch.arange(count) + 0.5) * FEATURE_STRIDE * pool / frames_per_s).expand(batch, -1)
