"""Realism end to end with a bundle and an encoder of the real classes at tiny size."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from sounddesk.domain.errors import BadInputError
from sounddesk.domain.errors import Cancelled
from sounddesk.engine.perception.sound_effects import SoundEffectsEncoder
from sounddesk.engine.session import EngineSession
from sounddesk.engine.tasks import CancelToken
from sounddesk.engine.types import SamplingSettings
from sounddesk.evaluation.realism import realism
from sounddesk.evaluation.realism.comparisons import EmbeddedSets
from sounddesk.evaluation.realism.comparisons import compare
from sounddesk.evaluation.realism.comparisons import compare_halves
from sounddesk.evaluation.realism.comparisons import kind_distances
from sounddesk.evaluation.recordings.sound_embedding import SoundEmbedder
from tests.evaluation.conftest import write_sound
from tests.page_reader import PageReader
from tests.private_paths import files_that_say

QUICK = SamplingSettings(preset="fast", steps=1)


@pytest.fixture(scope="module")
def embedder() -> SoundEmbedder:
    torch.manual_seed(0)
    return SoundEmbedder(SoundEffectsEncoder(width=8).eval())


@pytest.fixture(scope="module")
def reference(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Nine recordings of three kinds; those of the cars are at 16 kHz."""
    folder = tmp_path_factory.mktemp("reference")
    rng = np.random.default_rng(0)
    for kind, rate in (("dog", 44_100), ("siren", 44_100), ("car", 16_000)):
        for name in "abc":
            write_sound(folder / kind / f"{name}.wav", rng.standard_normal(rate // 3) * 0.1, sample_rate_hz=rate)
    return folder


def test_a_stopped_run_goes_on_and_the_page_shows_every_stage(
    bundle_in_text_space: Path,
    coloured_pictures: Path,
    reference: Path,
    embedder: SoundEmbedder,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    out = tmp_path / "out"
    options = {
        "out": out, "reference": reference, "bundle": bundle_in_text_space, "pictures": coloured_pictures,
        "sampling": QUICK, "seconds": 1.0, "embedder": embedder,
    }  # fmt: skip
    cancel = CancelToken()
    with pytest.raises(Cancelled):
        realism.run(progress=lambda p: cancel.cancel() if p.done == 12 else None, cancel=cancel, **options)
    kept = (out / "journal.jsonl").read_text().splitlines()
    # The token is asked at the next report.
    assert len(kept) == 13
    (out / "journal.jsonl").write_text("\n".join(kept) + '\n{"key": "cut o')
    reports = []
    result = realism.run(progress=reports.append, **options)
    assert {report.stage for report in reports} >= {"sounds", "comparisons", "page"}
    rows = {(each.row, each.band): each for each in result.comparisons}
    assert {row for row, band in rows if band == "16 kHz"} == {
        "half against half", "vocoder copy", "codec copy", "take by words", "take through a picture",
    }  # fmt: skip
    # Three of nine recordings lack the upper band, which leaves too few.
    assert "6 of 9 recordings" in result.not_measured["full band"]
    assert rows["codec copy", "16 kHz"].recordings == 9
    assert all(each.distance.low <= each.distance.value <= each.distance.high for each in result.comparisons)
    assert result.split == ""
    assert "not known" in result.heard
    page = PageReader((out / "index.html").read_text())
    assert page.problems == []
    assert all((out / link).is_file() for link in page.links if not link.startswith("#"))
    shown = [values["src"] for tag, values in page.tags if tag == "img"]
    assert len(shown) == 15
    assert json.loads((out / "realism.json").read_text()) == json.loads(json.dumps(result.to_json()))
    assert [files_that_say(each, out) for each in (tmp_path.name, str(reference.parent))] == [[], []]
    # Nothing is made twice.
    monkeypatch.setattr(EngineSession, "generate", None)
    monkeypatch.setattr(EngineSession, "round_trip", None)
    assert realism.run(**options).to_json() == result.to_json()


def test_a_folder_of_others_is_left_alone(
    bundle_in_text_space: Path, reference: Path, embedder: SoundEmbedder, tmp_path: Path
) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(BadInputError, match="holds other files"):
        realism.run(out=tmp_path, reference=reference, bundle=bundle_in_text_space, embedder=embedder)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_a_copy_through_the_bundle_is_as_long_and_the_same_twice(bundle_with_kinds: Path) -> None:
    sound = np.random.default_rng(0).standard_normal(44_100).astype(np.float32) * 0.1
    with EngineSession.open(bundle=bundle_with_kinds, device="cpu") as session:
        for through in ("vocoder", "codec"):
            first = session.round_trip(sound, sample_rate_hz=44_100, through=through)
            again = session.round_trip(sound, sample_rate_hz=44_100, through=through)
            assert first.shape == (16_000,)
            assert np.isfinite(first).all()
            assert np.array_equal(first, again)
        short = session.round_trip(sound[:500], sample_rate_hz=44_100, through="codec")
        assert len(short) == round(500 * 16_000 / 44_100)


def test_rows_of_known_sets() -> None:
    rng = np.random.default_rng(0)
    kinds = tuple(f"k{index // 2}" for index in range(60))
    real = rng.standard_normal((60, 5)).astype(np.float32)
    same = compare("same", "full", EmbeddedSets(kinds=kinds, real=real, made=real))
    assert same.distance.value == pytest.approx(0.0, abs=1e-6)
    assert same.auc.value == pytest.approx(0.5, abs=0.05)
    far = compare("far", "full", EmbeddedSets(kinds=kinds, real=real, made=real + 4))
    assert far.auc.value == 1.0
    assert far.distance.value == pytest.approx(5 * 16, rel=1e-4)
    halves = compare_halves("full", real, kinds)
    assert halves.recordings == 30
    assert same.distance.value < halves.distance.value < 4
    distances = kind_distances(
        EmbeddedSets(kinds=kinds, real=real, made=real + [[float(k == "k3")] * 5 for k in kinds])
    )
    assert max(distances, key=lambda kind: sum(distances[kind])) == "k3"
