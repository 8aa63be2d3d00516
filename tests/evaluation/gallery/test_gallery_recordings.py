from __future__ import annotations

import numpy as np
import pytest
import soundfile

from sounddesk.domain.errors import BadInputError
from sounddesk.evaluation.gallery.gallery_recordings import find_recordings
from sounddesk.evaluation.gallery.gallery_recordings import read_recording


def test_first_usable_recording_at_the_rate_asked_for(tmp_path):
    folder = tmp_path / "Bow_And-Arrow"
    folder.mkdir()
    (folder / "a.flac").write_bytes(b"no sound")
    soundfile.write(folder / "b.wav", np.zeros(8000), 8000)
    soundfile.write(folder / "c.wav", np.full(800, 0.5), 8000)
    stereo = np.zeros((16_000, 2), dtype=np.float32)
    stereo[8000:] = 0.25 * np.sin(np.arange(8000) * 0.3)[:, None]
    soundfile.write(folder / "d.flac", stereo, 8000)
    found = find_recordings(tmp_path)
    recording = read_recording(found, "bow and arrow", seconds=0.5, sample_rate_hz=16_000)
    assert recording.file.name == "d.flac"
    assert recording.waveform.shape == (8000,)
    assert np.sqrt(np.mean(np.square(recording.waveform))) > 0.15
    assert read_recording(found, "dog", seconds=1.0, sample_rate_hz=16_000) is None


def test_a_folder_without_recordings_is_refused(tmp_path):
    (tmp_path / "dog").mkdir()
    (tmp_path / "dog" / "notes.txt").write_text("")
    with pytest.raises(BadInputError, match=r"no recording: it needs KIND/\*\.flac"):
        find_recordings(tmp_path)
    with pytest.raises(BadInputError, match="none is not a folder"):
        find_recordings(tmp_path / "none")
