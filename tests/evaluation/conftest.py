"""A tiny bundle that says which kinds it knows, coloured cut-outs of them, and a tiny classifier."""

from __future__ import annotations

import json
import shutil
from dataclasses import asdict
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from sounddesk.audio.files.wav_io import encode_wav
from sounddesk.engine.perception.sound_classifier import SoundClassifier
from sounddesk.engine.perception.sound_classifier import SoundClassifierConfig
from sounddesk.engine.verified_files import hash_file
from tests.tiny_bundle import build_tiny_bundle

COLOURS = {
    "dog": (220, 20, 20),
    "car": (20, 220, 20),
    "sea": (20, 20, 220),
    "siren": (220, 20, 220),
    "engine": (20, 220, 220),
}


def write_cut_out(file: Path, colour=(200, 30, 30), *, size=(40, 60), margin=6) -> None:
    """A filled ellipse on a transparent ground."""
    rows, columns = size[0] + 2 * margin, size[1] + 2 * margin
    bgra = np.zeros((rows, columns, 4), dtype=np.uint8)
    cv2.ellipse(
        bgra, (columns // 2, rows // 2), (size[1] // 2, size[0] // 2), 0, 0, 360, (*colour[::-1], 255), thickness=-1
    )
    file.parent.mkdir(parents=True, exist_ok=True)
    assert cv2.imwrite(str(file), bgra)


def write_sound(path: Path, samples: np.ndarray, *, sample_rate_hz: int = 16_000) -> Path:
    """A sound float[n] or [n, channels] as 16-bit WAV."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(encode_wav(samples.astype(np.float32), sample_rate_hz=sample_rate_hz, wav_format="PCM_16")[0])
    return path


TABLE_HEADER = (
    "kind,role,id,path,split,source,package,version,member,source_sha256,sha256,licence,credit,duration_s,"
    "source_rate_hz"
)


def write_set(folder: Path, splits: dict[str, tuple[str, ...]]) -> Path:
    """A prepared set: of each kind a recording of noise for each split named, by its number."""
    rows = [TABLE_HEADER]
    for index, (kind, each) in enumerate(splits.items()):
        for number, split in enumerate(each):
            rng = np.random.default_rng((index, number))
            path = f"recordings/{kind}/{number}.wav"
            digest = hash_file(write_sound(folder / path, rng.standard_normal(4000) * 0.1)).sha256
            rows.append(
                f"{kind},recording,{number},{path},{split},s,p,1,{kind}{number}.ogg,x,{digest},MIT,me,0.25,16000"
            )
    (folder / "table.csv").write_text("\n".join(rows) + "\n")
    return folder


def tell_sources(bundle: Path, table: Path, target: Path) -> Path:
    """A copy of a bundle that says that it was made with the files of a table."""
    shutil.copytree(bundle, target)
    shutil.copyfile(table, target / "sources.csv")
    manifest = json.loads((target / "bundle.json").read_text())
    manifest["documents"]["sources.csv"] = asdict(hash_file(target / "sources.csv"))
    (target / "bundle.json").write_text(json.dumps(manifest))
    return target


def add_kinds(folder: Path) -> Path:
    """Let the bundle in `folder` say that it knows the kinds of `COLOURS`."""
    kinds = [{"kind": kind, "caption": f"a {kind}", "alt_captions": [], "repeat": "repeating"} for kind in COLOURS]
    (folder / "kinds.json").write_text(json.dumps(kinds))
    manifest = json.loads((folder / "bundle.json").read_text())
    manifest["documents"]["kinds.json"] = asdict(hash_file(folder / "kinds.json"))
    (folder / "bundle.json").write_text(json.dumps(manifest))
    return folder


@pytest.fixture(scope="session")
def bundle_with_kinds(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return add_kinds(build_tiny_bundle(tmp_path_factory.mktemp("evaluated")))


@pytest.fixture(scope="session")
def bundle_in_text_space(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One whose conditions can be laid beside the vectors of texts, as in the starter."""
    return add_kinds(build_tiny_bundle(tmp_path_factory.mktemp("evaluated"), out_width=32))


@pytest.fixture(scope="session")
def naming_bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One that names objects: ImageNet's classes, the first five of which are those of its kinds, and a segmenter."""
    folder = build_tiny_bundle(
        tmp_path_factory.mktemp("naming"),
        out_width=32,
        segmenter=True,
        classes=1000,
        kinds=len(COLOURS),
        prototypes=len(COLOURS),
        closer_look=True,
    )
    kinds = [{"kind": kind, "caption": f"a {kind}", "imagenet_classes": [i]} for i, kind in enumerate(COLOURS)]
    weights = {"bias": 4.0, "kind": 1.0, "prototype": 0.0, "other": 0.0}
    names = {"least_confidence": 0.2, "with_classes": weights, "without_classes": weights}
    manifest = json.loads((folder / "bundle.json").read_text())
    for name, document in (("kinds.json", kinds), ("names.json", names)):
        (folder / name).write_text(json.dumps(document))
        manifest["documents"][name] = asdict(hash_file(folder / name))
    (folder / "bundle.json").write_text(json.dumps(manifest))
    return folder


def write_photograph(folder: Path, name: str, labels: tuple[str, ...]) -> None:
    """A grey photograph with a square of another colour for each label, outlined as labelme does."""
    folder.mkdir(parents=True, exist_ok=True)
    image = np.full((120, 200, 3), 90, dtype=np.uint8)
    shapes = []
    for index, label in enumerate(labels):
        left = 10 + 60 * index
        image[30:80, left : left + 50] = (40 + 60 * index, 200 - 60 * index, 30)
        points = [[left, 30], [left + 50, 30], [left + 50, 80], [left, 80]]
        shapes.append({"label": label, "points": points, "group_id": None, "shape_type": "polygon"})
    assert cv2.imwrite(str(folder / f"{name}.png"), image)
    (folder / f"{name}.json").write_text(json.dumps({"shapes": shapes, "imagePath": f"{name}.png"}))


@pytest.fixture(scope="session")
def coloured_pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pictures")
    for kind, colour in COLOURS.items():
        write_cut_out(folder / kind / "one.png", colour)
        write_cut_out(folder / kind / "two.png", colour, size=(60, 40))
    write_cut_out(folder / "unicorn" / "one.png")
    return folder


def build_classifier(folder: Path, kinds: tuple[str, ...]) -> Path:
    """A tiny sound classifier with random weights."""
    torch.manual_seed(0)
    SoundClassifier(SoundClassifierConfig(kinds=kinds, widths=(8, 8, 8, 8), head_width=8)).save(folder)
    return folder


@pytest.fixture(scope="session")
def tiny_classifier(tmp_path_factory: pytest.TempPathFactory) -> Path:
    # 'engine' is missing on purpose: the classifier need not know every kind of the bundle.
    return build_classifier(tmp_path_factory.mktemp("classifier"), ("dog", "car", "sea", "siren", "drum"))
