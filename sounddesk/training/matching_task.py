"""Training of the audio-visual matching model (paper B.1) on the starter's pictures and recordings.

The paper's frozen encoders are CLIP ViT-B/16 and BEATs; here they are the starter's image encoder and the layer
before the sound classifier's pooling. A picture stands for a video of a still: its frames are pooled from windows of
its patch grid, as if the camera moved a little.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from collections.abc import Sequence
from dataclasses import asdict
from dataclasses import dataclass
from dataclasses import field
from pathlib import Path
from typing import Any
from typing import Final
from typing import Literal

import cv2
import numpy as np
import torch
from torch import Tensor
from torch import nn

from sounddesk.engine.bundle import find_bundle
from sounddesk.engine.encoders.image import TimmPatchEncoder
from sounddesk.engine.encoders.image import load_image_encoder
from sounddesk.engine.grounding import ObjectConditioner
from sounddesk.engine.matching_inputs import audio_times
from sounddesk.engine.matching_inputs import audio_tokens
from sounddesk.engine.matching_inputs import frame_times
from sounddesk.engine.matching_inputs import still_frames
from sounddesk.engine.matching_model import KindRecogniser
from sounddesk.engine.matching_model import MatchingConfig
from sounddesk.engine.matching_model import MatchingModel
from sounddesk.engine.scene_composition import CutOut
from sounddesk.engine.sound_classifier import WINDOW_S
from sounddesk.engine.sound_classifier import SoundClassifier
from sounddesk.engine.types import RgbImage
from sounddesk.resources_folder import resource
from sounddesk.training.recordings import Recording
from sounddesk.training.recordings import folds_of
from sounddesk.training.recordings import read_kinds
from sounddesk.training.recordings import read_recordings
from sounddesk.training.scene_bank import random_background
from sounddesk.training.scene_bank import read_pictures
from sounddesk.training.sound_variation import varied_waveform
from sounddesk.training.sound_variation import vary_log_mel
from sounddesk.training.training_task import Batch

# What the encoded pairs depend on.
_ENCODED_WITH: Final = (
    "bundle",
    "classifier",
    "fold_classifiers",
    "image_size",
    "audio_pool",
    "audio_features",
    "sound_variants",
)


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
        sound_variants: varied waveforms of each training recording, encoded once.
        mismatched_share: examples whose sound is of another clip (and here of another kind).
        visual_noise, audio_noise: Gaussian noise on the frozen embeddings, in standard deviations of each feature.
        audio_features: 'tags' is one token, the classifier's log-probabilities; 'pieces' are features over time, of
            which `audio_pool` neighbours (0.16 s each) make one token. On so few recordings pieces are memorised.
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
    sound_variants: int = 12
    mismatched_share: float = 0.5
    visual_noise: float = 2.0
    audio_noise: float = 0.7
    label_smoothing: float = 0.05
    recognise: bool = False
    alignment_weight: float = 1.0
    temperature: float = 0.1


@dataclass(frozen=True, kw_only=True, eq=False)
class FrozenPairs:
    """Frozen embeddings of one split.

    Attributes:
        patches: float16[N, rows, cols, D] of pictures, and the kind of each.
        sounds: audio tokens float16[M, T, A] of varied recordings, and the kind of each.
    """

    patches: Tensor
    picture_kind: Tensor
    sounds: Tensor
    sound_kind: Tensor

    def of_kind(self) -> tuple[dict[int, Tensor], dict[int, Tensor]]:
        """Rows of pictures and of sounds by kind."""
        both = []
        for kinds in (self.picture_kind, self.sound_kind):
            both.append({int(kind): torch.nonzero(kinds == kind)[:, 0] for kind in kinds.unique()})
        return both[0], both[1]


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
) -> tuple[Tensor, Tensor]:
    """Audio tokens of `variants` waveforms of each recording; the kinds. `kinds` gives index and repetition by name.

    Of several classifiers each hears its own fold; recordings of kinds with a single origin are left out then.
    """
    mel = classifiers[0].mel
    length = round(WINDOW_S * mel.sample_rate_hz)
    everything = [recording.samples for recording in recordings]
    folds = folds_of(recordings, len(classifiers)) if len(classifiers) > 1 else [0] * len(recordings)
    made, owners = [], []
    for number, (recording, fold) in enumerate(zip(recordings, folds, strict=True)):
        if recording.kind not in kinds or fold is None:
            continue
        index, repeat = kinds[recording.kind]
        rng = np.random.default_rng((seed, number))
        waveforms = [
            varied_waveform(recording.samples, repeat=repeat, length=length, peak=mel.peak, others=everything, rng=rng)
            for _ in range(variants)
        ]
        classifier = classifiers[fold]
        log_mel = classifier.log_mel(torch.from_numpy(np.stack(waveforms)))
        if vary:
            with torch.random.fork_rng(devices=[]):
                torch.manual_seed(int(rng.integers(2**62)))
                log_mel = vary_log_mel(log_mel, rng)
        made.append(audio_tokens(classifier.pieces(log_mel), config, classifier)[0].half())
        owners += [index] * variants
    return torch.cat(made), torch.tensor(owners)


def frozen_pairs(recipe: MatchingModelRecipe, data_dir: Path, split: str, *, seed: int = 0) -> FrozenPairs:
    """Encode the pictures and recordings of a split; test sounds are only laid out in time, not varied."""
    bundle = find_bundle(recipe.bundle)
    folder = bundle.component_folder("image_encoder")
    loaded = load_image_encoder(bundle.manifest.component("image_encoder").class_name, folder)
    if not isinstance(loaded, TimmPatchEncoder):
        raise ValueError(f"bundle {recipe.bundle!r} has another image encoder than the starter's: give embeddings")
    config: dict[str, Any] = {**loaded.config(), "image_size": recipe.image_size, "pool": 1}
    encoder = TimmPatchEncoder(**config)
    encoder.backbone.load_state_dict(loaded.backbone.state_dict())
    folds = recipe.fold_classifiers if split == "train" else ()
    folders = folds or (recipe.classifier or resource("evaluation/classifier"),)
    classifiers = [SoundClassifier.load(folder) for folder in folders]
    if len({classifier.config.kinds for classifier in classifiers}) > 1:
        raise ValueError("the classifiers of the folds know different kinds: train them on one data set")
    known = read_kinds(data_dir)
    names = [kind.name for kind in known]
    patches, picture_kind = encode_pictures(data_dir, split, names, encoder.eval().requires_grad_(False), seed=seed)
    sounds, sound_kind = encode_sounds(
        read_recordings(data_dir, splits=(split,)),
        {kind.name: (index, kind.repeat) for index, kind in enumerate(known)},
        classifiers,
        MatchingConfig(audio_pool=recipe.audio_pool, audio_features=recipe.audio_features),
        variants=recipe.sound_variants if split == "train" else 4,
        seed=seed,
        vary=split == "train",
    )
    return FrozenPairs(patches=patches, picture_kind=picture_kind, sounds=sounds, sound_kind=sound_kind)


def cached_pairs(recipe: MatchingModelRecipe, data_dir: Path, cache_dir: Path, split: str) -> FrozenPairs:
    """`frozen_pairs`, kept in `cache_dir`."""
    shown = {name: str(value) for name, value in asdict(recipe).items() if name in _ENCODED_WITH}
    digest = hashlib.sha256(json.dumps(shown, sort_keys=True).encode()).hexdigest()[:10]
    file = cache_dir / f"pairs_{split}_{digest}.pt"
    names = ("patches", "picture_kind", "sounds", "sound_kind")
    if not file.exists():
        cache_dir.mkdir(parents=True, exist_ok=True)
        pairs = frozen_pairs(recipe, data_dir, split)
        part = file.with_name(f".{file.name}.{os.getpid()}.tmp")
        torch.save({name: getattr(pairs, name) for name in names}, part)
        part.replace(file)
    return FrozenPairs(**torch.load(file, weights_only=True))


def grounding_of(recipe: MatchingModelRecipe) -> ObjectConditioner:
    """The grounding of the recipe's bundle. Raises: ValueError, it is of another shape than the starter's."""
    grounding = ObjectConditioner.load(find_bundle(recipe.bundle).component_folder("grounding"))
    config = grounding.config
    plain = config.heads == 1 and config.position == "post" and config.mlp_residual and config.mlp_factor == 1
    if not plain or not config.prototypes or not config.normalise:
        raise ValueError(f"bundle {recipe.bundle!r} knows no kinds in the starter's way: set model.recognise to false")
    return grounding


def kinds_of_bundle(recipe: MatchingModelRecipe) -> list[str]:
    """Names in the order of its grounding's prototypes."""
    rows = json.loads((find_bundle(recipe.bundle).folder / "kinds.json").read_text())
    return [row["kind"] for row in rows]


@torch.no_grad()
def fill_recogniser(
    recogniser: KindRecogniser, grounding: ObjectConditioner, known: Sequence[str], heard: Sequence[str]
) -> None:
    """Take over the grounding's value path, with `known` kinds in the order of `heard`; strange ones stay zero."""
    recogniser.value.weight.copy_(grounding.to_v.weight)
    recogniser.value.bias.copy_(grounding.position_v.mean(dim=0))
    recogniser.mlp.load_state_dict(grounding.mlp.state_dict())
    prototypes = grounding.get_buffer("prototypes")
    for row, kind in enumerate(heard):
        if kind in known:
            recogniser.kinds[row] = prototypes[known.index(kind)]


class MatchingTask:
    """Binary cross-entropy on matched and mismatched pairs, kinds evenly."""

    def __init__(self, recipe: MatchingModelRecipe, *, data_dir: Path, cache_dir: Path) -> None:
        self.recipe = recipe
        self.train_pairs = cached_pairs(recipe, data_dir, cache_dir, "train")
        self.pictures, self.sounds = self.train_pairs.of_kind()
        self.kinds = sorted(set(self.pictures) & set(self.sounds))
        classifier = SoundClassifier.load(recipe.classifier or resource("evaluation/classifier"))
        self.frames_per_s = classifier.mel.frames_per_s
        shape = recipe.shape
        grounding = grounding_of(recipe) if recipe.recognise else None
        config = MatchingConfig(
            visual_width=self.train_pairs.patches.shape[-1],
            audio_width=self.train_pairs.sounds.shape[-1],
            width=shape.width,
            layers=shape.layers,
            heads=shape.heads,
            dropout=shape.dropout,
            compare=shape.compare,
            image_size=recipe.image_size,
            frames=recipe.frames,
            audio_pool=recipe.audio_pool,
            audio_features=recipe.audio_features,
            recogniser=grounding.config.out_width if grounding is not None else 0,
        )
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            self.model = MatchingModel(config)
        if grounding is not None:
            fill_recogniser(self.model.recogniser, grounding, kinds_of_bundle(recipe), classifier.config.kinds)
        self.module: nn.Module = self.model
        self.learning_rate_factors: Mapping[str, float] = {}
        self.visual_std = self.train_pairs.patches.float().mean(dim=(1, 2)).std(dim=0)
        self.audio_std = self.train_pairs.sounds.float().mean(dim=1).std(dim=0)

    def draw(self, rng: np.random.Generator, batch_size: int, *, step: int) -> Batch:  # noqa: ARG002  # without epochs
        recipe = self.recipe
        seen = rng.choice(self.kinds, size=batch_size)
        mismatched = rng.random(batch_size) < recipe.mismatched_share
        heard = [
            int(rng.choice([k for k in self.kinds if k != kind])) if other else int(kind)
            for kind, other in zip(seen, mismatched, strict=True)
        ]
        rows = [int(rng.choice(self.pictures[int(kind)])) for kind in seen]
        sounds = [int(rng.choice(self.sounds[kind])) for kind in heard]
        visual = still_frames(self.train_pairs.patches[rows], recipe.frames, rng)
        audio = self.train_pairs.sounds[sounds].float()
        # One shift for a whole clip survives its mean; noise on single tokens would not.
        visual = visual + recipe.visual_noise * self.visual_std * torch.randn(batch_size, 1, visual.shape[-1])
        audio = audio + recipe.audio_noise * self.audio_std * torch.randn(batch_size, 1, audio.shape[-1])
        return {
            "visual": visual,
            "audio": audio,
            "match": torch.from_numpy(~mismatched).float(),
            "seen": torch.from_numpy(seen),
            "heard": torch.tensor(heard),
        }

    def loss(self, rng: np.random.Generator, batch_size: int) -> tuple[Tensor, dict[str, float]]:
        return self.loss_of(self.draw(rng, batch_size, step=0))

    def loss_of(self, batch: Batch) -> tuple[Tensor, dict[str, float]]:
        visual, audio = batch["visual"], batch["audio"]
        visual_s, audio_s = self._times(visual, audio)
        logits = self.model(visual, visual_s, audio, audio_s)
        smooth = self.recipe.label_smoothing
        loss = nn.functional.binary_cross_entropy_with_logits(logits, batch["match"] * (1 - smooth) + smooth / 2)
        alignment = self._alignment(batch)
        right = ((logits > 0) == (batch["match"] > 0.5)).float().mean().item()
        figures = {"accuracy": right, "bce": loss.item(), "alignment": alignment.item()}
        return loss + self.recipe.alignment_weight * alignment, figures

    def _alignment(self, batch: Batch) -> Tensor:
        """Pictures and sounds of one kind near each other, those of others far (InfoNCE with several right answers)."""
        seen = nn.functional.normalize(self.model.visual(batch["visual"]).mean(dim=1), dim=-1)
        heard = nn.functional.normalize(self.model.audio(batch["audio"]).mean(dim=1), dim=-1)
        similar = seen @ heard.T / self.recipe.temperature
        same = (batch["seen"][:, None] == batch["heard"][None]).float()
        asked = same.sum(dim=1) > 0
        if not bool(asked.any()):
            return similar.sum() * 0.0
        log_shares = torch.log_softmax(similar, dim=1)
        return -((log_shares * same).sum(dim=1) / same.sum(dim=1).clamp(min=1))[asked].mean()

    def _times(self, visual: Tensor, audio: Tensor) -> tuple[Tensor, Tensor]:
        batch = len(visual)
        audio_s = audio_times(batch, audio.shape[1], self.model.config, frames_per_s=self.frames_per_s)
        return frame_times(batch, visual.shape[1]).to(visual.device), audio_s.to(visual.device)

    @torch.no_grad()
    def held_out(self, pairs: FrozenPairs, *, count: int, seed: int = 0) -> tuple[Tensor, Tensor]:
        """Scores of `count` matched and `count` mismatched pairs of pictures and recordings never trained on."""
        pictures, sounds = pairs.of_kind()
        kinds = sorted(set(pictures) & set(sounds))
        rng = np.random.default_rng(seed)
        scores = []
        for matched in (True, False):
            seen = rng.choice(kinds, size=count)
            heard = [int(k) if matched else int(rng.choice([o for o in kinds if o != k])) for k in seen]
            rows = [int(rng.choice(pictures[int(kind)])) for kind in seen]
            visual = still_frames(pairs.patches[rows], self.recipe.frames, rng)
            chosen = [int(rng.choice(sounds[kind])) for kind in heard]
            audio = pairs.sounds[chosen].float()
            visual_s, audio_s = self._times(visual, audio)
            scores.append(self.model.score(visual, visual_s, audio, audio_s))
        return scores[0], scores[1]

    def export(self, folder: Path) -> None:
        self.model.save(folder / "matching")
