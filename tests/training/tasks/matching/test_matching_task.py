"""The matching model learns which picture and sound belong together, on the starter's encoders; scores and pairings."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from sounddesk.domain.errors import EngineError
from sounddesk.engine.perception.effects_head import HEAD_NAME
from sounddesk.engine.perception.effects_head import EffectsHead
from sounddesk.engine.perception.effects_head import both_tags
from sounddesk.engine.perception.matching_inputs import MatchingEar
from sounddesk.engine.perception.matching_model import KindRecogniser
from sounddesk.engine.perception.matching_model import MatchingModel
from sounddesk.engine.perception.sound_classifier import SoundClassifier
from sounddesk.engine.perception.sound_classifier import SoundClassifierConfig
from sounddesk.engine.starter.conditioner import PrototypeConditioner
from sounddesk.engine.starter.conditioner import PrototypeConfig
from sounddesk.training.ablation.ablation_runs import noisy_pairs
from sounddesk.training.ablation.matching_scores import score_kinds
from sounddesk.training.clips.clip_manifest import ClipSource
from sounddesk.training.loop.loop import train
from sounddesk.training.loop.optimiser_recipe import OptimiserRecipe
from sounddesk.training.refinement.clip_scores import ClipScorer
from sounddesk.training.tasks.matching.matching_pairs import cached_pairs
from sounddesk.training.tasks.matching.matching_recipe import MatchingModelRecipe
from sounddesk.training.tasks.matching.matching_recipe import MatchingShape
from sounddesk.training.tasks.matching.matching_task import MatchingTask
from sounddesk.training.tasks.matching.matching_task import fill_recogniser
from tests.training.tiny_data import KINDS
from tests.training.tiny_data import build_tiny_data


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[MatchingTask, Path]:
    folder = tmp_path_factory.mktemp("matching")
    data = build_tiny_data(folder / "data")
    shape = MatchingShape(width=32, layers=2, heads=2, dropout=0.0)
    recipe = MatchingModelRecipe(
        image_size=64, frames=2, sound_variants=3, shape=shape, visual_noise=0.1, audio_noise=0.1, label_smoothing=0.0
    )
    task = MatchingTask(recipe, data_dir=data, cache_dir=folder / "cache")
    optimiser = OptimiserRecipe(steps=200, batch_size=24, learning_rate=2e-3, ema_decay=0.9)
    train(task, optimiser, seed=1, run_dir=folder / "run")
    return task, folder


@pytest.mark.slow
def test_it_tells_matched_from_mismatched(trained: tuple[MatchingTask, Path]) -> None:
    task, _ = trained
    matched, mismatched = task.held_out(task.train_pairs, count=40)
    assert (matched > 0.5).float().mean() > 0.75
    assert (mismatched < 0.5).float().mean() > 0.75


def test_half_of_a_batch_is_mismatched_and_never_by_its_own_kind(trained: tuple[MatchingTask, Path]) -> None:
    task, _ = trained
    batch = task.draw(np.random.default_rng(0), 300, step=0)
    assert 0.4 < batch["match"].mean().item() < 0.6
    assert torch.equal(batch["match"] == 1, batch["seen"] == batch["heard"])


def test_scores_of_clips_and_pairs_follow_the_export(trained: tuple[MatchingTask, Path]) -> None:
    task, folder = trained
    export = folder / "run" / "export" / "matching"
    model = MatchingModel.load(export)
    scores = score_kinds(model, task.train_pairs, list(KINDS), mismatched_share=0.5)
    right = [score for seen, heard, score in scores if seen == heard]
    wrong = [score for seen, heard, score in scores if seen != heard]
    assert np.mean(right) > np.mean(wrong) + 0.3
    scorer = ClipScorer(export, bundle="starter")
    clip = ClipSource(id="a", image=folder / "data/pictures/hum/one.png", audio=folder / "data/recordings/hum/one.flac")
    assert 0.0 < scorer.score(clip, seconds=3.2) < 1.0


@pytest.fixture(scope="module")
def hears_effects(tmp_path_factory: pytest.TempPathFactory) -> tuple[MatchingTask, Path]:
    folder = tmp_path_factory.mktemp("effects")
    data = build_tiny_data(folder / "data")
    torch.manual_seed(0)
    config = SoundClassifierConfig(kinds=KINDS, widths=(8, 8, 8, 8), head_width=8)
    SoundClassifier(config).save(folder / "classifier")
    shape = MatchingShape(width=32, layers=1, heads=2, dropout=0.0)
    recipe = MatchingModelRecipe(
        classifier=folder / "classifier", effects=True, image_size=64, frames=2, sound_variants=3, shape=shape
    )
    task = MatchingTask(recipe, data_dir=data, cache_dir=folder / "cache")
    task.export(folder / "export")
    return task, folder


@pytest.mark.slow
def test_with_the_effects_encoder_the_tags_name_the_kind(hears_effects: tuple[MatchingTask, Path]) -> None:
    # The classifier's weights are random: what is right here the head has learned.
    task, folder = hears_effects
    pairs = task.train_pairs
    assert torch.equal(pairs.sounds[:, 0].argmax(dim=1), pairs.sound_kind)
    encoded = cached_pairs(task.recipe, folder / "data", folder / "cache", "train")
    assert encoded.effects.shape == (9, 512)
    assert not torch.equal(encoded.sounds, pairs.sounds)


def test_clips_are_heard_by_the_head_that_was_exported(hears_effects: tuple[MatchingTask, Path]) -> None:
    _, folder = hears_effects
    export = folder / "export" / "matching"
    classifier = SoundClassifier.load(folder / "classifier")
    ear = MatchingEar(export, MatchingModel.load(export).config, classifier)
    time_s = torch.arange(51_200) / 16_000
    hum = 0.5 * torch.sin(2 * torch.pi * 220 * time_s)
    hiss = torch.from_numpy(np.random.default_rng(1).normal(0, 0.1, 51_200).astype(np.float32))
    tokens, _ = ear.tokens(torch.stack([hum, hiss]))
    assert tokens[:, 0].argmax(dim=1).tolist() == [KINDS.index("hum"), KINDS.index("hiss")]
    (export / HEAD_NAME).rename(folder / "head")
    with pytest.raises(EngineError, match=HEAD_NAME):
        ClipScorer(export, bundle="starter", classifier=folder / "classifier")
    (folder / "head").rename(export / HEAD_NAME)


def test_each_fold_is_heard_by_its_own_head(hears_effects: tuple[MatchingTask, Path]) -> None:
    task, folder = hears_effects
    pairs = cached_pairs(task.recipe, folder / "data", folder / "cache", "train")
    dealt = replace(pairs, fold=torch.tensor([0, 1, -1] * 3))
    heads = [EffectsHead(512, len(KINDS)).eval() for _ in range(2)]
    heard = dealt.heard_by(heads)
    for number, head in enumerate(heads):
        rows = dealt.fold == number
        expected = both_tags(pairs.sounds[rows], head(pairs.effects[rows])[:, None])
        torch.testing.assert_close(heard.sounds[rows].float(), expected, atol=2e-2, rtol=1e-2)
    assert torch.equal(heard.sounds[dealt.fold < 0], pairs.sounds[dealt.fold < 0])
    _, sounds = dealt.of_kind()
    assert all((dealt.fold[rows] >= 0).all() for rows in sounds.values())


def test_a_kind_that_the_classifier_does_not_know_is_named(tmp_path: Path) -> None:
    data = build_tiny_data(tmp_path / "data")
    recipe = MatchingModelRecipe(effects=True, image_size=64, sound_variants=1)
    with pytest.raises(ValueError, match="does not know hum, hiss, click"):
        MatchingTask(recipe, data_dir=data, cache_dir=tmp_path / "cache")


def test_pairs_have_the_asked_share_of_wrong_sounds() -> None:
    pairs = noisy_pairs(["a", "b", "c", "d"], per_kind=200, mismatched_share=0.3)
    assert len(pairs) == 800
    assert np.mean([seen != heard for seen, heard in pairs]) == pytest.approx(0.3, abs=0.06)


def test_the_recogniser_is_the_groundings_value_path_in_the_classifiers_order() -> None:
    torch.manual_seed(3)
    config = PrototypeConfig(
        text_width=12,
        patch_width=10,
        grid=(2, 3),
        width=12,
        out_width=12,
        mlp_factor=1,
        mlp_residual=True,
        prototypes=3,
    )
    grounding = PrototypeConditioner(config).eval()
    grounding.get_buffer("prototypes").copy_(torch.nn.functional.normalize(torch.randn(3, 12), dim=-1))
    recogniser = KindRecogniser(visual_width=10, width=12, kinds=4)
    fill_recogniser(recogniser, grounding, ["dog", "bell", "rain"], ["rain", "ghost", "dog", "bell"])
    means = torch.randn(5, 1, 10)
    even = torch.full((5, 6), 1 / 6)
    with torch.no_grad():
        conditions = grounding.fuse(even, means.expand(-1, 6, -1))
        cosines = recogniser(means)[:, 0]
    expected = conditions @ grounding.get_buffer("prototypes").T
    torch.testing.assert_close(cosines[:, [2, 3, 0]], expected, atol=1e-5, rtol=0)
    assert (cosines[:, 1] == 0).all()
