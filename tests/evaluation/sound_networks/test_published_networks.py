"""Our networks against the authors' own code, whose outputs with random weights were written down.

`reference_outputs.json` was made once with panns-inference 0.1.1, torchvggish 0.2, torchopenl3 1.0.1, openl3 (its
picture half through Keras 3.15), wav2clip 0.1.0, imagebind-packaged 0.1.2 and torchaudio 2.11, each of the authors'
classes with narrower layers. Weights follow from the names of the published files, so that renaming is tested too.
"""

from __future__ import annotations

import gzip
import io
import json
import zlib
from pathlib import Path

import h5py
import numpy as np
import pytest
import torch
from PIL import Image

from sounddesk.domain.errors import EngineError
from sounddesk.evaluation.sound_networks import clip_audio
from sounddesk.evaluation.sound_networks import cnn14
from sounddesk.evaluation.sound_networks import image_bind
from sounddesk.evaluation.sound_networks import l3
from sounddesk.evaluation.sound_networks import vgg_audio
from sounddesk.evaluation.sound_networks.front_end import power_spectrogram
from sounddesk.evaluation.sound_networks.image_bind import ImageBindShape
from sounddesk.evaluation.sound_networks.image_bind import TrunkShape
from sounddesk.evaluation.sound_networks.keras_weights import keras_tensors
from sounddesk.evaluation.sound_networks.pictures import clip_pixels
from sounddesk.evaluation.sound_networks.weights import load_into

REFERENCE = json.loads(Path(__file__).with_name("reference_outputs.json").read_text())
TOLERANCE = 1e-4


def random_values(name: str, shape: tuple[int, ...]) -> np.ndarray:
    rng = np.random.RandomState(zlib.crc32(name.encode()))
    if name.endswith("running_var"):
        return 0.5 + rng.random_sample(shape)
    drawn = rng.standard_normal(shape)
    if len(shape) > 1:
        return drawn * np.sqrt(2.0 / int(np.prod(shape[1:])))
    return 1.0 + 0.1 * drawn if name.endswith("weight") else 0.1 * drawn


def published(network: str) -> dict[str, torch.Tensor]:
    """Tensors of a published file."""
    shapes = {name: tuple(shape) for name, shape in REFERENCE[network]["shapes"].items()}
    return {name: torch.tensor(random_values(name, shape), dtype=torch.float32) for name, shape in shapes.items()}


def sound(n: int, rate: int) -> torch.Tensor:
    t = np.arange(n) / rate
    noise = np.random.RandomState(7).standard_normal(n)
    return torch.from_numpy((0.4 * np.sin(2 * np.pi * (300 + 400 * t) * t) + 0.05 * noise).astype(np.float32))


def check(found: torch.Tensor, network: str, name: str, *, tolerance: float = TOLERANCE) -> None:
    expected = REFERENCE[network][name]
    assert list(found.shape) == expected["shape"]
    flat = found.detach().double().reshape(-1).numpy()
    scale = max(1.0, float(np.abs(expected["values"]).max()))
    np.testing.assert_allclose(flat[:: expected["step"]], expected["values"], rtol=0, atol=tolerance * scale)
    assert flat.mean() == pytest.approx(expected["mean"], abs=tolerance * scale)


@torch.no_grad()
def test_cnn14() -> None:
    network = load_into(cnn14.Cnn14(width=4), published("cnn14"), of="it", rename=cnn14.published_name)
    waveforms = sound(40_000, 16_000)[None]
    check(network.log_mel(waveforms)[0], "cnn14", "log_mel")
    logits, embeddings = network(waveforms)
    check(torch.sigmoid(logits[0]), "cnn14", "sigmoid")
    check(embeddings[0], "cnn14", "embedding")
    # Tables that the published file also holds.
    assert [cnn14.published_name(name) for name in REFERENCE["cnn14"]["torn"]] == [None, None]


@torch.no_grad()
def test_vggish() -> None:
    network = load_into(vgg_audio.Vggish(divide=16), published("vggish"), of="it")
    examples = network.examples(sound(40_000, 16_000))
    check(examples, "vggish", "examples")
    check(network(examples), "vggish", "windows")
    assert len(network.examples(sound(vgg_audio.LEAST_SAMPLES, 16_000))) == 1


@torch.no_grad()
def test_sound_half_of_openl3() -> None:
    network = load_into(l3.audio_tower(width=4), published("openl3"), of="it", rename=l3.audio_name)
    windows = l3.windows_of(sound(60_000, 48_000))
    check(windows, "openl3", "windows")
    spectrograms = l3.spectrograms(windows)
    check(spectrograms[:, 0], "openl3", "spectrograms")
    check(network(spectrograms), "openl3", "embeddings")
    assert l3.audio_name("speclayer.dft_real_kernels") is None
    assert len(l3.windows_of(sound(1000, 48_000))) == 1


def keras_file() -> bytes:
    """The picture half as Keras 2 wrote it, packed."""
    buffer = io.BytesIO()
    with h5py.File(buffer, "w") as file:
        layers = REFERENCE["openl3_image"]["layers"]
        file.attrs["layer_names"] = [name.encode() for name, _ in layers]
        for name, arrays in layers:
            group = file.create_group(name)
            group.attrs["weight_names"] = [f"{name}/{kind}:0".encode() for kind, _ in arrays]
            for kind, shape in arrays:
                rng = np.random.RandomState(zlib.crc32(f"{name}/{kind}".encode()))
                if kind == "moving_variance":
                    value = 0.5 + rng.random_sample(shape)
                elif kind == "kernel":
                    value = rng.standard_normal(shape) * np.sqrt(2.0 / np.prod(shape[:3]))
                else:
                    value = float(kind == "gamma") + 0.1 * rng.standard_normal(shape)
                group.create_dataset(f"{name}/{kind}:0", data=value.astype(np.float32))
    return gzip.compress(buffer.getvalue(), 1)


@torch.no_grad()
def test_picture_half_of_openl3_out_of_the_file_of_keras(tmp_path: Path) -> None:
    (tmp_path / "w.h5.gz").write_bytes(keras_file())
    network = load_into(l3.image_tower(width=4), keras_tensors(tmp_path / "w.h5.gz"), of="it", rename=l3.image_name)
    pixels = np.random.RandomState(3).randint(0, 256, (224, 224, 3)).astype(np.uint8)
    check(network(torch.from_numpy(pixels).permute(2, 0, 1)[None] / 127.5 - 1)[0], "openl3_image", "embedding")


def test_a_damaged_file_of_keras(tmp_path: Path) -> None:
    (tmp_path / "w.h5.gz").write_bytes(keras_file()[:-200])
    with pytest.raises(EngineError, match=r"w\.h5\.gz cannot be read"):
        keras_tensors(tmp_path / "w.h5.gz")


@torch.no_grad()
def test_wav2clip() -> None:
    network = load_into(clip_audio.Wav2Clip(width=8), published("wav2clip"), of="it", rename=clip_audio.published_name)
    waveforms = sound(40_000, 16_000)[None]
    log_power = torch.log(power_spectrogram(waveforms, n_fft=512, hop=353) + 1e-7)[0]
    check(log_power, "wav2clip", "log_power", tolerance=1e-3)  # single bins near to nothing
    check(network(waveforms)[0], "wav2clip", "embedding")
    # Each sound for itself, whatever it is asked with.
    both = network(torch.cat([waveforms, 0.1 * waveforms.flip(1)]))
    assert torch.allclose(both[:1], network(waveforms), atol=1e-5)
    assert clip_audio.published_name("image_encoder.conv1.weight") is None


@torch.no_grad()
def test_imagebind() -> None:
    shape = ImageBindShape(
        vision=TrunkShape(width=32, blocks=2, heads=2), audio=TrunkShape(width=24, blocks=2, heads=2), out=20
    )
    network = load_into(image_bind.ImageBind(shape), published("imagebind"), of="it", rename=image_bind.published_name)
    mels = image_bind.clips_of(sound(160_000, 16_000).numpy())
    check(mels, "imagebind", "mels")
    picture = np.asarray(Image.fromarray(np.random.RandomState(3).randint(0, 256, (300, 401, 3)).astype(np.uint8)))
    pixels = clip_pixels(picture, side=224)
    check(pixels, "imagebind", "pixels")
    # The authors give the sound's vector times 20.
    check(network.hear(mels) * 20, "imagebind", "audio")
    check(network.see(pixels)[0], "imagebind", "vision")


def test_weights_of_another_network_are_refused() -> None:
    tensors = published("vggish")
    with pytest.raises(EngineError, match="lacks"):
        load_into(cnn14.Cnn14(width=4), tensors, of="VGGish")
    with pytest.raises(EngineError, match="does not fit"):
        load_into(vgg_audio.Vggish(divide=32), tensors, of="VGGish")
