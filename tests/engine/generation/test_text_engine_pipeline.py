"""AudioLDM, AudioLDM 2 and Stable Audio Open as text engines behind the session, held against diffusers' own calls."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from sounddesk.domain.errors import Cancelled
from sounddesk.domain.errors import EngineError
from sounddesk.engine.bundles.installed_bundles import find_bundle
from sounddesk.engine.bundles.installed_bundles import list_bundles
from sounddesk.engine.catalogue.entries import ModelKind
from sounddesk.engine.session import EngineSession
from sounddesk.engine.tasks import CancelToken
from sounddesk.engine.tasks import Progress
from sounddesk.engine.types import BundleError
from sounddesk.engine.types import GenerationRequest
from sounddesk.engine.types import ObjectRequest
from sounddesk.engine.types import SamplingSettings
from sounddesk.engine.types import TextRequest
from tests import text_engine_parts

WRITERS: dict[str, Callable[[Path], None]] = {
    "audioldm-s": text_engine_parts.write_audioldm,
    "audioldm2": text_engine_parts.write_audioldm2,
    "stable-audio-open": text_engine_parts.write_stable_audio,
}
ALL = pytest.mark.parametrize("name", list(WRITERS))
STEPS = SamplingSettings(preset="paper", steps=3, guidance=2.5)
IMAGE = np.random.default_rng(0).integers(0, 256, (48, 64, 3), dtype=np.uint8)
MASK = np.zeros((48, 64), dtype=bool)
MASK[:20, :20] = True


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("models")
    for name, write in WRITERS.items():
        write(root / "weights" / name)
        kind: ModelKind = "audio_model" if name == "audioldm-s" else "text_engine"
        text_engine_parts.install(root / "weights" / name, name, root=root, kind=kind)
    return root


@pytest.fixture(autouse=True)
def models(installed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOUNDDESK_MODELS", str(installed))


def texts(*prompts: str, seeds: tuple[int, ...] = (3, 4), **changes: object) -> TextRequest:
    settings: dict[str, object] = {"seconds": 1.0, "sampling": STEPS, **changes}
    return TextRequest(prompts=prompts, seeds=seeds[: len(prompts)], **settings)  # type: ignore[arg-type]


@ALL
def test_an_installed_model_is_found_by_name_with_its_licence(name: str) -> None:
    bundle = find_bundle(name)
    assert bundle.manifest.licence == text_engine_parts.LICENCE
    assert bundle.text_engine is not None
    bundle.verify()
    assert name in [listing.bundle.name for listing in list_bundles() if listing.bundle is not None]


@pytest.mark.slow
def test_audioldm2_sounds_sample_for_sample_as_from_diffusers(installed: Path) -> None:
    from diffusers import AudioLDM2Pipeline

    with EngineSession.open(bundle="audioldm2", device="cpu") as session:
        ours = session.generate_from_text(texts("a dog barks", "rain", negative_prompt="noise"))
    pipeline = AudioLDM2Pipeline.from_pretrained(installed / "weights" / "audioldm2")
    pipeline.set_progress_bar_config(disable=True)
    for take, seed in zip(ours, (3, 4), strict=True):
        expected = pipeline(
            take.name,
            negative_prompt="noise",
            audio_length_in_s=1.0,
            num_inference_steps=3,
            guidance_scale=2.5,
            generator=torch.Generator().manual_seed(seed),
        ).audios[0]
        assert np.abs(expected).max() > 1e-3
        np.testing.assert_allclose(take.waveform, expected, atol=1e-5, rtol=0)
    assert np.abs(ours[0].waveform - ours[1].waveform).max() > 1e-3


def test_stable_audio_sounds_as_from_diffusers_in_stereo(installed: Path) -> None:
    from diffusers import StableAudioPipeline

    with EngineSession.open(bundle="stable-audio-open", device="cpu") as session:
        take = session.generate_from_text(texts("rain"))[0]
    pipeline = StableAudioPipeline.from_pretrained(installed / "weights" / "stable-audio-open")
    pipeline.set_progress_bar_config(disable=True)
    stereo = pipeline(
        "rain",
        audio_end_in_s=1.0,
        num_inference_steps=3,
        guidance_scale=2.5,
        generator=torch.Generator().manual_seed(3),
        output_type="np",
    ).audios[0]
    expected = stereo.T
    if np.abs(expected).max() > 1.0:
        expected = expected * 0.5 / np.abs(expected).max()
    np.testing.assert_allclose(take.waveform, expected, atol=1e-5, rtol=0)
    assert np.abs(take.waveform[:, 0] - take.waveform[:, 1]).max() > 1e-3
    assert take.waveform.flags.c_contiguous
    assert take.recipe["channels"] == 2
    assert not any("mixed down" in note for note in take.notes)


@ALL
def test_a_take_depends_on_its_words_and_seed_alone(name: str) -> None:
    with EngineSession.open(bundle=name, device="cpu") as session:
        together = session.generate_from_text(texts("a dog", "rain"))
        alone = session.generate_from_text(texts("rain", seeds=(4,)))[0]
        other = session.generate_from_text(texts("rain", seeds=(5,)))[0]
    assert np.array_equal(together[1].waveform, alone.waveform)
    assert not np.array_equal(other.waveform, alone.waveform)


@ALL
@pytest.mark.parametrize("seconds", [1.0, 1.23456])
def test_the_length_is_exact(name: str, seconds: float) -> None:
    with EngineSession.open(bundle=name, device="cpu") as session:
        take = session.generate_from_text(texts("rain", seconds=seconds))[0]
    assert len(take.waveform) == round(seconds * take.sample_rate_hz)


@ALL
def test_objects_of_an_image_are_made_from_their_words_and_say_so(name: str) -> None:
    takes = (
        ObjectRequest(name="dog", mask=MASK, seed=3),
        ObjectRequest(name="car", mask=~MASK, seed=4, prompt="siren", negative_prompt="music"),
        ObjectRequest(name="blend", mask=MASK | ~MASK, seed=5, kind="blend"),
        ObjectRequest(name="ambience", mask=~MASK, seed=6, kind="ambience"),
    )
    with EngineSession.open(bundle=name, device="cpu") as session:
        made = session.generate(GenerationRequest(image=IMAGE, takes=takes, seconds=1.0, sampling=STEPS))
        words = session.generate_from_text(texts("dog"))[0]
    assert [take.recipe["prompt"] for take in made] == [
        "dog",
        "siren",
        "dog and siren",
        "background sound of the place",
    ]
    assert np.array_equal(made[0].waveform, words.waveform)
    assert made[0].notes[0] == f"made from the words 'dog' alone: {name} sees no image"
    recipe = made[1].recipe
    assert (recipe["bundle"], recipe["negative_prompt"], recipe["licence"]) == (
        name,
        "music",
        "House licence (no paid work)",
    )
    json.dumps(recipe)


@ALL
def test_what_needs_an_image_is_refused_in_plain_words(name: str) -> None:
    with EngineSession.open(bundle=name, device="cpu") as session:
        for call in (
            lambda: session.attention_map(IMAGE, "dog"),
            lambda: session.encode_image(IMAGE),
            lambda: session.condition(IMAGE, ObjectRequest(name="dog", mask=MASK, seed=1)),
        ):
            with pytest.raises(EngineError, match="is text-only: choose an image bundle"):
                call()
        with pytest.raises(EngineError, match="text is empty"):
            session.generate_from_text(texts(" "))


def test_more_than_the_model_makes_at_once_is_refused_before_it_is_loaded() -> None:
    session = EngineSession.open(bundle="stable-audio-open", device="cpu")
    with pytest.raises(EngineError, match="length is 3 s: 'stable-audio-open' makes at most 2.0 s at once"):
        session.generate_from_text(texts("rain", seconds=3.0))
    assert not session.is_loaded


@ALL
def test_progress_counts_every_step_and_cancel_stops_within_one(name: str) -> None:
    reports: list[Progress] = []
    cancel = CancelToken()
    with EngineSession.open(bundle=name, device="cpu") as session:
        session.generate_from_text(texts("a", "b"), on_progress=reports.append)
        denoising = [(report.done, report.total) for report in reports if report.stage == "denoise"]
        assert denoising == [(done, 6) for done in range(7)]
        steps: list[int] = []

        def stop(report: Progress) -> None:
            steps.append(report.done)
            if report.done == 2:
                cancel.cancel()

        with pytest.raises(Cancelled):
            session.generate_from_text(texts("a", "b"), on_progress=stop, cancel=cancel)
        assert max(steps) == 2


@ALL
def test_the_fast_preset_works_too(name: str) -> None:
    with EngineSession.open(bundle=name, device="cpu") as session:
        take = session.generate_from_text(texts("rain", sampling=SamplingSettings(steps=2)))[0]
        assert take.recipe["steps"] == 2
        session.unload()
        assert not session.is_loaded


@ALL
def test_a_damaged_model_is_never_loaded(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    WRITERS[name](tmp_path / "weights")
    text_engine_parts.install(tmp_path / "weights", name, root=tmp_path / "models")
    monkeypatch.setenv("SOUNDDESK_MODELS", str(tmp_path / "models"))
    path = next((tmp_path / "weights" / "vae").glob("*.safetensors"))
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    with pytest.raises(BundleError, match="vae/.* is not the file"):
        EngineSession.open(bundle=name, device="cpu").generate_from_text(texts("rain"))


def test_an_unknown_pipeline_is_not_offered(installed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from sounddesk.engine.bundles.text_engine_bundle import text_engine_bundle
    from sounddesk.engine.catalogue.model_store import require_model

    (tmp_path / "weights").mkdir()
    (tmp_path / "weights" / "model_index.json").write_text('{"_class_name": "MusicPipeline"}')
    text_engine_parts.install(tmp_path / "weights", "music", root=tmp_path / "models")
    monkeypatch.setenv("SOUNDDESK_MODELS", str(tmp_path / "models"))
    with pytest.raises(EngineError, match="'music' is a MusicPipeline: known text engines are"):
        text_engine_bundle(require_model("music"))
    assert "music" not in [listing.bundle.name for listing in list_bundles() if listing.bundle is not None]
