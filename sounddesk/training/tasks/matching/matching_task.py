"""Training of the audio-visual matching model (paper B.1) on the starter's pictures and recordings.

The paper's frozen encoders are CLIP ViT-B/16 and BEATs; here they are the starter's image encoder and the layer
before the sound classifier's pooling. A picture stands for a video of a still: its frames are pooled from windows of
its patch grid, as if the camera moved a little.
"""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch import nn

from sounddesk.engine.bundles.component_classes import load_conditioner
from sounddesk.engine.bundles.installed_bundles import find_bundle
from sounddesk.engine.perception.effects_head import EffectsHead
from sounddesk.engine.perception.matching_inputs import audio_times
from sounddesk.engine.perception.matching_inputs import frame_times
from sounddesk.engine.perception.matching_inputs import still_frames
from sounddesk.engine.perception.matching_model import KindRecogniser
from sounddesk.engine.perception.matching_model import MatchingConfig
from sounddesk.engine.perception.matching_model import MatchingModel
from sounddesk.engine.perception.sound_classifier import SoundClassifier
from sounddesk.engine.starter.conditioner import PrototypeConditioner
from sounddesk.engine.starter.kinds_document import KINDS_DOCUMENT
from sounddesk.engine.starter.kinds_document import read_kind_rows
from sounddesk.resources_folder import resource
from sounddesk.training.data.data_error import DataError
from sounddesk.training.data.recordings import read_kinds
from sounddesk.training.loop.recipe import TrainingRecipeError
from sounddesk.training.loop.training_task import Batch
from sounddesk.training.tasks.matching.effects_training import train_effects_head
from sounddesk.training.tasks.matching.matching_pairs import FrozenPairs
from sounddesk.training.tasks.matching.matching_pairs import cached_pairs
from sounddesk.training.tasks.matching.matching_recipe import MatchingModelRecipe


def grounding_of(recipe: MatchingModelRecipe) -> PrototypeConditioner:
    """The grounding of the recipe's bundle. Raises: TrainingRecipeError, it is of another shape than the starter's."""
    grounding = load_conditioner(find_bundle(recipe.bundle).component_folder("grounding"))
    config = grounding.config
    plain = config.heads == 1 and config.position == "post" and config.mlp_residual and config.mlp_factor == 1
    if not plain or not isinstance(grounding, PrototypeConditioner) or not config.normalise:
        raise TrainingRecipeError(
            f"bundle {recipe.bundle!r} knows no kinds in the starter's way: set model.recognise to false"
        )
    return grounding


def kinds_of_bundle(recipe: MatchingModelRecipe) -> list[str]:
    """Names in the order of its grounding's prototypes."""
    return [row.kind for row in read_kind_rows(find_bundle(recipe.bundle).folder / KINDS_DOCUMENT)]


@torch.no_grad()
def fill_recogniser(
    recogniser: KindRecogniser, grounding: PrototypeConditioner, known: Sequence[str], heard: Sequence[str]
) -> None:
    """Copy the grounding's value path, with `known` kinds in the order of `heard`; unknown kinds stay zero."""
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
        self.head: EffectsHead | None = None
        if recipe.effects:
            self._hear_effects([kind.name for kind in read_kinds(data_dir)], classifier.config.kinds)
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
            effects=recipe.effects,
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

    def _hear_effects(self, names: Sequence[str], tags: Sequence[str]) -> None:
        """Train a head on all sounds, and for each fold a head on the other folds, which tags it.

        Raises:
            DataError: a kind has no tag.
        """
        pairs, count = self.train_pairs, len(tags)
        strange = [names[int(kind)] for kind in pairs.sound_kind.unique() if names[int(kind)] not in tags]
        if strange:
            raise DataError(f"the classifier does not know {', '.join(strange)}: train it on the same data first")
        tag_of = torch.tensor([tags.index(name) if name in tags else -1 for name in names])
        kinds = tag_of[pairs.sound_kind]
        self.head = train_effects_head(pairs.effects, kinds, count=count)
        heads, folds = [self.head], len(self.recipe.fold_classifiers)
        if folds > 1:
            others = [pairs.fold != number for number in range(folds)]
            heads = [train_effects_head(pairs.effects[rows], kinds[rows], count=count) for rows in others]
        self.train_pairs = pairs.heard_by(heads)

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
        """Scores of `count` matched and `count` mismatched pairs of pictures and recordings never trained on.

        `pairs` are as they were encoded; the head's opinion is added here.
        """
        if self.head is not None:
            pairs = pairs.heard_by([self.head])
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
        if self.head is not None:
            self.head.save(folder / "matching")
