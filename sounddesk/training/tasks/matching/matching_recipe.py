"""The `model` section of a recipe for the audio-visual matching model (paper B.1)."""

from __future__ import annotations

from dataclasses import dataclass
from dataclasses import field
from pathlib import Path
from typing import Literal


@dataclass(frozen=True, kw_only=True)
class MatchingShape:
    """Transformer of the model; the paper has width 768 and 6 layers."""

    width: int = 128
    layers: int = 6
    heads: int = 4
    compare: bool = True
    dropout: float = 0.1


@dataclass(frozen=True, kw_only=True)
class MatchingModelRecipe:
    """What the matching run does.

    Attributes:
        bundle: whose image encoder is used; classifier: folder of a sound classifier, by default the one that ships.
        fold_classifiers: folders of classifiers, each trained without its fold of the recordings (`folds_of`). A
            training sound is heard by the one that does not know it: of sounds that it learned from, a classifier
            is surer than it will ever be again, and what is learned from that misjudges new ones.
        image_size: side that pictures are encoded at.
        frames: of a clip, spread over `WINDOW_S` seconds.
        effects: also hear with a network that learned on sound-effects libraries (`SoundEffectsEncoder`): a linear
            layer names kinds from its embeddings, one for each fold too, and the tags are the mean of both opinions.
        sound_variants: varied waveforms of each training recording, encoded once.
        mismatched_share: examples whose sound is of another clip (and here of another kind).
        visual_noise, audio_noise: Gaussian noise on the frozen embeddings, in standard deviations of each feature.
        audio_features: 'tags' is one token, the classifier's log-probabilities; 'pieces' are features over time, of
            which `audio_pool` neighbours (0.16 s each) make one token. On so few recordings these are memorised.
        label_smoothing: towards one half.
        recognise: start from the bundle's own recognition of kinds (`KindRecogniser`); for bundles that know kinds.
        alignment_weight: of a contrastive loss between the means of both MLPs' outputs, which a small data set needs
            before attention finds anything to compare; the paper has none (0). `temperature` is its.
    """

    bundle: str = "starter"
    classifier: Path | None = None
    fold_classifiers: tuple[Path, ...] = ()
    shape: MatchingShape = field(default_factory=MatchingShape)
    image_size: int = 224
    frames: int = 2
    audio_pool: int = 4
    audio_features: Literal["pieces", "tags"] = "tags"
    effects: bool = False
    sound_variants: int = 12
    mismatched_share: float = 0.5
    visual_noise: float = 2.0
    audio_noise: float = 0.7
    label_smoothing: float = 0.05
    recognise: bool = False
    alignment_weight: float = 1.0
    temperature: float = 0.1
