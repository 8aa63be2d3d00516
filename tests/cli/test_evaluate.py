from __future__ import annotations

import json
from pathlib import Path

import pytest

from sounddesk.engine.session import EngineSession
from sounddesk.evaluation.measures.registry import MEASURES
from sounddesk.evaluation.measures.registry import MeasureEntry
from sounddesk.evaluation.measures.registry import MeasureOption
from sounddesk.evaluation.measures.registry import MeasureReport
from sounddesk.evaluation.measures.registry import in_range
from tests.cli.conftest import Run
from tests.cli.conftest import files_in
from tests.evaluation.conftest import add_kinds
from tests.evaluation.conftest import build_classifier
from tests.evaluation.conftest import write_cut_out
from tests.tiny_bundle import build_tiny_bundle


@pytest.fixture(scope="module")
def knowing_bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return add_kinds(build_tiny_bundle(tmp_path_factory.mktemp("knowing")))


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    for kind in ("dog", "car", "siren", "engine", "unicorn"):
        write_cut_out(tmp_path / "pictures" / kind / "one.png")
    return tmp_path / "pictures"


@pytest.mark.parametrize("measure", [entry.name for entry in MEASURES if entry.takes_pictures])
def test_pictures_that_cannot_be_used(measure: str, run: Run, bundle_folder: Path, tmp_path: Path) -> None:
    needed = [option.flag for option in MEASURES.get(measure).options if option.required]
    out = [text for flag in needed for text in (flag, str(tmp_path / "out"))]
    ended = run("evaluate", measure, "--pictures", str(tmp_path / "none"), "--bundle", str(bundle_folder), *out)
    assert ended.code == 2, ended.err
    assert "none" in ended.err
    assert "KIND/*.png" in ended.err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--scenes", "0"], "scenes is 0"),
        (["--seed", "-1"], "seed is -1"),
        (["--seconds", "0"], "1 s to 60 s"),
        (["--bundle", "nowhere"], "'nowhere'"),
    ],
)
def test_a_value_out_of_range(arguments: list[str], message: str, run: Run, tmp_path: Path) -> None:
    ended = run("evaluate", "right-object", "--pictures", str(tmp_path), *arguments)
    assert ended.code == 2
    assert message in ended.err


@pytest.mark.slow
def test_a_gallery_and_another_beside_it(run: Run, knowing_bundle: Path, pictures: Path, tmp_path: Path) -> None:
    out = tmp_path / "gallery"
    arguments = ["evaluate", "gallery", "--pictures", str(pictures), "--bundle", str(knowing_bundle)]
    arguments += ["--kinds", "dog, car", "--seconds", "1", "--out", str(out)]
    ended = run(*arguments)
    assert ended.code == 0, ended.err
    assert ended.out.startswith("gallery: ")
    assert ended.out.rstrip().endswith(str(out / "index.html"))
    assert "gallery [" in ended.err
    assert {"index.html", "gallery.json", "kinds/dog/take.wav", "kinds/car/overlay.jpg"} <= files_in(out)
    again = run(*arguments, "--json")
    assert again.code == 0, again.err
    assert again.document["page"] == str(tmp_path / "gallery-2" / "index.html")
    assert "beside it" in again.err
    figures = json.loads((out / "gallery.json").read_text())
    assert {key: value for key, value in again.document.items() if key != "page"} == figures


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--takes", "0"], "takes is 0: choose from 1 to 100"),
        (["--takes", "101"], "takes is 101"),
        (["--seconds", "99"], "1 s to 60 s"),
        (["--kinds", "dgo"], "did you mean dog"),
        (["--recordings", "nowhere"], "nowhere is not a folder: name one that holds KIND/*.flac"),
        (["--backgrounds", "nowhere"], "nowhere holds no readable background"),
    ],
)
def test_a_gallery_that_cannot_be_made(
    arguments: list[str], message: str, run: Run, knowing_bundle: Path, pictures: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    ended = run(
        "evaluate",
        "gallery",
        "--pictures",
        str(pictures),
        "--bundle",
        str(knowing_bundle),
        "--out",
        str(out),
        *arguments,
    )
    assert ended.code == 2, ended.err
    assert message in ended.err
    assert not out.exists()


def test_a_gallery_into_a_file(run: Run, knowing_bundle: Path, pictures: Path, tmp_path: Path) -> None:
    (tmp_path / "out").write_text("mine")
    ended = run(
        "evaluate",
        "gallery",
        "--pictures",
        str(pictures),
        "--bundle",
        str(knowing_bundle),
        "--out",
        str(tmp_path / "out"),
    )
    assert ended.code == 2
    assert "choose a folder" in ended.err
    assert (tmp_path / "out").read_text() == "mine"


def test_ctrl_c_leaves_nothing_of_a_gallery(
    run: Run, knowing_bundle: Path, pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(EngineSession, "generate", interrupted)
    out = tmp_path / "deep" / "out"
    ended = run("evaluate", "gallery", "--pictures", str(pictures), "--bundle", str(knowing_bundle), "--out", str(out))
    assert ended.code == 130
    assert "nothing was written" in ended.err
    assert not (tmp_path / "deep").exists()


@pytest.mark.slow
def test_right_object_says_which_kinds_are_confused(
    run: Run, knowing_bundle: Path, pictures: Path, tmp_path: Path
) -> None:
    classifier = build_classifier(tmp_path / "classifier", ("dog", "car", "siren", "engine", "drum", "bell"))
    ended = run(
        "evaluate", "right-object", "--pictures", str(pictures), "--bundle", str(knowing_bundle), "--scenes", "2",
        "--seconds", "1", "--confusion", "--classifier", str(classifier),
    )  # fmt: skip
    assert ended.code == 0, ended.err
    first, *rows = ended.out.splitlines()
    assert "among all 6 kinds" in first
    # Random weights take every sound for the same kind.
    assert rows
    assert all(" wrong, " in row for row in rows)


def test_a_classifier_that_is_none(run: Run, knowing_bundle: Path, pictures: Path, tmp_path: Path) -> None:
    ended = run(
        "evaluate", "gallery", "--pictures", str(pictures), "--bundle", str(knowing_bundle), "--out",
        str(tmp_path / "out"), "--classifier", str(tmp_path),
    )  # fmt: skip
    assert ended.code == 2
    assert f"{tmp_path} is no sound classifier" in ended.err


def test_a_registered_measure_is_a_subcommand(run: Run, bundle_folder: Path, pictures: Path) -> None:
    def count(pictures: Path, *, kinds: tuple[str, ...], least: int, **_: object) -> MeasureReport:
        found = [kind for kind in kinds if len(list((pictures / kind).glob("*.png"))) >= least]
        return MeasureReport(line=f"{len(found)} kinds", document={"kinds": found}, details=found, notes=["counted"])

    options = (
        MeasureOption(flag="--kinds", help="of these", kind="names", metavar="KIND,...", required=True),
        MeasureOption(flag="--least", help="pictures", kind="whole number", default=1, check=in_range("least", 1, 9)),
    )
    entry = MeasureEntry(name="count", summary="how many kinds have pictures", measure=count, options=options)
    command = ["evaluate", "count", "--pictures", str(pictures), "--bundle", str(bundle_folder), "--kinds", "dog, cow"]
    with MEASURES.added(entry):
        assert "how many kinds have pictures" in run("evaluate", "--help").out
        assert "(default: 1)" in run("evaluate", "count", "--help").out
        ended = run(*command)
        assert (ended.code, ended.out.splitlines()) == (0, ["1 kinds", "dog"])
        assert "counted" in ended.err
        assert run(*command, "--json").document == {"kinds": ["dog"]}
        assert run(*command, "--least", "2", "--json").document == {"kinds": []}
        refused = run(*command, "--least", "0")
        assert refused.code == 2
        assert "least is 0: choose from 1 to 9" in refused.err
    assert run(*command).code == 2


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "name either --photographs FOLDER or --pictures FOLDER"),
        (["--photographs", "{folder}", "--pictures", "{folder}"], "name either --photographs FOLDER"),
        (["--pictures", "{folder}", "--split", "tune"], "--split and --page are of photographs"),
        (["--photographs", "{folder}"], "holds no outlined photograph"),
        (["--photographs", "{folder}/none"], "none is not a folder"),
    ],
)
def test_photographs_or_pictures(arguments: list[str], message: str, run: Run, tmp_path: Path) -> None:
    ended = run("evaluate", "segmenter", *[each.format(folder=tmp_path) for each in arguments])
    assert ended.code == 2
    assert message in ended.err


def test_what_only_fetches_has_no_options_of_a_bundle(run: Run) -> None:
    told = run("evaluate", "photographs", "--help").out
    assert "--packages FOLDER" in told
    assert "--pictures" not in told
    assert "--bundle" not in told
