"""Arguments of `sounddesk render` about real recordings: takes made of them, or begun from one."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from sounddesk.cli.common_arguments import file_path
from sounddesk.cli.common_arguments import number
from sounddesk.domain.errors import BadInputError

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True, kw_only=True)
class RecordingOptions:
    """What of real recordings takes are made of.

    Attributes:
        from_library: takes are arranged of the recordings that fit each object; the first take of the best, and so on.
        library: the index; None for the user's own.
        source: a sound file that takes begin from.
        strength: how much of it is made anew, 0 to 1; None for the default.
        regenerate_s: the only stretch of it that is made anew, in seconds.
    """

    from_library: bool = False
    library: Path | None = None
    source: Path | None = None
    strength: float | None = None
    regenerate_s: tuple[float, float] | None = None


def add_recording_arguments(group: argparse._ActionsContainer) -> None:
    """--from-library, --library, --from, --strength and --regenerate; defaults stay None, for --recipe to see."""
    group.add_argument(
        "--from-library",
        action="store_true",
        default=None,
        help="arrange takes of your own recordings: the best for each object first (see sounddesk library)",
    )
    group.add_argument("--library", type=file_path, metavar="FILE", help="the index of the recordings (default: yours)")
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
    if namespace.library is not None and not from_library:
        raise BadInputError("--library is for --from-library: add that, or leave it out")
    if source is None and (namespace.strength is not None or namespace.regenerate is not None):
        flag = "--strength" if namespace.strength is not None else "--regenerate"
        raise BadInputError(f"{flag} needs a sound to begin from: add --from FILE")
    if namespace.strength is not None and namespace.regenerate is not None:
        raise BadInputError("--regenerate makes its range wholly anew: leave out --strength")
    if namespace.strength is not None and not 0.0 <= namespace.strength <= 1.0:
        raise BadInputError(f"strength is {namespace.strength:g}: choose from 0 (a copy) to 1 (a new sound)")
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
        strength=namespace.strength,
        regenerate_s=namespace.regenerate,
    )


def _refuse(namespace: argparse.Namespace, wanted: bool, names: Sequence[str], flag: str) -> None:
    given = [name for name in names if getattr(namespace, name) not in (None, False)]
    if wanted and given:
        raise BadInputError(f"--{given[0].replace('_', '-')} cannot be used with {flag}: leave out one of them")
