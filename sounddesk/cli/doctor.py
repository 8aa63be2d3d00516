"""`sounddesk doctor`: what is there, what is missing, what it is needed for and how to get it."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

from sounddesk.cli import health_checks
from sounddesk.cli import system_libraries
from sounddesk.cli.check_result import CheckResult
from sounddesk.cli.common_arguments import add_output_arguments
from sounddesk.cli.common_arguments import file_path
from sounddesk.cli.console import Console
from sounddesk.cli.exit_codes import ExitCode


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `sounddesk doctor`."""
    parser.add_argument(
        "--out", type=file_path, default=Path(), metavar="FOLDER", help="where results would go (default: this folder)"
    )
    parser.add_argument(
        "--release", type=file_path, metavar="FILE", help="the release.json of a release: is it newer than this one"
    )
    add_output_arguments(parser)


def run(options: argparse.Namespace, *, console: Console) -> int:
    """Look at everything; `FAULT` when rendering cannot work here."""
    results = examine(options.out)
    if options.release is not None:
        results.append(health_checks.check_release(options.release))
    can_render = all(result.ok for result in results if result.required)
    for line in report_lines(results):
        console.say(line)
    console.say("")
    console.say("rendering works here" if can_render else "rendering cannot work here: mend what is marked with !!")
    console.document({"ok": can_render, "findings": [result.to_json() for result in results]})
    return ExitCode.OK if can_render else ExitCode.FAULT


def examine(out: Path) -> list[CheckResult]:
    """All results; a look that fails itself becomes a result, so that the rest is still shown."""
    looks: list[tuple[str, Callable[[], list[CheckResult] | CheckResult]]] = [
        ("versions", health_checks.check_packages),
        ("device", health_checks.check_device),
        ("graphics card", health_checks.check_addon),
        ("memory", health_checks.check_memory),
        ("disk", lambda: health_checks.check_disk(out)),
        ("bundles", health_checks.check_bundles),
        ("installed models", health_checks.check_models),
        ("segmenter", health_checks.check_segmenter),
        ("segmenters", health_checks.list_segmenters),
        ("PortAudio", system_libraries.find_portaudio),
        ("Qt", system_libraries.find_qt_libraries),
    ]
    results: list[CheckResult] = []
    for name, look in looks:
        try:
            found = look()
        except Exception as error:  # noqa: BLE001  # a doctor that crashes on a sick machine is of no use
            found = CheckResult(
                section="could not look",
                name=name,
                value=f"{type(error).__name__}: {error}",
                ok=False,
                required=name in ("device", "bundles"),
                needed_for="knowing whether rendering works",
                remedy="report this line, please",
            )
        results.extend(found if isinstance(found, list) else [found])
    return results


def report_lines(results: list[CheckResult]) -> list[str]:
    """The results as text under headings; what stops rendering is marked '!!', what is merely missing '! '."""
    lines: list[str] = []
    section = ""
    for result in results:
        if result.section != section:
            section = result.section
            lines += ["", section] if lines else [section]
        mark = "  " if result.ok else ("!!" if result.required else "! ")
        lines.append(f"{mark} {result.name}: {result.value}")
        if not result.ok:
            lines.append(f"     needed for {result.needed_for}; {result.remedy}")
    return lines
