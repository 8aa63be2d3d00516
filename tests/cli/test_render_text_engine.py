"""`sounddesk render` with a text engine: a file per object, made from the objects' words."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile

from sounddesk.cli.main import main
from tests import text_engine_parts


@pytest.mark.slow
def test_objects_sound_by_their_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from PIL import Image

    text_engine_parts.write_stable_audio(tmp_path / "weights")
    text_engine_parts.install(tmp_path / "weights", "stable-audio-open", root=tmp_path / "models")
    monkeypatch.setenv("SOUNDDESK_MODELS", str(tmp_path / "models"))
    Image.new("RGB", (64, 48), (90, 120, 60)).save(tmp_path / "still.png")
    Image.new("L", (64, 48), 255).save(tmp_path / "sea.png")
    command = ["render", str(tmp_path / "still.png"), "--mask", f"sea@{tmp_path / 'sea.png'}", "--blend", "--json"]
    command += ["--bundle", "stable-audio-open", "--seconds", "1", "--steps", "2", "--out", str(tmp_path / "out")]
    assert main(command) == 0
    document = json.loads(capsys.readouterr().out)
    assert any("made from the words 'sea' alone" in note for note in document["notes"])
    assert {"sea.wav", "blend.wav", "mix.wav", "recipe.json"} <= {path.name for path in (tmp_path / "out").iterdir()}
    # The engine gives stereo, which stems and mix keep.
    sounds = {name: soundfile.read(tmp_path / "out" / f"{name}.wav")[0] for name in ("sea", "blend", "mix")}
    assert all(sound.shape == (48_000, 2) for sound in sounds.values())
    assert np.array_equal(sounds["sea"], sounds["mix"])
    assert np.abs(sounds["sea"][:, 0] - sounds["sea"][:, 1]).max() > 1e-3
    recipe = json.loads((tmp_path / "out" / "recipe.json").read_text())
    assert recipe["bundle"]["name"] == "stable-audio-open"
    assert recipe["made_with"]["licence of the weights"] == "House licence (no paid work)"
    again = ["render", "--recipe", str(tmp_path / "out" / "recipe.json"), "--out", str(tmp_path / "again"), "--quiet"]
    assert main(again) == 0
    assert (tmp_path / "again" / "sea.wav").read_bytes() == (tmp_path / "out" / "sea.wav").read_bytes()
