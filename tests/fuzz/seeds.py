"""Whole files of every format, small, from which the harness makes damaged ones."""

from __future__ import annotations

import base64
import io
import json
import tempfile
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from sounddesk.resources_folder import resource

TESTS = Path(__file__).parents[1]
HASH = "0123456789abcdef" * 4
SIZE = (64, 48)
# Of the vectors of an event and of words in a library.
EVENT_WIDTH = 8
WORDS_WIDTH = 6


def picture(mode: str = "RGB") -> Image.Image:
    """64 x 48 pixels of noise over a slope."""
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 90, (SIZE[1], SIZE[0], 4)) + np.linspace(0, 160, SIZE[0])[None, :, None]
    image = Image.fromarray(pixels.astype(np.uint8), "RGBA")
    if mode == "I;16":
        return Image.fromarray(pixels[..., 0].astype(np.uint16) * 200)
    if mode == "F":
        return Image.fromarray(pixels[..., 0].astype(np.float32) / 255)
    return image.convert(mode)


def pictures(kind: str, *modes: str, **options: Any) -> Callable[[], list[bytes]]:
    """Seeds of an image format, one for each mode of Pillow."""

    def make() -> list[bytes]:
        made = []
        for mode in modes:
            for more in ({}, options) if options else ({},):
                buffer = io.BytesIO()
                picture(mode).save(buffer, kind, **more)
                made.append(buffer.getvalue())
        return made

    return make


def tiff() -> list[bytes]:
    made = pictures("TIFF", "RGB", "RGBA", "L", "P", "CMYK", "I;16", "F", "1", compression="tiff_lzw")()
    buffer = io.BytesIO()
    picture().save(buffer, "TIFF", save_all=True, append_images=[picture("L")], compression="tiff_adobe_deflate")
    return [*made, buffer.getvalue()]


def labelme() -> list[bytes]:
    patch = io.BytesIO()
    Image.new("L", (11, 11), 1).save(patch, "PNG")
    shapes = [
        ("polygon", [[5, 5], [40, 5], [40, 40]], {}),
        ("rectangle", [[1, 1], [9, 9]], {"group_id": 1}),
        ("circle", [[20, 20], [25, 20]], {}),
        ("mask", [[30, 30], [40, 40]], {"mask": base64.b64encode(patch.getvalue()).decode()}),
    ]
    data = {
        "version": "5.5.0", "flags": {}, "imagePath": "a.png", "imageData": None,
        "imageWidth": SIZE[0], "imageHeight": SIZE[1],
        "shapes": [
            {"label": kind, "points": points, "group_id": None, "shape_type": kind, "flags": {}, **more}
            for kind, points, more in shapes
        ],
    }  # fmt: skip
    return [json.dumps(data).encode()]


def film(suffix: str) -> Callable[[], list[bytes]]:
    """Frames of OpenEXR or DPX, as OpenImageIO writes them."""

    def made() -> list[bytes]:
        import OpenImageIO

        found = []
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / f"a.{suffix}"
            for kind, channels in (("half", 3), ("float", 4)) if suffix == "exr" else (("uint16", 3), ("uint8", 3)):
                values = np.random.default_rng(channels).random((SIZE[1], SIZE[0], channels)).astype(np.float32)
                out = OpenImageIO.ImageOutput.create(str(path))
                out.open(str(path), OpenImageIO.ImageSpec(SIZE[0], SIZE[1], channels, kind))
                out.write_image(values)
                out.close()
                found.append(path.read_bytes())
        return found

    return made


def via() -> list[bytes]:
    shapes = [
        {"name": "polygon", "all_points_x": [5, 40, 40], "all_points_y": [5, 5, 40]},
        {"name": "rect", "x": 1, "y": 1, "width": 8, "height": 8},
        {"name": "ellipse", "cx": 20, "cy": 20, "rx": 9, "ry": 5, "theta": 0.3},
        {"name": "polyline", "all_points_x": [5, 6], "all_points_y": [5, 6]},
    ]
    regions = [{"shape_attributes": shape, "region_attributes": {"name": "dog"}} for shape in shapes]
    second = {"a.png1": {"filename": "a.png", "size": 1, "regions": regions, "file_attributes": {}}}
    third = {
        "project": {}, "attribute": {"1": {"aname": "name", "options": {"0": "dog"}}},
        "file": {"1": {"fid": "1", "fname": "a.png"}}, "view": {"1": {"fid_list": ["1"]}},
        "metadata": {"1_a": {"vid": "1", "z": [], "xy": [7, 5, 5, 40, 5, 40, 40], "av": {"1": "0"}}},
    }  # fmt: skip
    return [json.dumps(each).encode() for each in (second, third)]


def segment_anything() -> list[bytes]:
    runs = {"size": [SIZE[1], SIZE[0]], "counts": [10, 20, SIZE[0] * SIZE[1] - 30]}
    image = {"file_name": "a.png", "width": SIZE[0], "height": SIZE[1]}
    return [
        json.dumps(each).encode()
        for each in ({"image": image, "annotations": [{"segmentation": runs}]}, [{"segmentation": runs}])
    ]


def cvat() -> list[bytes]:
    shapes = (
        '<polygon label="dog" points="5,5;40,5;40,40"/><box label="car" xtl="1" ytl="1" xbr="9" ybr="9" rotation="30"/>'
        '<ellipse label="sun" cx="20" cy="20" rx="9" ry="5"/><points label="p" points="3,3"/>'
        '<mask label="cat" rle="1, 2, 1, 2" left="5" top="6" width="3" height="2"/>'
    )
    image = f'<image id="0" name="a.png" width="{SIZE[0]}" height="{SIZE[1]}">{shapes}</image>'
    return [f'<?xml version="1.0" encoding="utf-8"?><annotations><version>1.1</version>{image}</annotations>'.encode()]


def compressed(runs: list[int]) -> str:
    """Run lengths as COCO compresses them (cocoapi, maskApi.c, rleToString)."""
    text = ""
    for index, run in enumerate(runs):
        value, more = run - (runs[index - 2] if index > 2 else 0), True
        while more:
            bits, value = value & 31, value >> 5
            more = value != (-1 if bits & 16 else 0)
            text += chr((bits | 32 * more) + 48)
    return text


def coco() -> list[bytes]:
    width, height = SIZE
    segmentations: list[Any] = [
        [[5, 5, 40, 5, 40, 40]],
        {"size": [height, width], "counts": [100, 50, width * height - 150]},
        {"size": [height, width], "counts": compressed([100, 50, width * height - 150])},
    ]
    made = []
    for some in (segmentations[:2], segmentations):
        annotations = [
            {"id": n, "image_id": 1, "category_id": 1, "segmentation": each, "iscrowd": 0, "bbox": [1, 2, 3, 4]}
            for n, each in enumerate(some)
        ]
        data = {
            "images": [{"id": 1, "file_name": "a.png", "width": width, "height": height}],
            "annotations": annotations,
            "categories": [{"id": 1, "name": "dog"}],
        }
        made.append(json.dumps(data).encode())
    return made


def project() -> list[bytes]:
    return [(TESTS / "storage/data/v1.0.sdesk").read_bytes()]


def render_recipe() -> list[bytes]:
    from sounddesk.storage.render_recipe_file import recipe_to_text
    from tests.storage.test_render_recipe_file import recipe

    return [recipe_to_text(recipe()).encode()]


def bundle_manifest() -> list[bytes]:
    return [resource("starter/bundle.json").read_bytes()]


def catalogue() -> list[bytes]:
    return [resource("catalogue.toml").read_bytes()]


def training_recipe() -> list[bytes]:
    recipe = {
        "task": "fine_tune", "data": "clips", "run_dir": "run", "seed": 3, "inputs": {"codec": "codec"},
        "model": {"bundle": "tiny", "seconds": 1.0, "frames_per_clip": 2},
        "audio": {"mel": {"n_mels": 16}, "mel_fold": [4, 4]},
        "optimiser": {"steps": 6, "batch_size": 4, "learning_rate": 1e-3, "ema_decay": 0.9, "checkpoint_steps": 2},
        "live": {"log_steps": 2},
    }  # fmt: skip
    import yaml

    return [yaml.safe_dump(recipe).encode(), json.dumps(recipe).encode()]


def clip_manifest() -> list[bytes]:
    rows = [
        {"id": "a", "video": "a.mp4", "caption": "dog", "start_s": 1.5, "labels": ["Dog"]},
        {"id": "b", "image": "b.png", "audio": "b.wav", "split": "test", "matching_score": 0.5, "mask": "b.mask.png"},
        {"id": "c", "image": "c.png", "audio": "c.wav", "frame_captions": ["x", "y"], "audio_caption": "z"},
    ]
    return ["".join(json.dumps(row) + "\n" for row in rows).encode()]


def batch_manifest() -> list[bytes]:
    from sounddesk.domain.batch_manifest import Row
    from sounddesk.storage.batch_rows import row_to_json

    rows = [
        Row(frame="f1.png", object="dog", kind="object", take=1, status="done", input_sha256=HASH, seed=3,
            settings={"steps": 3}, files={"dog.wav": HASH}, levels={"lufs": -20.0, "peak_dbfs": None},
            timings_s={"load": 0.1}, finished="2026-01-01T00:00:00"),
        Row(frame="f1.png", object="", kind="frame", take=0, status="failed", input_sha256=HASH, error="no"),
    ]  # fmt: skip
    return ["".join(json.dumps(row_to_json(row)) + "\n" for row in rows).encode()]


def sounds(kind: str, *subtypes: str) -> Callable[[], list[bytes]]:
    """Seeds of a sound format, one for each subtype of libsndfile."""

    def make() -> list[bytes]:
        import soundfile

        time_s = np.arange(4000) / 16_000
        tone = 0.3 * np.sin(2 * np.pi * 440 * time_s)
        made = []
        for subtype in subtypes:
            for samples in (tone, np.stack([tone, -tone], axis=1)):
                buffer = io.BytesIO()
                soundfile.write(buffer, samples, 16_000, format=kind, subtype=subtype)
                made.append(buffer.getvalue())
        return made

    return make


def video() -> list[bytes]:
    from tests.training.tiny_clips import write_video

    with tempfile.TemporaryDirectory() as folder:
        return [write_video(Path(folder) / "a.mp4", seconds=1).read_bytes()]


def shard() -> list[bytes]:
    import tarfile

    content = io.BytesIO()
    image, sound = pictures("PNG", "RGB")()[0], sounds("WAV", "PCM_16")()[0]
    with tarfile.open(fileobj=content, mode="w") as tar:
        for index in range(3):
            row = json.dumps({"caption": "dog", "start_s": 0.0, "split": "train"}).encode()
            parts = {"json": row, "png": image, "wav": sound, "txt": b"a dog", "mask.png": image}
            for suffix, data in parts.items():
                member = tarfile.TarInfo(f"{index:09d}.{suffix}")
                member.size = len(data)
                tar.addfile(member, io.BytesIO(data))
    return [content.getvalue()]


def safetensors() -> list[bytes]:
    import torch
    from safetensors.torch import save

    tensors = {"a.weight": torch.ones(4, 3), "b.bias": torch.zeros(5, dtype=torch.float16), "n": torch.tensor(7)}
    int8 = {"a.weight": torch.ones(4, 3, dtype=torch.int8), "a.weight.scale": torch.ones(4)}
    return [save(tensors, {"storage": "float32"}), save(int8)]


def pickle() -> list[bytes]:
    import torch

    made = []
    for zipped in (True, False):
        buffer = io.BytesIO()
        state = {"model": {"a.weight": torch.ones(4, 3), "b.bias": torch.zeros(5, dtype=torch.float16)}, "epoch": 3}
        torch.save(state, buffer, _use_new_zipfile_serialization=zipped)
        made.append(buffer.getvalue())
    return made


def settings() -> list[bytes]:
    text = (
        "[General]\nautosave_minutes=5\ntheme=dark\nexport_rate_hz=96000\nexport_format=FLOAT\n"
        'recent_files="[\\"/tmp/a.png\\"]"\nshortcuts="{\\"file.open\\": \\"Ctrl+O\\"}"\n'
        'export_presets="{\\"film\\": {\\"format\\": \\"wav\\"}}"\nlast_export="{\\"rate\\": 48000}"\nlast_batch="{}"\n'
        "window_geometry=@ByteArray(\\x1\\xd9\\xd0\\xcb)\nwindow_state=@ByteArray()\nsam_checkpoint=/tmp/sam.pth\n"
        "export_folder=/tmp\ndevice=cpu\nbundle=starter\naudio_device=x\nprecision=full\nmemory=keep\n"
    )
    variant = text.replace("theme=dark", "theme=@Variant(\\0\\0\\0\\x6\\0\\0\\0\\x1)")
    return [text.encode(), variant.encode()]


def model_record() -> list[bytes]:
    from sounddesk.engine.catalogue.entries import read_catalogue
    from sounddesk.engine.catalogue.model_store import InstalledModel
    from sounddesk.engine.verified_files import FileEntry

    entry = read_catalogue(resource("catalogue.toml"))[0]
    record = InstalledModel(
        id=entry.id, name=entry.name, kind=entry.kind, licence=entry.licence, origin="me/mine@abc",
        accepted_at="2026-01-01 00:00:00", folder=Path("m"), record_folder=Path("m"),
        files={"a.safetensors": FileEntry(sha256=HASH, bytes=5)},
    )  # fmt: skip
    return [record.to_json_text().encode()]


def batch_queue() -> list[bytes]:
    from sounddesk.app.batch.batch_request import BatchRequest

    request = asdict(BatchRequest(folder=Path("f"), out=Path("o"), name="shot", project=Path("p"), sam=Path("s")))
    plain = {key: str(value) if isinstance(value, Path) else value for key, value in request.items()}
    entry = {"id": "b1", "request": plain, "state": "running", "done": 3, "total": 9, "message": ""}
    queue = {"format": "sounddesk-batch-queue", "version": 1, "batches": [entry, {**entry, "id": "b2"}]}
    return [json.dumps(queue).encode()]


def library_index() -> list[bytes]:
    """An index of two recordings, as wide as the starter's encoders make their vectors."""
    from sounddesk.domain.recordings import RecordingTags
    from sounddesk.domain.recordings import SoundEvent
    from sounddesk.domain.recordings import SoundFormat
    from sounddesk.storage.library.library import Library
    from sounddesk.storage.library.library_rows import IndexedRecording

    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        event = SoundEvent(start_s=0.0, end_s=0.5, peak_db=-10.0, level_db=-20.0)
        with Library(folder / "a.sqlite") as library:
            found = [
                IndexedRecording(
                    path=Path(f"/sounds/{name}.wav"), size=1000, mtime_ns=5, sha256=HASH, analysis="1",
                    format=SoundFormat(frames=24_000, sample_rate_hz=48_000, channels=1, encoding="PCM_24"),
                    tags=RecordingTags(description="a dog", licence="CC-BY-4.0"), behaviour="one-shot",
                    words=(name, "sounds", "a dog", ""), events=(event, event), problem=problem,
                    embeddings=np.ones((2, EVENT_WIDTH), np.float16), words_vector=np.ones(WORDS_WIDTH, np.float16),
                )
                for name, problem in (("dog", ""), ("duck", "too short"))
            ]  # fmt: skip
            library.put(library.add_folder(folder, licence="house", commercial=True), found)
        return [(folder / "a.sqlite").read_bytes()]


def study() -> list[bytes]:
    """A study of two systems and a control that two listeners have rated."""
    from sounddesk.evaluation.study.study_design import CONTROL
    from sounddesk.evaluation.study.study_design import StudySample
    from sounddesk.evaluation.study.study_design import StudyTerms
    from sounddesk.evaluation.study.study_file import STUDY_FILE
    from sounddesk.evaluation.study.study_file import StudyFile
    from sounddesk.evaluation.study.study_file import study_bytes

    samples = [
        StudySample(number=number, clip=clip, system=system, text="a dog", has_picture=True, has_object=False)
        for number, (clip, system) in enumerate(
            ((clip, system) for clip in ("c1", "c2") for system in ("good", "bad", CONTROL)), start=1
        )
    ]
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        (folder / STUDY_FILE).write_bytes(study_bytes(StudyTerms(title="Sounds", least_seconds=1.0), samples))
        with StudyFile(folder) as file:
            for now in (1000.0, 2000.0):
                code = file.add_listener(now=now)
                for step in range(len(samples)):
                    listener = file.listener_of(code)
                    file.show(listener, now=now + 10 * step)
                    present = file.samples[listener.present]
                    ratings = dict.fromkeys(present.criteria, 1 if present.system == CONTROL else 1 + step % 5)
                    assert file.answer(listener, listener.present, ratings, now=now + 10 * step + 5) is None
            file.note("forged session", now=3000.0)
        return [(folder / STUDY_FILE).read_bytes()]


def evaluation_clips() -> list[bytes]:
    from sounddesk.evaluation.evaluation_clip import EvaluationClip
    from sounddesk.evaluation.evaluation_clip import clips_to_json_lines

    clips = [
        EvaluationClip(id=name, image=Path(f"{name}.png"), mask=Path(f"{name}.mask.png"), object="dog",
                       caption="a dog barks", labels=("Dog", "Bark"), reference=Path(f"{name}.wav"))
        for name in ("a", "b")
    ]  # fmt: skip
    return [clips_to_json_lines(clips)]


def task_log() -> list[bytes]:
    from sounddesk.domain.recorded_task import RecordedTask
    from sounddesk.storage.task_log import append_task

    with tempfile.TemporaryDirectory() as made:
        path = Path(made) / "a.jsonl"
        for number, satisfaction in enumerate((4, 5, None)):
            task = RecordedTask(task="dog barks", participant=f"p{number}", began_unix_s=1e9, seconds=60.0 + number,
                                attempts=2, gestures=50, succeeded=True, satisfaction=satisfaction)  # fmt: skip
            append_task(path, task)
        return [path.read_bytes()]
