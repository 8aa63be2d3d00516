"""What menus and keys do with playing: start, stop, winding, the playhead, the loop."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import QObject

from sounddesk.app.commands.command import Command
from sounddesk.app.commands.registry import CommandRegistry
from sounddesk.app.notifications import notifier
from sounddesk.app.player import Player
from sounddesk.app.project.document import Document
from sounddesk.app.project.selection import SelectionModel


class TransportCommands(QObject):
    """Carries out the commands below."""

    def __init__(
        self,
        document: Document,
        selection: SelectionModel,
        actions: CommandRegistry,
        player: Player,
        parent: QObject,
    ) -> None:
        super().__init__(parent)
        self._document = document
        self._selection = selection
        self._player = player
        actions.add(COMMANDS, owner=self)
        player.loop_changed.connect(lambda: actions["transport.loop"].setChecked(player.is_looping))

    def _end_s(self) -> float:
        return self._document.project.settings.timeline_s

    def play_or_stop(self) -> None:
        self._player.toggle()

    def stop(self) -> None:
        self._player.stop_by_hand()

    def to_start(self) -> None:
        self._player.seek(0.0)

    def to_end(self) -> None:
        self._player.seek(self._end_s())

    def jump(self, seconds: float) -> None:
        self._player.seek(min(self._player.position_s + seconds, self._end_s()))

    def step_frames(self, frames: int) -> None:
        rate = self._document.project.settings.timecode_rate
        self._player.seek(rate.time_of(max(0, rate.frame_at(self._player.position_s) + frames)))

    def toggle_loop(self) -> None:
        """Loop the range, or stop looping it; where none was drawn, the selected clips, or else everything."""
        player = self._player
        if player.is_looping:
            player.set_looping(False)
        elif player.loop_s is not None:
            player.set_looping(True)
        else:
            player.set_loop(self._span() or (0.0, self._end_s()))

    def loop_selected_clips(self) -> None:
        span = self._span()
        if span is None:
            notifier.warning(self.tr("No clip is selected: click on one first."))
        else:
            self._player.set_loop(span)

    def shuttle(self, direction: int) -> None:
        """Play forwards (1) or backwards (-1); again is twice as fast, up to eight times."""
        self._player.shuttle(direction)

    def _span(self) -> tuple[float, float] | None:
        clips = [self._document.project.clip(each) for each in self._selection.clip_ids]
        return (min(c.start_s for c in clips), max(c.end_s for c in clips)) if clips else None


COMMANDS: Final[tuple[Command[TransportCommands], ...]] = (
    Command("transport.play", "&Play or stop", TransportCommands.play_or_stop, menu="Transport", section="play",
            keys="Space"),
    Command("transport.stop", "S&top", TransportCommands.stop, menu="Transport", section="play", keys="K"),
    Command("transport.shuttle_back", "Play back&wards, then faster", lambda it: it.shuttle(-1), menu="Transport",
            section="play", keys="J"),
    Command("transport.shuttle", "Play forwa&rds, then faster", lambda it: it.shuttle(1), menu="Transport",
            section="play", keys="L"),
    Command("transport.start", "To the &start", TransportCommands.to_start, menu="Transport", section="go",
            keys="Home"),
    Command("transport.end", "To the &end", TransportCommands.to_end, menu="Transport", section="go", keys="End"),
    Command("transport.back", "&Back one second", lambda it: it.jump(-1.0), menu="Transport", section="go",
            keys="PgUp"),
    Command("transport.forward", "&Forward one second", lambda it: it.jump(1.0), menu="Transport", section="go",
            keys="PgDown"),
    Command("transport.frame_back", "Back &one frame", lambda it: it.step_frames(-1), menu="Transport", section="go",
            keys=","),
    Command("transport.frame_forward", "Forward o&ne frame", lambda it: it.step_frames(1), menu="Transport",
            section="go", keys="."),
    Command("transport.loop", "&Loop range", switch=lambda it, _on: it.toggle_loop(), menu="Transport", section="loop",
            keys="Shift+L"),
    Command("transport.loop_clips", "Loop the selected &clips", TransportCommands.loop_selected_clips, menu="Transport",
            section="loop", keys="Alt+L"),
)  # fmt: skip
