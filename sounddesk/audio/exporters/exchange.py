"""Project files for other programs beside the stems."""

from __future__ import annotations

from collections.abc import Callable

from sounddesk.audio.exporters.export_plan import ExportPlan
from sounddesk.audio.output_folder import OutputFolder
from sounddesk.domain.project import Project
from sounddesk.domain.take import TakeLibrary


def write_exchange(
    project: Project, takes: TakeLibrary, plan: ExportPlan, output: OutputFolder, *, between: Callable[[], None]
) -> None:
    """Stage every project file that the plan names, with the raw takes that it plays."""
