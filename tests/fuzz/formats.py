"""The formats that come from outside, each with the product's own reader: the gate that the harness attacks."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.fuzz import mutators
from tests.fuzz import seeds
from tests.fuzz.mutators import BLIND
from tests.fuzz.mutators import JSON
from tests.fuzz.mutators import TEXT
from tests.fuzz.mutators import Mutator


@dataclass(frozen=True, kw_only=True)
class Format:
    """One kind of file.

    Attributes:
        file: path of the damaged file in its folder, as readers look for some by name.
        seeds: whole files.
        readers: what the product reads it with, each called with the file's path.
        mutators: ways to damage it.
        tolerant: its readers pass over what they cannot use, so that nothing is refused.
        share: of the files that are asked for; less than 1 where each takes many times as long as in other formats.
    """

    name: str
    file: str
    seeds: Callable[[], list[bytes]]
    readers: tuple[Callable[[Path], Any], ...]
    mutators: tuple[Mutator, ...] = BLIND
    tolerant: bool = False
    share: float = 1.0


# ---------------------------------------------------------------------- readers


def _image(path: Path) -> None:
    from sounddesk.engine.images.image_file import load_image

    load_image(path)


def _mask(path: Path) -> None:
    from sounddesk.engine.images.mask_file import load_mask

    load_mask(path, image_size=seeds.SIZE)


def _training_image(path: Path) -> None:
    from sounddesk.training.clips.media_reader import read_image

    read_image(path)


def _training_mask(path: Path) -> None:
    from sounddesk.training.clips.media_reader import read_mask

    read_mask(path)


def _masks(path: Path) -> None:
    from sounddesk.engine.images.mask_formats import read_masks

    read_masks(path, image_size=seeds.SIZE)


def _project(path: Path) -> None:
    from sounddesk.storage.project_file import read_project

    read_project(path)


def _render_recipe(path: Path) -> None:
    from sounddesk.cli.render_plan import _read_recipe

    _read_recipe(path)


def _bundle(path: Path) -> None:
    from sounddesk.engine.bundles.bundle import Bundle

    Bundle.open(path.parent)


def _catalogue(path: Path) -> None:
    from sounddesk.engine.catalogue.entries import read_catalogue

    read_catalogue(path)


def _training_recipe(path: Path) -> None:
    from sounddesk.training.loop.recipe import build
    from sounddesk.training.loop.recipe import read_recipe
    from sounddesk.training.loop.run_recipe import RunRecipe

    build(RunRecipe, read_recipe(path))


def _clips(path: Path) -> None:
    from sounddesk.training.clips.clip_manifest import read_clips

    read_clips(path)


def _shard(path: Path) -> None:
    from sounddesk.training.clips.data_check import check_data

    check_data(path)


def _rows(path: Path) -> None:
    from sounddesk.storage.batch_rows import read_rows

    read_rows(path.parent)


def _sound(path: Path) -> None:
    from sounddesk.audio.files.wav_io import read_sound

    read_sound(path)


def _clip_sound(path: Path) -> None:
    from sounddesk.training.clips.clip_manifest import ClipSource
    from sounddesk.training.clips.media_reader import read_clip

    image = path.with_name("still.png")
    if not image.exists():
        image.write_bytes(seeds.pictures("PNG", "RGB")()[0])
    clip = ClipSource(id="a", image=image, audio=path)
    read_clip(clip, seconds=1.0, sample_rate_hz=16_000, frame_times_s=(0.0,))


def _video(path: Path) -> None:
    from sounddesk.training.clips.clip_manifest import ClipSource
    from sounddesk.training.clips.media_reader import read_clip

    read_clip(ClipSource(id="a", video=path), seconds=1.0, sample_rate_hz=16_000, frame_times_s=(0.0, 0.5))


def _weights(path: Path) -> None:
    from sounddesk.engine.models.quantised_weights import load_weights

    load_weights(path)


def _sam(path: Path) -> None:
    from sounddesk.engine.segmenters.sam_checkpoint import read_checkpoint

    read_checkpoint(path)


def _pickle(path: Path) -> None:
    from sounddesk.engine.catalogue.pickled_weights import convert_pickle

    convert_pickle(path, path.with_name("converted.safetensors"))


def _settings(path: Path) -> None:
    from PySide6.QtCore import QSettings

    from sounddesk.app.setting import Setting
    from sounddesk.app.settings import Settings

    QSettings.setDefaultFormat(QSettings.Format.IniFormat)
    settings = Settings()
    settings._store = QSettings(str(path), QSettings.Format.IniFormat)
    for name, each in vars(Settings).items():
        if isinstance(each, Setting):
            getattr(settings, name)
    _ = settings.recent_files, settings.odd_values()
    settings.forget_odd_values()


def _record(path: Path) -> None:
    from sounddesk.engine.catalogue.model_store import list_models
    from sounddesk.engine.catalogue.model_store import read_record

    list_models(path.parents[1])
    read_record(path.parent)


def _queue(path: Path) -> None:
    from sounddesk.app.batch.queue_file import QueueFile

    queue = QueueFile(path.parent)
    try:
        queue.read()
    finally:
        queue.close()


def _library(path: Path) -> None:
    from sounddesk.storage.library.library import Library

    with Library(path) as library:
        for folder in library.folders():
            library.known_files(folder.id)
        ids = [each for each in range(-1, 4) if library.events_of(each)]
        library.recordings(ids)
        library.problems()
        library.recording_at(Path("/sounds/dog.wav"))
        library.with_content(seeds.HASH)
        library.file_with_content(seeds.HASH)
        library.star(1, True)
        library.forget_missing()


def _library_search(path: Path) -> None:
    from sounddesk.engine.library.search import EventFilter
    from sounddesk.engine.library.search import LibrarySearch
    from sounddesk.storage.library.library import Library

    with Library(path) as library:
        search = LibrarySearch(library, _kinds())
        search.of_text("dog", wanted=EventFilter(least_s=0.1))
        search.like(1)


class _Lengths:
    """Stands for a text encoder, which takes seconds to load and never sees the index: texts by their length."""

    def encode(self, texts: list[str]) -> Any:
        import torch

        return torch.tensor([[len(text) % (place + 2) + 1.0 for place in range(seeds.WORDS_WIDTH)] for text in texts])


@functools.cache
def _kinds() -> Any:
    import numpy as np

    from sounddesk.engine.library.kind_space import KindSpace
    from sounddesk.engine.library.kind_space import encode_texts
    from sounddesk.engine.perception.effects_head import EffectsHead

    vectors = encode_texts(_Lengths(), ("dog", "rain"))
    return KindSpace(
        kinds=("dog", "rain"), caption_vectors=vectors, text_vectors=vectors, kind_of_text=np.arange(2),
        text_encoder=_Lengths(), head=EffectsHead(seeds.EVENT_WIDTH, 2).eval().requires_grad_(False),
    )  # fmt: skip


def _study(path: Path) -> None:
    from sounddesk.evaluation.study.study_file import StudyFile
    from sounddesk.evaluation.study.study_report import report_study

    with StudyFile(path.parent) as study:
        report_study(study, path.parents[1] / "report")


def _served_study(path: Path) -> None:
    from sounddesk.evaluation.study.study_file import StudyFile

    with StudyFile(path.parent) as study:
        code = study.add_listener(now=1e9)
        for listener in (*study.listeners(), study.listener_of(code)):
            assert listener is not None
            study.show(listener, now=1e9)
            if listener.present is not None:
                criteria = study.samples[listener.present].criteria
                study.answer(listener, listener.present, dict.fromkeys(criteria, 3), now=2e9)
        study.note("forged session", now=2e9)


def _evaluation_clips(path: Path) -> None:
    from sounddesk.evaluation.evaluation_clip import read_clip_manifest

    read_clip_manifest(path)


def _tasks(path: Path) -> None:
    from sounddesk.evaluation.study.task_report import report_tasks

    report_tasks([path]).details()


# ---------------------------------------------------------------------- the table

_PICTURE = (_image, _mask, _training_image, _training_mask)
_SOUND = (_sound, _clip_sound)
_PNG = (*BLIND, *(mutators.change_png,) * 6)
_SQLITE = (*BLIND, *(mutators.change_sqlite,) * 10)

FORMATS = {
    each.name: each
    for each in (
        Format(name="png", file="a.png", seeds=seeds.pictures("PNG", "RGB", "RGBA", "L", "P", "I;16", "1"),
               readers=_PICTURE, mutators=_PNG),
        Format(name="jpeg", file="a.jpg", seeds=seeds.pictures("JPEG", "RGB", "L", "CMYK", progressive=True),
               readers=_PICTURE),
        Format(name="tiff", file="a.tif", seeds=seeds.tiff, readers=_PICTURE),
        Format(name="webp", file="a.webp", seeds=seeds.pictures("WEBP", "RGB", "RGBA", lossless=True),
               readers=_PICTURE),
        Format(name="bmp", file="a.bmp", seeds=seeds.pictures("BMP", "RGB", "L", "P", "1"), readers=_PICTURE),
        Format(name="gif", file="a.gif", seeds=seeds.pictures("GIF", "P", "L"), readers=_PICTURE),
        Format(name="avif", file="a.avif", seeds=seeds.pictures("AVIF", "RGB", "RGBA"), readers=_PICTURE),
        Format(name="labelme", file="a.json", seeds=seeds.labelme, readers=(_masks,), mutators=JSON),
        Format(name="coco", file="a.json", seeds=seeds.coco, readers=(_masks,), mutators=JSON),
        Format(name="exr", file="a.exr", seeds=seeds.film("exr"), readers=_PICTURE[:2]),
        Format(name="dpx", file="a.dpx", seeds=seeds.film("dpx"), readers=_PICTURE[:2], share=0.25),
        Format(name="via", file="a.json", seeds=seeds.via, readers=(_masks,), mutators=JSON),
        Format(name="sam masks", file="a.json", seeds=seeds.segment_anything, readers=(_masks,), mutators=JSON),
        Format(name="cvat", file="a.xml", seeds=seeds.cvat, readers=(_masks,), mutators=TEXT),
        Format(name="project", file="a.sdesk", seeds=seeds.project, readers=(_project,), mutators=_SQLITE),
        Format(name="library", file="a.sqlite", seeds=seeds.library_index, readers=(_library, _library_search),
               mutators=_SQLITE, share=0.25),
        Format(name="study", file="study/study.sqlite", seeds=seeds.study, readers=(_study, _served_study),
               mutators=_SQLITE, share=0.05),
        Format(name="evaluation clips", file="clips.jsonl", seeds=seeds.evaluation_clips, readers=(_evaluation_clips,),
               mutators=JSON),
        Format(name="tasks", file="a.jsonl", seeds=seeds.task_log, readers=(_tasks,), mutators=JSON),
        Format(name="recipe", file="recipe.json", seeds=seeds.render_recipe, readers=(_render_recipe,), mutators=JSON),
        Format(name="bundle", file="bundle.json", seeds=seeds.bundle_manifest, readers=(_bundle,), mutators=JSON),
        Format(name="catalogue", file="a.toml", seeds=seeds.catalogue, readers=(_catalogue,), mutators=TEXT),
        Format(name="training", file="a.yaml", seeds=seeds.training_recipe, readers=(_training_recipe,),
               mutators=JSON),
        Format(name="clips", file="clips.jsonl", seeds=seeds.clip_manifest, readers=(_clips,), mutators=JSON),
        Format(name="rows", tolerant=True, file="manifest.jsonl", seeds=seeds.batch_manifest, readers=(_rows,),
               mutators=JSON),
        Format(name="wav", file="a.wav", seeds=seeds.sounds("WAV", "PCM_16", "PCM_24", "FLOAT"), readers=_SOUND),
        Format(name="flac", file="a.flac", seeds=seeds.sounds("FLAC", "PCM_16", "PCM_24"), readers=_SOUND),
        Format(name="ogg", file="a.ogg", seeds=seeds.sounds("OGG", "VORBIS", "OPUS"), readers=_SOUND),
        Format(name="video", file="a.mp4", seeds=seeds.video, readers=(_video,)),
        Format(name="shard", file="a.tar", seeds=seeds.shard, readers=(_shard,), share=0.25,
               mutators=(*BLIND, *(mutators.change_tar,) * 6)),
        Format(name="safetensors", file="a.safetensors", seeds=seeds.safetensors, readers=(_weights, _sam),
               mutators=(*BLIND, *(mutators.change_safetensors,) * 6)),
        Format(name="pickle", file="a.pth", seeds=seeds.pickle, readers=(_sam, _pickle),
               mutators=(*BLIND, *(mutators.change_zip,) * 6)),
        Format(name="settings", tolerant=True, file="a.ini", seeds=seeds.settings, readers=(_settings,), mutators=TEXT),
        Format(name="record", file="sam-vit-b/model.json", seeds=seeds.model_record, readers=(_record,), mutators=JSON),
        Format(name="queue", tolerant=True, file="queue.json", seeds=seeds.batch_queue, readers=(_queue,),
               mutators=JSON),
    )
}  # fmt: skip
