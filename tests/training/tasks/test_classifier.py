from __future__ import annotations

import csv
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch

from sounddesk.engine.perception.sound_classifier import SoundClassifier
from sounddesk.engine.specs import MelSpec
from sounddesk.training.data.recordings import folds_of
from sounddesk.training.data.recordings import read_recordings
from sounddesk.training.data.sound_variation import varied_waveform
from sounddesk.training.runner import run_recipe
from sounddesk.training.tasks.classifier import ClassifierModelRecipe
from sounddesk.training.tasks.classifier import ClassifierTask

RATE = 16_000
PITCHES = {"hoot": 300.0, "beep": 1200.0, "squeak": 4500.0}


def sound(kind: str, rng: np.random.Generator, seconds: float = 1.5) -> np.ndarray:
    t = np.arange(round(seconds * RATE)) / RATE
    pitch = PITCHES[kind] * rng.uniform(0.95, 1.05)
    return (0.4 * np.sin(2 * np.pi * pitch * t) * np.exp(-rng.uniform(0.5, 3) * t)).astype(np.float32)


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("data")
    rng = np.random.default_rng(0)
    rows = []
    for kind in PITCHES:
        for index in range(3):
            path = f"recordings/{kind}/{index}.flac"
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            soundfile.write(folder / path, sound(kind, rng), RATE)
            row = {"kind": kind, "role": "recording", "id": str(index), "path": path, "split": "train"}
            rows.append(row | {"source": "made", "member": path})
    # A kind without a recording cannot be learned and must not become a class.
    kinds = [{"kind": kind, "caption": kind, "repeat": "repeating"} for kind in (*PITCHES, "unheard")]
    (folder / "kinds.json").write_text(json.dumps(kinds))
    with (folder / "table.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return folder


def test_a_fold_is_left_out_and_no_kind_with_it(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    recordings = read_recordings(data)
    alone = replace(recordings[0], kind="alone")
    folds = folds_of([*recordings, alone], 2)
    assert folds[:3] == [0, 1, 0]
    assert folds[-1] is None
    same = [replace(r, origin="one") for r in recordings[:3]] + [replace(recordings[3], kind=recordings[0].kind)]
    assert folds_of(same, 3) == [0, 0, 0, 1], "parts of one file stay together"

    heard: set[float] = set()

    def listening(samples: np.ndarray, **options: object) -> np.ndarray:
        heard.add(float(samples[1000]))
        return varied_waveform(samples, **options)

    monkeypatch.setattr("sounddesk.training.tasks.classifier.varied_waveform", listening)
    recipe = ClassifierModelRecipe(widths=(8, 8, 8, 8), head_width=8, variants_per_kind=6, leave_out=1, folds=3)
    task = ClassifierTask(recipe, mel=MelSpec(), data_dir=data)
    assert task.classifier.config.kinds == tuple(PITCHES)
    left_out = {
        float(r.samples[1000]) for r, fold in zip(recordings, folds_of(recordings, 3), strict=True) if fold == 1
    }
    assert len(left_out) == len(PITCHES)
    assert heard == {float(r.samples[1000]) for r in recordings} - left_out


def write_recipe(folder: Path, data: Path, *, steps: int) -> Path:
    recipe = folder / "classifier.yaml"
    recipe.write_text(
        f"""
task: classifier
data: {data}
run_dir: {folder / "run"}
seed: 1
model: {{widths: [8, 8, 8, 8], head_width: 16, dropout: 0.0, variants_per_kind: 6, mixup: 0.2}}
optimiser: {{steps: {steps}, batch_size: 12, learning_rate: 5.0e-3, ema_decay: 0.9, threads: 1}}
"""
    )
    return recipe


@pytest.mark.slow
def test_learns_to_tell_pitches_apart_at_any_level(data, tmp_path):
    export = run_recipe(write_recipe(tmp_path, data, steps=60))
    classifier = SoundClassifier.load(export / "classifier")
    assert classifier.config.kinds == tuple(PITCHES)
    rng = np.random.default_rng(9)
    for kind in PITCHES:
        for gain in (1.0, 0.01):
            scores = classifier.log_probabilities(gain * sound(kind, rng))
            assert classifier.config.kinds[int(scores.argmax())] == kind


def test_interrupted_run_ends_where_the_whole_one_does(data, tmp_path):
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
    torch.manual_seed(0)
    whole = run_recipe(write_recipe(tmp_path / "a", data, steps=4))
    torch.manual_seed(0)
    run_recipe(write_recipe(tmp_path / "b", data, steps=2))
    resumed = run_recipe(write_recipe(tmp_path / "b", data, steps=4))
    a, b = (SoundClassifier.load(export / "classifier") for export in (whole, resumed))
    for name, value in a.state_dict().items():
        assert torch.equal(value, b.state_dict()[name]), name
