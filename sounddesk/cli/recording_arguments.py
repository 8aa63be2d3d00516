"""Arguments of `sounddesk render` about real recordings: takes made of them, or begun from one."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import field
from pathlib import Path
from typing import TYPE_CHECKING
from typing import Any
from typing import Final

from sounddesk.cli.common_arguments import file_path
from sounddesk.cli.common_arguments import number
from sounddesk.domain.errors import BadInputError
from sounddesk.engine.generation.sound_edits import Extension
from sounddesk.engine.generation.sound_edits import Looping
from sounddesk.engine.generation.sound_edits import Regeneration
from sounddesk.engine.generation.sound_edits import SoundEdit
from sounddesk.engine.generation.sound_edits import Variation

if TYPE_CHECKING:
    from collections.abc import Sequence

# Options that say what is made of a sound.
_EDITS: Final = ("strength", "regenerate", "extend", "loop")


@dataclass(frozen=True, kw_only=True)
class RecordingOptions:
    """What of real recordings takes are made of.

    Attributes:
        from_library: takes are arranged of the recordings that fit each object; the first take of the best, and so on.
        library: the index, which also knows the licence of `source`; None for the user's own.
        source: a sound file that takes begin from.
        edit: what is made of it.
    """

    from_library: bool = False
    library: Path | None = None
    source: Path | None = None
    edit: SoundEdit = field(default_factory=Variation)


def add_recording_arguments(group: argparse._ActionsContainer) -> None:
    """All of them; defaults stay None, for --recipe to see."""
    group.add_argument(
        "--from-library",
        action="store_true",
        default=None,
        help="arrange takes of your own recordings: the best for each object first (see sounddesk library)",
    )
    group.add_argument(
        "--library", type=file_path, metavar="FILE", help="the index, which also knows licences (default: yours)"
    )
    group.add_argument(
        "--from", dest="source", type=file_path, metavar="FILE", help="begin from this sound; its length is the takes'"
    )
    group.add_argument(
        "--strength", type=number, help="how much of it is new, 0 (a copy) to 1 (a new sound; default: 0.5)"
    )
    group.add_argument(
        "--regenerate",
        type=seconds_range,
        metavar="START-END",
        help="make only these seconds of it anew, e.g. 2.1-3.4; the rest stays bit by bit",
    )
    group.add_argument("--extend", type=number, metavar="SECONDS", help="let it go on for so long behind its end")
    group.add_argument(
        "--loop", action="store_true", default=None, help="make its seam anew, so that its end leads into its start"
    )


def seconds_range(text: str) -> tuple[float, float]:
    """'2.1-3.4' as seconds."""
    start, dash, end = text.partition("-")
    try:
        if not dash:
            raise ValueError
        return float(start), float(end)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no range of seconds: write for example 2.1-3.4") from None


def read_recording_options(namespace: argparse.Namespace) -> RecordingOptions:
    """What `add_recording_arguments` declared, as a value.

    Raises:
        BadInputError: options that contradict each other, or values out of range.
    """
    from_library, source = bool(namespace.from_library), namespace.source
    if from_library and source is not None:
        raise BadInputError("--from-library and --from contradict each other: leave out one of them")
    if namespace.library is not None and not from_library and source is None:
        raise BadInputError("--library is for --from-library and --from: add one of them, or leave it out")
    edits = {name: getattr(namespace, name) for name in _EDITS if getattr(namespace, name) is not None}
    if source is None and edits:
        raise BadInputError(f"--{next(iter(edits))} needs a sound to begin from: add --from FILE")
    if len(edits) > 1:
        raise BadInputError(f"--{' and --'.join(edits)} are different things: leave out all but one of them")
    if source is not None and namespace.seconds is not None:
        raise BadInputError("--from settles the length: leave out --seconds")
    if (from_library or source is not None) and namespace.grounding not in (None, "object"):
        flag = "--from-library" if from_library else "--from"
        raise BadInputError(f"--grounding {namespace.grounding} cannot be used with {flag}: leave out one of them")
    _refuse(namespace, source is not None, ("blend", "balance", "ambience", "auto"), "--from")
    _refuse(namespace, from_library, ("balance", "random_weights", "preset", "steps", "guidance"), "--from-library")
    return RecordingOptions(
        from_library=from_library,
        library=namespace.library,
        source=source,
        edit=_edit_of(edits),
    )


def _edit_of(given: Mapping[str, Any]) -> SoundEdit:
    """What the options say is to be made of the sound."""
    match given:
        case {"strength": strength}:
            return Variation(strength=strength)
        case {"regenerate": (start_s, end_s)}:
            return Regeneration(start_s=start_s, end_s=end_s)
        case {"extend": seconds}:
            return Extension(seconds=seconds)
        case {"loop": _}:
            return Looping()
    return Variation()


def _refuse(namespace: argparse.Namespace, wanted: bool, names: Sequence[str], flag: str) -> None:
    given = [name for name in names if getattr(namespace, name) not in (None, False)]
    if wanted and given:
        raise BadInputError(f"--{given[0].replace('_', '-')} cannot be used with {flag}: leave out one of them")
