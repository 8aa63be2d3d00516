"""Click on a thing: the segmenter finds its outline. More clicks correct it; what a click will do shows before it."""

from __future__ import annotations

from functools import partial

from PySide6.QtCore import Qt
from PySide6.QtGui import QColor
from PySide6.QtGui import QCursor
from PySide6.QtGui import QPainter

from sounddesk.app.canvas.tools.base import Tool
from sounddesk.app.canvas.tools.canvas_port import CanvasMouse
from sounddesk.app.canvas.tools.canvas_port import CanvasPort
from sounddesk.app.canvas.tools.canvas_port import PickMode
from sounddesk.app.canvas.tools.canvas_port import ToolStatus
from sounddesk.app.canvas.tools.click_marks import paint_clicks
from sounddesk.app.canvas.tools.click_session import ClickSession
from sounddesk.app.canvas.tools.hover_preview import HoverPreview
from sounddesk.app.canvas.tools.hover_preview import HoverQuestion
from sounddesk.app.canvas.tools.object_at import LastOutline
from sounddesk.app.canvas.tools.object_at import object_to_select
from sounddesk.app.canvas.tools.pick_cursor import pick_cursor
from sounddesk.app.canvas.tools.tool_table import TOOLS
from sounddesk.app.canvas.tools.tool_table import ToolEntry
from sounddesk.app.look.theme import PICK_COLOURS
from sounddesk.app.notifications import notifier
from sounddesk.app.workers.segmentation_worker import FoundMask
from sounddesk.domain.scene import SceneObject
from sounddesk.domain.selection import SCALES
from sounddesk.engine.segmenters.protocol import Prompt
from sounddesk.engine.segmenters.scales import index_of_scale
from sounddesk.engine.segmenters.scales import next_index


class ClickTool(Tool):
    """The mode says what a plain click does.

    New: begins an object, or selects the one whose mask it is on; after it the mode is Add. Add: more of the current
    object, wherever the click is, except on another object's mask, which it selects. Remove: less of it. Keys that are
    held go before the mode: Ctrl for a new object, Shift to add, Alt or the right button to remove. Enter ends the
    object: the mode is New again. Clicks made while the image is being encoded are kept and answered in their order.
    """

    def __init__(self, canvas: CanvasPort) -> None:
        super().__init__(canvas)
        self._session: ClickSession | None = None
        self._begun: ClickSession | None = None
        # Of objects that are in hand no longer and whose answer is on its way, by job.
        self._earlier: dict[int, ClickSession] = {}
        self._pointer: CanvasMouse | None = None
        self._hovered: tuple[HoverQuestion, tuple[FoundMask, ...]] | None = None
        self._outline = LastOutline()
        self._hover = HoverPreview(canvas.segment, self._show_hover, canvas.owner)
        canvas.segment.predicted.connect(self._on_predicted)
        canvas.segment.failed.connect(self._on_failed)

    # ------------------------------------------------------------------ clicks

    def press(self, event: CanvasMouse) -> None:
        if not self.canvas.inside(event.x, event.y):
            return
        pick = self._effective(event)
        chosen = self._selects(event, pick)
        if chosen is not None:
            self._select(chosen)
            return
        if pick == "remove" and self._going_on() is None and self.canvas.current_object() is None:
            notifier.warning(self.tr("Click on the object first, then on what does not belong to it."))
            return
        session = self._session_for(pick)
        if session is None:
            return
        self._session, self._begun = session, None
        session.add((event.x, event.y), positive=pick != "remove")
        self._stop_hover()
        session.job = self.canvas.segment.predict(
            session.prompt(), base=session.base, replaces=session.job, scale=self.canvas.options.scale
        )
        if pick == "new":
            self.set_pick("add")
        self._tell()

    def _effective(self, event: CanvasMouse) -> PickMode:
        """What the click does: there is nothing to add to before the first object."""
        pick = self.pick_of(event)
        if pick == "add" and self._going_on() is None and self.canvas.current_object() is None:
            return "new"
        return pick

    def _selects(self, event: CanvasMouse, pick: PickMode) -> SceneObject | None:
        """The object that a plain click selects in place of asking the segmenter."""
        if event.fresh or event.adding or pick == "remove":
            return None
        session = self._going_on() if pick == "add" else None
        current = self.canvas.selection.current_object_id if session is None else session.object_id
        project = self.canvas.document.project
        return object_to_select(project, event.x, event.y, current=current, keep_current=pick == "add")

    def _select(self, chosen: SceneObject) -> None:
        self._leave_session()
        self._stop_hover()
        self.canvas.selection.select_objects([chosen.id])
        self._tell()

    def _going_on(self) -> ClickSession | None:
        """The session that the next click joins; None where the user went on to something else since its last click."""
        session, current = self._session, self.canvas.current_object()
        if session is None:
            return None
        if session.object_id is None:
            # Its object is not made yet.
            same = session.job is not None and session.beside == self.canvas.selection.current_object_id
        else:
            same = current is not None and current.id == session.object_id and current.mask is session.mask
        return session if same else None

    def _session_for(self, pick: PickMode) -> ClickSession | None:
        """Where the click belongs; None where its object may not be edited."""
        going_on = self._going_on()
        current = self.canvas.current_object()
        if pick == "new":
            self._leave_session()
            return ClickSession(beside=None if current is None else current.id)
        if going_on is not None and going_on.goes_on_with(positive=pick == "add"):
            return None if going_on.object_id is not None and self.blocked() else going_on
        self._leave_session()
        if current is None:
            return ClickSession()
        return None if self.blocked() else self._begun_on(current)

    def _begun_on(self, current: SceneObject) -> ClickSession:
        """Corrections of an object, not yet a click; the same for a preview and the click that follows it."""
        if self._begun is None or self._begun.object_id != current.id or self._begun.mask is not current.mask:
            self._begun = ClickSession.on(current)
        return self._begun

    def _leave_session(self) -> None:
        """The next click belongs to another object; what is awaited for this one still comes."""
        session, self._session = self._session, None
        if session is not None and session.job is not None:
            self._earlier[session.job] = session
        self.canvas.update()

    # ------------------------------------------------------------------ answers

    def _on_predicted(self, job: int, candidates: tuple[FoundMask, ...]) -> None:
        session = self._awaiting(job)
        if session is None:
            return
        session.job, session.answered = None, len(session.points)
        session.candidates = candidates
        session.index = index_of_scale([each.scale for each in candidates], self.canvas.options.scale)
        self.canvas.document.when_free(partial(self._apply, session))
        self._tell()

    def _on_failed(self, job: int, error: Exception | None) -> None:
        session = self._awaiting(job)
        if session is None:
            return
        session.job = None
        session.take_back()
        if not session.points and session is self._session:
            self._session = None
            if session.object_id is None:
                self.set_pick("new")
        if error is not None:
            notifier.refused(error)
        self._tell()

    def _awaiting(self, job: int) -> ClickSession | None:
        if self._session is not None and self._session.job == job:
            return self._session
        return self._earlier.pop(job, None)

    def _apply(self, session: ClickSession) -> None:
        """Put the chosen candidate into the object, as one step."""
        document = self.canvas.document
        mask = session.candidates[session.index].mask
        project = document.project
        in_hand = session is self._session
        if session.object_id is None:
            changed, session.object_id, text = self.with_mask(project, mask, fresh=True)
        else:
            found = next((each for each in project.objects if each.id == session.object_id), None)
            if found is None or self.refuses(found):
                # It was deleted or locked while the segmenter worked, or its making undone.
                return
            changed = project.with_changed_object(found.id, mask=mask)
            text = self.tr("Refine {name}").format(name=found.name)
        session.mask = mask
        document.commit(text, changed)
        if in_hand:
            self.canvas.selection.select_objects([session.object_id])
        self.canvas.show_change(None)
        self._tell()

    # ------------------------------------------------------------------ candidates

    def next_candidate(self) -> None:
        """Of the last click where its object is still in hand, else of the one under the mouse."""
        session = self._going_on()
        if session is not None and len(session.candidates) > 1:
            session.index = next_index([each.scale for each in session.candidates], session.index)
            self.canvas.options.scale = session.candidates[session.index].scale
            self._stop_hover()
            self.canvas.document.when_free(partial(self._apply, session))
        elif self._hovered is not None and len(self._hovered[1]) > 1:
            found = self._hovered[1]
            shown = index_of_scale([each.scale for each in found], self.canvas.options.scale)
            self.canvas.options.scale = found[next_index([each.scale for each in found], shown)].scale
            self._show_hover(*self._hovered)
        else:
            wanted = self.canvas.options.scale
            self.canvas.options.scale = SCALES[0 if wanted is None else (SCALES.index(wanted) + 1) % len(SCALES)]
        self.canvas.tell_options()
        self._tell()

    def follow_scale(self) -> None:
        """Show the candidate that the options name now."""
        session, wanted = self._going_on(), self.canvas.options.scale
        if session is not None and len(session.candidates) > 1:
            index = index_of_scale([each.scale for each in session.candidates], wanted)
            if index != session.index:
                session.index = index
                self.canvas.document.when_free(partial(self._apply, session))
        elif self._hovered is not None:
            self._show_hover(*self._hovered)
        self._tell()

    # ------------------------------------------------------------------ hover

    def hover(self, event: CanvasMouse) -> None:
        self._pointer = event if self.canvas.inside(event.x, event.y) else None
        self.canvas.show_cursor()
        self._hovered = None
        if self._pointer is None:
            self._stop_hover()
        else:
            self._preview(event)
        self._tell()

    def leave(self) -> None:
        self._pointer = None
        self._stop_hover()
        self._tell()

    def _preview(self, event: CanvasMouse) -> None:
        pick = self._effective(event)
        chosen = self._selects(event, pick)
        current = self.canvas.current_object()
        if chosen is not None:
            self._hover.stop()
            self.canvas.show_change(self._outline.of(chosen), colour=QColor(chosen.colour))
            return
        busy = any(each.job is not None for each in (self._session, *self._earlier.values()) if each is not None)
        nothing = pick == "remove" and self._going_on() is None and current is None
        if busy or nothing or not self.canvas.hover_preview:
            self._stop_hover()
            return
        self._hover.want(event.x, event.y, partial(self._question, event, pick))

    def _question(self, event: CanvasMouse, pick: PickMode) -> HoverQuestion | None:
        """What a click there would do; None where the object that it would change has been deleted meanwhile."""
        x, y = event.x, event.y
        session = None if pick == "new" else self._going_on()
        current = self.canvas.current_object()
        if pick == "new":
            prompt, before = Prompt.click(x, y), None
        else:
            if session is None or not session.goes_on_with(positive=pick == "add"):
                if current is None:
                    return None
                session = self._begun_on(current)
            prompt, before = session.prompt(((x, y), pick == "add")), session.mask
        scale = self.canvas.options.scale
        return HoverQuestion(x=x, y=y, pick=pick, prompt=prompt, before=before, scale=scale)

    def _show_hover(self, question: HoverQuestion, found: tuple[FoundMask, ...]) -> None:
        if self._pointer is None or not self.canvas.is_in_hand(self):
            return
        self._hovered = (question, found)
        shown = found[index_of_scale([each.scale for each in found], self.canvas.options.scale)]
        self.canvas.show_change(shown.change, colour=PICK_COLOURS[question.pick])
        self._tell()

    def _stop_hover(self) -> None:
        self._hovered = None
        self._hover.stop()
        self.canvas.show_change(None)

    # ------------------------------------------------------------------ keys and state

    def key(self, key: int, modifiers: Qt.KeyboardModifier) -> bool:
        del modifiers
        session = self._session
        if key in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and session is not None and session.points:
            self._leave_session()
            self._stop_hover()
            self.set_pick("new")
            self.canvas.selection.select_objects(())
            self._tell()
            return True
        if key == Qt.Key.Key_Tab and self._choices() is not None:
            self.next_candidate()
            return True
        if key == Qt.Key.Key_Escape and (session is not None or self._earlier or self.canvas.options.pick != "new"):
            self.cancel()
            self.set_pick("new")
            return True
        return False

    def cancel(self) -> None:
        """Answers that are awaited are not wanted; the objects stay as they are."""
        self._session = self._begun = None
        self._earlier.clear()
        self._stop_hover()
        self._tell()

    def deactivate(self) -> None:
        """Another tool is taken: what is awaited still comes."""
        self._leave_session()
        self._pointer = None
        self._stop_hover()

    def forget_image(self) -> None:
        waiting = self._waiting()
        self.cancel()
        self._outline = LastOutline()
        self.set_pick("new")
        if waiting:
            text = self.tr("{count} clicks were dropped: another image was opened before they were answered.")
            one = self.tr("A click was dropped: another image was opened before it was answered.")
            notifier.warning(one if waiting == 1 else text.format(count=waiting))

    def _waiting(self) -> int:
        sessions = [*self._earlier.values(), *([] if self._session is None else [self._session])]
        return sum(each.waiting for each in sessions)

    def _choices(self) -> tuple[tuple[FoundMask, ...], int] | None:
        """Candidates that there are to choose from, and the one that is shown."""
        session = self._going_on()
        if session is not None and session.candidates and session.job is None:
            found, index = session.candidates, session.index
        elif self._hovered is not None:
            found = self._hovered[1]
            index = index_of_scale([each.scale for each in found], self.canvas.options.scale)
        else:
            return None
        return (found, index) if len(found) > 1 else None

    def status(self) -> ToolStatus:
        choices = self._choices()
        return ToolStatus(
            text=self._intent(),
            scales=() if choices is None else tuple(each.scale for each in choices[0]),
            scale=None if choices is None else choices[0][choices[1]].scale,
            waiting=self._waiting(),
        )

    def _intent(self) -> str:
        """What the next click does."""
        event = self._pointer
        pick = self.canvas.options.pick if event is None else self._effective(event)
        if event is not None:
            chosen = self._selects(event, pick)
            if chosen is not None:
                return self.tr("Select {name}").format(name=chosen.name)
        return self.text_of(pick)

    def _tell(self) -> None:
        self.canvas.tell_status()
        self.canvas.update()

    def make_cursor(self) -> QCursor:
        event = self._pointer
        pick = self.canvas.options.pick if event is None else self._effective(event)
        if event is not None and self._selects(event, pick) is not None:
            return QCursor(Qt.CursorShape.PointingHandCursor)
        return pick_cursor(pick)

    def paint(self, painter: QPainter) -> None:
        current = self.canvas.selection.current_object_id
        session = self._session
        if session is not None and (session.object_id is None or session.object_id == current):
            paint_clicks(painter, session, self.at)
        for each in self._earlier.values():
            paint_clicks(painter, each, self.at)


TOOLS.register(
    ToolEntry(
        name="click",
        title="&Click",
        key="V",
        order=1,
        factory=ClickTool,
        hint="Shift adds · Alt or right button removes · Ctrl: new object · Tab: part, thing, group · Enter: next",
    )
)
