"""`sounddesk library`: folders of recordings, scanned and searched."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING
from typing import Any
from typing import Final

from sounddesk.cli.common_arguments import add_output_arguments
from sounddesk.cli.common_arguments import file_path
from sounddesk.cli.common_arguments import number
from sounddesk.cli.common_arguments import whole_number
from sounddesk.cli.console import Console
from sounddesk.cli.exit_codes import ExitCode
from sounddesk.cli.interrupt import cancel_on_signals
from sounddesk.domain.errors import BadInputError
from sounddesk.domain.errors import Cancelled
from sounddesk.engine.tasks import CancelToken

if TYPE_CHECKING:
    from sounddesk.domain.recordings import FoundEvent
    from sounddesk.domain.recordings import Recording
    from sounddesk.engine.library.search import EventFilter
    from sounddesk.storage.library.library import Library
    from sounddesk.storage.library.library_rows import LibraryFolder

_COMMERCIAL: Final = {"yes": True, "no": False, "unknown": None}
_MOST_NAMED: Final = 20


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `sounddesk library`."""
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)

    add = actions.add_parser("add", help="take a folder of recordings in; nothing in it is ever changed")
    add.add_argument("folder", type=place, metavar="FOLDER")
    _add_licence(add, "of the recordings in it that do not say it themselves")

    actions.add_parser("scan", help="read what is new or was changed; goes on where an earlier scan stopped")
    actions.add_parser("list", help="the folders, and how many recordings they hold")
    actions.add_parser("problems", help="the files that cannot be used, and why")

    search = actions.add_parser("search", help="find recordings by words, or by the sound of another one")
    search.add_argument("words", nargs="*", metavar="WORDS", help="what is to be heard, e.g. dog bark")
    search.add_argument("--like", type=place, metavar="FILE", help="what sounds like this recording of the library")
    search.add_argument("--limit", type=whole_number, default=20, metavar="N", help="at most so many (default: 20)")
    add_filter_arguments(search)

    star = actions.add_parser("star", help="mark recordings as favourites")
    star.add_argument("files", type=place, nargs="+", metavar="FILE")
    star.add_argument("--off", action="store_true", help="take the mark away")

    licence = actions.add_parser("licence", help="say under which licence recordings are")
    licence.add_argument("files", type=place, nargs="+", metavar="FILE")
    _add_licence(licence, "of these recordings", required=True)

    remove = actions.add_parser("remove", help="forget a folder; its files stay where they are")
    remove.add_argument("folder", type=place, metavar="FOLDER")
    actions.add_parser("forget", help="forget the recordings that were not there at the last scan")

    for each in actions.choices.values():
        add_library_argument(each)
        add_output_arguments(each)


def add_library_argument(parser: argparse._ActionsContainer) -> None:
    """--library."""
    parser.add_argument(
        "--library", type=file_path, metavar="FILE", help="the index (default: library.sqlite in the user's data)"
    )


def add_filter_arguments(parser: argparse.ArgumentParser) -> None:
    """Which events are wanted."""
    parser.add_argument("--min-seconds", type=number, metavar="S", help="events of at least this length")
    parser.add_argument("--max-seconds", type=number, metavar="S", help="events of at most this length")
    parser.add_argument("--channels", type=whole_number, metavar="N", help="of recordings with so many channels")
    parser.add_argument("--min-rate", type=whole_number, metavar="HZ", help="of recordings with at least this rate")
    parser.add_argument("--commercial", action="store_true", help="only where the licence allows commercial use")
    parser.add_argument("--starred", action="store_true", help="only favourites")


def event_filter(options: argparse.Namespace) -> EventFilter:
    """What `add_filter_arguments` declared, as a value."""
    from sounddesk.engine.library.search import EventFilter

    return EventFilter(
        least_s=options.min_seconds,
        most_s=options.max_seconds,
        channels=options.channels,
        least_rate_hz=options.min_rate,
        commercial_only=options.commercial,
        starred_only=options.starred,
    )


def open_library(path: Path | None, *, must_exist: bool = True) -> Library:
    """The library at `path`, by default the user's. Raises: LibraryError; BadInputError, there is none yet."""
    from sounddesk.storage.library.library import Library
    from sounddesk.storage.library.library import default_library_path

    chosen = path or default_library_path()
    if must_exist and not chosen.is_file():
        raise BadInputError(f"there is no library at {chosen}: make one with 'sounddesk library add FOLDER'")
    return Library(chosen)


def place(text: str) -> Path:
    """A path option without '..': the library knows every file by one path."""
    return Path(os.path.abspath(file_path(text)))  # noqa: PTH100 -- resolve() would follow links, too


def run(options: argparse.Namespace, *, console: Console) -> int:
    """Carry out `sounddesk library`."""
    actions: dict[str, Callable[..., dict[str, Any]]] = {
        "add": _add,
        "scan": _scan,
        "list": _list,
        "problems": _problems,
        "search": _search,
        "star": _star,
        "licence": _licence,
        "remove": _remove,
        "forget": _forget,
    }
    cancel = CancelToken()
    with (
        cancel_on_signals(cancel, tell=console.note),
        open_library(options.library, must_exist=options.action != "add") as library,
    ):
        document = actions[options.action](options, library=library, console=console, cancel=cancel)
    console.document({"ok": True, **document})
    return ExitCode.OK


def _add_licence(parser: argparse.ArgumentParser, text: str, *, required: bool = False) -> None:
    parser.add_argument("--licence", metavar="NAME", required=required, help=f"{text}, e.g. CC0-1.0")
    parser.add_argument(
        "--commercial",
        choices=tuple(_COMMERCIAL),
        default="unknown",
        help="whether that licence allows commercial use (default: unknown)",
    )


def _add(options: argparse.Namespace, *, library: Library, console: Console, cancel: CancelToken) -> dict[str, Any]:
    cancel.raise_if_cancelled()
    if options.licence is None and options.commercial != "unknown":
        raise BadInputError("--commercial is said of a licence: add --licence NAME")
    library.add_folder(options.folder, licence=options.licence, commercial=_COMMERCIAL[options.commercial])
    console.say(f"{options.folder} is in the library: 'sounddesk library scan' reads it")
    return {"folder": str(options.folder)}


def _scan(_options: argparse.Namespace, *, library: Library, console: Console, cancel: CancelToken) -> dict[str, Any]:
    from sounddesk.engine.library.scan import scan

    if not library.folders():
        raise BadInputError("the library has no folder yet: 'sounddesk library add FOLDER' takes one in")
    try:
        report = scan(library, on_progress=console.progress, cancel=cancel)
    except Cancelled:
        raise Cancelled("cancelled; what was scanned is kept, and the next scan goes on there") from None
    console.end_progress()
    console.say(report.line())
    for path, reason in report.problems[:_MOST_NAMED]:
        console.note(f"{path}: {reason}")
    if len(report.problems) > _MOST_NAMED:
        console.note(f"and {len(report.problems) - _MOST_NAMED} more: 'sounddesk library problems' names all")
    for folder, count in report.absent:
        console.note(
            f"{folder} is not there, or empty: its {count} recordings are kept; connect its disk and scan again"
        )
    if report.beside:
        console.note("another sounddesk is scanning this library, too: each does what the other has not done")
    return {
        "scanned": report.scanned,
        "unchanged": report.unchanged,
        "moved": report.moved,
        "missing": report.missing,
        "seconds_of_sound": round(report.seconds, 3),
        "elapsed_s": round(report.elapsed_s, 3),
        "problems": [{"file": str(path), "reason": reason} for path, reason in report.problems],
        "absent": [{"folder": str(path), "recordings": count} for path, count in report.absent],
    }


def _list(_options: argparse.Namespace, *, library: Library, console: Console, cancel: CancelToken) -> dict[str, Any]:
    cancel.raise_if_cancelled()
    folders = library.folders()
    for each in folders:
        console.say(_folder_line(each))
    if not folders:
        console.say("no folder yet: 'sounddesk library add FOLDER' takes one in")
    return {
        "library": str(library.path),
        "folders": [
            {
                "folder": str(each.path),
                "present": each.present,
                "recordings": each.recordings,
                "missing": each.missing,
                "problems": each.problems,
                "licence": each.licence,
                "commercial": each.commercial,
            }
            for each in folders
        ],
    }


def _folder_line(folder: LibraryFolder) -> str:
    parts = [f"{folder.recordings} recordings"]
    parts += [f"{folder.missing} not there"] if folder.missing else []
    parts += [f"{folder.problems} that cannot be used"] if folder.problems else []
    parts += [folder.licence] if folder.licence else []
    parts += [] if folder.present else ["the folder is not there: connect its disk"]
    return f"{folder.path}: {', '.join(parts)}"


def _problems(
    _options: argparse.Namespace, *, library: Library, console: Console, cancel: CancelToken
) -> dict[str, Any]:
    cancel.raise_if_cancelled()
    found = library.problems()
    for each in found:
        console.say(f"{each.path}: {each.problem}")
    if not found:
        console.say("every file can be used")
    return {"problems": [{"file": str(each.path), "reason": each.problem} for each in found]}


def _search(options: argparse.Namespace, *, library: Library, console: Console, cancel: CancelToken) -> dict[str, Any]:
    words = " ".join(options.words).strip()
    if bool(words) == bool(options.like):
        raise BadInputError("say what to look for: words, or --like FILE")
    if options.limit < 1:
        raise BadInputError(f"limit is {options.limit}: choose 1 or more")
    cancel.raise_if_cancelled()
    from sounddesk.engine.library.kind_space import KindSpace
    from sounddesk.engine.library.search import LibrarySearch

    search = LibrarySearch(library, KindSpace.load())
    if options.like:
        events = library.events_of(known_recording(library, options.like).id)
        if not events:
            raise BadInputError(f"{options.like} has no event that could be compared: see 'sounddesk library problems'")
        loudest = max(events, key=lambda each: each[1].level_db)[0]
        found = search.like(loudest, wanted=event_filter(options), limit=options.limit)
    else:
        found = search.of_text(words, wanted=event_filter(options), limit=options.limit)
    for each in found:
        console.say(event_line(each))
    if not found:
        console.say("nothing found" if library.count() else "the library is empty: 'sounddesk library scan' reads it")
    return {"found": [event_json(each) for each in found]}


def event_line(found: FoundEvent) -> str:
    """An event for a reader: where it is, how long, of what shape, under which licence."""
    shape, event = found.recording.format, found.event
    star = "* " if found.recording.starred else ""
    licence = f", {found.recording.licence}" if found.recording.licence else ""
    return (
        f"{star}{found.recording.path}  {event.start_s:.2f}-{event.end_s:.2f} s, {found.recording.behaviour}, "
        f"{shape.channels} ch {shape.sample_rate_hz / 1000:g} kHz{licence}"
    )


def event_json(found: FoundEvent) -> dict[str, Any]:
    """The same, ready for JSON."""
    shape, event = found.recording.format, found.event
    return {
        "file": str(found.recording.path),
        "start_s": round(event.start_s, 3),
        "end_s": round(event.end_s, 3),
        "behaviour": found.recording.behaviour,
        "channels": shape.channels,
        "sample_rate_hz": shape.sample_rate_hz,
        "licence": found.recording.licence,
        "commercial": found.recording.commercial,
        "starred": found.recording.starred,
        "sha256": found.recording.sha256,
        "score": round(found.score, 4),
    }


def known_recording(library: Library, path: Path) -> Recording:
    """A recording of the library by its file. Raises: BadInputError, it is not in it."""
    found = library.recording_at(path)
    if found is None:
        raise BadInputError(f"{path} is not in the library: add its folder and scan it")
    return found


def _star(options: argparse.Namespace, *, library: Library, console: Console, cancel: CancelToken) -> dict[str, Any]:
    cancel.raise_if_cancelled()
    chosen = [known_recording(library, path) for path in options.files]
    for each in chosen:
        library.star(each.id, not options.off)
    console.say(f"{len(chosen)} recordings marked" if not options.off else f"{len(chosen)} marks taken away")
    return {"files": [str(each.path) for each in chosen]}


def _licence(options: argparse.Namespace, *, library: Library, console: Console, cancel: CancelToken) -> dict[str, Any]:
    cancel.raise_if_cancelled()
    chosen = [known_recording(library, path) for path in options.files]
    for each in chosen:
        library.set_licence(each.id, options.licence, commercial=_COMMERCIAL[options.commercial])
    console.say(f"{len(chosen)} recordings are under {options.licence}")
    return {"files": [str(each.path) for each in chosen], "licence": options.licence}


def _remove(options: argparse.Namespace, *, library: Library, console: Console, cancel: CancelToken) -> dict[str, Any]:
    cancel.raise_if_cancelled()
    chosen = [each for each in library.folders() if each.path == options.folder]
    if not chosen:
        raise BadInputError(f"{options.folder} is not in the library: 'sounddesk library list' names its folders")
    library.remove_folder(chosen[0].id)
    console.say(f"{options.folder} is forgotten; its files are as they were")
    return {"folder": str(options.folder), "recordings": chosen[0].recordings}


def _forget(_options: argparse.Namespace, *, library: Library, console: Console, cancel: CancelToken) -> dict[str, Any]:
    cancel.raise_if_cancelled()
    count = library.forget_missing()
    console.say(f"{count} recordings that were not there are forgotten")
    return {"forgotten": count}
