"""Frozen embeddings of the starter's pictures and recordings: the matching model's training data."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from collections.abc import Sequence
from dataclasses import asdict
from dataclasses import dataclass
from dataclasses import replace
from pathlib import Path
from typing import Final

import cv2
import numpy as np
import torch
from torch import Tensor

from sounddesk.engine.bundles.component_classes import load_image_encoder
from sounddesk.engine.bundles.installed_bundles import find_bundle
from sounddesk.engine.images.scene_composition import CutOut
from sounddesk.engine.models.image_encoder import TimmPatchEncoder
from sounddesk.engine.perception.effects_head import EffectsHead
from sounddesk.engine.perception.effects_head import both_tags
from sounddesk.engine.perception.matching_inputs import EFFECTS_ENCODER
from sounddesk.engine.perception.matching_inputs import audio_tokens
from sounddesk.engine.perception.matching_model import MatchingConfig
from sounddesk.engine.perception.sound_classifier import WINDOW_S
from sounddesk.engine.perception.sound_classifier import SoundClassifier
from sounddesk.engine.perception.sound_effects import SoundEffectsEncoder
from sounddesk.engine.types import RgbImage
from sounddesk.resources_folder import resource
from sounddesk.storage.atomic_file import atomic_path
from sounddesk.training.data.recordings import Recording
from sounddesk.training.data.recordings import folds_of
from sounddesk.training.data.recordings import read_kinds
from sounddesk.training.data.recordings import read_recordings
from sounddesk.training.data.scene_bank import random_background
from sounddesk.training.data.scene_bank import read_pictures
from sounddesk.training.data.sound_variation import varied_waveform
from sounddesk.training.data.sound_variation import vary_log_mel
from sounddesk.training.loop.recipe import TrainingRecipeError
from sounddesk.training.tasks.matching.matching_recipe import MatchingModelRecipe

# What the encoded pairs depend on.
_ENCODED_WITH: Final = (
    "bundle",
    "classifier",
    "fold_classifiers",
    "image_size",
    "audio_pool",
    "audio_features",
    "sound_variants",
    "effects",
)


@dataclass(frozen=True, kw_only=True, eq=False)
class FrozenPairs:
    """Frozen embeddings of one split.

    Attributes:
        patches: float16[N, rows, cols, D] of pictures, and the kind of each.
        sounds: audio tokens float16[M, T, A] of varied recordings, and the kind of each.
        fold: int64[M] of each sound; -1 where its kind has a single origin and there are several folds.
        effects: float16[M, D], embeddings of the sounds by a `SoundEffectsEncoder`; [M, 0] without one.
    """

    patches: Tensor
    picture_kind: Tensor
    sounds: Tensor
    sound_kind: Tensor
    fold: Tensor
    effects: Tensor

    def of_kind(self) -> tuple[dict[int, Tensor], dict[int, Tensor]]:
        """Rows of pictures and of sounds by kind; of sounds those that belong to a fold."""
        pictures = {int(kind): torch.nonzero(self.picture_kind == kind)[:, 0] for kind in self.picture_kind.unique()}
        dealt = self.fold >= 0
        kinds = self.sound_kind[dealt].unique()
        sounds = {int(kind): torch.nonzero((self.sound_kind == kind) & dealt)[:, 0] for kind in kinds}
        return pictures, sounds

    def heard_by(self, heads: Sequence[EffectsHead]) -> FrozenPairs:
        """The same pairs with a head's prediction in the tags of each sound: of several heads, that of its fold."""
        tags = self.sounds.float()
        for number, head in enumerate(heads):
            rows = self.fold == number if len(heads) > 1 else torch.ones_like(self.fold, dtype=torch.bool)
            with torch.no_grad():
                tags[rows] = both_tags(tags[rows], head(self.effects[rows])[:, None])
        return replace(self, sounds=tags.half())


def fill_frame(cut_out: CutOut, background: RgbImage, size: int) -> RgbImage:
    """A cut-out that fills nine tenths of a square frame, before a background; uint8[size, size, 3]."""
    height, width = cut_out.shape[:2]
    scale = 0.9 * size / max(height, width)
    fitted = cv2.resize(
        cut_out, (max(1, round(width * scale)), max(1, round(height * scale))), interpolation=cv2.INTER_AREA
    )
    frame = cv2.resize(background, (size, size), interpolation=cv2.INTER_AREA).astype(np.float32)
    top, left = (size - fitted.shape[0]) // 2, (size - fitted.shape[1]) // 2
    place = frame[top : top + fitted.shape[0], left : left + fitted.shape[1]]
    alpha = fitted[..., 3:].astype(np.float32) / 255.0
    place[...] = place * (1.0 - alpha) + fitted[..., :3] * alpha
    return frame.round().astype(np.uint8)


@torch.no_grad()
def encode_pictures(
    data_dir: Path, split: str, kinds: Sequence[str], encoder: TimmPatchEncoder, *, seed: int
) -> tuple[Tensor, Tensor]:
    """Each cut-out before a background of its split: patches and kinds."""
    pictures = read_pictures(data_dir, split=split)
    index_of = {kind: index for index, kind in enumerate(kinds)}
    patches, owners = [], []
    rows, cols = encoder.grid
    for kind, cut_outs in pictures.cut_outs.items():
        for number, cut_out in enumerate(cut_outs):
            if kind not in index_of:
                continue
            rng = np.random.default_rng((seed, index_of[kind], number))
            frame = fill_frame(cut_out, random_background(pictures, rng), encoder.image_size)
            patches.append(encoder.encode([frame])[0].reshape(rows, cols, -1).half())
            owners.append(index_of[kind])
    return torch.stack(patches), torch.tensor(owners)


@torch.no_grad()
def encode_sounds(
    recordings: Sequence[Recording],
    kinds: Mapping[str, tuple[int, str]],
    classifiers: Sequence[SoundClassifier],
    config: MatchingConfig,
    *,
    variants: int,
    seed: int,
    vary: bool,
    effects: SoundEffectsEncoder | None = None,
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """`variants` waveforms of each recording: tokens, kinds, folds and embeddings, see `FrozenPairs`.

    `kinds` gives index and repetition by name. Of several classifiers each hears its own fold, and the first one also
    what is in none.
    """
    mel = classifiers[0].mel
    length = round(WINDOW_S * mel.sample_rate_hz)
    everything = [recording.samples for recording in recordings]
    folds = folds_of(recordings, len(classifiers)) if len(classifiers) > 1 else [0] * len(recordings)
    made, owners, dealt, embedded = [], [], [], []
    for number, (recording, fold) in enumerate(zip(recordings, folds, strict=True)):
        if recording.kind not in kinds:
            continue
        index, repeat = kinds[recording.kind]
        rng = np.random.default_rng((seed, number))
        waveforms = [
            varied_waveform(recording.samples, repeat=repeat, length=length, peak=mel.peak, others=everything, rng=rng)
            for _ in range(variants)
        ]
        classifier = classifiers[fold or 0]
        windows = torch.from_numpy(np.stack(waveforms))
        if effects is not None:
            embedded.append(effects.embed(windows, sample_rate_hz=mel.sample_rate_hz).half())
        log_mel = classifier.log_mel(windows)
        if vary:
            with torch.random.fork_rng(devices=[]):
                torch.manual_seed(int(rng.integers(2**62)))
                log_mel = vary_log_mel(log_mel, rng)
        made.append(audio_tokens(classifier.features(log_mel), config, classifier)[0].half())
        owners += [index] * variants
        dealt += [-1 if fold is None else fold] * variants
    none = torch.zeros(len(owners), 0, dtype=torch.float16)
    return torch.cat(made), torch.tensor(owners), torch.tensor(dealt), torch.cat(embedded) if embedded else none


def frozen_pairs(recipe: MatchingModelRecipe, data_dir: Path, split: str, *, seed: int = 0) -> FrozenPairs:
    """Encode the pictures and recordings of a split; of test sounds the waveforms vary, the log-mels do not."""
    bundle = find_bundle(recipe.bundle)
    folder = bundle.component_folder("image_encoder")
    loaded = load_image_encoder(bundle.manifest.component("image_encoder").class_name, folder)
    if not isinstance(loaded, TimmPatchEncoder):
        raise TrainingRecipeError(
            f"bundle {recipe.bundle!r} has another image encoder than the starter's: give embeddings"
        )
    encoder = loaded.resized(image_size=recipe.image_size)
    folds = recipe.fold_classifiers if split == "train" else ()
    folders = folds or (recipe.classifier or resource("evaluation/classifier"),)
    classifiers = [SoundClassifier.load(folder) for folder in folders]
    if len({classifier.config.kinds for classifier in classifiers}) > 1:
        raise TrainingRecipeError("the classifiers of the folds know different kinds: train them on one data set")
    known = read_kinds(data_dir)
    names = [kind.name for kind in known]
    patches, picture_kind = encode_pictures(data_dir, split, names, encoder.requires_grad_(False), seed=seed)
    sounds, sound_kind, fold, effects = encode_sounds(
        read_recordings(data_dir, splits=(split,)),
        {kind.name: (index, kind.repeat) for index, kind in enumerate(known)},
        classifiers,
        MatchingConfig(audio_pool=recipe.audio_pool, audio_features=recipe.audio_features),
        variants=recipe.sound_variants if split == "train" else 4,
        seed=seed,
        vary=split == "train",
        effects=SoundEffectsEncoder.load(resource(EFFECTS_ENCODER)) if recipe.effects else None,
    )
    return FrozenPairs(
        patches=patches, picture_kind=picture_kind, sounds=sounds, sound_kind=sound_kind, fold=fold, effects=effects
    )


def cached_pairs(recipe: MatchingModelRecipe, data_dir: Path, cache_dir: Path, split: str) -> FrozenPairs:
    """`frozen_pairs`, kept in `cache_dir`."""
    shown = {name: str(value) for name, value in asdict(recipe).items() if name in _ENCODED_WITH}
    digest = hashlib.sha256(json.dumps(shown, sort_keys=True).encode()).hexdigest()[:10]
    file = cache_dir / f"pairs_{split}_{digest}.pt"
    names = ("patches", "picture_kind", "sounds", "sound_kind", "fold", "effects")
    if not file.exists():
        cache_dir.mkdir(parents=True, exist_ok=True)
        pairs = frozen_pairs(recipe, data_dir, split)
        with atomic_path(file) as part:
            torch.save({name: getattr(pairs, name) for name in names}, part)
    return FrozenPairs(**torch.load(file, weights_only=True))
