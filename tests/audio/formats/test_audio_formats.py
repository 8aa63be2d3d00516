"""Every registered audio format, and one that is added and taken away: nothing else must be touched for it."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path

import pytest

from sounddesk.audio.exporters.export_settings import ExportSettings
from sounddesk.audio.files.block_writers import LibsndfileWriter
from sounddesk.audio.files.pcm import Waveform
from sounddesk.audio.formats.audio_format import AUDIO_FORMATS
from sounddesk.audio.formats.audio_format import AudioFormat
from sounddesk.audio.formats.audio_format import audio_formats
from sounddesk.audio.formats.audio_format import sample_rates_hz
from sounddesk.audio.formats.audio_metadata import AudioMetadata
from sounddesk.audio.metering.loudness import LoudnessReading
from sounddesk.cli.main import main
from sounddesk.domain.registry import DuplicateNameError
from tests.audio.conftest import Street
from tests.audio.formats.contract import check_audio_format


class AiffWriter:
    """AIFF through libsndfile, its description behind the sound."""

    def __init__(self, path: Path, audio_format: AudioFormat, metadata: AudioMetadata, _frames: int) -> None:
        self._path, self._metadata = path, metadata
        self._writer = LibsndfileWriter(
            path,
            container="AIFF",
            subtype=audio_format.subtype,
            sample_rate_hz=metadata.sample_rate_hz,
            channels=metadata.n_channels,
        )

    def write(self, channels: Sequence[Waveform]) -> None:
        self._writer.write(channels)

    def finish(self, _reading: LoudnessReading) -> None:
        self._writer.close()
        with self._path.open("ab") as file:
            file.write(self._metadata.description.encode())

    def close(self) -> None:
        self._writer.close()


DUMMY = AudioFormat(
    name="aiff24",
    label="AIFF, 24 bit",
    suffix=".aiff",
    subtype="PCM_24",
    bytes_per_sample=3.0,
    bits_text="24bit",
    open_writer=AiffWriter,
    sample_rates_hz=(32_000, 48_000),
)


@pytest.mark.parametrize("name", AUDIO_FORMATS.names())
def test_every_format_keeps_the_contract(name: str, tmp_path: Path) -> None:
    check_audio_format(AUDIO_FORMATS.get(name), tmp_path)


def test_names_and_order_that_presets_and_projects_know() -> None:
    assert [each.name for each in audio_formats()] == ["wav24", "wav16", "wav32f", "flac24", "flac16", "ogg"]
    assert sample_rates_hz() == (22_050, 32_000, 44_100, 48_000, 88_200, 96_000, 176_400, 192_000)


def export_help(capsys: pytest.CaptureFixture[str]) -> str:
    assert main(["export", "--help"]) == 0
    return capsys.readouterr().out


def test_a_format_is_added_and_taken_away(street: Street, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with AUDIO_FORMATS.added(DUMMY):
        check_audio_format(DUMMY, tmp_path)
        assert "aiff24" in export_help(capsys)
        assert "AIFF, 24 bit (.aiff)" in export_help(capsys)
        report = street.export(tmp_path / "out", format="aiff24", template="{object}_{bits}")
        assert [path.name for path in report.files[:2]] == ["dog_24bit.aiff", "car_24bit.aiff"]
        assert report.readings["dog_24bit.aiff"].integrated_lufs is not None
        assert ExportSettings.from_json(ExportSettings(format="aiff24").to_json()).format == "aiff24"
        with pytest.raises(ValueError, match="sample rate is 96000 Hz: choose one of 32000, 48000"):
            ExportSettings(format="aiff24", sample_rate_hz=96_000)
        with pytest.raises(DuplicateNameError, match="there is a format 'aiff24' already"):
            AUDIO_FORMATS.register(DUMMY)
    assert "aiff24" not in export_help(capsys)
    with pytest.raises(ValueError, match="format is 'aiff24': choose from"):
        ExportSettings(format="aiff24")


def test_the_contract_finds_a_format_that_loses_samples(tmp_path: Path) -> None:
    class Forgetful(AiffWriter):
        def write(self, channels: Sequence[Waveform]) -> None:
            super().write(tuple(channel[1:] for channel in channels))

    with pytest.raises(AssertionError):
        check_audio_format(dataclasses.replace(DUMMY, open_writer=Forgetful), tmp_path)
