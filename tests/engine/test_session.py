from __future__ import annotations

import os
import shutil
import sys
import threading
import time
import weakref
from pathlib import Path

import numpy as np
import pytest
import torch

from sounddesk.domain.errors import Cancelled
from sounddesk.domain.errors import EngineError
from sounddesk.engine.bundles import component_loading
from sounddesk.engine.bundles.bundle import Bundle
from sounddesk.engine.device import OutOfMemoryError
from sounddesk.engine.generation import networks
from sounddesk.engine.session import EngineSession
from sounddesk.engine.tasks import CancelToken
from sounddesk.engine.tasks import Progress
from sounddesk.engine.types import BundleError
from sounddesk.engine.types import GenerationRequest
from sounddesk.engine.types import ObjectRequest
from sounddesk.engine.types import SamplingSettings
from tests.tiny_bundle import AUDIO
from tests.tiny_bundle import build_tiny_bundle

IMAGE = np.random.default_rng(0).integers(0, 256, (48, 48, 3), dtype=np.uint8)
MASK = np.zeros((48, 48), dtype=bool)
MASK[:20, :20] = True


def request(*, hint: str | None = None, seed: int = 1, seconds: float = 1.0) -> GenerationRequest:
    take = ObjectRequest(name="dog", mask=MASK, seed=seed, prompt=hint)
    return GenerationRequest(image=IMAGE, takes=(take,), seconds=seconds, sampling=SamplingSettings(steps=2))


@pytest.fixture
def session(tiny_bundle: Path) -> EngineSession:
    return EngineSession.open(bundle=tiny_bundle, device="cpu")


def test_nothing_is_loaded_until_needed_and_only_what_is_needed(session: EngineSession) -> None:
    assert not session.is_loaded
    assert session.audio == AUDIO
    assert session.patch_grid == (3, 3)
    reports: list[Progress] = []
    session.generate(request(), on_progress=reports.append)
    assert session.is_loaded
    assert session._opened.networks.components.text_encoder.network is None
    assert list(dict.fromkeys(r.stage for r in reports)) == [
        "check bundle",
        "load",
        "encode image",
        "denoise",
        "decode",
    ]
    reports.clear()
    session.generate(request(hint="siren"), on_progress=reports.append)
    assert session._opened.networks.components.text_encoder.network is not None
    assert list(dict.fromkeys(r.stage for r in reports)) == ["encode image", "denoise", "decode"]


def test_unload_frees_the_networks_and_the_next_call_gives_the_same(session: EngineSession) -> None:
    with session:
        first = session.generate(request(hint="siren"))[0]
        assert session.is_loaded
        loaded = [
            weakref.ref(network)
            for network in (
                session._opened.networks.components.denoiser.network.unet,
                session._opened.networks.components.codec.network,
                session._opened.networks.components.vocoder.network,
                session._opened.networks.components.image_encoder.network,
                session._opened.networks.components.conditioner,
                session._opened.networks.components.text_encoder.network,
            )
        ]
    assert not session.is_loaded
    assert [network() for network in loaded] == [None] * 6
    assert len(session._patches) == 0
    assert np.array_equal(session.generate(request(hint="siren"))[0].waveform, first.waveform)
    session.unload()
    session.unload()


def test_memory_is_freed_after_a_failed_generation_too(session: EngineSession) -> None:
    session.load()
    assert session.is_loaded
    unet = weakref.ref(session._opened.networks.components.denoiser.network.unet)
    hook = session._opened.networks.components.denoiser.network.register_forward_pre_hook(_raise_out_of_memory)
    with pytest.raises(OutOfMemoryError):
        session.generate(request())
    hook.remove()
    del hook
    session.unload()
    assert unet() is None


def _raise_out_of_memory(*_: object) -> None:
    raise torch.cuda.OutOfMemoryError("CUDA out of memory")


def test_bundle_that_does_not_fit_into_memory_is_reported(
    session: EngineSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(component_loading.LatentCodec, "load", _raise_out_of_memory)
    # Loading all at once fails, so each network is loaded for its turn; what does not fit even then is named.
    session.load()
    with pytest.raises(
        OutOfMemoryError, match="'vae' of bundle 'tiny' does not fit into the memory of cpu: close other"
    ):
        session.generate(request())


def test_other_errors_while_loading_keep_their_kind(session: EngineSession, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("size mismatch")

    monkeypatch.setattr(component_loading.LatentCodec, "load", broken)
    with pytest.raises(BundleError, match="component 'vae' cannot be loaded .size mismatch."):
        session.load()


def test_tampered_weights_are_refused_before_they_are_read(tiny_bundle: Path, tmp_path: Path, monkeypatch) -> None:
    folder = Path(shutil.copytree(tiny_bundle, tmp_path / "tiny"))
    path = folder / "vocoder" / "model.safetensors"
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    loads = []
    monkeypatch.setattr(networks, "load_components", lambda *_args, **_kwargs: loads.append(1))
    session = EngineSession.open(bundle=folder, device="cpu")
    with pytest.raises(BundleError, match=r"vocoder/model\.safetensors is not the file"):
        session.generate(request())
    assert loads == []
    assert not session.is_loaded


def test_cancel_while_loading_leaves_nothing_loaded(session: EngineSession) -> None:
    cancel = CancelToken()

    def on_progress(progress: Progress) -> None:
        if progress.stage == "load":
            cancel.cancel()

    with pytest.raises(Cancelled):
        session.generate(request(), on_progress=on_progress, cancel=cancel)
    assert not session.is_loaded
    assert session.generate(request())


def test_calls_from_many_threads_give_what_one_thread_gives(session: EngineSession) -> None:
    expected = {seed: session.generate(request(seed=seed))[0].waveform for seed in range(3)}
    session.unload()
    found: dict[int, np.ndarray] = {}
    errors: list[BaseException] = []

    def work(seed: int) -> None:
        try:
            found[seed] = session.generate(request(seed=seed))[0].waveform
            session.attention_map(IMAGE, "dog")
            session.unload()
        except BaseException as error:  # noqa: BLE001  # shown by the assertion below
            errors.append(error)

    threads = [threading.Thread(target=work, args=(seed,)) for seed in expected]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=120)
    assert errors == []
    assert all(np.allclose(found[seed], waveform, atol=1e-6) for seed, waveform in expected.items())


def test_unusable_request_is_refused_before_anything_is_loaded(session: EngineSession) -> None:
    empty = ObjectRequest(name="dog", mask=np.zeros((48, 48), dtype=bool), seed=0)
    with pytest.raises(EngineError, match="mask of 'dog' is empty"):
        session.generate(GenerationRequest(image=IMAGE, takes=(empty,)))
    with pytest.raises(ValueError, match="length is 0 s"):
        session.generate(request(seconds=0.0))
    assert not session.is_loaded


def test_attention_map_sums_to_one_and_follows_the_words(session: EngineSession) -> None:
    maps = session.attention_maps(IMAGE, ["dog", "siren", "dog"])
    assert maps.shape == (3, 9)
    assert maps.dtype == np.float32
    assert np.allclose(maps.sum(axis=1), 1.0, atol=1e-5)
    assert np.allclose(maps[0], maps[2], atol=1e-6)
    assert not np.allclose(maps[0], maps[1], atol=1e-6)
    assert np.allclose(session.attention_map(IMAGE, "siren"), maps[1], atol=1e-6)
    for texts in ([], [" "]):
        with pytest.raises(EngineError, match="text is empty"):
            session.attention_maps(IMAGE, texts)


def test_texts_lie_beside_conditions_where_both_are_in_one_space(tmp_path: Path, session: EngineSession) -> None:
    with EngineSession.open(bundle=build_tiny_bundle(tmp_path, out_width=32), device="cpu") as shared:
        vectors = shared.text_vectors(["a dog", "a siren"])
        condition = shared.condition(IMAGE, request().takes[0]).condition
    assert vectors.shape == (2, *condition.shape) == (2, 32)
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1.0, atol=1e-5)
    assert not np.allclose(vectors[0], vectors[1], atol=1e-3)
    with pytest.raises(EngineError, match="another space"):
        session.text_vectors(["a dog"])
    with pytest.raises(EngineError, match="text is empty"):
        session.text_vectors([" "])


def test_what_the_classes_say_of_the_selected_object_is_heard(tmp_path: Path) -> None:
    """The image encoder is sure of one class, whatever it sees: conditions lie at the prototype of that class."""
    folder = build_tiny_bundle(tmp_path, prototypes=3, classes=4, closer_look=True, prototype_temperature=1.0)
    with EngineSession.open(bundle=folder, device="cpu") as session:
        session.load()
        assert session.is_loaded
        network = session._opened.networks.components.image_encoder.network
        prototypes = session._opened.networks.components.conditioner.get_buffer("prototypes").numpy()
        heard = []
        for sure in range(3):
            with torch.no_grad():
                network.class_branch.classifier.weight.zero_()
                network.class_branch.classifier.bias.copy_(torch.nn.functional.one_hot(torch.tensor(sure), 4) * 30.0)
            condition = session.condition(IMAGE, request().takes[0]).condition
            heard.append(prototypes @ condition)
        (take,) = session.generate(request())
    unsure = np.mean(heard, axis=0)
    assert [int(np.argmax(each - unsure)) for each in heard] == [0, 1, 2]
    assert np.isfinite(take.waveform).all()


def test_image_is_encoded_once_for_maps_and_takes(session: EngineSession) -> None:
    patches = session.encode_image(IMAGE)
    assert patches.shape[0] == 9
    assert session.is_loaded
    calls: list[int] = []
    hook = session._opened.networks.components.image_encoder.network.register_forward_hook(lambda *_: calls.append(1))
    session.attention_map(IMAGE, "dog")
    session.generate(request())
    hook.remove()
    assert calls == []
    patches[:] = 0
    assert session.encode_image(IMAGE).any(), "the caller's array is not the cached one"
    with pytest.raises(ValueError, match="image is uint8"):
        session.encode_image(IMAGE[..., 0])


def test_open_names_unknown_bundle_and_device(tiny_bundle: Path) -> None:
    with pytest.raises(BundleError, match="no bundle 'no such bundle'"):
        EngineSession.open(bundle="no such bundle")
    with pytest.raises(EngineError, match="device is 'tpu'"):
        EngineSession.open(bundle=tiny_bundle, device="tpu")
    opened = Bundle.open(tiny_bundle)
    session = EngineSession.open(bundle=opened, device="cpu")
    assert session.bundle is opened
    assert session.policy.device == torch.device("cpu")


def test_importing_the_session_is_fast_and_without_torch() -> None:
    code = "import sys, sounddesk.engine.session; sys.exit('torch' in sys.modules)"
    assert os.spawnv(os.P_WAIT, sys.executable, [sys.executable, "-c", code]) == 0


def test_tiny_bundle_loads_in_two_seconds(session: EngineSession) -> None:
    start = time.process_time()
    session.load()
    assert time.process_time() - start < 2.0
