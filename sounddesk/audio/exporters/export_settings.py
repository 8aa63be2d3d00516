"""What an export shall consist of, as a value that presets, projects and the command line share."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any
from typing import Final
from typing import Literal
from typing import get_args

from sounddesk.audio.exchange.exchange_format import EXCHANGE_FORMATS
from sounddesk.audio.exporters.naming_template import check_template
from sounddesk.audio.formats.audio_format import AUDIO_FORMATS
from sounddesk.storage.codec import decode
from sounddesk.storage.codec import encode
from sounddesk.storage.text_formats import parse_json

Channels = Literal["stereo", "mono"]
Takes = Literal["none", "placed", "starred", "all"]

MIN_LUFS: Final = -60.0
DEFAULT_TEMPLATE: Final = "{project}_{object}"


@dataclass(frozen=True, kw_only=True)
class ExportSettings:
    """What to write.

    Attributes:
        format: a name of `AUDIO_FORMATS`.
        sample_rate_hz: one that the format can have, from 22.05 to 192 kHz.
        channels: 'mono' is the mean of left and right, of every stem and of the mix.
        stems: one file per lane; all of one start and length.
        mix: the sum of all lanes that are heard, after the master.
        clips: one file per clip, from its start to its end, without mute, solo and the other clips.
        takes: raw takes as they were generated: those on the timeline, the starred ones, or all.
        pre_fader: stems and clips before fader, pan, mute and solo; they no longer add up to the mix.
        silent_lanes: also stems of objects without a clip.
        range_s: the stretch of the timeline in seconds; None for all of it.
        tails: clips that reach past the end of the range ring out; all files become longer alike.
        dither: TPDF dither of one step, for 16 bit only.
        normalise_lufs: integrated loudness of the mix; stems move with it and clips and takes get it one by one.
            None leaves all levels as they are.
        template: of file names, see `naming_template`.
        creator_id, source_id: the last two fields of UCS names.
        sidecar: also a JSON file with the provenance of every file.
        exchange: also project files for other programs: names of `EXCHANGE_FORMATS`.

    Raises:
        ValueError: naming the value and the remedy.
    """

    format: str = "wav24"
    sample_rate_hz: int = 48_000
    channels: Channels = "stereo"
    stems: bool = True
    mix: bool = True
    clips: bool = False
    takes: Takes = "none"
    pre_fader: bool = False
    silent_lanes: bool = False
    range_s: tuple[float, float] | None = None
    tails: bool = False
    dither: bool = True
    normalise_lufs: float | None = None
    template: str = DEFAULT_TEMPLATE
    creator_id: str = ""
    source_id: str = ""
    sidecar: bool = True
    exchange: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        audio_format = AUDIO_FORMATS.get(self.format)
        if self.sample_rate_hz not in audio_format.sample_rates_hz:
            rates = ", ".join(str(rate) for rate in audio_format.sample_rates_hz)
            raise ValueError(f"sample rate is {self.sample_rate_hz} Hz: choose one of {rates}")
        for name, value, choices in (
            ("channels", self.channels, get_args(Channels)),
            ("takes", self.takes, get_args(Takes)),
        ):
            if value not in choices:
                raise ValueError(f"{name} is {value!r}: choose one of {', '.join(choices)}")
        for each in self.exchange:
            EXCHANGE_FORMATS.get(each)
        if self.range_s is not None:
            start, end = self.range_s
            if not (math.isfinite(start) and math.isfinite(end) and 0.0 <= start < end):
                raise ValueError(f"range is {start:g} s to {end:g} s: its end must lie after its start")
        if self.normalise_lufs is not None and not MIN_LUFS <= self.normalise_lufs <= 0.0:
            raise ValueError(f"target is {self.normalise_lufs:g} LUFS: choose from {MIN_LUFS:g} to 0")
        check_template(self.template)

    def to_json(self) -> dict[str, Any]:
        """JSON-ready; `from_json` gives an equal value back."""
        found: dict[str, Any] = encode(self)
        return found

    @classmethod
    def from_json(cls, data: Any, *, where: str = "") -> ExportSettings:
        """Read what `to_json` gave; keys that are missing or not known are left alone (another version wrote them).

        Raises:
            ValueError: a value of the wrong kind or out of range; the message names its key.
        """
        return decode(cls, data, unknown="ignore", where=where)

    @classmethod
    def from_text(cls, text: str) -> ExportSettings:
        """Read JSON text. Raises: ValueError."""
        return cls.from_json(parse_json(text))


@dataclass(frozen=True, kw_only=True)
class ExportPreset:
    """What people ask for. `title` is what the dialog calls it; `--preset` takes its name in `PRESETS`."""

    title: str
    settings: ExportSettings


PRESETS: Final[dict[str, ExportPreset]] = {
    "post": ExportPreset(title="Post-production", settings=ExportSettings()),
    "music": ExportPreset(title="Music, 44.1 kHz", settings=ExportSettings(sample_rate_hz=44_100)),
    "game": ExportPreset(
        title="Game, one mono file per clip",
        settings=ExportSettings(
            format="wav16", channels="mono", stems=False, mix=False, clips=True, template="{ucs}", pre_fader=True
        ),
    ),
    "library": ExportPreset(
        title="Sound library, starred takes",
        settings=ExportSettings(sample_rate_hz=96_000, stems=False, mix=False, takes="starred", template="{ucs}"),
    ),
    "broadcast": ExportPreset(
        title="Broadcast mix, -23 LUFS", settings=ExportSettings(stems=False, normalise_lufs=-23.0)
    ),
    "web": ExportPreset(title="Web, OGG", settings=ExportSettings(format="ogg", stems=False)),
    "archive": ExportPreset(
        title="Archive, everything", settings=ExportSettings(format="wav32f", takes="all", silent_lanes=True)
    ),
    "daw": ExportPreset(title="DAW session", settings=ExportSettings(exchange=("dawproject", "rpp"))),
}


def preset(name: str) -> ExportSettings:
    """The settings of that name. Raises: ValueError, listing those there are."""
    if name not in PRESETS:
        raise ValueError(f"preset is {name!r}: choose one of {', '.join(PRESETS)}")
    return PRESETS[name].settings
