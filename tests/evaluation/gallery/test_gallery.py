"""The gallery of a tiny bundle: everything on the page is there, and nothing is left where it does not end."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import soundfile

from sounddesk.audio.metering.loudness import Levels
from sounddesk.domain.errors import BadInputError
from sounddesk.domain.errors import Cancelled
from sounddesk.domain.errors import OutputError
from sounddesk.engine.tasks import CancelToken
from sounddesk.engine.types import SamplingSettings
from sounddesk.evaluation.gallery import gallery
from sounddesk.evaluation.gallery.gallery_page import gallery_page
from sounddesk.evaluation.gallery.gallery_result import GalleryKind
from sounddesk.evaluation.gallery.gallery_result import GalleryResult
from sounddesk.evaluation.gallery.gallery_result import GalleryTake
from sounddesk.evaluation.gallery.gallery_result import HeardSound
from sounddesk.evaluation.gallery.gallery_result import worst_first
from sounddesk.evaluation.picture_folder import PictureFolder
from tests.evaluation.conftest import write_cut_out
from tests.page_reader import PageReader
from tests.private_paths import files_that_say

QUICK = SamplingSettings(preset="fast", steps=2)


@pytest.fixture
def recordings(tmp_path: Path) -> Path:
    folder = tmp_path / "recordings" / "Sea"
    folder.mkdir(parents=True)
    soundfile.write(folder / "waves.flac", 0.1 * np.random.default_rng(0).standard_normal(48_000), 16_000)
    return folder.parent


@pytest.fixture
def options(bundle_with_kinds, tiny_classifier):
    return {"bundle": bundle_with_kinds, "classifier": tiny_classifier, "seconds": 1.0, "sampling": QUICK}


def files_below(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*"))


@pytest.mark.slow
def test_page_shows_every_kind_and_links_to_what_is_there(
    tmp_path, bundle_in_text_space, coloured_pictures, recordings, options
):
    reports = []
    out = tmp_path / "new" / "gallery"
    result = gallery.run(
        coloured_pictures,
        out=out,
        takes=2,
        recordings=recordings,
        progress=reports.append,
        **{**options, "bundle": bundle_in_text_space},
    )
    # 'engine' is known to the bundle but not to the classifier, 'unicorn' to neither.
    assert {kind.name for kind in result.kinds} == {"dog", "car", "sea", "siren"}
    assert [kind.mean_probability for kind in worst_first(result.kinds)] == [k.mean_probability for k in result.kinds]
    assert (reports[-1].stage, reports[-1].done, reports[-1].total) == ("gallery", 8, 8)
    page = PageReader((out / "index.html").read_text(encoding="utf-8"))
    assert page.problems == []
    assert page.broken_links(out) == []
    assert files_that_say(tmp_path.name, out) == []
    assert {"kind-dog", "kind-sea"} <= set(page.ids)
    assert sum(tag == "article" for tag, _ in page.tags) == 4
    assert sum(tag == "audio" for tag, _ in page.tags) == 4 * 2 + 1
    # Picture, mask and spectrogram of every take, and the spectrogram of the recording.
    assert sum(tag == "img" for tag, _ in page.tags) == 4 * 2 * 3 + 1
    assert "real: Sea/waves.flac" in page.text
    assert "engine, unicorn" in page.text
    linked = set(page.links)
    shown = [name for name in files_below(out) if (out / name).is_file() and name != "index.html"]
    assert set(shown) <= linked
    data = json.loads((out / "gallery.json").read_text())
    assert data == json.loads(json.dumps(result.to_json()))
    takes = [take for kind in data["kinds"] for take in kind["takes"]]
    assert len(takes) == data["heard_right"]["trials"] == data["seen_right"]["trials"] == 8
    assert all(len(take["heard"]) == len(take["seen"]) == 3 and -1 <= take["own_cosine"] <= 1 for take in takes)
    # Both pictures of a kind are used.
    assert {take["cut_out"] for take in takes} >= {"dog/one.png", "dog/two.png"}
    for take in takes:
        sound = soundfile.info(out / take["sound"])
        assert (sound.frames, sound.samplerate, sound.channels) == (16_000, 16_000, 1)
        mask = cv2.imread(str(out / take["mask"]), cv2.IMREAD_UNCHANGED)
        assert set(np.unique(mask)) == {0, 255}
        assert cv2.imread(str(out / take["picture"])).shape[:2] == mask.shape


def test_picture_is_the_one_under_the_mask(tmp_path, coloured_pictures, options):
    gallery.run(coloured_pictures, out=tmp_path / "g", kinds=("sea",), **options)
    image = cv2.imread(str(tmp_path / "g" / "kinds" / "sea" / "picture.jpg"))
    mask = cv2.imread(str(tmp_path / "g" / "kinds" / "sea" / "mask.png"), cv2.IMREAD_GRAYSCALE) > 0
    blue, green, red = image[mask].mean(axis=0)
    assert blue > 180
    assert max(green, red) < 60


@pytest.mark.slow
def test_takes_of_a_kind_do_not_depend_on_the_others(tmp_path, coloured_pictures, options):
    alone = gallery.run(coloured_pictures, out=tmp_path / "a", kinds=("Siren",), **options)
    among = gallery.run(coloured_pictures, out=tmp_path / "b", kinds=("dog", "siren"), **options)
    assert alone.kinds[0] == next(kind for kind in among.kinds if kind.name == "siren")
    for name in ("take.wav", "take.png", "picture.jpg", "overlay.jpg", "mask.png"):
        path = Path("kinds") / "siren" / name
        assert (tmp_path / "a" / path).read_bytes() == (tmp_path / "b" / path).read_bytes()
    other = gallery.run(coloured_pictures, out=tmp_path / "c", kinds=("siren",), seed=1, **options)
    assert other.kinds[0].takes[0].seed != alone.kinds[0].takes[0].seed


def test_bundle_in_another_space_does_not_say_what_it_saw(tmp_path, coloured_pictures, options):
    result = gallery.run(coloured_pictures, out=tmp_path / "g", kinds=("dog",), **options)
    assert result.seen_right is None
    assert {take.outcome for take in result.takes} <= {"right", "wrong"}
    page = PageReader((tmp_path / "g" / "index.html").read_text(encoding="utf-8"))
    assert page.problems == []
    assert "seen as" not in page.text
    assert "pictures seen" not in result.line()


def test_nothing_is_overwritten(tmp_path, coloured_pictures, options):
    out = tmp_path / "g"
    out.mkdir()
    (out / "index.html").write_text("mine")
    result = gallery.run(coloured_pictures, out=out, kinds=("dog",), **options)
    assert files_below(out) == ["index.html"]
    assert (out / "index.html").read_text() == "mine"
    assert result.place == tmp_path / "g-2"
    assert result.page.is_file()


@pytest.mark.parametrize("after", [0, 1, 3])
def test_cancelled_it_leaves_nothing(tmp_path, coloured_pictures, options, after):
    cancel = CancelToken()

    def stop(report):
        if report.stage == "gallery" and report.done == after:
            cancel.cancel()

    with pytest.raises(Cancelled):
        gallery.run(coloured_pictures, out=tmp_path / "a" / "b", progress=stop, cancel=cancel, **options)
    assert files_below(tmp_path) == []


def test_folder_that_cannot_be_written_is_known_before_anything_is_made(tmp_path, coloured_pictures, options):
    (tmp_path / "file").write_text("")
    reports = []
    with pytest.raises(OutputError, match="it is a file: choose a folder"):
        gallery.run(coloured_pictures, out=tmp_path / "file", progress=reports.append, **options)
    assert reports == []


@pytest.mark.parametrize(
    ("kinds", "message"),
    [
        (("sirene",), "kind 'sirene' is not known to bundle and classifier: did you mean siren"),
        (("engine",), "kind 'engine' is not known"),
        (("xylophone",), "see its kinds.json"),
    ],
)
def test_unknown_kinds_are_refused(tmp_path, coloured_pictures, options, kinds, message):
    with pytest.raises(BadInputError, match=message):
        gallery.run(coloured_pictures, out=tmp_path / "g", kinds=kinds, **options)


def test_kinds_without_a_picture(tmp_path, options):
    write_cut_out(tmp_path / "pictures" / "dog" / "one.png")
    with pytest.raises(BadInputError, match="no usable picture of car, sea: add one"):
        gallery.run(tmp_path / "pictures", out=tmp_path / "g", kinds=("sea", "dog", "car"), **options)
    result = gallery.run(tmp_path / "pictures", out=tmp_path / "g", **options)
    assert result.without_picture == ("car", "sea", "siren")
    assert "car, sea, siren" in PageReader(result.page.read_text()).text


@pytest.mark.parametrize(("change", "message"), [({"takes": 0}, "takes is 0"), ({"seconds": 0.2}, "length is 0.2 s")])
def test_values_out_of_range_are_refused(tmp_path, coloured_pictures, options, change, message):
    with pytest.raises(ValueError, match=message):
        gallery.run(coloured_pictures, out=tmp_path / "g", **{**options, **change})


# ---------------------------------------------------------------- of known figures


def take(kind: str, heard: str | None, seen: str | None, *, probability: float = 0.5, number: int = 1) -> GalleryTake:
    sound = HeardSound(
        kind=kind,
        heard=() if heard is None else ((heard, 0.6), ("drum", 0.2), ("bell", 0.1)),
        probability=probability,
        levels=Levels(peak_dbfs=-6.0, true_peak_dbtp=-5.9, rms_dbfs=-20.0, lufs=-21.0),
        sound_file="s.wav",
        spectrogram_file="s.png",
    )
    return GalleryTake(
        number=number,
        cut_out="a/b.png",
        size=(640, 480),
        seed=1,
        sound=sound,
        seen=() if seen is None else ((seen, 0.7), ("drum", 0.2), ("bell", 0.1)),
        own_cosine=None if seen is None else 0.3,
        picture_file="p.jpg",
        overlay_file="o.jpg",
        mask_file="m.png",
        notes=("quiet & short",),
    )


def kind(name: str, *takes: GalleryTake) -> GalleryKind:
    return GalleryKind(name=name, caption=f"a {name}", takes=takes, recording=None)


def result(*kinds: GalleryKind) -> GalleryResult:
    return GalleryResult(
        place=Path("out"),
        bundle="b",
        bundle_sha256="0" * 64,
        seed=0,
        seconds=5.0,
        sampling=SamplingSettings(),
        sample_rate_hz=16_000,
        known_kinds=9,
        kinds=worst_first(kinds),
        without_picture=(),
        pictures=PictureFolder(cut_outs={}, skipped_kinds={}, skipped_pictures={}),
    )


def test_what_failed():
    assert take("dog", "dog", "cat").outcome == "right"
    assert take("dog", None, "dog").outcome == "silent"
    assert take("dog", "cat", "cat").outcome == "picture"
    assert take("dog", "cat", "dog").outcome == "sound"
    assert take("dog", "cat", None).outcome == "wrong"


def test_figures_of_a_known_case():
    made = result(
        kind("dog", take("dog", "dog", "dog", probability=0.9), take("dog", "wolf", "cat", probability=0.1, number=2)),
        kind("bee", take("bee", "fly", "bee", probability=0.2)),
        kind("cow", take("cow", None, "cow", probability=0.0)),
        kind("car", take("car", "car", "car", probability=0.8)),
    )
    assert [each.name for each in made.kinds] == ["cow", "bee", "dog", "car"]
    assert (made.heard_right.hits, made.heard_right.trials) == (2, 5)
    assert (made.seen_right.hits, made.seen_right.trials) == (4, 5)
    data = made.to_json()
    assert data["outcomes"] == {"picture": 1, "right": 2, "silent": 1, "sound": 1}
    assert [(row["kind"], row["taken_for"], row["silent"]) for row in data["confusion"]] == [
        ("bee", {"fly": 1}, 0),
        ("cow", {}, 1),
        ("dog", {"wolf": 1}, 0),
    ]
    assert data["confusion_of_pictures"] == [{"kind": "dog", "trials": 2, "taken_for": {"cat": 1}, "silent": 0}]
    assert made.line().startswith("gallery: 0.400 (2 of 5, ")
    assert "4 of 5 pictures seen as their kind; failed 1 by the picture, 1 by the sound; 1 silent takes" in made.line()
    assert made.line().endswith(f": {Path('out') / 'index.html'}")
    assert "\n" not in made.line()
    page = PageReader(gallery_page(made))
    assert page.problems == []
    assert "1 of 2 right" in page.text
    assert "silent: nothing to judge" in page.text
    assert "quiet & short" in page.text
    # The own kind stands below the three best where it is none of them.
    assert "fly 0.60 drum 0.20 bell 0.10 bee 0.20" in page.text


def test_names_that_html_would_take_for_its_own():
    name = 'a<b> & "c"'
    page = PageReader(gallery_page(replace(result(kind(name, take(name, "<i>", name))), bundle="<x>")))
    assert page.problems == []
    assert page.text.count(name) >= 4
    assert "Gallery of <x>" in page.text
    assert [link for link in page.links if link.startswith("#kind")] == ["#kind-a_b_c"] * 2
    assert "kind-a_b_c" in page.ids


def test_a_page_without_failure_says_so():
    page = PageReader(gallery_page(result(kind("dog", take("dog", "dog", "dog")))))
    assert "Every take is heard as its own kind. Every picture is seen as its own kind." in page.text
    assert "failed none" in page.text
