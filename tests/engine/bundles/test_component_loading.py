from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import torch

from sounddesk.domain.errors import Cancelled
from sounddesk.engine.bundles.bundle import Bundle
from sounddesk.engine.bundles.component_loading import Components
from sounddesk.engine.bundles.component_loading import load_components
from sounddesk.engine.bundles.component_loading import load_text_encoder_component
from sounddesk.engine.device import choose_device
from sounddesk.engine.models.diffusion import Denoiser
from sounddesk.engine.models.quantised_weights import load_weights
from sounddesk.engine.models.quantised_weights import save_weights
from sounddesk.engine.tasks import CancelToken
from sounddesk.engine.tasks import Progress
from sounddesk.engine.types import BundleError
from tests.tiny_bundle import build_tiny_bundle

CPU = choose_device("cpu")


@pytest.fixture
def folder(tiny_bundle: Path, tmp_path: Path) -> Path:
    """A tiny bundle that a test may break."""
    return Path(shutil.copytree(tiny_bundle, tmp_path / "tiny"))


def edit_manifest(folder: Path, *keys: str, value: object) -> None:
    path = folder / "bundle.json"
    data = json.loads(path.read_text())
    table = data
    for key in keys[:-1]:
        table = table[key]
    table[keys[-1]] = value
    path.write_text(json.dumps(data))


def test_every_network_is_in_float32_without_gradients_and_holds_the_bundles_weights(tiny_bundle: Path) -> None:
    bundle = Bundle.open(tiny_bundle)
    reports: list[Progress] = []
    components = load_components(bundle, CPU, on_progress=reports.append)
    text_encoder = load_text_encoder_component(bundle, CPU)
    modules = [
        components.image_encoder.network,
        components.conditioner,
        components.denoiser.network,
        components.codec.network,
        components.vocoder.network,
        text_encoder,
    ]
    for module in modules:
        assert not module.training
        for tensor in module.parameters():
            assert tensor.dtype == torch.float32
            assert not tensor.requires_grad
    assert reports[-1].done == reports[-1].total
    # On a CPU its layers are packed, so that they have no weights to look at: what they compute has to tell.
    denoiser = components.denoiser.network
    plain = Denoiser.load(
        tiny_bundle / "unet",
        condition_width=components.conditioner.config.out_width,
        inject=denoiser.inject,
        injection_file=tiny_bundle / "injection" / "model.safetensors",
    )
    shape = bundle.audio.request_shape(1.0).latent
    generator = torch.Generator().manual_seed(0)
    latent = torch.randn(2, *shape, generator=generator)
    condition = torch.randn(2, components.conditioner.config.out_width, generator=generator)
    with torch.no_grad():
        expected = plain(latent, torch.tensor(500), condition)
        torch.testing.assert_close(denoiser(latent, torch.tensor(500), condition), expected, atol=1e-5, rtol=0)
        # The branches of their own file are part of it.
        for branch in (name for name, _ in plain.unet.named_parameters() if "to_v_object" in name):
            plain.unet.get_parameter(branch).zero_()
        assert (plain(latent, torch.tensor(500), condition) - expected).abs().max() > 1e-3
    words = load_weights(tiny_bundle / "text_encoder" / "model.safetensors")
    assert torch.equal(
        text_encoder.model.state_dict()["embeddings.word_embeddings.weight"], words["embeddings.word_embeddings.weight"]
    )
    assert components.scheduler_config["prediction_type"] == "v_prediction"


def test_every_component_may_be_stored_as_int8_rows(folder: Path, tiny_bundle: Path) -> None:
    for path in folder.glob("*/*.safetensors"):
        save_weights(load_weights(path), path, storage="int8-rowwise")
    exact = load_components(Bundle.open(tiny_bundle), CPU)
    small = load_components(Bundle.open(folder), CPU)
    for name in ("image_encoder", "conditioner", "denoiser", "codec", "vocoder"):
        expected = network_of(exact, name).state_dict()
        found = network_of(small, name).state_dict()
        assert found.keys() == expected.keys()
        for key, tensor in expected.items():
            bound = 0.0 if tensor.numel() == 0 else float(tensor.abs().max()) / 100 + 1e-6
            assert (found[key].double() - tensor.double()).abs().max() <= bound, f"{name} {key}"
    assert any(not torch.equal(found[key], expected[key]) for key in expected)


def network_of(components: Components, name: str) -> torch.nn.Module:
    part = getattr(components, name)
    return part if isinstance(part, torch.nn.Module) else part.network


def test_loading_can_be_cancelled(tiny_bundle: Path) -> None:
    cancel = CancelToken()

    def stop_after_two(progress: Progress) -> None:
        if progress.done == 2:
            cancel.cancel()

    with pytest.raises(Cancelled):
        load_components(Bundle.open(tiny_bundle), CPU, on_progress=stop_after_two, cancel=cancel)


@pytest.mark.parametrize(
    ("keys", "value", "message"),
    [
        (("components", "vocoder", "class"), "WaveNet", "component 'vocoder' cannot be loaded .*'WaveNet'"),
        (("components", "image_encoder", "class"), "Dino", "component 'image_encoder' .*'Dino'"),
        (("grounding", "heads"), 2, "component 'grounding' .*differs from 'grounding'"),
        (("audio", "mel", "n_mels"), 32, "component 'vocoder' cannot be loaded"),
        (("denoiser", "inject"), "film", None),
    ],
)
def test_manifest_that_does_not_fit_its_weights_is_refused(folder: Path, keys, value, message) -> None:
    edit_manifest(folder, *keys, value=value)
    if message is None:
        assert load_components(Bundle.open(folder), CPU).denoiser.network.inject == "film"
        return
    with pytest.raises(BundleError, match=message):
        load_components(Bundle.open(folder), CPU)


def test_missing_component_is_named(folder: Path) -> None:
    path = folder / "bundle.json"
    data = json.loads(path.read_text())
    for role in ("injection", "text_encoder"):
        del data["components"][role]
    path.write_text(json.dumps(data))
    with pytest.raises(BundleError, match="no component 'injection'"):
        load_components(Bundle.open(folder), CPU)
    with pytest.raises(BundleError, match="no component 'text_encoder'"):
        load_text_encoder_component(Bundle.open(folder), CPU)


def test_weights_of_another_shape_are_refused(folder: Path) -> None:
    path = folder / "grounding" / "model.safetensors"
    save_weights({**load_weights(path), "to_q.weight": torch.zeros(3, 3)}, path, storage="float32")
    with pytest.raises(BundleError, match="component 'grounding' cannot be loaded"):
        load_components(Bundle.open(folder), CPU)


def test_patch_grid_must_be_that_of_the_grounding(folder: Path) -> None:
    path = folder / "image_encoder" / "config.json"
    config = json.loads(path.read_text())
    path.write_text(json.dumps({**config, "image_size": 160}))
    with pytest.raises(BundleError, match=r"5 x 5 patches .*grounding wants 3 x 3"):
        load_components(Bundle.open(folder), CPU)


@pytest.mark.parametrize(("told", "layer", "found"), [("classes", "classifier", (6, 3)), ("kinds", "kinds", (4, 6))])
def test_classes_and_kinds_must_be_those_of_the_grounding(
    tmp_path: Path, told: str, layer: str, found: tuple[int, int]
) -> None:
    folder = build_tiny_bundle(tmp_path, prototypes=3, classes=4, kinds=3, closer_look=True)
    load_components(Bundle.open(folder), CPU)
    config = {**json.loads((folder / "image_encoder" / "config.json").read_text()), told: 6}
    (folder / "image_encoder" / "config.json").write_text(json.dumps(config))
    path = folder / "image_encoder" / "class_branch.safetensors"
    weights = load_weights(path)
    wider = {f"{layer}.{name}": torch.zeros(6, *weights[f"{layer}.{name}"].shape[1:]) for name in ("weight", "bias")}
    save_weights({**weights, **wider}, path, storage="float16")
    wanted = f"names {found[0]} classes and {found[1]} kinds, grounding wants 4 and 3"
    with pytest.raises(BundleError, match=wanted):
        load_components(Bundle.open(folder), CPU)


def test_text_encoder_that_cannot_read_int8_says_so(folder: Path) -> None:
    edit_manifest(folder, "components", "text_encoder", "class", value="ClapTextModelWithProjection")
    with pytest.raises(BundleError, match="cannot be stored as int8-rowwise"):
        load_text_encoder_component(Bundle.open(folder), CPU)
    edit_manifest(folder, "components", "text_encoder", "weight_storage", value="float16")
    edit_manifest(folder, "components", "text_encoder", "class", value="Word2Vec")
    with pytest.raises(BundleError, match="'Word2Vec'"):
        load_text_encoder_component(Bundle.open(folder), CPU)
