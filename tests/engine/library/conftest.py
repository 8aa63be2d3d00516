"""A tiny encoder of sounds, a tiny space of kinds, and a folder of real files in all formats."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile

from sounddesk.audio.files.riff_chunks import BroadcastInfo
from sounddesk.audio.files.riff_chunks import bext_chunk
from sounddesk.audio.files.riff_chunks import ixml_chunk
from sounddesk.audio.files.riff_chunks import with_chunks
from sounddesk.audio.files.wav_io import encode_wav
from sounddesk.engine.library.event_encoder import EventEncoder
from sounddesk.engine.library.kind_space import KindSpace
from sounddesk.engine.library.scan import LibraryEars
from sounddesk.storage.library.library import Library
from tests.library_parts import bark
from tests.library_parts import tiny_encoder
from tests.library_parts import tiny_kinds


@pytest.fixture(scope="session")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> EventEncoder:
    return tiny_encoder(tmp_path_factory.mktemp("encoder"))


@pytest.fixture(scope="session")
def kinds(tiny_bundle: Path, encoder: EventEncoder) -> KindSpace:
    return tiny_kinds(tiny_bundle, width=encoder.width)


@pytest.fixture(scope="session")
def ears(encoder: EventEncoder, kinds: KindSpace) -> LibraryEars:
    return LibraryEars(encoder=encoder, kinds=kinds)


@pytest.fixture
def library(tmp_path: Path) -> Iterator[Library]:
    with Library(tmp_path / "index" / "library.sqlite") as made:
        yield made


@pytest.fixture
def recordings(tmp_path: Path) -> Path:
    """A folder of recordings: one of each format, in folders, with words in names and chunks."""
    folder = tmp_path / "recordings"
    (folder / "animals").mkdir(parents=True)
    wav, _ = encode_wav(bark(seed=1, count=3), sample_rate_hz=16_000)
    before = bext_chunk(BroadcastInfo(description="hound in a yard", originator="Field Recorder"))
    after = ixml_chunk(project="Farm", tracks=["mono"], note="close, dry", extra={"CATEGORY": "ANIMALS"})
    (folder / "ANMLDog_YardHound_JANE_NONE.wav").write_bytes(with_chunks(wav, before_data=before, after_data=after))
    soundfile.write(folder / "animals" / "small_dog.flac", bark(seed=2), 16_000)
    soundfile.write(folder / "animals" / "cat.ogg", bark(seed=3), 16_000)
    soundfile.write(folder / "horse.aiff", bark(seed=4), 16_000)
    soundfile.write(folder / "bird.mp3", bark(seed=5, rate=44_100), 44_100)
    noise = np.random.default_rng(6).normal(0, 0.1, (32_000, 8)).astype(np.float32)
    soundfile.write(folder / "rain_8ch.wav", noise, 16_000)
    soundfile.write(folder / "bat_192k.wav", bark(seed=7, rate=192_000), 192_000)
    return folder
