"""Classifier of kinds of sound, trained on real recordings; it judges the 'right object' measure."""

from __future__ import annotations

import json
from dataclasses import asdict
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from safetensors.torch import save_file
from torch import Tensor
from torch import nn

from sounddesk.domain.errors import EngineError
from sounddesk.domain.limits import LayerSize
from sounddesk.engine.models.mel import LogMel
from sounddesk.engine.models.mel import scale_to_peak
from sounddesk.engine.models.quantised_weights import checked_weights
from sounddesk.engine.perception.class_config import read_class_config
from sounddesk.engine.specs import MelSpec
from sounddesk.engine.types import Waveform

CONFIG_NAME = "config.json"
WEIGHTS_NAME = "model.safetensors"
WINDOW_S = 3.2
"""Length of sound that the network judges at once, in seconds; longer sounds are judged in windows."""
FEATURE_STRIDE = 16
"""Mel frames between two features of a sound."""
QUIET_WINDOW_DB = 40.0
"""Windows this far below the loudest one hold a pause and have no say."""


@dataclass(frozen=True, kw_only=True)
class SoundClassifierConfig:
    """Shape of a `SoundClassifier`.

    Attributes:
        kinds: names of the classes, in the order of the logits.
        widths: channels after the stem and after each of the three stages.
        head_width: channels of the layer before pooling.
        dynamic_range: depth below the loudest mel value, in nepers, that is looked at; the rest counts as silence.
        dropout: share of pooled features dropped in training.
    """

    kinds: tuple[str, ...]
    widths: tuple[LayerSize, ...] = (16, 32, 64, 128)
    head_width: LayerSize = 160
    dynamic_range: float = 8.0
    dropout: float = 0.3

    def __post_init__(self) -> None:
        if len(set(self.kinds)) != len(self.kinds) or not self.kinds:
            raise ValueError(f"kinds are {list(self.kinds)}: give at least one, each once")
        if len(self.widths) != 4:
            raise ValueError(f"widths are {self.widths}: give four, of the stem and three stages")


@dataclass(frozen=True, kw_only=True)
class _SavedConfig(SoundClassifierConfig):
    """As `config.json` has it."""

    mel: MelSpec


class _Stage(nn.Module):
    """A strided and a plain 3 x 3 convolution around a shortcut, group norms, GELU."""

    def __init__(self, channels_in: int, channels_out: int, *, stride: tuple[int, int]) -> None:
        super().__init__()
        self.down = nn.Conv2d(channels_in, channels_out, 3, stride=stride, padding=1, bias=False)
        self.norm_down = nn.GroupNorm(8, channels_out)
        self.refine = nn.Conv2d(channels_out, channels_out, 3, padding=1, bias=False)
        self.norm_refine = nn.GroupNorm(8, channels_out)

    def forward(self, x: Tensor) -> Tensor:
        x = nn.functional.gelu(self.norm_down(self.down(x)))
        return nn.functional.gelu(x + self.norm_refine(self.refine(x)))


class SoundClassifier(nn.Module):
    """Convolutions over a 64-band log-mel, attention pooling over time, one logit per kind.

    Frequency stays a position: the last stage's four bands are channels of the head, so that a low hoot and a
    high whistle differ. The level does not count: each mel is taken relative to its own maximum.
    """

    def __init__(self, config: SoundClassifierConfig, mel: MelSpec | None = None) -> None:
        super().__init__()
        self.config = config
        self.mel = mel or MelSpec()
        self.log_mel = LogMel(self.mel)
        stem, *widths = config.widths
        self.stem = nn.Conv2d(1, stem, 5, stride=(4, 2), padding=2, bias=False)
        self.norm_stem = nn.GroupNorm(8, stem)
        strides = ((2, 2), (2, 2), (1, 2))
        pairs = zip(config.widths[:-1], widths, strides, strict=True)
        self.stages = nn.Sequential(*(_Stage(a, b, stride=stride) for a, b, stride in pairs))
        bands = -(-self.mel.n_mels // 16)
        self.head = nn.Conv1d(widths[-1] * bands, config.head_width, 3, padding=1)
        self.attention = nn.Linear(config.head_width, 1)
        self.dropout = nn.Dropout(config.dropout)
        self.classify = nn.Linear(config.head_width, len(config.kinds))

    @property
    def kinds(self) -> tuple[str, ...]:
        """Names of the classes, in the order of the logits."""
        return self.config.kinds

    @property
    def sample_rate_hz(self) -> int:
        return self.mel.sample_rate_hz

    def forward(self, log_mel: Tensor) -> Tensor:
        """Log-mel float[B, T, n_mels] (natural log, any level) -> logits float32[B, kinds]."""
        return self.classify(self.dropout(self.pool(self.features(log_mel)))).float()

    def features(self, log_mel: Tensor) -> Tensor:
        """Features of a sound over time, one per `FEATURE_STRIDE` mel frames: float[B, T', head_width]."""
        top = log_mel.amax(dim=(1, 2), keepdim=True)
        depth = self.config.dynamic_range
        x = torch.clamp(log_mel - top, min=-depth) * (2.0 / depth) + 1.0
        x = nn.functional.gelu(self.norm_stem(self.stem(x[:, None])))
        x = self.stages(x)
        return nn.functional.gelu(self.head(x.transpose(2, 3).flatten(1, 2))).transpose(1, 2)

    def pool(self, features: Tensor) -> Tensor:
        """Features [B, T', head_width] -> one feature vector a sound, float32[B, head_width], by learned attention."""
        share = torch.softmax(self.attention(features).float(), dim=1)
        return (share * features.float()).sum(dim=1)

    @torch.no_grad()
    def log_probabilities(self, waveform: Waveform) -> npt.NDArray[np.float32]:
        """Log-probability of every kind for one sound of any length, float32[kinds].

        Windows of `WINDOW_S` at half overlap are judged one by one and their log-probabilities
        averaged, each with the weight of its share of the sound's energy (square root); pauses have no say.

        Args:
            waveform: mono float32[n] at `mel.sample_rate_hz`.

        Raises:
            ValueError: shorter than one analysis window, or silent.
        """
        if waveform.ndim != 1 or len(waveform) < self.mel.n_fft:
            raise ValueError(f"sound has shape {list(waveform.shape)}: give at least {self.mel.n_fft} mono samples")
        sound = scale_to_peak(torch.from_numpy(np.ascontiguousarray(waveform, dtype=np.float32))[None], self.mel)
        if float(sound.abs().max()) < self.mel.peak / 2:
            raise ValueError("sound is silent: there is nothing to classify")
        windows = self._windows(sound[0])
        energy = windows.square().mean(dim=1)
        weight = torch.where(energy > energy.max() * 10 ** (-QUIET_WINDOW_DB / 10), energy.sqrt(), 0.0)
        logits = self(self.log_mel(windows[weight > 0]))
        loud = weight[weight > 0] / weight.sum()
        mean = (loud[:, None] * torch.log_softmax(logits, dim=1)).sum(dim=0)
        return torch.log_softmax(mean, dim=0).numpy().astype(np.float32)

    def _windows(self, sound: Tensor) -> Tensor:
        length = round(WINDOW_S * self.mel.sample_rate_hz)
        if len(sound) <= length:
            return sound[None]
        count = -(-(len(sound) - length) // (length // 2)) + 1
        starts = np.linspace(0, len(sound) - length, count).round().astype(int)
        return torch.stack([sound[start : start + length] for start in starts])

    def save(self, folder: Path) -> None:
        """Write `config.json` and float16 weights; buffers are derived and not stored."""
        folder.mkdir(parents=True, exist_ok=True)
        data = {"class": "SoundClassifier", **asdict(self.config), "mel": asdict(self.mel)}
        (folder / CONFIG_NAME).write_text(json.dumps(data, indent=1) + "\n")
        weights = {name: value.detach().half().contiguous() for name, value in self.state_dict().items()}
        save_file(weights, folder / WEIGHTS_NAME)

    @classmethod
    def load(cls, folder: Path) -> SoundClassifier:
        """The classifier in `folder`, ready to judge. Raises: EngineError, a file is missing or does not fit."""
        try:
            saved = vars(read_class_config(_SavedConfig, folder, class_name="SoundClassifier"))
            mel = saved.pop("mel")
            classifier = cls(SoundClassifierConfig(**saved), mel)
            weights = {name: value.float() for name, value in load_file(checked_weights(folder / WEIGHTS_NAME)).items()}
            classifier.load_state_dict(weights)
        except (OSError, ValueError, KeyError, TypeError, RuntimeError, SafetensorError) as error:
            raise EngineError(
                f"sound classifier in {folder} cannot be loaded ({error}): install sounddesk again"
            ) from error
        return classifier.eval().requires_grad_(False)
