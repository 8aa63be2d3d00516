"""`sounddesk export`: stems, mix, clips and takes of a saved project as files."""

from __future__ import annotations

import argparse
import dataclasses
import math
import time
from collections.abc import Iterable
from collections.abc import Sequence
from typing import TYPE_CHECKING
from typing import Any

from sounddesk.cli.common_arguments import add_output_arguments
from sounddesk.cli.common_arguments import file_path
from sounddesk.cli.common_arguments import number
from sounddesk.cli.common_arguments import whole_number
from sounddesk.cli.console import Console
from sounddesk.cli.exit_codes import ExitCode
from sounddesk.cli.interrupt import cancel_on_signals
from sounddesk.domain.errors import BadInputError
from sounddesk.engine.tasks import CancelToken
from sounddesk.engine.tasks import StageReporter
from sounddesk.engine.tasks import duration_text

if TYPE_CHECKING:
    from sounddesk.audio.exporters.export import ExportReport
    from sounddesk.audio.exporters.export_plan import ExportPlan
    from sounddesk.audio.exporters.export_settings import ExportSettings

_WHAT = ("stems", "mix", "clips", "takes")


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `sounddesk export`."""
    from sounddesk.audio.exchange.exchange_format import exchange_formats
    from sounddesk.audio.formats.audio_format import audio_formats
    from sounddesk.audio.formats.audio_format import sample_rates_hz

    parser.add_argument("project", type=file_path, metavar="PROJECT.sdesk", help="a project that sounddesk has saved")
    parser.add_argument("--out", type=file_path, required=True, metavar="FOLDER", help="where to, made where missing")
    parser.add_argument("--preset", default="post", metavar="NAME", help="settings to start from (default: post)")
    parser.add_argument("--what", metavar="LIST", help="of stems,mix,clips,takes; 'takes' may be takes:starred|placed")
    parser.add_argument("--format", metavar="NAME", help=listed(each.name for each in audio_formats()))
    parser.add_argument("--rate", type=whole_number, metavar="HZ", help=listed(map(str, sample_rates_hz())))
    parser.add_argument("--mono", action="store_true", help="one channel, the mean of left and right")
    parser.add_argument("--pre-fader", action="store_true", help="stems and clips before fader, pan, mute and solo")
    parser.add_argument("--range", nargs=2, type=number, metavar=("START", "END"), help="seconds of the timeline")
    parser.add_argument("--tails", action="store_true", help="let clips ring out past the end")
    parser.add_argument("--lufs", type=number, metavar="LUFS", help="bring the mix to this loudness, stems with it")
    parser.add_argument("--no-dither", action="store_true", help="round 16 bit without dither")
    parser.add_argument("--names", metavar="TEMPLATE", help="for example {project}_{object}_{take} or {ucs}")
    parser.add_argument("--creator", metavar="ID", help="creator id of UCS names")
    parser.add_argument("--source", metavar="ID", help="source id of UCS names")
    kinds = ",".join(each.name for each in exchange_formats())
    parser.add_argument("--daw", metavar="LIST", help=f"also project files: of {kinds}")
    parser.add_argument("--no-sidecar", action="store_true", help="no JSON file with the provenance")
    parser.add_argument("--list", action="store_true", help="only say what would be written")
    add_output_arguments(parser)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = "\n".join(
        [
            "formats (--format):",
            *(f"  {each.name:<12} {each.label} ({each.suffix})" for each in audio_formats()),
            "",
            "project files for other programs (--daw):",
            *(f"  {each.name:<12} {each.label} ({each.suffix}), for {each.programs}" for each in exchange_formats()),
        ]
    )


def listed(names: Iterable[str]) -> str:
    """'a, b or c'."""
    *most, last = names
    return f"{', '.join(most)} or {last}" if most else last


def run(options: argparse.Namespace, *, console: Console) -> int:
    """Run `sounddesk export`.

    Raises:
        BadInputError: a project, a setting or a folder that cannot be used.
        Cancelled: nothing was written.
    """
    from sounddesk.audio.exporters.export import export_project
    from sounddesk.audio.exporters.export_plan import plan_export
    from sounddesk.audio.exporters.provenance import forbidden_recordings
    from sounddesk.audio.timeline_mix import TakeSamples
    from sounddesk.domain.take import TakeLibrary
    from sounddesk.engine.bundles.installed_bundles import bundle_licences
    from sounddesk.storage.project_file import read_project

    start_s = time.monotonic()
    cancel = CancelToken()
    try:
        settings = _settings(options)
        contents = read_project(options.project)
        takes = TakeLibrary(contents.takes)
        plan = plan_export(contents.project, takes, settings, name=options.project.stem)
    except ValueError as error:
        raise BadInputError(str(error)) from error
    forbidden = forbidden_recordings(plan.files, takes, contents.project)
    for each in forbidden:
        console.note(each)
    if options.list:
        for name in plan.names:
            console.say(name)
        names = list(plan.names)
        console.document({"ok": True, "folder": str(options.out), "files": names, "notes": forbidden})
        return ExitCode.OK
    reporters: list[StageReporter] = []

    def step(done: int, total: int) -> None:
        if not reporters:
            reporters.append(StageReporter(stage="exporting", total=total, on_progress=console.progress, cancel=cancel))
        reporters[0].step(done)

    with cancel_on_signals(cancel, tell=console.note):
        report = export_project(
            contents.project,
            takes,
            TakeSamples(takes),
            plan,
            options.out,
            licences=bundle_licences(),
            step=step,
        )
    console.end_progress()
    _say(report, plan, forbidden, console=console, elapsed_s=time.monotonic() - start_s)
    return ExitCode.OK


def _say(
    report: ExportReport, plan: ExportPlan, forbidden: Sequence[str], *, console: Console, elapsed_s: float
) -> None:
    for note in report.notes:
        console.note(note)
    for name, count in report.clipped_samples.items():
        console.note(f"{name}: {count} samples were louder than the file can hold and were cut off; lower the faders")
    console.say(f"{len(report.files)} files in {duration_text(elapsed_s)}, in {report.folder}")
    files: list[dict[str, Any]] = []
    for file in plan.files:
        reading = report.readings[file.name]
        lufs = reading.integrated_lufs
        known = lufs is not None and math.isfinite(lufs)
        peak = reading.true_peak_dbtp
        levels = f"{lufs:.1f} LUFS, {peak:.1f} dBTP" if known else "n/a"
        console.say(f"  {file.name}  {file.seconds:g} s, {levels}")
        files.append(
            {
                "file": file.name,
                "what": file.what,
                "seconds": file.seconds,
                "lufs": round(float(lufs), 2) if known and lufs is not None else None,
                "true_peak_dbtp": round(peak, 2) if math.isfinite(peak) else None,
                "clipped_samples": report.clipped_samples.get(file.name, 0),
            }
        )
    others = plan.names[len(plan.files) :]
    for name in others:
        console.say(f"  {name}")
    console.document(
        {
            "ok": True,
            "folder": str(report.folder),
            "files": files,
            "other_files": list(others),
            "notes": [*forbidden, *report.notes],
            "elapsed_s": round(elapsed_s, 2),
        }
    )


def _settings(options: argparse.Namespace) -> ExportSettings:
    """The preset, changed by what was given. Raises: ValueError."""
    from sounddesk.audio.exporters.export_settings import preset

    changes: dict[str, Any] = {} if options.what is None else _what(options.what)
    given = {
        "format": options.format,
        "sample_rate_hz": options.rate,
        "template": options.names,
        "creator_id": options.creator,
        "source_id": options.source,
        "normalise_lufs": options.lufs,
        "range_s": None if options.range is None else tuple(options.range),
        "exchange": None if options.daw is None else tuple(part for part in options.daw.split(",") if part),
        "channels": "mono" if options.mono else None,
        "pre_fader": True if options.pre_fader else None,
        "tails": True if options.tails else None,
        "dither": False if options.no_dither else None,
        "sidecar": False if options.no_sidecar else None,
    }
    changes.update({key: value for key, value in given.items() if value is not None})
    return dataclasses.replace(preset(options.preset), **changes)


def _what(text: str) -> dict[str, Any]:
    """'stems,takes:starred' as settings. Raises: ValueError."""
    changes: dict[str, Any] = {"stems": False, "mix": False, "clips": False, "takes": "none"}
    for part in text.split(","):
        name, _, which = part.strip().partition(":")
        if name not in _WHAT or (which and name != "takes"):
            raise ValueError(f"--what has {part!r}: choose from {', '.join(_WHAT)}")
        changes[name] = (which or "all") if name == "takes" else True
    return changes
