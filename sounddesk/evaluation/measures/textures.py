"""`sounddesk evaluate textures`."""

from __future__ import annotations

from typing import Any

from sounddesk.evaluation.measures.registry import MEASURES
from sounddesk.evaluation.measures.registry import MeasureEntry
from sounddesk.evaluation.measures.registry import MeasureReport
from sounddesk.evaluation.measures.registry import folder_option
from sounddesk.evaluation.measures.registry import prepared_set_option
from sounddesk.evaluation.measures.registry import preset_option
from sounddesk.evaluation.measures.registry import seconds_option
from sounddesk.evaluation.measures.registry import seed_option


def measure(_: None, /, **options: Any) -> MeasureReport:
    """See `textures.texture_following`."""
    from sounddesk.evaluation.textures import texture_following

    return MeasureReport.with_details(texture_following.run(**options))


MEASURES.register(
    MeasureEntry(
        name="textures",
        summary="does the sound of a whole picture follow its weather and material, in pairs painted over one scene",
        measure=measure,
        takes_pictures=False,
        takes_bundle=True,
        options=(
            folder_option("--out", "gets the pictures and sounds", required=True),
            prepared_set_option(),
            seed_option("of noise and takes"),
            preset_option(),
            seconds_option(2.56),
        ),
    )
)
