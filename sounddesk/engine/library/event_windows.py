"""Which stretches of a recording the encoder hears: at most 2.3 s each, shared by events that lie close together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from sounddesk.domain.recordings import SoundEvent

WINDOW_S: Final = 2.3
"""What the sound-effects encoder hears at once."""
_BEFORE_S: Final = 0.05


@dataclass(frozen=True, kw_only=True)
class EventWindow:
    """A stretch that is embedded, and the events that it stands for, by index."""

    start_s: float
    end_s: float
    events: tuple[int, ...]


def event_windows(events: Sequence[SoundEvent], *, seconds: float) -> list[EventWindow]:
    """Windows for all events of a recording, in order of time.

    A short event is heard with what is around it, as the classifier learned recordings: steps are told from knocks by
    those that follow. Of a long one, and of a stretch of texture, the middle is heard.

    Example:
        >>> steps = [SoundEvent(start_s=s, end_s=s + 0.2, peak_db=-20, level_db=-30) for s in (0.5, 1.0, 4.0)]
        >>> [(window.events, window.start_s) for window in event_windows(steps, seconds=5.0)]
        [((0, 1), 0.45), ((2,), 2.7)]
    """
    windows: list[EventWindow] = []
    held: list[int] = []
    start_s = 0.0

    def close() -> None:
        if held:
            end_s = min(seconds, start_s + WINDOW_S)
            begin_s = max(0.0, min(start_s, end_s - WINDOW_S))
            windows.append(EventWindow(start_s=round(begin_s, 6), end_s=end_s, events=tuple(held)))
            held.clear()

    for index, event in enumerate(events):
        if event.seconds > WINDOW_S:
            close()
            begin_s = event.start_s + (event.seconds - WINDOW_S) / 2 if event.texture else event.start_s
            windows.append(EventWindow(start_s=begin_s, end_s=begin_s + WINDOW_S, events=(index,)))
            continue
        if held and event.end_s > start_s + WINDOW_S:
            close()
        if not held:
            start_s = max(0.0, event.start_s - _BEFORE_S)
        held.append(index)
    close()
    return windows
