"""Recordings of the user's own, as takes beside the generated ones."""

from __future__ import annotations

import datetime as dt
import uuid
from pathlib import Path
from typing import Final

import numpy as np

from sounddesk.domain.errors import BadInputError
from sounddesk.domain.take import Take
from sounddesk.domain.take import waveform_of

# As long as a timeline may be.
MAX_SECONDS: Final = 3600.0


def take_from_file(path: Path, *, object_id: str, number: int) -> Take:
    """A take of a sound file, mono or stereo; of more channels the mean. Not for the UI thread.

    Raises:
        BadInputError: no sound file, or longer than an hour.
    """
    from sounddesk.audio.files.wav_io import read_sound
    from sounddesk.engine.library.recording_facts import file_facts
    from sounddesk.engine.library.recording_facts import licence_notes
    from sounddesk.engine.library.remembered_recordings import remember_recording
    from sounddesk.storage.library.library import default_library_path

    sound = read_sound(path)
    if sound.seconds > MAX_SECONDS:
        raise BadInputError(f"{path.name} lasts {sound.seconds:.0f} s", remedy="cut it to at most an hour")
    facts = file_facts(path, library_path=default_library_path())
    remember_recording(facts["sha256"], path)
    waveform = waveform_of(np.nan_to_num(sound.samples, posinf=1.0, neginf=-1.0))
    channels = 1 if sound.samples.ndim == 1 else sound.samples.shape[1]
    return Take(
        id=uuid.uuid4().hex,
        object_id=object_id,
        number=number,
        seed=0,
        waveform=waveform,
        sample_rate_hz=sound.sample_rate_hz,
        recipe={"file": path.name, "recordings": [facts]},
        created=dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
        notes=((f"{channels} channels were mixed to one",) if channels > 2 else ()) + licence_notes([facts]),
    )
