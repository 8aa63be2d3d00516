"""Scores of the matching model: of starter pairs, for the ablation of table 5."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Final

import numpy as np

from sounddesk.engine.perception.effects_head import EffectsHead
from sounddesk.engine.perception.matching_inputs import audio_times
from sounddesk.engine.perception.matching_inputs import frame_times
from sounddesk.engine.perception.matching_inputs import still_frames
from sounddesk.engine.perception.matching_model import MatchingModel
from sounddesk.engine.perception.sound_classifier import SoundClassifier
from sounddesk.resources_folder import resource
from sounddesk.storage.atomic_file import write_file
from sounddesk.storage.text_formats import read_json
from sounddesk.training.ablation.ablation_runs import ScoredPair
from sounddesk.training.ablation.ablation_runs import noisy_pairs
from sounddesk.training.data.recordings import read_kinds
from sounddesk.training.tasks.matching.matching_pairs import FrozenPairs
from sounddesk.training.tasks.matching.matching_pairs import cached_pairs
from sounddesk.training.tasks.matching.matching_recipe import MatchingModelRecipe

PAIRS_PER_KIND: Final = 8


def starter_scores(data: Path, matching: Path, work: Path, *, mismatched_share: float) -> list[ScoredPair]:
    """Scores of training clips, of which `mismatched_share` have a wrong sound; kept in `work`.

    Raises:
        EngineError: no matching model in `matching`.
    """
    file = work / f"matching_scores_{mismatched_share}.json"
    if file.is_file():
        return [(str(seen), str(heard), float(score)) for seen, heard, score in read_json(file)]
    model = MatchingModel.load(matching)
    config = model.config
    recipe = MatchingModelRecipe(
        image_size=config.image_size,
        audio_pool=config.audio_pool,
        audio_features=config.audio_features,
        effects=config.effects,
    )
    pairs = cached_pairs(recipe, data, work, "train")
    if config.effects:
        pairs = pairs.heard_by([EffectsHead.load(matching)])
    scores = score_kinds(model, pairs, [kind.name for kind in read_kinds(data)], mismatched_share=mismatched_share)
    write_file(file, (json.dumps(scores, indent=0) + "\n").encode())
    return scores


def score_kinds(
    model: MatchingModel, pairs: FrozenPairs, names: list[str], *, mismatched_share: float
) -> list[ScoredPair]:
    """One score for each drawn pair of kinds, of a random picture and a random recording."""
    frames_per_s = SoundClassifier.load(resource("evaluation/classifier")).mel.frames_per_s
    pictures, sounds = pairs.of_kind()
    usable = [name for index, name in enumerate(names) if index in pictures and index in sounds]
    index_of = {name: index for index, name in enumerate(names)}
    rng = np.random.default_rng(0)
    scores: list[ScoredPair] = []
    for seen, heard in noisy_pairs(usable, per_kind=PAIRS_PER_KIND, mismatched_share=mismatched_share):
        patches = pairs.patches[int(rng.choice(pictures[index_of[seen]]))][None]
        audio = pairs.sounds[int(rng.choice(sounds[index_of[heard]]))][None].float()
        visual = still_frames(patches, model.config.frames, rng)
        audio_s = audio_times(1, audio.shape[1], model.config, frames_per_s=frames_per_s)
        score = model.score(visual, frame_times(1, model.config.frames), audio, audio_s)
        scores.append((seen, heard, float(score[0])))
    return scores
