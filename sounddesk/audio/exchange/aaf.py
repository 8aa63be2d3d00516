"""AAF, for Pro Tools, Media Composer, Nuendo, Logic and Resolve: clips with gain and fades, faders, pan and markers.

The sound is inside the file, mono, 24 bit. AAF knows neither mute nor solo nor polarity: a lane that is not heard
arrives with its fader at the bottom, and polarity is in the sound. Identifiers are those of the AAF Object
Specification 1.1 and its Edit Protocol. Needs the optional package pyaaf2 (`pip install sounddesk[aaf]`).
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from collections.abc import Iterator
from contextlib import contextmanager
from contextlib import suppress
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any
from typing import Final

import numpy as np

from sounddesk.audio.exchange.automation_lines import Line
from sounddesk.audio.exchange.automation_lines import pan_line
from sounddesk.audio.exchange.automation_lines import volume_line
from sounddesk.audio.exchange.exchange_format import EXCHANGE_FORMATS
from sounddesk.audio.exchange.exchange_format import ExchangeFormat
from sounddesk.audio.exchange.exchange_format import ExchangeJob
from sounddesk.audio.exchange.exchange_model import ExchangeClip
from sounddesk.audio.exchange.exchange_model import ExchangeTrack
from sounddesk.audio.exchange.exchange_model import Media
from sounddesk.audio.exchange.exchange_model import gain_of
from sounddesk.audio.exchange.exchange_model import peak_of_media
from sounddesk.audio.exchange.exchange_model import write_media
from sounddesk.audio.files.riff_chunks import xml_text
from sounddesk.audio.gain_curves import FADE_SHAPES
from sounddesk.audio.placed_clip import Sound
from sounddesk.audio.placed_clip import frames_of
from sounddesk.audio.timeline_mix import strip_gains
from sounddesk.domain.project import Project
from sounddesk.domain.timeline import PROJECT_RATE_HZ
from sounddesk.domain.timeline import FadeCurve

_GAIN: Final = ("9d2ea894-0968-11d3-8a38-0050040ef7d2", "Mono Audio Gain")
_PAN: Final = ("9d2ea893-0968-11d3-8a38-0050040ef7d2", "Mono Audio Pan")
_DISSOLVE: Final = ("0c3bea41-fc05-11d2-8a29-0050040ef7d2", "Mono Audio Dissolve")
_AMPLITUDE_VALUE: Final = ("e4962321-2267-11d3-8a4c-0050040ef7d2", "Amplitude")
_PAN_VALUE: Final = ("e4962322-2267-11d3-8a4c-0050040ef7d2", "Pan")
_LEVEL_VALUE: Final = ("e4962320-2267-11d3-8a4c-0050040ef7d2", "Level")
# The equal-power curve, which is that of sounddesk's fades unless another one is chosen.
_POWER: Final = ("c09153f7-bd18-4e5a-ad09-cbdd654fa001", "Power")
_LINEAR: Final = ("5b6c85a4-0ede-11d3-80a9-006008143e6f", "Linear")
# How many straight lines stand for a curve that AAF does not know.
_FADE_STEPS: Final = 16
# AAF holds rational numbers of 32 bits; more digits than this nobody hears.
_MOST_DENOMINATOR: Final = 1_000_000
_SOUND: Final = "sound"


@dataclass(frozen=True, kw_only=True)
class _Essence:
    """A media file inside the AAF: its mob, the slot in it, and the amplitude that was taken out of the sound."""

    mob: Any
    slot_id: int
    factor: float


def write_aaf(job: ExchangeJob) -> None:
    """Write the file, new.

    Raises:
        MissingPackageError: pyaaf2 is not installed.
        OSError: it cannot be written.
    """
    with _new_file(job.path) as file:
        _Writer(file, job.project).write(
            job.tracks,
            job.samples_of,
            title=job.title,
            comment=job.comment,
            folder=job.path.parent,
            between=job.between,
        )


AAF: Final = EXCHANGE_FORMATS.register(
    ExchangeFormat(
        name="aaf",
        label="AAF",
        suffix=".aaf",
        programs="Pro Tools, Media Composer, Nuendo, Logic, Resolve",
        write=write_aaf,
        plays_media=False,
        module="aaf2",
        package="pyaaf2",
        extra="aaf",
        order=40,
    )
)


@contextmanager
def _new_file(path: Path) -> Iterator[Any]:
    """A pyaaf2 file that is closed in any case: on a full disk pyaaf2 leaves it open."""
    library = AAF.require()
    file = library.open.__new__(library.open)
    try:
        # Initialised by hand, so that there is something to close where this fails.
        file.__init__(str(path), "w")
        with file:
            yield file
    finally:
        if (stream := getattr(file, "f", None)) is not None:
            # What could not be written is told by the error that is on its way; closing tries to write it again.
            with suppress(OSError):
                stream.close()


class _Writer:
    """One file while it is filled."""

    def __init__(self, file: Any, project: Project) -> None:
        self._file = file
        self._project = project
        self._any_soloed = any(each.strip.soloed for each in project.objects)
        self._define()

    def write(
        self,
        tracks: tuple[ExchangeTrack, ...],
        samples_of: Callable[[str], Sound | None],
        *,
        title: str,
        comment: str,
        folder: Path,
        between: Callable[[], None],
    ) -> None:
        create = self._file.create
        composition = create.CompositionMob(xml_text(title))
        composition.usage = "Usage_TopLevel"
        composition.comments["Comment"] = xml_text(comment)
        self._file.content.mobs.append(composition)
        self._timecode(composition)
        essences: dict[tuple[str, bool], _Essence] = {}
        for number, track in enumerate(tracks, start=1):
            inverted = track.lane.strip.inverted
            for item in track.clips:
                if (item.media.name, inverted) not in essences:
                    between()
                    essences[item.media.name, inverted] = self._essence(item.media, samples_of, folder, inverted)
            slot = composition.create_timeline_slot(PROJECT_RATE_HZ)
            slot.name = xml_text(track.name)
            slot["PhysicalTrackNumber"].value = number
            slot.segment = self._track(track, [essences[item.media.name, inverted] for item in track.clips])
        self._markers(composition)

    # ------------------------------------------------------------------ tracks

    def _track(self, track: ExchangeTrack, essences: list[_Essence]) -> Any:
        """Pan of the fader of the row of clips, gaps and fades."""
        row = self._row(track, essences)
        heard = strip_gains(track.lane.strip, any_soloed=self._any_soloed) != (0.0, 0.0)
        strip, fader = track.lane.strip, track.gain if heard else 0.0
        volume = volume_line(strip.volume_curve, fader=fader) or fader
        faded = self._changed(_GAIN, _AMPLITUDE_VALUE, volume, row)
        pans = [(time_s, (pan + 1.0) / 2.0) for time_s, pan in pan_line(strip.pan_curve)]
        return self._changed(_PAN, _PAN_VALUE, pans or (strip.pan + 1.0) / 2.0, faded)

    def _row(self, track: ExchangeTrack, essences: list[_Essence]) -> Any:
        """A fade is a transition from or to silence. It lies over both of its neighbours, so gaps reach under it."""
        row = self._file.create.Sequence(media_kind=_SOUND)
        place, fade_before, length = 0, 0, 0
        for item, essence in zip(track.clips, essences, strict=True):
            start, end = frames_of(item.clip.start_s), frames_of(item.clip.end_s)
            fade_in = min(frames_of(item.clip.fade_in_s), end - start)
            gap = start - place
            if gap + fade_before + fade_in:
                row.components.append(self._silence(fade_before + gap + fade_in))
            if fade_in:
                row.components.append(self._fade(fade_in, item.clip.fade_in_curve, cut=0))
            row.components.append(self._clip(item, essence, end - start))
            fade_before = min(frames_of(item.clip.fade_out_s), end - start - fade_in)
            if fade_before:
                row.components.append(self._fade(fade_before, item.clip.fade_out_curve, cut=fade_before))
            place = length = end
        if fade_before:
            row.components.append(self._silence(fade_before))
        row.length = length
        return row

    def _clip(self, item: ExchangeClip, essence: _Essence, length: int) -> Any:
        made = essence.mob.create_source_clip(
            slot_id=essence.slot_id, start=frames_of(item.offset_s), length=length, media_kind=_SOUND
        )
        gain = gain_of(item.clip.gain_db) * essence.factor
        return made if gain == 1.0 else self._changed(_GAIN, _AMPLITUDE_VALUE, gain, made)

    def _silence(self, length: int) -> Any:
        return self._file.create.Filler(_SOUND, length)

    def _fade(self, length: int, curve: FadeCurve, *, cut: int) -> Any:
        """A dissolve from silence, or with a `cut` into silence."""
        create = self._file.create
        fade = create.Transition(_SOUND, length)
        fade.cutpoint = cut
        group = create.OperationGroup(self._operation(_DISSOLVE), length, media_kind=_SOUND)
        if curve in ("equal_power", "linear"):
            interpolation, steps = (_POWER if curve == "equal_power" else _LINEAR), 1
        else:
            interpolation, steps = _LINEAR, _FADE_STEPS
        level = create.VaryingValue(self._parameter(_LEVEL_VALUE), self._interpolation(interpolation))
        for step in range(steps + 1):
            passed = step / steps
            # The level is that of what comes; what goes has the rest.
            share = float(FADE_SHAPES[curve](np.array(1.0 - passed if cut else passed)))
            level.add_keyframe(_rational(passed), _rational(1.0 - share if cut else share))
        group.parameters.append(level)
        fade["OperationGroup"].value = group
        return fade

    def _changed(
        self, operation: tuple[str, str], parameter: tuple[str, str], value: float | Line, segment: Any
    ) -> Any:
        """`segment` with an effect on it, constant or along a line."""
        create = self._file.create
        group = create.OperationGroup(self._operation(operation), segment.length, media_kind=_SOUND)
        if isinstance(value, float):
            group.parameters.append(create.ConstantValue(self._parameter(parameter), _rational(value)))
        else:
            varying = create.VaryingValue(self._parameter(parameter), self._interpolation(_LINEAR))
            for place, height in _over(value, segment.length / PROJECT_RATE_HZ):
                varying.add_keyframe(_rational(place), _rational(height))
            group.parameters.append(varying)
        group.segments.append(segment)
        return group

    # ------------------------------------------------------------------ sound, timecode, markers

    def _essence(
        self, media: Media, samples_of: Callable[[str], Sound | None], folder: Path, inverted: bool
    ) -> _Essence:
        # A take may exceed full scale, which 24 bits do not hold: the clip's gain gives back what is taken here.
        factor = max(1.0, peak_of_media(media, samples_of))
        mob = self._file.create.MasterMob(xml_text(Path(media.name).stem))
        self._file.content.mobs.append(mob)
        with tempfile.TemporaryDirectory(dir=folder, prefix=".media-") as place:
            made = Path(place) / "media.wav"
            write_media(made, media, samples_of, factor=(-1.0 if inverted else 1.0) / factor, subtype="PCM_24")
            slot = mob.import_audio_essence(str(made), PROJECT_RATE_HZ)
        return _Essence(mob=mob, slot_id=slot.slot_id, factor=factor)

    def _timecode(self, composition: Any) -> None:
        """Where the timeline begins, in frames since midnight; those are counted, whatever numbers drop frame gives."""
        settings = self._project.settings
        rate = settings.timecode_rate
        slot = composition.create_timeline_slot(rate.frames_per_s)
        slot.name = "Timecode"
        code = self._file.create.Timecode(rate.nominal, drop=rate.drop_frame)
        code.start = rate.frame_at(settings.start_timecode_s)
        slot.segment = code

    def _markers(self, composition: Any) -> None:
        if not self._project.markers:
            return
        create = self._file.create
        slot = create.EventMobSlot()
        slot["EditRate"].value = PROJECT_RATE_HZ
        slot["SlotID"].value = max(each.slot_id for each in composition.slots) + 1
        slot.name = "Markers"
        row = create.Sequence(media_kind="DescriptiveMetadata")
        colours = {each.id: each.colour for each in self._project.objects}
        for marker in sorted(self._project.markers, key=lambda each: each.time_s):
            event = create.DescriptiveMarker()
            event["Position"].value = frames_of(marker.time_s)
            event["Comment"].value = xml_text(marker.label)
            if marker.object_id in colours:
                colour = colours[marker.object_id]
                red, green, blue = (int(colour[i : i + 2], 16) * 257 for i in (1, 3, 5))
                event["CommentMarkerColor"].value = {"red": red, "green": green, "blue": blue}
            row.components.append(event)
        slot.segment = row
        composition.slots.append(slot)

    # ------------------------------------------------------------------ dictionary

    def _define(self) -> None:
        """Effects are known to a file by the definitions in it."""
        create, dictionary = self._file.create, self._file.dictionary
        dictionary.register_def(create.InterpolationDef(*_POWER, "equal power"))
        dictionary.register_def(create.InterpolationDef(*_LINEAR, "straight lines"))
        for operation, parameter, inputs in (
            (_GAIN, _AMPLITUDE_VALUE, 1),
            (_PAN, _PAN_VALUE, 1),
            (_DISSOLVE, _LEVEL_VALUE, 2),
        ):
            value = create.ParameterDef(*parameter, "", dictionary.lookup_typedef("Rational"))
            dictionary.register_def(value)
            made = create.OperationDef(*operation, "")
            made.media_kind = _SOUND
            made["NumberInputs"].value = inputs
            made["IsTimeWarp"].value = False
            made["Bypass"].value = 0
            dictionary.register_def(made)
            made.parameters.append(value)

    def _operation(self, definition: tuple[str, str]) -> Any:
        return self._file.dictionary.lookup_operationdef(definition[1])

    def _parameter(self, definition: tuple[str, str]) -> Any:
        return self._file.dictionary.lookup_parameterdef(definition[1])

    def _interpolation(self, definition: tuple[str, str]) -> Any:
        return self._file.dictionary.lookup_interperlationdef(definition[1])


def _over(line: Line, seconds: float) -> Line:
    """A line over a segment: its places as parts of the segment's length, the first 0 and the last 1."""
    if seconds <= 0.0:
        return [(0.0, line[0][1]), (1.0, line[-1][1])]
    times, values = [time_s for time_s, _ in line], [value for _, value in line]
    ends = [float(value) for value in np.interp((0.0, seconds), times, values)]
    inner = [(time_s / seconds, value) for time_s, value in line if 0.0 < time_s < seconds]
    return [(0.0, ends[0]), *inner, (1.0, ends[1])]


def _rational(value: float) -> Fraction:
    return Fraction(value).limit_denominator(_MOST_DENOMINATOR)
