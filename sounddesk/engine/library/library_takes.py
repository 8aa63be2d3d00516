"""Takes made of recordings: events of one recording laid out over a length, with where they come from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from typing import Final

import numpy as np

from sounddesk.audio.files.pcm import Waveform
from sounddesk.audio.files.sound_stream import SoundStream
from sounddesk.audio.recordings.arranging import Layout
from sounddesk.audio.recordings.arranging import SourceEvent
from sounddesk.audio.recordings.arranging import arrange
from sounddesk.audio.recordings.arranging import quiet_spans
from sounddesk.audio.recordings.arranging import with_tails
from sounddesk.domain.errors import BadInputError
from sounddesk.domain.recordings import FoundEvent
from sounddesk.domain.recordings import Recording
from sounddesk.domain.recordings import SoundEvent
from sounddesk.domain.take import waveform_of
from sounddesk.engine.library.recording_facts import licence_notes
from sounddesk.engine.library.recording_facts import recording_facts
from sounddesk.storage.library.library import Library

# So many events of a recording make enough change; a stretch of texture is read up to this length.
_MOST_EVENTS: Final = 24
_MOST_STRETCH_S: Final = 60.0
# Of what lies between the events.
_MOST_QUIET: Final = 12
_MOST_QUIET_S: Final = 6.0


@dataclass(frozen=True, kw_only=True, eq=False)
class LibraryTake:
    """A take made of recordings.

    Attributes:
        samples: float32[n, channels] at the rate and with the channels of its recording.
        recipe: JSON-ready: how it was laid out, and the recordings with hash, originator and licence.
    """

    samples: Waveform
    sample_rate_hz: int
    recipe: dict[str, Any]
    notes: tuple[str, ...]

    @property
    def waveform(self) -> Waveform:
        """As a take holds it: mono or stereo like its recording; more channels are averaged."""
        return waveform_of(self.samples)

    @property
    def mono(self) -> Waveform:
        """All channels averaged, float32[n]."""
        return np.ascontiguousarray(self.samples.mean(axis=1, dtype=np.float32))


def arranged_take(
    library: Library, found: FoundEvent, *, seconds: float, seed: int, layout: Layout | None = None
) -> LibraryTake:
    """A take of `seconds` of the recording that a search found, beginning with the event that it found.

    Args:
        layout: how the thing sounds; by default as the recording does.

    Raises:
        SoundFileError: the recording cannot be read.
        ValueError: a length that is not positive.
    """
    recording = found.recording
    chosen = layout or layout_of(recording)
    events = [event for _, event in library.events_of(recording.id)] or [found.event]
    sources = read_sources(recording, chosen_events(events, found.event, layout=chosen))
    made = arrange(
        sources,
        seconds=seconds,
        sample_rate_hz=recording.format.sample_rate_hz,
        layout=chosen,
        seed=seed,
        quiet=() if chosen == "continuous" else read_quiet(recording, events, near_s=found.event.start_s),
    )
    facts = [recording_facts(recording)]
    recipe = {
        "made_of": "recordings",
        "layout": chosen,
        "seed": seed,
        "seconds": seconds,
        "sample_rate_hz": recording.format.sample_rate_hz,
        "licence": recording.licence or "unknown",
        "recordings": facts,
    }
    return LibraryTake(
        samples=made.samples,
        sample_rate_hz=recording.format.sample_rate_hz,
        recipe=recipe,
        notes=licence_notes(facts),
    )


def read_quiet(recording: Recording, events: Sequence[SoundEvent], *, near_s: float) -> list[Waveform]:
    """What lies between the events of a recording, as far as it is near to a time: how its room sounds.

    Args:
        events: all of the recording, in order of time.

    Raises:
        SoundFileError: the recording cannot be read.
    """
    rate, seconds = recording.format.sample_rate_hz, recording.format.seconds
    spans = quiet_spans(with_tails([(each.start_s, each.end_s) for each in events], seconds=seconds), seconds=seconds)
    nearest = sorted(spans, key=lambda span: abs(span[0] - near_s))[:_MOST_QUIET]
    with SoundStream(recording.path) as stream:
        return [
            stream.read(round(start_s * rate), round(min(end_s, start_s + _MOST_QUIET_S) * rate))
            for start_s, end_s in sorted(nearest)
        ]


def layout_of(recording: Recording) -> Layout:
    """How a recording sounds over time; a silent one has nothing that could be laid out."""
    if recording.behaviour == "silent":
        raise BadInputError(f"{recording.path} is silent: choose another recording")
    return recording.behaviour


def read_sources(recording: Recording, events: Sequence[SoundEvent]) -> list[SourceEvent]:
    """The samples of events in order of time, at the recording's rate, with its channels. Raises: SoundFileError."""
    rate = recording.format.sample_rate_hz
    sources = []
    starts = sorted(event.start_s for event in events)
    spans = with_tails([(event.start_s, event.end_s) for event in events], seconds=recording.format.seconds)
    with SoundStream(recording.path) as stream:
        for event, (_, tail_s) in zip(events, spans, strict=True):
            end_s = min(tail_s, event.start_s + _MOST_STRETCH_S)
            later = [each for each in starts if each > event.start_s]
            samples = stream.read(
                round(event.start_s * rate), max(round(event.start_s * rate) + 1, round(end_s * rate))
            )
            gap_s = later[0] - event.start_s if later and not event.texture else None
            sources.append(SourceEvent(samples=samples, gap_s=gap_s))
    return [each for each in sources if len(each.samples)]


def chosen_events(events: Sequence[SoundEvent], found: SoundEvent, *, layout: Layout) -> list[SoundEvent]:
    """Those to lay out: the one found first, then others of its kind as near to it as they are."""
    if layout == "one-shot":
        return [found]
    same = [each for each in events if each.texture == found.texture]
    # Far softer ones are the room, or somebody else's.
    alike = [each for each in same if each.level_db >= found.level_db - 12.0] or [found]
    nearest = sorted(alike, key=lambda each: abs(each.start_s - found.start_s))[:_MOST_EVENTS]
    return sorted(nearest, key=lambda each: each.start_s)
