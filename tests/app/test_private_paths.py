"""What is written beside the user's sounds, or into what she hands on, names no folder of hers."""

from __future__ import annotations

import hashlib
import json
import shutil
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from sounddesk.app.project.project_reading import read_project_file
from sounddesk.app.runtime.crash_reports import report
from sounddesk.app.services import Services
from sounddesk.app.settings import Settings
from sounddesk.audio.exchange.exchange_format import exchange_formats
from sounddesk.audio.formats.audio_format import audio_formats
from sounddesk.cli.main import main
from sounddesk.domain.project import ImageInfo
from sounddesk.domain.project import Project
from sounddesk.domain.take import Take
from sounddesk.domain.take_placement import with_take_placed
from sounddesk.domain.tiled_mask import TiledMask
from sounddesk.engine.bundles.bundle_reference import portable_reference
from sounddesk.engine.bundles.installed_bundles import find_bundle
from sounddesk.engine.types import BundleError
from sounddesk.storage.project_file import read_project
from sounddesk.storage.project_file import write_project
from sounddesk.storage.project_reader import ProjectContents
from sounddesk.training.export import _without_folders
from tests.private_paths import files_that_say

SECRET = "Acme-Unannounced-Film"
QUICK = ("--seconds", "1", "--steps", "1", "--device", "cpu", "--quiet")


@pytest.fixture
def client(tmp_path: Path, bundle_folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A client's folder with frames, a mask and a bundle; the current folder is beside it."""
    folder = tmp_path / "clients" / SECRET
    (folder / "plates").mkdir(parents=True)
    pixels = np.full((60, 80, 3), 120, np.uint8)
    pixels[20:40, 20:60] = (200, 40, 40)
    for number in (1, 2):
        Image.fromarray(pixels).save(folder / "plates" / f"f.{number}.png")
    Image.fromarray((pixels[..., 0] > 150).astype(np.uint8) * 255).save(folder / "mask.png")
    shutil.copytree(bundle_folder, folder / "models" / "tuned")
    (tmp_path / "work").mkdir()
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.chdir(tmp_path / "work")
    return folder


def test_a_render_and_its_repetition(client: Path) -> None:
    bundle = client / "models" / "tuned"
    asked = (*QUICK, "--mask", f"dog@{client}/mask.png", "--bundle", str(bundle))
    assert main(["render", str(client / "plates" / "f.1.png"), *asked, "--out", "r"]) == 0
    assert files_that_say(SECRET, Path("r")) == []
    # On this computer it can be made again without naming the bundle's folder.
    image = (str(client / "plates" / "f.1.png"), "--quiet", "--device", "cpu")
    assert main(["render", "--recipe", "r/recipe.json", *image, "--out", "again"]) == 0
    assert Path("r/dog.wav").read_bytes() == Path("again/dog.wav").read_bytes()
    assert files_that_say(SECRET, Path("again")) == []
    # Elsewhere the message says what to do; a recipe of before names a folder, and is read as ever.
    recipe = json.loads(Path("r/recipe.json").read_text())
    shutil.move(bundle, client / "moved")
    assert main(["render", "--recipe", "r/recipe.json", *image, "--out", "no"]) == 2
    named = (*image, "--bundle", str(client / "moved"))
    assert main(["render", "--recipe", "r/recipe.json", *named, "--out", "named"]) == 0
    recipe["bundle"]["name"] = str(client / "moved")
    Path("r/old.json").write_text(json.dumps(recipe))
    assert main(["render", "--recipe", "r/old.json", *image, "--out", "old"]) == 0
    assert files_that_say(SECRET, Path("old")) == []


@pytest.mark.parametrize("bed", [False, True])
def test_a_batch(client: Path, bed: bool) -> None:
    asked = ["--mask", f"dog@{client}/mask.png", "--follow", "fixed", "--bundle", str(client / "models" / "tuned")]
    length = ["--bed", "--fps", "2", "--steps", "1", "--device", "cpu", "--quiet"] if bed else [*QUICK]
    assert main(["batch", str(client / "plates"), *asked, *length, "--workers", "1", "--out", "out"]) == 0
    assert len(list(Path("out").rglob("*.wav"))) > 0
    assert files_that_say(SECRET, Path("out")) == []


def made_project(bundle: str) -> ProjectContents:
    picture = Path(f"../clients/{SECRET}/plates/f.1.png").read_bytes()
    image = ImageInfo(sha256=hashlib.sha256(picture).hexdigest(), name="f.1.png", width=80, height=60)
    project = Project(image=image).with_settings(bundle=bundle, timeline_s=1.0)
    project, dog = project.with_new_object(name="dog", mask=TiledMask.from_array(np.ones((60, 80), bool)))
    noise = np.random.default_rng(0).standard_normal(16_000).astype(np.float32) * 0.1
    recipe = {"bundle": find_bundle(bundle).name, "bundle_sha256": find_bundle(bundle).sha256}
    take = Take(
        id="t", object_id=dog, number=1, seed=1, waveform=noise, sample_rate_hz=16_000, created="", recipe=recipe
    )
    project = with_take_placed(project, dog, take.id, take.seconds)
    return ProjectContents(project=project, takes=(take,), images={image.sha256: picture})


@pytest.mark.parametrize("audio", [each.name for each in audio_formats()])
def test_an_export_in_every_format_for_every_program(client: Path, audio: str) -> None:
    write_project(client / "p.sdesk", made_project(str(client / "models" / "tuned")))
    programs = ",".join(each.name for each in exchange_formats() if not each.module or find_spec(each.module))
    more = ("--daw", programs, "--what", "stems,mix,clips,takes") if audio == "wav24" else ()
    assert main(["export", str(client / "p.sdesk"), "--out", "out", "--format", audio, *more, "--quiet"]) == 0
    assert len(list(Path("out").iterdir())) > 2
    assert files_that_say(SECRET, Path("out")) == []


def test_a_project_begun_in_the_window_and_one_of_before(client: Path, qapp: object) -> None:
    bundle = str(client / "models" / "tuned")
    services = Services(Settings(), bundle=bundle)
    begun = services.bundle_of_new_projects
    services.close()
    assert begun == portable_reference(bundle) == f"{find_bundle(bundle).name}@{find_bundle(bundle).sha256[:16]}"
    assert find_bundle(begun).folder == client / "models" / "tuned"
    Path("kept").mkdir()
    write_project(Path("kept/new.sdesk"), made_project(begun))
    # One of before names the folder; once it was opened and saved it does so no more.
    write_project(client / "old.sdesk", made_project(bundle))
    read = read_project_file(client / "old.sdesk")
    read.lock.release()
    assert read.contents.project.settings.bundle == begun
    write_project(Path("kept/old.sdesk"), read.contents)
    assert files_that_say(SECRET, Path("kept")) == []
    assert read_project(Path("kept/old.sdesk")).project.settings.bundle == begun
    # Nothing is asked of a server because a project names it, and no folder is kept of a bundle that is gone.
    assert portable_reference(f"//{SECRET}/share/tuned") == "tuned"
    assert portable_reference(f"\\\\{SECRET}\\share\\tuned") == "tuned"
    assert portable_reference(f"/mnt/{SECRET}/tuned") == "tuned"
    with pytest.raises(BundleError, match="name its folder with --bundle"):
        find_bundle("tuned@0123456789abcdef")


def test_a_report_for_us(client: Path, qapp: object) -> None:
    settings = Settings()
    settings.bundle = str(client / "models" / "tuned")
    crash = f'File "{client}/x.py", line 1\nOSError: {client}/plates/f.1.png cannot be read'
    assert SECRET not in report(settings, crash=crash)
    assert "f.1.png" in report(settings, crash=crash)


def test_a_bundle_that_was_trained_here(tmp_path: Path) -> None:
    recipe = {"data": f"/home/{SECRET}/sounds", "run_dir": "run", "model": {"base": [f"/{SECRET}/tuned", 1, "tiny"]}}
    assert _without_folders(recipe) == {"data": "sounds", "run_dir": "run", "model": {"base": ["tuned", 1, "tiny"]}}
