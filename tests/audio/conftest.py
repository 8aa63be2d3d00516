from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from sounddesk.audio.exporters.export import ExportReport
from sounddesk.audio.exporters.export import export_project
from sounddesk.audio.exporters.export_plan import ExportPlan
from sounddesk.audio.exporters.export_plan import plan_export
from sounddesk.audio.exporters.export_settings import ExportSettings
from sounddesk.audio.resample import resample
from sounddesk.domain.project import Project
from sounddesk.domain.project import ProjectSettings
from sounddesk.domain.scene import MixerStrip
from sounddesk.domain.scene import SceneObject
from sounddesk.domain.take import Take
from sounddesk.domain.take import TakeLibrary
from sounddesk.domain.tiled_mask import TiledMask
from sounddesk.domain.timeline import Clip
from sounddesk.domain.timeline import Marker

CREATED = dt.datetime(2026, 11, 24, 12, 34, 56, tzinfo=dt.UTC)
LICENCES = {"starter": "CC-BY-4.0"}
MASK = TiledMask.empty(width=2, height=2)
RATE = 48_000


def a_take(take_id: str, object_id: str, *, number: int = 1, seconds: float = 1.0, rate: int = RATE) -> Take:
    noise = np.random.default_rng(len(take_id) + number).standard_normal(round(seconds * rate))
    return Take(
        id=take_id,
        object_id=object_id,
        number=number,
        seed=1000 + number,
        waveform=(noise * 0.05).astype(np.float32),
        sample_rate_hz=rate,
        recipe={"bundle": "starter", "bundle_version": "1", "bundle_sha256": "ab" * 32, "hint": "a bark", "name": "x"},
        created="2026-11-23T10:00:00+00:00",
    )


@dataclass
class Street:
    """A project with its takes, and what one does with it."""

    project: Project
    takes: TakeLibrary

    def samples_of(self, take_id: str) -> np.ndarray | None:
        take = self.takes.get(take_id)
        if take is None:
            return None
        return resample(take.waveform, from_hz=take.sample_rate_hz, to_hz=RATE)

    def plan(self, name: str = "street", **changes: object) -> ExportPlan:
        return plan_export(self.project, self.takes, ExportSettings(**changes), name=name, created=CREATED)

    def export(
        self, folder: Path, *, step: Callable[[int, int], None] = lambda _a, _b: None, replace: bool = False, **changes
    ) -> ExportReport:
        plan = self.plan(**changes)
        return export_project(
            self.project, self.takes, self.samples_of, plan, folder, licences=LICENCES, step=step, replace=replace
        )


@pytest.fixture
def street() -> Street:
    """Two lanes of two and one clips, panned and faded, and a third lane without a clip; 3 s."""
    objects = (
        SceneObject(id="o1", name="dog", mask=MASK, seed=0, strip=MixerStrip(gain_db=-3.0, pan=0.4)),
        SceneObject(id="o2", name="car", mask=MASK, seed=0, colour="#56b4e9", strip=MixerStrip(inverted=True)),
        SceneObject(id="o3", name="sea", mask=MASK, seed=0, kind="ambience"),
    )
    clips = (
        Clip(id="c1", object_id="o1", take_id="t1", start_s=0.25, duration_s=0.9, fade_in_s=0.1, fade_out_s=0.2),
        Clip(id="c2", object_id="o1", take_id="t2", start_s=1.25, duration_s=1.0, offset_s=0.1, gain_db=2.0),
        Clip(id="c3", object_id="o2", take_id="t3", start_s=0.5, duration_s=3.0, looped=True, fade_out_s=0.3),
    )
    project = Project(
        objects=objects,
        clips=clips,
        markers=(
            Marker(id="m1", time_s=1.5, label="thud"),
            Marker(id="m2", time_s=2.0, label="größer", object_id="o2"),
        ),
        settings=ProjectSettings(timeline_s=3.0, start_timecode_s=3600.0),
    )
    takes = [a_take("t1", "o1"), a_take("t2", "o1", number=2, rate=16_000), a_take("t3", "o2", seconds=0.5)]
    return Street(project, TakeLibrary(takes))
