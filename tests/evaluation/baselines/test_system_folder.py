"""Baselines end to end with a tiny bundle of the real classes."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from sounddesk.audio.files.wav_io import read_sound
from sounddesk.domain.errors import BadInputError
from sounddesk.domain.errors import Cancelled
from sounddesk.engine.perception.mask_separator import MaskSeparator
from sounddesk.engine.perception.mask_separator import SeparatorShape
from sounddesk.engine.tasks import CancelToken
from sounddesk.engine.types import SamplingSettings
from sounddesk.evaluation.baselines import system_folder
from sounddesk.evaluation.baselines.registry import BASELINES
from tests.evaluation.conftest import write_cut_out
from tests.evaluation.conftest import write_sound
from tests.private_paths import files_that_say

QUICK = SamplingSettings(preset="fast", steps=1)


@pytest.fixture
def manifest(tmp_path: Path) -> Path:
    write_cut_out(tmp_path / "a.png")
    rows = [
        {"id": "a", "image": "a.png", "mask": "a.png", "object": "dog", "caption": "a dog"},
        {"id": "b", "image": "a.png", "caption": "a car"},
        {"id": "c", "object": "sea"},
    ]
    (tmp_path / "clips.jsonl").write_text("\n".join(json.dumps(row) for row in rows))
    return tmp_path / "clips.jsonl"


def make(name: str, manifest: Path, bundle: Path, **options):
    given = {"out": manifest.parent / name, "bundle": bundle, "seconds": 1.0, "sampling": QUICK, "device": "cpu"}
    return system_folder.run(name=name, manifest=manifest, **{**given, **options})


def test_those_that_there_are() -> None:
    assert set(BASELINES.names()) == {"ours", "captioning", "captioning-mix", "text", "retrieve", "retrieve-separate"}
    assert all(entry.summary[-1] not in ".?" for entry in BASELINES)


def test_ours_is_made_once_and_goes_on(manifest: Path, bundle_in_text_space: Path) -> None:
    made = make("ours", manifest, bundle_in_text_space)
    assert (made.made, made.kept, made.left_out) == (2, 0, {"a picture": 1})
    first = read_sound(manifest.parent / "ours" / "a.wav")
    assert first.seconds == pytest.approx(1.0)
    (manifest.parent / "ours" / "b.wav").unlink()
    again = make("ours", manifest, bundle_in_text_space)
    assert (again.made, again.kept) == (1, 1)
    with pytest.raises(BadInputError, match="holds sounds of other settings"):
        make("ours", manifest, bundle_in_text_space, seed=1)


def test_text_and_the_seed_of_a_clip(manifest: Path, bundle_in_text_space: Path) -> None:
    made = make("text", manifest, bundle_in_text_space)
    assert (made.made, made.left_out) == (3, {})
    other = make("text", manifest, bundle_in_text_space, out=manifest.parent / "other", seed=1)
    same = [read_sound(each.folder / "a.wav").samples for each in (made, other)]
    assert not np.allclose(*same)


def test_retrieval_takes_the_kind_that_is_named(manifest: Path, bundle_in_text_space: Path) -> None:
    levels = {"a dog": 0.1, "a car": 0.2, "sea": 0.4}
    for kind, level in levels.items():
        write_sound(manifest.parent / "recordings" / kind / "one.wav", np.full(32_000, level))
    with pytest.raises(BadInputError, match="name a folder with --recordings"):
        make("retrieve", manifest, bundle_in_text_space)
    with pytest.raises(BadInputError, match="train one with 'sounddesk train run"):
        make("retrieve-separate", manifest, bundle_in_text_space, recordings=manifest.parent / "recordings")
    made = make("retrieve", manifest, bundle_in_text_space, recordings=manifest.parent / "recordings")
    assert made.made == 3
    assert files_that_say(manifest.parent.name, manifest.parent / "retrieve") == []
    settings = manifest.parent / "retrieve" / system_folder.SETTINGS_FILE
    before = {**json.loads(settings.read_text()), "recordings": str((manifest.parent / "recordings").resolve())}
    settings.write_text(json.dumps(before))
    kept = make("retrieve", manifest, bundle_in_text_space, recordings=manifest.parent / "recordings").kept
    assert kept == 3, "settings of before, which name the folder"
    for clip, kind in (("a", "a dog"), ("b", "a car"), ("c", "sea")):
        sound = read_sound(manifest.parent / "retrieve" / f"{clip}.wav")
        assert sound.samples == pytest.approx(levels[kind], abs=1e-3)
        assert len(sound.samples) == 16_000
    write_sound(manifest.parent / "others" / "sea" / "one.wav", np.full(32_000, 0.3))
    (made.folder / "c.wav").unlink()
    with pytest.raises(BadInputError, match="holds sounds of other settings"):
        make("retrieve", manifest, bundle_in_text_space, recordings=manifest.parent / "others")


def test_what_was_retrieved_is_separated_by_mask_or_name(manifest: Path, bundle_in_text_space: Path) -> None:
    rng = np.random.default_rng(0)
    for kind in ("a dog", "a car", "sea"):
        write_sound(manifest.parent / "recordings" / kind / "one.wav", rng.standard_normal(9000) * 0.1)
    torch.manual_seed(0)
    shape = SeparatorShape(condition_width=32, widths=(8, 8), hidden=8, maps=4)
    MaskSeparator(shape).save(manifest.parent / "separator")
    places = {"recordings": manifest.parent / "recordings", "separator": manifest.parent / "separator"}
    made = make("retrieve-separate", manifest, bundle_in_text_space, **places)
    assert made.made == 3
    for clip in "abc":
        sound = read_sound(made.folder / f"{clip}.wav")
        # A mask takes away, and adds nothing.
        assert len(sound.samples) == 9000 and 0 < np.std(sound.samples) < 0.1


def test_folders_and_manifests_that_cannot_be(manifest: Path, bundle_in_text_space: Path, tmp_path: Path) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine.txt").write_text("x")
    with pytest.raises(BadInputError, match="holds other files: name an empty folder"):
        make("ours", manifest, bundle_in_text_space, out=tmp_path / "full")
    manifest.write_text('{"id": "x"}')
    with pytest.raises(BadInputError, match=r"no clip of .* has what ours needs \(1 without a picture\)"):
        make("ours", manifest, bundle_in_text_space)


def test_a_stop_keeps_what_was_made(manifest: Path, bundle_in_text_space: Path) -> None:
    cancel = CancelToken()

    def stop(progress) -> None:
        if progress.stage == "text" and progress.done == 1:
            cancel.cancel()

    with pytest.raises(Cancelled):
        make("text", manifest, bundle_in_text_space, progress=stop, cancel=cancel)
    assert make("text", manifest, bundle_in_text_space).kept == 1
