"""Systems side by side, with a network that is quick to ask: what is wrong is named and counted."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from sounddesk.audio.files.wav_io import SoundFile
from sounddesk.domain.errors import BadInputError
from sounddesk.domain.errors import Cancelled
from sounddesk.domain.errors import OutputError
from sounddesk.engine.catalogue.model_store import ModelError
from sounddesk.engine.tasks import CancelToken
from sounddesk.evaluation.evaluation_clip import read_clip_manifest
from sounddesk.evaluation.sound_metrics.registry import METRICS
from sounddesk.evaluation.sound_metrics.registry import PreparedMetric
from sounddesk.evaluation.sound_metrics.registry import SoundMetric
from sounddesk.evaluation.sound_metrics.registry import mean_of
from sounddesk.evaluation.sound_metrics.registry import stacked
from sounddesk.evaluation.sound_metrics.registry import stacked_real
from sounddesk.evaluation.sound_networks.registry import NETWORKS
from sounddesk.evaluation.sound_networks.registry import NetworkEntry
from sounddesk.evaluation.sounds import sounds
from tests.evaluation.conftest import write_cut_out
from tests.evaluation.conftest import write_sound
from tests.page_reader import PageReader
from tests.private_paths import files_that_say

CLIPS = 12


class Loudness:
    """Hears how loud a sound is, and counts how often it was asked."""

    def __init__(self) -> None:
        self.asked = 0

    def hear(self, sound: SoundFile) -> dict[str, np.ndarray]:
        self.asked += 1
        return {"level": np.array([np.sqrt(np.mean(np.square(sound.mono)))], dtype=np.float32)}

    def see(self, image: np.ndarray, _mask: np.ndarray | None) -> dict[str, np.ndarray]:
        return {"light": np.array([image.mean() / 255], dtype=np.float32)}


def metric(name: str, prepare, **fields) -> SoundMetric:
    defaults = {"origin": "ours", "better": "lower", "network": "loudness", "title": name, "summary": "tells levels"}
    return SoundMetric(name=name, prepare=prepare, **{**defaults, **fields})


def level_error(evidence) -> PreparedMetric:
    return mean_of(np.abs(stacked(evidence, "level") - stacked_real(evidence, "level"))[:, 0])


def level_range(evidence) -> PreparedMetric:
    levels = stacked(evidence, "level")[:, 0]
    return PreparedMetric(figure=lambda rows: float(np.ptp(levels[rows])))


@pytest.fixture
def loudness() -> Iterator[Loudness]:
    network = Loudness()
    entry = NetworkEntry(name="loudness", label="loudness", version=1, load=lambda _: network)
    gone = replace(entry, name="gone", label="A network of elsewhere", model_ids=("vggish",))
    with (
        NETWORKS.added(entry),
        NETWORKS.added(gone),
        METRICS.added(metric("level-error", level_error, needs=("reference",))),
        METRICS.added(metric("level-range", level_range, better="higher")),
        METRICS.added(metric("lit", lambda e: mean_of([x.seen["light"][0] for x in e]), needs=("image",))),
        METRICS.added(metric("gone-metric", level_error, network="gone", origin="paper")),
    ):
        yield network


NAMES = ["level-error", "level-range", "lit", "gone-metric"]


@pytest.fixture
def work(tmp_path: Path) -> Path:
    """Real sounds, a system that is near to them and one that is far from them."""
    rng = np.random.default_rng(0)
    rows = []
    for index in range(CLIPS):
        write_sound(tmp_path / "real" / f"c{index}.wav", rng.standard_normal(4000) * 0.1)
        write_sound(tmp_path / "near" / f"c{index}.wav", rng.standard_normal(4000) * (0.1 + 0.001 * index))
        write_sound(tmp_path / "far" / f"c{index}.wav", rng.standard_normal(4000) * (0.2 + 0.002 * index))
        rows.append({"id": f"c{index}", "reference": f"real/c{index}.wav", "caption": "<b>noise</b>", "own": 1})
    write_cut_out(tmp_path / "p.png")
    for row in rows[:6]:
        row["image"] = "p.png"
    (tmp_path / "clips.jsonl").write_text("\n".join(json.dumps(row) for row in rows))
    return tmp_path


def evaluate(work: Path, **options):
    given = {"system": [f"near={work / 'near'}", f"far={work / 'far'}"], "metrics": NAMES, "models": work / "models"}
    return sounds.run(manifest=work / "clips.jsonl", **{"out": work / "report", **given, **options})


def test_the_better_system_is_found_and_the_page_tells_all(work: Path, loudness: Loudness) -> None:
    result = evaluate(work, examples=2)
    cells = result.cells
    assert list(cells) == ["Ground truth", "Noise", "near", "far"]
    near, far = cells["near"]["level-error"], cells["far"]["level-error"]
    assert near.value < 0.02 < 0.1 < far.value < 0.13
    assert near.low <= near.value <= near.high < far.low
    # Noise is as loud as the references, and half of the references is like the other half.
    assert cells["Noise"]["level-error"].value < 0.01
    assert cells["Ground truth"]["level-error"].note.startswith("half of the references")
    tests = {(each.metric, each.test): each for each in result.tests}
    told = tests["level-error", "paired t-test"]
    assert (told.first, told.other, told.clips) == ("near", "far", CLIPS)
    assert told.p < 0.001 and told.low < told.difference < told.high < 0
    assert told.verdict(better="lower") == "near" and told.verdict(better="higher") == "far"
    assert tests["level-range", "bootstrap"].clips == CLIPS
    assert cells["near"]["lit"].clips == 6
    # The name, the command that installs it, and no number.
    assert "sounddesk models install vggish" in result.not_measured["gone-metric"]
    assert all("gone-metric" not in row for row in cells.values())
    page = (work / "report" / "index.html").read_text()
    assert "&lt;b&gt;noise" in page and "<b>noise" not in page
    assert "sounddesk models install vggish" in page
    assert PageReader(page).problems == []
    document = json.loads((work / "report" / "figures.json").read_text())
    assert document["metrics"]["level-error"]["systems"]["near"]["value"] == near.value
    assert "systems" not in document["metrics"]["gone-metric"]
    assert (work / "report" / "examples" / "01-0.wav").is_file()
    assert files_that_say(work.name, work / "report") == []


@pytest.mark.parametrize("name", ["features", "features/loudness-1.jsonl", "examples"])
def test_links_under_names_of_its_own_lead_nowhere(work: Path, loudness: Loudness, name: str) -> None:
    (work / "hers").mkdir()
    (work / "hers" / "mine.txt").write_text("keep")
    planted = work / "report" / name
    planted.parent.mkdir(parents=True)
    if name == "examples":
        (work / "report" / "features").mkdir()  # else it is a folder of others, and refused as one
    planted.symlink_to(work / "hers" / "mine.txt" if planted.suffix else work / "hers")
    with pytest.raises(OutputError, match=f"{planted.name} is a link"):
        evaluate(work, examples=1)
    assert [(each.name, each.read_text()) for each in (work / "hers").iterdir()] == [("mine.txt", "keep")]


def test_a_second_run_hears_only_what_is_new(work: Path, loudness: Loudness) -> None:
    first = evaluate(work)
    assert loudness.asked == 4 * CLIPS  # two systems, references and noise
    assert evaluate(work).to_json() == first.to_json()
    assert loudness.asked == 4 * CLIPS
    journal = work / "report" / "features" / "loudness-1.jsonl"
    journal.write_text(journal.read_text()[:-30])  # as a kill leaves it
    write_sound(work / "far" / "c0.wav", np.ones(4000) * 0.3)
    again = evaluate(work)
    # The new sound, and the one whose row was cut off, whichever was last.
    assert 4 * CLIPS + 1 <= loudness.asked <= 4 * CLIPS + 2
    assert again.cells["far"]["level-error"].value > first.cells["far"]["level-error"].value


def test_what_is_wrong_is_named_and_counted_and_never_a_number(work: Path, loudness: Loudness) -> None:
    near = work / "near"
    (near / "c0.wav").unlink()
    (near / "c1.wav").write_bytes(b"")
    (near / "c2.wav").write_bytes(b"RIFF nonsense")
    (near / "c3.wav").rename(near / "c33.wav")
    write_sound(near / "c4.flac", np.ones(400))
    write_sound(near / "c5.wav", np.zeros(4000))
    write_sound(near / "c6.wav", np.ones(40) * 0.1)
    write_sound(near / "c7.wav", np.random.default_rng(1).standard_normal((9000, 2)) * 0.1, sample_rate_hz=22_050)
    (near / "c8.wav").write_bytes((near / "c9.wav").read_bytes())
    lines = (work / "clips.jsonl").read_text() + '\n{"id": "c11", "caption": "another"}\n'
    (work / "clips.jsonl").write_text(lines)
    result = evaluate(work)
    told = "\n".join(result.notes["near"])
    for expected in (
        "2 missing: c0, c3",
        "1 empty (0 bytes): c1",
        "1 not readable as sound: c2",
        "2 of no clip: c11, c33",
        "1 there in several formats, which are not told apart: c4",
        "1 silent, and measured as silence: c5",
        "1 shorter than 0.1 s: c6",
        "2 the same sound as another clip: c8, c9",
        "sample rates differ: 4 at 16000 Hz, 1 at 22050 Hz",
        "lengths differ: from 0.25 s to 0.41 s",
        "1 of another length than their reference: c7",
    ):
        assert expected in told
    assert result.notes["Manifest"] == ["1 ids stand there more than once and are left out: 'c11' in lines 12, 13"]
    assert result.cells["near"]["level-error"].clips == 5
    assert result.cells["far"]["level-error"].clips == CLIPS - 1
    assert next(each for each in result.tests if each.metric == "level-error").clips == 5


def test_pictures_that_cannot_be_seen_are_named_and_the_others_counted(work: Path, loudness: Loudness) -> None:
    rows = [json.loads(line) for line in (work / "clips.jsonl").read_text().splitlines()]
    (work / "broken.png").write_bytes(b"nonsense")
    rows[0]["image"], rows[1]["image"] = "broken.png", "gone.png"
    (work / "clips.jsonl").write_text("\n".join(json.dumps(row) for row in rows))
    result = evaluate(work, metrics=["lit"])
    assert result.cells["near"]["lit"].clips == 4
    told = result.notes["Pictures"]
    assert sorted(note.partition(":")[0] for note in told) == ["c0 cannot be seen", "c1 cannot be seen"]
    assert "broken.png" in " ".join(told) and "gone.png" in " ".join(told)
    rows[2]["image"] = "broken.png"
    (work / "clips.jsonl").write_text("\n".join(json.dumps(row) for row in rows))
    told = evaluate(work, metrics=["lit"]).notes["Pictures"]
    assert [note.partition(" ")[0] for note in told] == ["c0", "c1", "c2"]


def test_another_picture_of_the_same_name_is_seen_anew(work: Path, loudness: Loudness) -> None:
    before = evaluate(work, metrics=["lit"]).cells["near"]["lit"].value
    Image.new("RGB", (32, 32), "white").save(work / "p.png")
    after = evaluate(work, metrics=["lit"]).cells["near"]["lit"].value
    assert before < after == pytest.approx(1.0)


def test_a_folder_of_other_things_is_left_alone(work: Path, loudness: Loudness) -> None:
    (work / "report").mkdir()
    (work / "report" / "index.html").write_text("mine")
    with pytest.raises(BadInputError, match="holds other files: name an empty folder"):
        evaluate(work, metrics=["level-range"])
    assert (work / "report" / "index.html").read_text() == "mine"
    with pytest.raises(BadInputError, match="is a file: choose a folder"):
        evaluate(work, metrics=["level-range"], out=work / "clips.jsonl")


def test_a_report_without_any_network_is_brought_up_to_date(work: Path, loudness: Loudness) -> None:
    assert "gone-metric" in evaluate(work, metrics=["gone-metric"]).not_measured
    assert evaluate(work).cells["near"]["level-error"].clips == CLIPS


def test_too_few_clips_give_no_figure(work: Path, loudness: Loudness) -> None:
    with METRICS.added(metric("demanding", level_error, needs=("reference",), least_clips=CLIPS + 1)):
        result = evaluate(work, metrics=["demanding"])
    assert "12 clips: it needs 13" in result.not_measured["demanding"]
    assert result.tests == ()


@pytest.mark.parametrize(
    ("systems", "message"),
    [
        (["near"], "'near' is no system: write NAME=FOLDER"),
        (["a=nowhere"], "nowhere is not a folder"),
        (["a={work}/near", "a={work}/far"], "the name 'a' is taken"),
        (["Noise={work}/near"], "the name 'Noise' is taken"),
        (["a={work}"], "holds no sound of any clip (12 missing)"),
    ],
)
def test_systems_that_cannot_be(systems: list[str], message: str, work: Path, loudness: Loudness) -> None:
    with pytest.raises(BadInputError) as caught:
        evaluate(work, system=[text.format(work=work) for text in systems])
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "names no clip"),
        ('{"id": "a"}\n{"id": "a"}', "names no clip that has an id of its own"),
        ('{"id": "a"}\n{"image": "x"}', "line 2: id is missing"),
        ('{"id": "../a"}', "is no name of a file"),
        ('{"id": ""}', "id is ''"),
        ('{"id": "a", "labels": "dog"}', "labels is .dog.: expected a list"),
        ("{", "line 1: not JSON"),
    ],
)
def test_manifests_that_cannot_be(text: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "clips.jsonl").write_text(text)
    with pytest.raises(BadInputError, match=message):
        read_clip_manifest(tmp_path / "clips.jsonl")


def test_a_stop_keeps_what_was_heard(work: Path, loudness: Loudness) -> None:
    cancel = CancelToken()

    def stop(progress) -> None:
        if progress.stage == "loudness" and progress.done >= 5:
            cancel.cancel()

    with pytest.raises(Cancelled):
        evaluate(work, progress=stop, cancel=cancel)
    heard = len((work / "report" / "features" / "loudness-1.jsonl").read_text().splitlines())
    assert heard >= 5
    before = loudness.asked
    evaluate(work)
    assert loudness.asked - before <= 4 * CLIPS - 5


def test_a_network_that_is_not_installed_names_the_command() -> None:
    from sounddesk.evaluation.sound_networks.registry import load_network

    with (
        NETWORKS.added(
            NetworkEntry(name="gone", label="Gone", version=1, load=lambda _: Loudness(), model_ids=("vggish",))
        ),
        pytest.raises(ModelError, match="Gone is not installed: run 'sounddesk models install vggish'"),
    ):
        load_network("gone", models=Path("nowhere"))
