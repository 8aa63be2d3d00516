"""The arguments of `sounddesk batch`, checked as far as that goes without opening a frame."""

from __future__ import annotations

import argparse
import math
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING
from typing import Any
from typing import Final

from sounddesk.batch.trackers import follow_help
from sounddesk.cli.common_arguments import DEFAULT_BUNDLE
from sounddesk.cli.common_arguments import add_device_argument
from sounddesk.cli.common_arguments import add_output_arguments
from sounddesk.cli.common_arguments import file_path
from sounddesk.cli.common_arguments import filled_text
from sounddesk.cli.common_arguments import frames_per_second
from sounddesk.cli.common_arguments import whole_number
from sounddesk.cli.render_arguments import add_selection_arguments
from sounddesk.cli.render_arguments import add_sound_arguments
from sounddesk.cli.render_arguments import read_selection
from sounddesk.cli.render_arguments import read_sound
from sounddesk.domain.errors import BadInputError

if TYPE_CHECKING:
    from sounddesk.batch.options import BatchObject
    from sounddesk.batch.options import BatchOptions
    from sounddesk.domain.frame_sequence import Shard
    from sounddesk.domain.project import Project

_MOST_WORKERS: Final = 256
_SHARD: Final = re.compile(r"(\d{1,6})/(\d{1,6})", re.ASCII)


def configure_batch(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `sounddesk batch`."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = _EPILOG
    parser.add_argument(
        "folder", type=file_path, metavar="FOLDER|MOVIE", help="holds the frames, taken in natural order"
    )
    parser.add_argument("--every", type=whole_number, default=1, metavar="N", help="render each Nth frame (default: 1)")

    selection = parser.add_argument_group("which objects sound")
    selection.add_argument("--project", type=file_path, metavar="FILE", help="objects and settings of a .sdesk project")
    add_selection_arguments(selection)
    selection.add_argument(
        "--follow",
        choices=("auto", "flow", "fixed", "each"),
        default="auto",
        help=f"carry masks along by {follow_help()} (auto), by optical flow, leave them where they are, or ask the "
        "segmenter in each frame (default: auto); --mask NAME@FOLDER gives one mask per frame instead",
    )

    sound = parser.add_argument_group("the sound")
    add_sound_arguments(sound)
    sound.add_argument(
        "--bed", action="store_true", help="one continuous sound per object over the whole shot, instead of one a frame"
    )
    sound.add_argument(
        "--from-library",
        action="store_true",
        help="with --bed: lay the beds out of your own recordings, textures first (see sounddesk library)",
    )
    sound.add_argument("--library", type=file_path, metavar="FILE", help="the index of the recordings (default: yours)")
    sound.add_argument(
        "--fps",
        type=frames_per_second,
        metavar="F",
        help="frames per second, for the bed: 25, 29.97, 24000/1001, ... (default: 24, or the movie's)",
    )

    where = parser.add_argument_group("with what, and where to")
    where.add_argument("--bundle", type=filled_text, metavar="NAME|FOLDER", help="the model (default: starter)")
    add_device_argument(where)
    where.add_argument("--out", type=file_path, required=True, metavar="DIR", help="result")
    where.add_argument("--resume", action="store_true", help="go on with what DIR holds: render only what is missing")
    where.add_argument("--shard", metavar="I/N", help="only the Ith of N parts; several machines share one DIR")
    where.add_argument("--workers", type=whole_number, help="processes, one CPU core each (default: all cores)")
    where.add_argument("--executor", choices=("local", "ray"), default="local", help="who renders (default: local)")
    add_output_arguments(parser)
    parser.add_argument(
        "--events", action="store_true", help="print one JSON object per line and event on stdout, for programs"
    )


_EPILOG: Final = """\
written to DIR:
  FRAME/NAME.wav, FRAME/mix.wav  one folder per frame, 48 kHz, 24 bit
  FRAME/masks/, FRAME/recipe.json  what was selected; 'sounddesk render --recipe' makes a frame again
  beds/NAME.wav                  with --bed: one continuous sound per object, in stereo
  index.html                     thumbnails, players and levels of all frames
  manifest.jsonl                 a line per frame and object: seed, settings, status, error, timings

examples:
  sounddesk batch shot --object dog@420,310 --box car@10,20,300,240 --out sounds
  sounddesk batch shot --project shot.sdesk --every 12 --seconds 5 --out sounds --resume
  sounddesk batch shot --mask dog@dog_masks --out sounds --shard 2/8
  sounddesk batch street.mov --object tram@420,310 --every 25 --out sounds
  sounddesk batch shot --object sea@300,500 --bed --fps 24 --every 12 --out beds
  sounddesk batch shot --object sea@300,500 --bed --from-library --every 12 --out beds
"""


def read_batch_options(namespace: argparse.Namespace) -> BatchOptions:
    """The parsed arguments as values; reads the project, where one is named.

    Raises:
        BadInputError: a value out of range, a name used twice, options that contradict each other, or a project that
            cannot be read.
    """
    from sounddesk.batch.frame_source import source_name
    from sounddesk.batch.options import BatchOptions

    library = _library(namespace)
    project = None if namespace.project is None else _read_project(namespace.project)
    selection = read_selection(namespace, blend=bool(namespace.blend), needed=project is None)
    if project is not None:
        if selection.auto or selection.specs:
            given = "--auto" if selection.auto else repr(selection.specs[0].name)
            raise BadInputError(f"--project names the objects, and so does {given}: leave out one of them")
        _take_settings(namespace, project)
    sound = read_sound(namespace)
    frames_per_s = _frames_per_s(namespace)
    objects = _objects(selection.specs, selection.hints) if project is None else _project_objects(project, namespace)
    name = source_name(namespace.folder) if project is None else namespace.project.stem
    return BatchOptions(
        folder=namespace.folder,
        out=namespace.out,
        project=name,
        objects=objects,
        reference_sha256=None if project is None or project.image is None else project.image.frame_sha256,
        auto=selection.auto,
        blend=bool(namespace.blend),
        ambience=bool(namespace.ambience),
        follow=namespace.follow,
        bed=namespace.bed,
        library=library,
        frames_per_s=frames_per_s,
        start_timecode_s=_start_timecode_s(namespace, project),
        every=_at_least_one("every", namespace.every),
        seconds=sound.seconds,
        takes=sound.takes,
        seed=sound.seed,
        sampling=sound.sampling,
        grounding=sound.grounding,
        bundle=namespace.bundle or DEFAULT_BUNDLE,
        device=namespace.device,
        sam=namespace.sam,
        resume=namespace.resume,
        shard=_shard(namespace.shard),
        workers=_workers(namespace.workers),
        executor=namespace.executor,
    )


def _objects(specs: Any, hints: dict[str, str]) -> tuple[BatchObject, ...]:
    from sounddesk.batch.options import BatchObject

    objects = []
    for spec in specs:
        path = Path(spec.selection.mask_file or "")
        folder = path if spec.selection.how == "mask_file" and path.is_dir() else None
        objects.append(
            BatchObject(name=spec.name, selection=spec.selection, hint=hints.get(spec.name), masks_folder=folder)
        )
    return tuple(objects)


def _project_objects(project: Project, namespace: argparse.Namespace) -> tuple[BatchObject, ...]:
    from sounddesk.batch.options import objects_of_project

    objects = objects_of_project(project)
    if not objects:
        raise BadInputError(f"{namespace.project} has no object with a mask: select one in the desk first")
    if project.image is None:
        raise BadInputError(f"{namespace.project} has no image: open one of the frames in the desk first")
    return objects


def _read_project(path: Path) -> Project:
    from sounddesk.storage.project_file import read_project

    return read_project(path).project


def _take_settings(namespace: argparse.Namespace, project: Project) -> None:
    """Let the project's settings stand where no argument says otherwise."""
    for name in ("seconds", "preset", "steps", "guidance", "grounding", "bundle", "seed"):
        if getattr(namespace, name) is None:
            setattr(namespace, name, getattr(project.settings, name))


def _shard(text: str | None) -> Shard:
    from sounddesk.domain.frame_sequence import Shard

    if text is None:
        return Shard()
    match = _SHARD.fullmatch(text.strip())
    if match is None:
        raise BadInputError(f"shard is {text!r}: write I/N, e.g. 2/8 for the second of eight parts")
    try:
        return Shard(index=int(match[1]), count=int(match[2]))
    except ValueError as error:
        raise BadInputError(str(error)) from error


def _workers(workers: int | None) -> int:
    if workers is None:
        return max(1, len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1)
    if not 1 <= workers <= _MOST_WORKERS:
        raise BadInputError(f"workers is {workers}: choose from 1 to {_MOST_WORKERS}")
    return workers


def _frames_per_s(namespace: argparse.Namespace) -> float:
    if not namespace.bed:
        if namespace.fps is not None:
            raise BadInputError("--fps says how long a bed lasts: add --bed, or leave it out")
        return 24.0
    if namespace.seconds is not None and namespace.project is None:
        raise BadInputError("a bed lasts as long as the frames at --fps: leave out --seconds")
    fps = namespace.fps
    if fps is None:
        from sounddesk.batch.frame_source import movie_of

        movie = movie_of(namespace.folder)
        fps = 24.0 if movie is None else float(movie.rate.frames_per_s)
    if not math.isfinite(fps) or not 0.01 <= fps <= 1000.0:
        raise BadInputError(f"fps is {fps:g}: choose from 0.01 to 1000 frames per second")
    return float(fps)


def _start_timecode_s(namespace: argparse.Namespace, project: Project | None) -> float | None:
    """Of the first frame: as the movie says, else as the project's timeline has it."""
    from sounddesk.batch.frame_source import movie_of

    movie = movie_of(namespace.folder) if namespace.bed else None
    if movie is not None and movie.start_timecode is not None:
        return movie.start_s
    if project is not None and project.settings.start_timecode_s > 0:
        return project.settings.start_timecode_s
    return None


def _library(namespace: argparse.Namespace) -> Path | None:
    """The index that beds are laid out of; None where they are generated. Raises: BadInputError."""
    if not namespace.from_library:
        if namespace.library is not None:
            raise BadInputError("--library is for --from-library: add that, or leave it out")
        return None
    if not namespace.bed:
        raise BadInputError("--from-library lays out beds: add --bed, or use sounddesk render --from-library")
    for name in ("preset", "steps", "guidance"):
        if getattr(namespace, name) is not None:
            raise BadInputError(f"--{name} cannot be used with --from-library: leave out one of them")
    from sounddesk.cli.library import open_library

    with open_library(namespace.library) as library:
        if not library.count():
            raise BadInputError(f"the library {library.path} is empty: 'sounddesk library scan' reads it")
        return library.path.absolute()


def _at_least_one(name: str, value: int) -> int:
    if value < 1:
        raise BadInputError(f"{name} is {value}: choose 1 or more")
    return value
