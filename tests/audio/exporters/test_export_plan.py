from __future__ import annotations

import dataclasses

from sounddesk.audio.exporters.export_plan import plan_export
from sounddesk.audio.exporters.export_settings import ExportSettings
from sounddesk.domain.project import Project
from sounddesk.domain.scene import MixerStrip
from sounddesk.domain.scene import SceneObject
from sounddesk.domain.take import TakeLibrary
from sounddesk.domain.timeline import Clip
from tests.audio.conftest import MASK
from tests.audio.conftest import a_take


def test_a_blend_that_is_muted_beside_its_members_gets_no_file_of_silence() -> None:
    takes = TakeLibrary([a_take("t1", "o1")])
    cow = SceneObject(id="o1", name="cow", mask=MASK, seed=0, strip=MixerStrip(muted=True))
    blend = SceneObject(
        id="o2", name="blend", kind="blend", members=("o1",), mask=MASK, seed=0, strip=MixerStrip(muted=True)
    )
    clips = tuple(
        Clip(id=f"c{each}", object_id=each, take_id="t1", start_s=0.0, duration_s=1.0) for each in ("o1", "o2")
    )
    project = Project(objects=(cow, blend), clips=clips)

    def stems(settings: ExportSettings, of: Project = project) -> list[str]:
        return [file.title for file in plan_export(of, takes, settings, name="farm").files if file.what == "stem"]

    # An object that is muted was muted by hand, and keeps its place among the stems.
    assert stems(ExportSettings()) == ["cow"]
    assert stems(ExportSettings(pre_fader=True)) == ["cow", "blend"]
    assert stems(ExportSettings(silent_lanes=True)) == ["cow", "blend"]
    heard = dataclasses.replace(blend, strip=MixerStrip())
    assert stems(ExportSettings(), dataclasses.replace(project, objects=(cow, heard))) == ["cow", "blend"]
