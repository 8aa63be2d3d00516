"""Playing the document: resamples takes off the UI thread, follows every edit, tells position and levels."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Final

from PySide6.QtCore import QObject
from PySide6.QtCore import QTimer
from PySide6.QtCore import Signal

from sounddesk.app.project.document import Document
from sounddesk.app.workers.background import Background
from sounddesk.audio.placed_clip import Sound
from sounddesk.audio.playback.playback import Playback
from sounddesk.audio.playback.playback import output_names
from sounddesk.audio.timeline_mix import TimelineMix
from sounddesk.domain.project import Project
from sounddesk.domain.scene import SceneObject
from sounddesk.domain.take import Take
from sounddesk.domain.take_placement import with_take_swapped
from sounddesk.domain.tiled_mask import TiledMask
from sounddesk.domain.timeline import PROJECT_RATE_HZ
from sounddesk.domain.timeline import Clip

# Long enough to be recognised, short enough to follow the hand.
SCRUB_FRAMES: Final = 4800
# Each further press of J or L is twice as fast, up to this.
MAX_SHUTTLE: Final = 8
# How long a step of a generation waits for the sound at most.
_YIELD_S: Final = 0.05


def at_project_rate(take: Take) -> Sound:
    """The take's samples at the project rate."""
    from sounddesk.audio.resample import resample

    return resample(take.waveform, from_hz=take.sample_rate_hz, to_hz=PROJECT_RATE_HZ)


def _alone(take_id: str, seconds: float) -> Project:
    """A timeline with one sound on it."""
    mask = TiledMask.empty(width=1, height=1)
    return Project(
        objects=(SceneObject(id="take", name="take", mask=mask, seed=0),),
        clips=(Clip(id="take", object_id="take", take_id=take_id, start_s=0.0, duration_s=max(0.01, seconds)),),
    )


class Player(QObject):
    """Plays from the playhead, in the loop range where looping is on.

    Attributes:
        returns_on_stop: whether stopping puts the playhead back to where playing began.

    Signals: position_changed(seconds), playing_changed(bool), problem(text); levels_changed(`LaneLevel` by object id);
    loudness_changed(`LoudnessReading` of the master or None); loop_changed().
    """

    position_changed = Signal(float)
    playing_changed = Signal(bool)
    levels_changed = Signal(object)
    loudness_changed = Signal(object)
    loop_changed = Signal()
    problem = Signal(str)

    def __init__(self, document: Document, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._document = document
        self._playback = Playback()
        self._samples: dict[str, Sound] = {}
        self._mix: TimelineMix | None = None
        self._position_s = 0.0
        self.returns_on_stop = False
        self._started_s = 0.0
        self._speed = 1
        self._loop_s: tuple[float, float] | None = None
        self._looping = False
        self._said = ""
        self._auditioning = False
        self._scrubbing = False
        self._alone: Project | None = None
        self._auditioned = ""
        self._instead: dict[str, str] = {}
        self._last = 0
        self._background = Background(self, name="resampling the take")
        self._background.done.connect(self._keep)
        self._timer = QTimer(self)
        self._timer.setInterval(33)
        self._timer.timeout.connect(self._tick)
        self._rebuild = QTimer(self)
        self._rebuild.setSingleShot(True)
        self._rebuild.setInterval(15)
        self._rebuild.timeout.connect(self._take_over)
        document.changed.connect(self._on_changed)
        document.replaced.connect(self._on_replaced)
        document.take_added.connect(lambda _take: self._rebuild.start())
        self._take_over()

    @property
    def position_s(self) -> float:
        following = self._playback.is_playing and not (self._auditioning or self._scrubbing)
        return self._playback.frame / PROJECT_RATE_HZ if following else self._position_s

    @property
    def is_playing(self) -> bool:
        return self._playback.is_playing

    @property
    def auditioned_take(self) -> str:
        """The id of the take that plays alone now; empty for none."""
        return self._auditioned if self._auditioning else ""

    def set_device(self, name: str) -> None:
        """The output to play on; empty for the system's default."""
        self.stop()
        self._playback.set_device(name)

    def set_buffer(self, name: str) -> None:
        """How much sound the output has in its buffer: a key of `BUFFERS_S`."""
        self.stop()
        self._playback.set_buffer(name)

    def wait_while_behind(self) -> None:
        """For threads that compute: return once playing has what it needs, at the latest after 50 ms."""
        deadline_s = time.monotonic() + _YIELD_S
        while self._playback.is_behind and time.monotonic() < deadline_s:
            time.sleep(0.002)

    def output_names(self) -> list[str]:
        """Outputs that can be chosen."""
        return output_names()

    def samples_of(self, take_id: str) -> Sound | None:
        """A take at the project rate; None while it is being resampled."""
        found = self._samples.get(take_id)
        take = self._document.takes.get(take_id)
        if found is None and take is not None and take.sample_rate_hz == PROJECT_RATE_HZ:
            # Nothing to wait for: an example is heard at once.
            self._samples[take_id] = found = take.waveform
        elif found is None and take is not None and not self._background.is_running(take_id):
            self._background.start(take_id, lambda: at_project_rate(take))
        return found

    def play(self, *, speed: int = 1) -> None:
        """Play from the position to the end of the timeline, or with a negative speed back to its start."""
        end = max(self._project_end(), self._position_s + 0.1)
        if speed > 0 and self._position_s >= end - 0.01:
            self._position_s = 0.0
        self._auditioning = self._scrubbing = False
        self._started_s = self._position_s
        self._take_over()
        self._tell_loop()
        self._start(round(self._position_s * PROJECT_RATE_HZ), round(end * PROJECT_RATE_HZ), speed=speed)

    @property
    def speed(self) -> int:
        """How fast the timeline is played, negative backwards; 0 while it is not."""
        playing = self._playback.is_playing and not (self._auditioning or self._scrubbing)
        return self._speed if playing else 0

    def shuttle(self, direction: int) -> None:
        """Play forwards (1) or backwards (-1); while it does already, twice as fast."""
        speed = self.speed
        faster = min(MAX_SHUTTLE, 2 * abs(speed)) if speed * direction > 0 else 1
        self.stop()
        if direction < 0 and self._position_s <= 0.0:
            return
        self.play(speed=direction * faster)

    def stop(self) -> None:
        """Stop where it is."""
        self._alone = None
        if self._playback.is_playing:
            position_s = self.position_s
            self._playback.stop()
            if not (self._auditioning or self._scrubbing):
                self._position_s = position_s
            self._ended()

    def stop_by_hand(self) -> None:
        """Stop, and go back to where playing began, where the user wants that."""
        # Whoever winds looks for a place, and stays there.
        came_from_s = self._started_s if self.speed == 1 else None
        self.stop()
        if came_from_s is not None and self.returns_on_stop:
            self.seek(came_from_s)

    def toggle(self) -> None:
        if self.is_playing:
            self.stop_by_hand()
        else:
            self.play()

    def seek(self, position_s: float) -> None:
        """Go to a time; goes on playing from there."""
        was_playing, speed = self.is_playing, self.speed or 1
        self.stop()
        self._position_s = max(0.0, position_s)
        self.position_changed.emit(self._position_s)
        if was_playing:
            self.play(speed=speed)

    @property
    def loop_s(self) -> tuple[float, float] | None:
        """The loop range in seconds; None where none is set."""
        return self._loop_s

    @property
    def is_looping(self) -> bool:
        """Whether playing repeats the loop range."""
        return self._looping and self._loop_s is not None

    def set_loop(self, loop_s: tuple[float, float] | None, *, on: bool = True) -> None:
        """Set the range to be repeated, at least 10 ms long, else none; and whether it is repeated."""
        self._loop_s = loop_s if loop_s is not None and loop_s[1] - loop_s[0] >= 0.01 else None
        self._looping = on
        self._tell_loop()
        self.loop_changed.emit()

    def set_looping(self, on: bool) -> None:
        """Repeat the loop range, or play through it."""
        self.set_loop(self._loop_s, on=on)

    def _tell_loop(self) -> None:
        loop = self._loop_s if self.is_looping and not self._auditioning else None
        end_s = self._project_end()
        if loop is None or loop[0] >= end_s:
            self._playback.set_loop(None)
        else:
            first, last = (round(min(each, end_s) * PROJECT_RATE_HZ) for each in loop)
            self._playback.set_loop((first, last))

    def scrub(self, position_s: float) -> None:
        """Go to a time and let a moment of it be heard, as while the playhead is dragged."""
        if self.is_playing and not self._scrubbing:
            self.stop()
        self._position_s = min(max(0.0, position_s), self._project_end())
        self._scrubbing = True
        self._auditioning = False
        self._playback.set_loop(None)
        first = round(self._position_s * PROJECT_RATE_HZ)
        self._start(first, first + SCRUB_FRAMES)
        self.position_changed.emit(self._position_s)

    def end_scrub(self) -> None:
        """The playhead was let go of: it stays where it is."""
        if self._scrubbing:
            self._playback.stop()
            self._ended()

    def reset_loudness(self) -> None:
        """Measure the master's loudness from here on."""
        self._playback.reset_loudness()
        self.loudness_changed.emit(None)

    def listen_instead(self, takes: Mapping[str, str]) -> None:
        """Let other takes be heard than those in use, by object id: to compare them in the mix, without an edit."""
        self._instead = dict(takes)
        self._rebuild.start()

    def audition(self, take: Take) -> None:
        """Play one take alone, whatever the timeline holds."""
        self.stop()
        self._alone = _alone(take.id, take.seconds)
        self._auditioned = take.id
        if self.samples_of(take.id) is not None:
            self._play_alone()

    def audition_sound(self, samples: Sound) -> None:
        """Play a sound of no project alone, at the project rate; one that plays is stopped first."""
        self.stop()
        seconds = len(samples) / PROJECT_RATE_HZ
        self._auditioning, self._auditioned = True, ""
        self._tell_loop()
        self._playback.set_mix(TimelineMix(_alone("sound", seconds), lambda _take_id: samples))
        self._start(0, len(samples))

    def _play_alone(self) -> None:
        """Play the take that was asked for; called once its samples are there."""
        alone, self._alone = self._alone, None
        if alone is not None:
            self._auditioning = True
            self._tell_loop()
            self._playback.set_mix(TimelineMix(alone, self.samples_of))
            self._start(0, round(alone.clips[0].duration_s * PROJECT_RATE_HZ))

    def close(self) -> None:
        """Stop and end the threads."""
        self._timer.stop()
        self._rebuild.stop()
        self._playback.close()
        self._background.close()

    def _project_end(self) -> float:
        return self._document.project.settings.timeline_s

    def _start(self, first: int, last: int, *, speed: int = 1) -> None:
        self._playback.play(from_frame=first, until_frame=last, speed=speed)
        self._last, self._speed = last, speed
        self._timer.start()
        self.playing_changed.emit(True)

    def _tick(self) -> None:
        if self._playback.problem != self._said:
            self._said = self._playback.problem
            self.problem.emit(self._said)
        frame = self._playback.frame
        self.levels_changed.emit(self._playback.take_levels())
        self.loudness_changed.emit(self._playback.loudness)
        if frame >= self._last or (self._speed < 0 and frame == 0):
            self._playback.stop()
            if not (self._auditioning or self._scrubbing):
                self._position_s = (0 if self._speed < 0 else self._last) / PROJECT_RATE_HZ
            self._ended()
        elif not (self._auditioning or self._scrubbing):
            self.position_changed.emit(frame / PROJECT_RATE_HZ)

    def _ended(self) -> None:
        self._timer.stop()
        self._auditioning = self._scrubbing = False
        self.levels_changed.emit({})
        self.position_changed.emit(self._position_s)
        self.playing_changed.emit(False)

    def _on_changed(self, old: Project, new: Project) -> None:
        if old.settings.timeline_s != new.settings.timeline_s:
            self._last = round(self._project_end() * PROJECT_RATE_HZ) if self.is_playing else self._last
            self._tell_loop()
        if (old.objects, old.clips, old.master, old.settings) != (new.objects, new.clips, new.master, new.settings):
            self._rebuild.start()

    def _on_replaced(self) -> None:
        self.stop()
        self.set_loop(None, on=False)
        self._samples = {}
        self._mix = None
        self._instead = {}
        self._position_s = 0.0
        self.reset_loudness()
        self._take_over()

    def _keep(self, take_id: str, samples: Sound) -> None:
        self._samples[take_id] = samples
        self._rebuild.start()
        if self._alone is not None and self._alone.clips[0].take_id == take_id:
            self._play_alone()

    def _take_over(self) -> None:
        if not self._auditioning:
            # What the state before has filtered is used again, so that an edit is heard at once.
            self._mix = TimelineMix(self._heard_project(), self.samples_of, before=self._mix)
            self._playback.set_mix(self._mix)

    def _heard_project(self) -> Project:
        project = self._document.project
        for object_id, take_id in self._instead.items():
            take = self._document.takes.get(take_id)
            if take is not None:
                for clip in project.clips_of(object_id):
                    project = project.with_clip(with_take_swapped(clip, take.id, take.seconds))
        return project
