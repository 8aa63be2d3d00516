"""Random projects and takes for hypothesis."""

from __future__ import annotations

import hashlib

import numpy as np
from hypothesis import strategies as st

from sounddesk.domain.project import ImageInfo
from sounddesk.domain.project import MasterBus
from sounddesk.domain.project import Project
from sounddesk.domain.project import ProjectSettings
from sounddesk.domain.project import TakeMark
from sounddesk.domain.scene import MixerStrip
from sounddesk.domain.scene import SceneObject
from sounddesk.domain.scene import name_key
from sounddesk.domain.take import Take
from sounddesk.domain.tiled_mask import TiledMask
from sounddesk.domain.timeline import Clip
from sounddesk.domain.timeline import Marker

IMAGE_FILE = b"bytes of an image file"
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
SEEDS = st.integers(0, 2**63 - 1)


def number(low: float, high: float) -> st.SearchStrategy[float]:
    return st.floats(low, high, allow_nan=False)


STRIPS = st.builds(
    MixerStrip,
    gain_db=number(-60, 60),
    pan=number(-1, 1),
    muted=st.booleans(),
    soloed=st.booleans(),
    inverted=st.booleans(),
)


@st.composite
def masks(draw: st.DrawFn, width: int, height: int) -> TiledMask:
    seed = draw(st.integers(0, 2**32 - 1))
    kind = draw(st.sampled_from(["empty", "full", "noise", "half"]))
    pixels = np.zeros((height, width), dtype=np.uint8)
    if kind == "full":
        pixels[...] = 255
    elif kind == "noise":
        pixels = np.random.default_rng(seed).integers(0, 256, (height, width), dtype=np.uint8)
    elif kind == "half":
        pixels[:, : width // 2] = 200
    return TiledMask.from_array(pixels)


@st.composite
def projects(draw: st.DrawFn) -> Project:
    width, height = draw(st.integers(1, 300)), draw(st.integers(1, 40))
    ids = draw(st.lists(st.from_regex(r"o[0-9]{1,4}", fullmatch=True), max_size=4, unique=True))
    names = draw(st.lists(TEXT.filter(str.strip), min_size=len(ids), max_size=len(ids), unique_by=name_key))
    objects = []
    for object_id, name in zip(ids, names, strict=True):
        others = [each for each in ids if each != object_id]
        objects.append(
            SceneObject(
                id=object_id,
                name=name,
                mask=draw(masks(width, height)),
                seed=draw(SEEDS),
                kind=draw(st.sampled_from(["object", "ambience", "blend"])),
                members=tuple(draw(st.lists(st.sampled_from(others), unique=True))) if others else (),
                colour=draw(st.from_regex(r"#[0-9a-f]{6}", fullmatch=True)),
                visible=draw(st.booleans()),
                locked=draw(st.booleans()),
                hint=draw(TEXT),
                negative_hint=draw(TEXT),
                seconds=draw(st.none() | number(1, 60)),
                seed_locked=draw(st.booleans()),
                strip=draw(STRIPS),
            )
        )
    clip_ids = draw(st.lists(st.from_regex(r"c[0-9]{1,4}", fullmatch=True), max_size=5, unique=True)) if ids else []
    clips = tuple(
        Clip(
            id=clip_id,
            object_id=draw(st.sampled_from(ids)),
            take_id=draw(st.sampled_from(["t1", "t2", "gone"])),
            start_s=draw(number(0, 100)),
            duration_s=draw(number(2, 60)),
            offset_s=draw(number(0, 10)),
            gain_db=draw(number(-60, 60)),
            fade_in_s=draw(number(0, 1)),
            fade_out_s=draw(number(0, 1)),
            looped=draw(st.booleans()),
        )
        for clip_id in clip_ids
    )
    rate = draw(st.sampled_from([24.0, 25.0, 30000 / 1001, 30.0]))
    marker_ids = draw(st.lists(st.from_regex(r"m[0-9]{1,4}", fullmatch=True), max_size=3, unique=True))
    return Project(
        image=draw(
            st.none()
            | st.just(
                ImageInfo(sha256=hashlib.sha256(IMAGE_FILE).hexdigest(), name="still.png", width=width, height=height)
            )
        ),
        objects=tuple(objects),
        clips=clips,
        markers=tuple(
            Marker(id=each, time_s=draw(number(0, 100)), label=draw(TEXT), object_id=draw(st.none() | st.just("o1")))
            for each in marker_ids
        ),
        take_marks=tuple(TakeMark(take_id=each, name=draw(TEXT), starred=draw(st.booleans())) for each in ("t1", "t2")),
        master=MasterBus(gain_db=draw(number(-60, 60)), limiter=draw(st.booleans())),
        settings=ProjectSettings(
            seconds=draw(number(1, 60)),
            timeline_s=draw(number(1, 3600)),
            frame_rate=rate,
            drop_frame=rate == 30000 / 1001 and draw(st.booleans()),
            steps=draw(st.none() | st.integers(1, 200)),
            seed=draw(SEEDS),
        ),
        next_id=draw(st.integers(1, 10**9)),
    )


FINITE_FLOAT32 = st.floats(width=32, allow_nan=False, allow_infinity=False)


@st.composite
def takes(draw: st.DrawFn, take_id: str = "t1") -> Take:
    waveform = np.array(draw(st.lists(FINITE_FLOAT32, min_size=1, max_size=50)), dtype=np.float32)
    if draw(st.booleans()):
        waveform = np.stack([waveform, waveform[::-1]], axis=1)
    return Take(
        id=take_id,
        object_id="o1",
        number=draw(st.integers(1, 1000)),
        seed=draw(SEEDS),
        waveform=waveform,
        sample_rate_hz=16_000,
        recipe={
            "seed": draw(SEEDS),
            "hint": draw(TEXT),
            "guidance": draw(number(1, 20)),
            "parts": [1, None, {"a": True}],
        },
        created="2026-11-22T10:00:00+00:00",
        notes=tuple(draw(st.lists(TEXT, max_size=2))),
    )
