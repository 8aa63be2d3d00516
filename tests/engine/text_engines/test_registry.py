"""A text engine is a module that registers itself: nothing else names it, and it is found, listed and heard."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from sounddesk.domain.errors import EngineError
from sounddesk.domain.registry import DuplicateNameError
from sounddesk.engine.bundles.installed_bundles import find_bundle
from sounddesk.engine.bundles.installed_bundles import list_bundles
from sounddesk.engine.device import DevicePolicy
from sounddesk.engine.session import EngineSession
from sounddesk.engine.specs import AudioSpec
from sounddesk.engine.specs import LatentSpec
from sounddesk.engine.specs import MelSpec
from sounddesk.engine.text_engines.registry import TEXT_ENGINES
from sounddesk.engine.text_engines.registry import OnStep
from sounddesk.engine.text_engines.registry import SoundPrompt
from sounddesk.engine.text_engines.registry import TextEngineEntry
from sounddesk.engine.types import GenerationRequest
from sounddesk.engine.types import ObjectRequest
from sounddesk.engine.types import SamplingSettings
from sounddesk.engine.types import TextRequest
from sounddesk.engine.types import steps_of
from tests import text_engine_parts


class Whistle:
    """A tone as high as the prompt is long."""

    def sample(self, asked: SoundPrompt, *, on_step: OnStep) -> npt.NDArray[np.float32]:
        for step in range(steps_of(asked.sampling)):
            on_step(step + 1)
        phase = 2 * np.pi * 100 * len(asked.prompt) * np.arange(asked.n_samples) / 16_000
        return (0.1 * np.sin(phase + asked.seed)).astype(np.float32)[None]


def load(_folder: Path, _audio: AudioSpec, _policy: DevicePolicy) -> Whistle:
    return Whistle()


ENTRY = TextEngineEntry(
    name="WhistlePipeline",
    audio_spec=lambda _folder: AudioSpec(mel=MelSpec(), latent=LatentSpec()),
    longest_s=lambda _folder: 2.0,
    load=load,
)


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    (tmp_path / "weights").mkdir()
    (tmp_path / "weights" / "model_index.json").write_text(json.dumps({"_class_name": ENTRY.name}))
    text_engine_parts.install(tmp_path / "weights", "whistle", root=tmp_path / "models")
    monkeypatch.setenv("SOUNDDESK_MODELS", str(tmp_path / "models"))
    return "whistle"


def names() -> list[str]:
    return [listing.bundle.name for listing in list_bundles() if listing.bundle is not None]


def test_an_engine_is_there_while_it_is_registered(installed: str) -> None:
    assert installed not in names()
    with TEXT_ENGINES.added(ENTRY):
        assert installed in names()
        sampling = SamplingSettings(steps=2)
        with EngineSession.open(bundle=installed, device="cpu") as session:
            texts = TextRequest(prompts=("rain",), seeds=(1,), seconds=1.0, sampling=sampling)
            (take,) = session.generate_from_text(texts)
            # An object of an image is made from its name.
            image, mask = np.zeros((8, 8, 3), np.uint8), np.ones((8, 8), bool)
            thing = ObjectRequest(name="rain", mask=mask, seed=1)
            (same,) = session.generate(GenerationRequest(image=image, takes=(thing,), seconds=1.0, sampling=sampling))
            with pytest.raises(EngineError, match="makes at most 2.0 s at once"):
                session.generate_from_text(TextRequest(prompts=("rain",), seeds=(1,), seconds=3.0))
        asked = SoundPrompt(prompt="rain", negative_prompt="", seed=1, n_samples=16_000, sampling=sampling)
        assert np.array_equal(take.waveform, Whistle().sample(asked, on_step=lambda _done: None)[0])
        assert np.array_equal(take.waveform, same.waveform)
    assert installed not in names()


def test_every_registered_engine_has_a_module_of_its_own_and_no_name_is_taken_twice() -> None:
    assert set(TEXT_ENGINES.names()) == {"AudioLDMPipeline", "AudioLDM2Pipeline", "StableAudioPipeline"}
    taken = TEXT_ENGINES.get("AudioLDM2Pipeline")
    with pytest.raises(DuplicateNameError, match="'AudioLDM2Pipeline' already"), TEXT_ENGINES.added(taken):
        pass


def test_a_bundle_is_listed_without_torch(installed: str) -> None:
    import subprocess
    import sys

    code = (
        "import sys; from sounddesk.engine.bundles.installed_bundles import list_bundles; list_bundles();"
        "sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
    assert find_bundle("starter").text_engine is None
    assert installed
