"""One task that somebody carried out and had counted: a row of the paper's study of interaction (table 2)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated
from typing import Final

from sounddesk.domain.limits import Count
from sounddesk.domain.limits import NotEmpty
from sounddesk.domain.limits import Range

SATISFACTION_LEVELS: Final = 5


@dataclass(frozen=True, kw_only=True)
class RecordedTask:
    """What was counted; nothing tells what was clicked, typed or made.

    Attributes:
        task: what was to be done, e.g. 'baby laughs and puppy barks'.
        method: what it was done with.
        participant: a code or name that she gave; may be empty.
        began_unix_s: in seconds since 1970.
        seconds: until she said that she was done.
        attempts: how often she had sound generated.
        gestures: mouse buttons and keys that were pressed.
        succeeded: whether she says that the task is done.
        satisfaction: from 1 to 5; None where the window was closed in the middle.
    """

    task: NotEmpty
    method: NotEmpty = "sounddesk"
    participant: str = ""
    began_unix_s: float = 0.0
    seconds: Annotated[float, Range(0, 1e7)]
    attempts: Count
    gestures: Count = 0
    succeeded: bool = False
    satisfaction: Annotated[int, Range(1, SATISFACTION_LEVELS)] | None = None
    comment: str = ""
