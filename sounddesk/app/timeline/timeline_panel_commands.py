"""Commands, keys and context menus of the timeline as a view; its clips are edited by `timeline_commands`."""

from __future__ import annotations

from typing import Any
from typing import Final

from sounddesk.app.commands.command import Command
from sounddesk.app.commands.command import PanelKey

CLIP_MENU: Final = (
    "timeline.split", "timeline.duplicate", "timeline.cut", "timeline.copy", "timeline.paste", "timeline.delete", "",
    "timeline.numbers", "timeline.reverse", "timeline.loop", "timeline.at_markers", "transport.loop_clips",
)  # fmt: skip
RULER_MENU: Final = (
    "timeline.marker", "timeline.marker_of_object", "timeline.rename_marker", "timeline.delete", "",
    "transport.loop", "timeline.fit_length", "",
    "timeline.unit_seconds", "timeline.unit_timecode", "timeline.unit_frames",
)  # fmt: skip
# Of a `TimelinePanel`, which imports this module.
COMMANDS: Final[tuple[Command[Any], ...]] = (
    Command("timeline.snap", "Sn&ap", switch=lambda it, on: it.set_snapping(on), checked=True, menu="Timeline",
            section="move", keys="N"),
    Command("timeline.zoom_in", "&Zoom in on time", lambda it: it.zoom(1.4), menu="View", section="timeline",
            keys="Ctrl+Right"),
    Command("timeline.zoom_out", "Zoom out of tim&e", lambda it: it.zoom(1 / 1.4), menu="View", section="timeline",
            keys="Ctrl+Left"),
    Command("timeline.higher_lanes", "H&igher lanes", lambda it: it.change_lane_height(1.25), menu="View",
            section="timeline", keys="Ctrl+Down"),
    Command("timeline.lower_lanes", "Lo&wer lanes", lambda it: it.change_lane_height(0.8), menu="View",
            section="timeline", keys="Ctrl+Up"),
    Command("timeline.higher_waves", "Higher wa&veforms", lambda it: it.change_wave_height(1.5), menu="View",
            section="timeline", keys="Ctrl+Shift+Down"),
    Command("timeline.lower_waves", "Lower wavefor&ms", lambda it: it.change_wave_height(1 / 1.5), menu="View",
            section="timeline", keys="Ctrl+Shift+Up"),
    Command("timeline.zoom_fit", "S&how the whole timeline", lambda it: it.fit(), menu="View", section="timeline",
            keys="Shift+F"),
    Command("timeline.spectrograms", "Spectro&grams in clips", switch=lambda it, on: it.show_spectrograms(on),
            menu="View", section="timeline"),
    Command("timeline.unit_seconds", "Ruler in &seconds", switch=lambda it, _on: it.set_unit("seconds"), checked=True,
            group="ruler", menu="View", section="ruler"),
    Command("timeline.unit_timecode", "Ruler in time&code", switch=lambda it, _on: it.set_unit("timecode"),
            group="ruler", menu="View", section="ruler"),
    Command("timeline.unit_frames", "&Ruler in frames", switch=lambda it, _on: it.set_unit("frames"), group="ruler",
            menu="View", section="ruler"),
)  # fmt: skip
PANEL_KEYS: Final = (
    PanelKey(panel="Timeline", keys="Left", does="previous clip of the lane, or previous point"),
    PanelKey(panel="Timeline", keys="Right", does="next clip of the lane, or next point"),
    PanelKey(panel="Timeline", keys="Up", does="lane above"),
    PanelKey(panel="Timeline", keys="Down", does="lane below"),
    PanelKey(panel="Timeline", keys="Esc", does="put back what is dragged, else remove the loop range"),
)
