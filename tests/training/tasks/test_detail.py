from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch

from sounddesk.engine.bundles.bundle import Bundle
from sounddesk.engine.starter.spectral_detail import SpectralDetail
from sounddesk.training.data.data_error import DataError
from sounddesk.training.data.detail_pairs import read_wide_recordings
from sounddesk.training.loop.recipe import TrainingRecipeError
from sounddesk.training.tasks.detail import DetailModelRecipe
from sounddesk.training.tasks.detail import DetailTask
from tests.tiny_bundle import build_tiny_bundle

SMALL = {"width": 4, "hidden": 8, "upper_bands": 4, "variants": 1, "discriminator_width": 4}


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    return Bundle.open(build_tiny_bundle(tmp_path_factory.mktemp("tiny"), detail=True))


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One wide recording and one whose source ends at 5.5 kHz."""
    folder = tmp_path_factory.mktemp("data")
    rng = np.random.default_rng(0)
    with (folder / "table.csv").open("w", newline="") as file:
        table = csv.writer(file)
        table.writerow(["role", "split", "kind", "path", "source_rate_hz"])
        for name, rate in (("wide", 44_100), ("dull", 11_025)):
            soundfile.write(folder / f"{name}.wav", rng.normal(0.0, 0.1, 96_000), 48_000)
            table.writerow(["recording", "train", name, f"{name}.wav", rate])
    return folder


def task_of(bundle: Bundle, data: Path, *, start: Path | None = None, **model: bool) -> DetailTask:
    inputs = {"codec": bundle.component_folder("vae")} | ({} if start is None else {"start": start})
    return DetailTask(DetailModelRecipe(**SMALL, **model), spec=bundle.audio, data_dir=data, inputs=inputs)


def test_what_a_source_does_not_have_is_not_known(bundle: Bundle, data: Path) -> None:
    wide, dull = task_of(bundle, data).pairs
    assert wide.known.all()
    assert not dull.known.any()


def test_likelihood_grows_and_the_result_can_be_loaded(bundle: Bundle, data: Path, tmp_path: Path) -> None:
    task = task_of(bundle, data)
    optimiser = torch.optim.Adam(task.module.parameters(), lr=3e-3)
    before = task.loss(np.random.default_rng(1), 2)[0].item()
    for step in range(12):
        optimiser.zero_grad()
        task.loss(np.random.default_rng(step), 2)[0].backward()
        optimiser.step()
    assert task.loss(np.random.default_rng(1), 2)[0].item() < before - 0.3
    task.export(tmp_path)
    loaded = SpectralDetail.load(tmp_path / "detail", bundle.audio.mel)
    assert torch.equal(loaded.network.head.weight, task.detail.network.head.weight)


def test_against_discriminators_both_sides_learn(bundle: Bundle, data: Path, tmp_path: Path) -> None:
    task_of(bundle, data).export(tmp_path)
    task = task_of(bundle, data, start=tmp_path / "detail", adversarial=True)
    loss, figures = task.loss(np.random.default_rng(0), 2)
    loss.backward()
    assert set(figures) == {"judged", "fooled", "kept"}
    for name, parameter in task.module.named_parameters():
        assert parameter.grad is not None, name
        assert torch.isfinite(parameter.grad).all(), name


def test_the_result_knows_how_loud_its_kinds_are(bundle: Bundle, data: Path, tmp_path: Path) -> None:
    rows = [{"kind": "wide", "caption": "a dog"}, {"kind": "unheard", "caption": "the sea"}]
    (data / "kinds.json").write_text(json.dumps(rows))
    inputs = {"codec": bundle.component_folder("vae"), "encoders": bundle.folder}
    task = DetailTask(DetailModelRecipe(**SMALL), spec=bundle.audio, data_dir=data, inputs=inputs)
    task.export(tmp_path)
    known = SpectralDetail.load(tmp_path / "detail", bundle.audio.mel).loudness
    assert known is not None
    # White noise that peaks at 0.5 some four deviations from its mean.
    assert known.lufs[0] == pytest.approx(-16.0, abs=2.5)
    assert known.lufs[1] == pytest.approx(known.lufs[0], abs=1.0)
    go_on = {"codec": bundle.component_folder("vae"), "start": tmp_path / "detail"}
    DetailTask(DetailModelRecipe(**SMALL), spec=bundle.audio, data_dir=data, inputs=go_on)


def test_generator_cannot_move_the_discriminators(bundle: Bundle, data: Path, tmp_path: Path) -> None:
    """Their gradient is that of telling real from made, and of nothing else."""
    task_of(bundle, data).export(tmp_path)
    task = task_of(bundle, data, start=tmp_path / "detail", adversarial=True)
    assert task.discriminators is not None
    _, figures = task.loss(np.random.default_rng(0), 2)
    score = task.discriminators.fine.score
    task.loss(np.random.default_rng(0), 2)[0].backward()
    # At the start nothing is told apart: a hinge of two scores near 0 pulls real up and made down by the same amount.
    assert figures["judged"] == pytest.approx(8.0, abs=1.0)
    bias = score.bias
    assert bias is not None
    assert bias.grad is not None
    assert abs(float(bias.grad)) < 0.3


def test_another_rate_is_refused(bundle: Bundle, data: Path) -> None:
    with pytest.raises(DataError, match="wide.wav has 48000 Hz, the recipe asks for 32000 Hz: .*--recordings-hz 32000"):
        read_wide_recordings(data, sample_rate_hz=32_000)


def test_texture_needs_a_start(bundle: Bundle, data: Path) -> None:
    with pytest.raises(TrainingRecipeError, match="inputs.start is missing"):
        task_of(bundle, data, adversarial=True)
